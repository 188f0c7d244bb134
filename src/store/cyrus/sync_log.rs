//! The sync log: what has changed here, for those who follow it: a `sync_client -R` that hands it on to a further replica, a
//! `squatter -R` that keeps a search index.
//!
//! | file | one for |
//! |---|---|
//! | `sync/log` in the configuration directory | the default channel |
//! | `sync/CHANNEL/log` | each other one |
//!
//! | line | logged for |
//! |---|---|
//! | `MAILBOX name`, after `APPEND name` if there are new messages | a change of a mailbox |
//! | `META user` | a change of the mailbox that holds a user's scripts |
//! | `UNMAILBOX name` | a mailbox removed |
//! | `RENAME old new`, `MAILBOX old`, `MAILBOX new` | a mailbox renamed or moved |
//! | `UNUSER user` | a user removed |
//! | `SUB user name`, `SEEN user uniqueid`, `QUOTA root` | what they name |
//! | `ANNOTATION ""` | an annotation of the server; one of a mailbox is a change of the mailbox |
//!
//! A name with anything but atom characters is quoted, in internal form. Who follows a log takes it by renaming it, and locks it
//! before it reads: a file that was renamed is not written to any more.
//!
//! The lines of a change to a mailbox that is there are durable before the change is, and under its lock: who follows the log waits
//! for that, and no power cut leaves a change that is not logged. All others are logged when they are made, as by the reference.
//!
//! Source: `imap/sync_log.c` and its callers; the same in 3.6.1 and 3.12.3.

use super::{
    disk::{Deadline, Disk, Lock, lock_named, open_or_make},
    options::CyrusOptions,
    spool::Spool,
};
use crate::{
    event::Severity,
    ops::{Change, MailboxChange, Target},
    types::{MailboxName, UserId},
};
use std::{
    fmt::Display,
    io::{self, ErrorKind},
    path::Path,
};

/// How often a log is opened that is taken away before it is locked (`SYNC_LOG_RETRIES`).
const ATTEMPTS: usize = 64;

/// The lines of a change.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Entry {
    lines: String,
    /// Whether the mailbox is there, and locked: the lines then come first.
    is_before: bool,
}

impl Entry {
    /// What is logged for a change. `open` is the mailbox that a change of one is made to, with its last uid.
    pub(super) fn of(options: &CyrusOptions, change: &Change, open: Option<(&MailboxName, u32)>) -> Option<Entry> {
        if options.sync_log.is_empty() {
            return None;
        }
        let lines = match change {
            Change::Mailbox(change) => {
                let (name, last_uid) = open?;
                let is_before = matches!(change.target, Target::Existing);
                let lines = of_mailbox(options, name, change, if is_before { last_uid } else { 0 });
                return Some(Entry { lines, is_before });
            }
            Change::ListEntry { .. } => return None,
            Change::DeleteMailbox { name, .. } => line("UNMAILBOX", &[name.as_str()]),
            Change::RenameMailbox { old, new, .. } => {
                let (old, new) = (old.as_str(), new.as_str());
                line("RENAME", &[old, new]) + &line("MAILBOX", &[old]) + &line("MAILBOX", &[new])
            }
            Change::RemoveUser { user } => line("UNUSER", &[user.as_str()]),
            Change::Subscription { user, mailbox, .. } => line("SUB", &[user.as_str(), mailbox.as_str()]),
            Change::Seen { user, uniqueid, .. } => line("SEEN", &[user.as_str(), uniqueid.as_str()]),
            Change::Quota { root, .. } | Change::RemoveQuota { root } => line("QUOTA", &[root.as_str()]),
            Change::Annotation { mailbox: Some(name), .. } => line("MAILBOX", &[name.as_str()]),
            Change::Annotation { mailbox: None, .. } => line("ANNOTATION", &[""]),
        };
        Some(Entry { lines, is_before: false })
    }

    /// Logs it, unless that is to be done later.
    pub(super) fn before(&self, spool: &Spool) {
        if self.is_before {
            log(spool, &self.lines);
        }
    }

    /// Logs it, unless that was done.
    pub(super) fn after(&self, spool: &Spool) {
        if !self.is_before {
            log(spool, &self.lines);
        }
    }
}

/// The lines of a mailbox whose messages above a uid are new.
fn of_mailbox(options: &CyrusOptions, name: &MailboxName, change: &MailboxChange, last_uid: u32) -> String {
    let mut records = change.records.iter().map(|changed| &changed.record);
    let is_appended = records.any(|record| record.uid.get() > last_uid && !record.is_expunged());
    let mut lines = if is_appended { line("APPEND", &[name.as_str()]) } else { String::new() };
    lines += &line("MAILBOX", &[name.as_str()]);
    let of_scripts = |owner: &UserId| owner.inbox().map(|inbox| format!("{inbox}.{}", options.folders.sieve));
    if let Some(owner) = name.owner().filter(|owner| of_scripts(owner).is_ok_and(|folder| folder == name.as_str())) {
        lines += &line("META", &[owner.as_str()]);
    }
    lines
}

fn line(what: &str, words: &[&str]) -> String {
    let words: String = words.iter().map(|word| format!(" {}", quoted(word))).collect();
    format!("{what}{words}\n")
}

/// A word as `sync_client` reads it (`sync_quote_name`). Names hold no line ends.
fn quoted(word: &str) -> String {
    let is_special = |byte: &u8| b"\\\"{} \t()".contains(byte);
    if !word.is_empty() && !word.as_bytes().iter().any(is_special) {
        return word.to_owned();
    }
    let mut quoted = String::from('"');
    for character in word.chars() {
        if matches!(character, '\\' | '"' | '{' | '}') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Appends lines to the log of each channel. A log that cannot be written is told of, and stops nobody.
fn log(spool: &Spool, lines: &str) {
    for channel in &spool.options.sync_log {
        let path = spool.options.sync_log_file(channel);
        if let Err(error) = append(spool.disk.as_ref(), &path, lines, spool.deadline()) {
            let facts: [(&str, &dyn Display); 2] = [("file", &path.display()), ("error", &error)];
            spool.tell(Severity::Error, "sync_log(): unable to write to log file", &facts);
        }
    }
}

fn append(disk: &dyn Disk, path: &Path, lines: &str, deadline: Deadline) -> io::Result<()> {
    let mut attempts = ATTEMPTS;
    loop {
        attempts -= 1;
        let mut file = open_or_make(disk, path)?;
        let locked = match lock_named(disk, path, &mut file, Lock::Exclusive, deadline) {
            Err(error) if error.kind() == ErrorKind::NotFound && attempts > 0 => continue,
            locked => locked?,
        };
        file.write_at(locked.size, &[lines.as_bytes()])?;
        file.sync()?;
        return match path.parent().filter(|_| locked.size == 0) {
            Some(directory) => disk.sync_dir(directory),
            None => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::MailboxIdentity,
        store::cyrus::{disk::RealDisk, disk::testing::TestDir},
        types::{Partition, UniqueId},
    };
    use std::{fs, sync::Arc};

    fn name(name: &str) -> MailboxName {
        MailboxName::parse(name.as_bytes()).unwrap()
    }

    fn logged(spool: &Spool, change: &Change) {
        Entry::of(&spool.options, change, None).unwrap().after(spool);
    }

    #[test]
    fn words_are_quoted_as_a_client_reads_them() {
        let table = [
            ("user.u1.&AOk-t", "user.u1.&AOk-t"),
            ("user.u1.Sub folder", "\"user.u1.Sub folder\""),
            ("a(b)", "\"a(b)\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
            ("a{3}", "\"a\\{3\\}\""),
            ("", "\"\""),
        ];
        for (word, expected) in table {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn each_channel_is_told_and_a_log_that_was_taken_away_is_begun_again() {
        let dir = TestDir::new("sync_log");
        let channels = vec![String::new(), "squatter".to_owned()];
        let options = CyrusOptions { sync_log: channels, ..CyrusOptions::new(dir.path("conf")) };
        let spool = Spool::new(Arc::new(RealDisk), options, Arc::new(()));
        let meant = MailboxIdentity { uniqueid: UniqueId::parse(b"abc").unwrap(), uidvalidity: None };
        logged(&spool, &Change::DeleteMailbox { name: name("user.u1.a b"), meant: Some(meant) });
        let (old, new, partition) = (name("user.u1.a"), name("user.u1.b"), Partition::parse(b"default").unwrap());
        logged(&spool, &Change::RenameMailbox { old, new, partition, uidvalidity: None });
        let first = "UNMAILBOX \"user.u1.a b\"\nRENAME user.u1.a user.u1.b\nMAILBOX user.u1.a\nMAILBOX user.u1.b\n";
        for log in ["conf/sync/log", "conf/sync/squatter/log"] {
            assert_eq!(fs::read_to_string(dir.path(log)).unwrap(), first);
        }
        fs::rename(dir.path("conf/sync/log"), dir.path("conf/sync/log-run")).unwrap();
        logged(&spool, &Change::RemoveUser { user: UserId::parse(b"u1").unwrap() });
        assert_eq!(fs::read_to_string(dir.path("conf/sync/log-run")).unwrap(), first);
        assert_eq!(fs::read_to_string(dir.path("conf/sync/log")).unwrap(), "UNUSER u1\n");
    }

    #[test]
    fn nothing_is_made_where_nobody_follows() {
        let options = CyrusOptions::new("/conf");
        let change = Change::RemoveQuota { root: name("user.u1") };
        assert_eq!(Entry::of(&options, &change, None), None);
    }
}
