//! `--list-trash` and `--restore-trash`: what an administrator does about mailboxes that a peer removed.

use std::{
    io::{self, Write},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use sync_server::{
    store::{
        CyrusStore,
        cyrus::{options::CyrusOptions, trash::TrashedMailbox},
    },
    types::MailboxName,
};

use crate::{
    fatal::{EX_CANTCREAT, EX_IOERR, EX_NOINPUT, Fatal},
    session::Log,
};

/// Prints a line for each mailbox in the trash.
pub fn list(options: CyrusOptions) -> Result<(), Fatal> {
    let mut store = CyrusStore::new(options, Arc::new(Log));
    let trash = store.trash().map_err(|refusal| Fatal::new(EX_IOERR, format!("the trash: {refusal}")))?;
    let mut text = format!("{:16}  {:16}  {:>8}  {:>6}  NAME, KEPT AS\n", "REMOVED", "KEPT UNTIL", "MESSAGES", "SIZE");
    trash.iter().for_each(|mailbox| text.push_str(&line(mailbox)));
    print(&text)
}

fn line(mailbox: &TrashedMailbox) -> String {
    let TrashedMailbox { name, kept_as, removed, until, messages, bytes, .. } = mailbox;
    let until = until.map_or_else(|| "for ever".to_owned(), local_time);
    let messages = messages.map_or_else(|| "?".to_owned(), |messages| messages.to_string());
    let bytes = bytes.map_or_else(|| "?".to_owned(), size);
    format!("{:16}  {until:16}  {messages:>8}  {bytes:>6}  {name}  {kept_as}\n", local_time(*removed))
}

fn local_time(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::system());
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// In the largest unit that leaves a number; rounded up, so that only nothing is 0.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    let unit = UNITS.into_iter().find(|(unit, _)| bytes >= *unit);
    unit.map_or_else(|| bytes.to_string(), |(unit, letter)| format!("{}{letter}", bytes.div_ceil(unit)))
}

/// Takes mailboxes out of the trash, and says of each what became of it.
pub fn restore(options: CyrusOptions, names: &[MailboxName]) -> Result<(), Fatal> {
    let mut store = CyrusStore::new(options, Arc::new(Log));
    let mut problems = Vec::new();
    for name in names {
        let restored =
            store.restore_trash(name).map_err(|refusal| Fatal::new(EX_IOERR, format!("the trash: {refusal}")))?;
        if restored.is_empty() {
            problems
                .push((EX_NOINPUT, format!("nothing in the trash is called {name}; --list-trash shows what is there")));
        }
        for mailbox in restored {
            match mailbox.outcome {
                Ok(()) => print(&format!("{} restored from {}\n", mailbox.name, mailbox.kept_as))?,
                Err(error) => problems.push((EX_CANTCREAT, format!("{} not restored: {error}", mailbox.kept_as))),
            }
        }
    }
    match problems.split_last() {
        None => Ok(()),
        Some(((code, last), others)) => {
            others.iter().for_each(|(_, problem)| complain(problem));
            Err(Fatal::new(*code, last.clone()))
        }
    }
}

#[allow(clippy::print_stderr, reason = "the administrator's own command, on the administrator's terminal")]
fn complain(problem: &str) {
    eprintln!("sync_server: {problem}");
}

fn print(text: &str) -> Result<(), Fatal> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Fatal::new(EX_IOERR, format!("standard output: {error}")))
}
