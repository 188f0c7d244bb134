//! The command line: what master/service.c and imap/sync_server.c take with getopt.
//!
//! Parsed by hand: the options of Cyrus are single letters without long names, wrong ones must end with `EX_USAGE`, and an
//! option may not be written together with its value. Argument crates do the opposite of each. Those of this crate have long
//! names, so that they can never be mistaken for one of Cyrus's.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use sync_server::types::MailboxName;

use crate::fatal::{EX_USAGE, Fatal};

const USAGE: &str = "usage: sync_server [-C config-file] [-p ssf] [-U uses] [-T seconds] [-X] | --list-trash | --restore-trash name ...";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// Serve peers.
    Serve,
    /// `--list-trash`
    ListTrash,
    /// `--restore-trash`: the mailboxes; at least one.
    RestoreTrash(Vec<MailboxName>),
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    /// `-C`
    pub config: PathBuf,
    /// `-U`: how many connections one process serves; at least one.
    pub max_use: u32,
    /// `-T`: how long a process that has served waits for another connection; none is for ever.
    pub reuse_timeout: Option<Duration>,
    /// `-p`: bits of the key of what wraps connections outside of this process, such as stunnel.
    pub external_strength: u32,
    /// `-X`: serve standard input and output, whatever `master` gave.
    pub stdio: bool,
    /// What all this is for.
    pub task: Task,
}

impl Args {
    /// Reads the words behind the program's name.
    ///
    /// `-D` and `-f` are taken as the reference takes them, and do nothing.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Args, Fatal> {
        let mut args = Args {
            config: "/etc/imapd.conf".into(),
            max_use: 250,
            reuse_timeout: Some(Duration::from_secs(60)),
            external_strength: 0,
            stdio: false,
            task: Task::Serve,
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(usage);
            match word.to_str() {
                Some("-C") => args.config = value()?.into(),
                Some("-U") => args.max_use = number(value()?)?,
                Some("-T") => {
                    let seconds = number(value()?)?;
                    args.reuse_timeout = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                }
                Some("-p") => args.external_strength = number(value()?)?,
                Some("-X") => args.stdio = true,
                Some("-D" | "-f") => {}
                Some("--list-trash") => args.task = Task::ListTrash,
                Some("--restore-trash") => args.task = Task::RestoreTrash(names(&mut words)?),
                _ => return Err(usage()),
            }
        }
        Ok(args)
    }
}

/// A number; below 0 is 0, as in the reference.
fn number(word: OsString) -> Result<u32, Fatal> {
    let number = word.to_str().and_then(|word| word.parse::<i32>().ok());
    number.map(|number| number.max(0).cast_unsigned()).ok_or_else(usage)
}

/// All further words, as internal names of mailboxes.
fn names(words: impl Iterator<Item = OsString>) -> Result<Vec<MailboxName>, Fatal> {
    let name = |word: OsString| {
        let bad =
            |_| Fatal::new(EX_USAGE, format!("{} is no mailbox's internal name, as user.jane is", word.display()));
        MailboxName::parse(word.as_encoded_bytes()).map_err(bad)
    };
    let names: Vec<MailboxName> = words.map(name).collect::<Result<_, _>>()?;
    if names.is_empty() { Err(usage()) } else { Ok(names) }
}

fn usage() -> Fatal {
    Fatal::new(EX_USAGE, USAGE)
}
