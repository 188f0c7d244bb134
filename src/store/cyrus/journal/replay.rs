//! Finding journals, and finishing the changes that they tell of.

use super::{
    super::{
        disk::Lock,
        durable::Unsynced,
        error::StoreError,
        index::IndexFile,
        lock::{LockName, NameLock},
        mailbox::{self, Opened},
        sieve,
        spool::Spool,
    },
    Database, Journal, Started,
    decode::{Found, decode},
    file::{JournalFile, Opening, directory},
    idle, started,
};
use crate::{
    event::Severity,
    ops::{Intent, Refusal},
    types::{MailboxName, UniqueId},
};
use std::{fmt::Display, path::Path};

/// Which journals are looked at: those of changes are finished before what never came to count is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Changes,
    Started,
}

/// Finishes all changes whose processes are gone. What stands in the way is told of, and left for another time.
pub(in super::super) fn replay_all(spool: &mut Spool) {
    spool.has_unfinished = false;
    if replay_each(spool, Pass::Changes) && !spool.has_unfinished {
        replay_each(spool, Pass::Started);
    }
}

/// Whether something is left for the other pass.
fn replay_each(spool: &mut Spool, pass: Pass) -> bool {
    let directory = directory(&spool.options);
    let mut is_left = false;
    // Without the directory there was never a journal; one that cannot be read is told of by whoever is to write there.
    for name in spool.disk.read_dir(&directory).unwrap_or_default() {
        match replay(spool, &directory.join(&name), None, pass) {
            Ok(found) => is_left |= found == Replayed::Later,
            Err(error) => {
                let facts: [(&str, &dyn Display); 2] = [("journal", &name.display()), ("error", &error)];
                spool.tell(Severity::Warning, "journal: a change that was cut short is not finished yet", &facts);
                spool.has_unfinished = true;
            }
        }
    }
    is_left
}

/// Finishes the change of a mailbox that a process left behind; whether there was one. The caller holds the owner's lock
/// exclusively, so that no process is at work on it.
pub(in super::super) fn settle(spool: &mut Spool, uniqueid: &UniqueId, held: &NameLock) -> Result<bool, StoreError> {
    let is_changed = settle_named(spool, uniqueid.as_str(), held, Pass::Changes)?;
    settle_named(spool, &started::file_name(uniqueid), held, Pass::Started)?;
    Ok(is_changed)
}

fn settle_named(spool: &mut Spool, name: &str, held: &NameLock, pass: Pass) -> Result<bool, StoreError> {
    let path = directory(&spool.options).join(name);
    Ok(spool.is_there(&path)? && replay(spool, &path, Some(held.name()), pass)? == Replayed::Something)
}

/// What was done about a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replayed {
    /// A process left nothing in it, or is at work on it.
    Nothing,
    /// What a process left is done, or as far as it can be.
    Something,
    /// It is for the other pass.
    Later,
}

fn replay(spool: &mut Spool, path: &Path, held: Option<&LockName>, pass: Pass) -> Result<Replayed, StoreError> {
    let disk = spool.disk.clone();
    let (file, bytes) = match JournalFile::open(disk.as_ref(), path)? {
        Opening::Gone => return Ok(Replayed::Nothing),
        // Its process waits for the lock that is held here, which it gets when this is refused.
        Opening::InUse if held.is_some() => return Err(Refusal::Locked.into()),
        Opening::InUse => return Ok(Replayed::Nothing),
        Opening::Left(file, bytes) => (file, bytes),
    };
    let is_current = |number| idle::is_current(path.file_name().unwrap_or_default(), number);
    let found = decode(&bytes).filter(|(number, _)| is_current(*number)).map(|(_, found)| found);
    let is_done = match &found {
        Some(Found::Started(_)) if pass == Pass::Changes => return Ok(Replayed::Later),
        Some(Found::Started(started)) => finish_started(spool, started, held).map(|()| true)?,
        Some(Found::Change(journal)) => finish_change(spool, journal, held)?,
        Some(Found::Task(task)) => task.finish(spool).map(|()| true)?,
        // It was being written, so that nothing of its change was made; or that is done.
        None => true,
    };
    if is_done {
        file.remove(spool);
    }
    Ok(if found.is_some() { Replayed::Something } else { Replayed::Nothing })
}

/// A mailbox that is damaged is left to `reconstruct`.
fn finish_started(spool: &mut Spool, started: &Started, held: Option<&LockName>) -> Result<(), StoreError> {
    match started.finish(spool, held) {
        Err(error) if !error.is_of_disk() && error.refusal() != Refusal::Locked => {
            let facts: [(&str, &dyn Display); 2] = [("mailbox", &started.name), ("error", &error)];
            spool.tell(Severity::Error, "journal: what a change left cannot be looked for, run reconstruct", &facts);
            Ok(())
        }
        finished => finished,
    }
}

/// Whether nothing is left to be done.
fn finish_change(spool: &mut Spool, journal: &Journal, held: Option<&LockName>) -> Result<bool, StoreError> {
    let locks = lock(spool, journal, held)?;
    if finish(spool, journal)? {
        spool.tell(
            Severity::Notice,
            "journal: a change that was cut short is finished",
            &[("mailbox", journal.name())],
        );
    }
    drop(locks);
    match &journal.sieve {
        // Its owner's lock would be waited for: this waits for a store that is just being made.
        Some(_) if held.is_some() => Ok(false),
        Some(mailbox) => list_scripts(spool, mailbox),
        None => Ok(true),
    }
}

/// The owners' locks but for the one that is held, and the mailbox's.
fn lock(spool: &Spool, journal: &Journal, held: Option<&LockName>) -> Result<Vec<NameLock>, StoreError> {
    let mut names: Vec<LockName> = journal.names.iter().map(LockName::user_of).collect();
    names.dedup();
    names.retain(|name| Some(name) != held);
    // The files that go may be another mailbox's.
    let mut places: Vec<_> = journal.gone.iter().chain([&journal.place]).map(|place| place.directory.clone()).collect();
    places.dedup();
    names.extend(places.into_iter().map(LockName::Mailbox));
    names.into_iter().map(|name| spool.lock(name, Lock::Exclusive)).collect()
}

/// Whether something was done.
fn finish(spool: &mut Spool, journal: &Journal) -> Result<bool, StoreError> {
    let is_leaving = journal.gone.as_ref() == Some(&journal.place);
    let mut index = if is_leaving { None } else { open_index(spool, journal)? };
    let is_as_expected = match (&journal.index, &index) {
        (_, None) if !is_leaving => false,
        (Some(change), Some(index)) => [change.before, change.after].contains(index.header()),
        (_, _) => is_listed_as_expected(spool, journal)?,
    };
    if !is_as_expected {
        let what = "journal: another program has changed the mailbox since, run reconstruct if it asks for repair";
        spool.tell(Severity::Error, what, &[("mailbox", journal.name())]);
        return Ok(false);
    }
    journal.apply_files(spool, index.as_mut(), Unsynced::default())?;
    drop(index);
    journal.recount(spool).map(|()| true)
}

/// The index that changes; `None` where its mailbox is gone.
fn open_index(spool: &Spool, journal: &Journal) -> Result<Option<IndexFile>, StoreError> {
    match mailbox::open_index(spool, &journal.place, Lock::Exclusive) {
        Err(error) if error.is_not_found() => Ok(None),
        opened => opened.map(Some),
    }
}

/// Whether the list says of the mailbox what it said before or after.
fn is_listed_as_expected(spool: &mut Spool, journal: &Journal) -> Result<bool, StoreError> {
    let of_list = journal.puts.iter().filter(|(database, _)| *database == Database::List);
    for (_, put) in of_list {
        let current = spool.read_list(|list, _| Ok(list.fetch(&put.key)?))?;
        if current != put.before && current != put.after {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is kept beside a mailbox of scripts, or what is left of one; whether that was done.
fn list_scripts(spool: &mut Spool, name: &MailboxName) -> Result<bool, StoreError> {
    Ok(match mailbox::open(spool, name, Intent::Read)? {
        Opened::Mailbox(mut mailbox) => sieve::refresh(spool, &mut mailbox),
        Opened::Missing { .. } => sieve::forget(spool, name),
    })
}
