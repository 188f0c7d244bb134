//! What is written before anything refers to it: messages of a mailbox, or a whole new one. Until the change counts, nobody misses it;
//! a note of it, `+UNIQUEID`, tells whoever comes after a process that died, or a power cut, what is to be removed.
//!
//! A change that counts has records for its messages and a list entry for its mailbox, so that nothing is removed then. For that,
//! journals of changes are finished before notes are looked at.

use super::{
    super::{
        disk::Lock,
        error::StoreError,
        index::Found,
        lock::LockName,
        mailbox::{self, remove_files_durably, remove_messages},
        paths::MailboxPlace,
        spool::Spool,
    },
    encode::Entry,
    file::JournalFile,
};
use crate::{
    event::Severity,
    types::{MailboxName, Uid, UniqueId},
};
use std::{collections::BTreeSet, ffi::OsStr, fmt::Display, ops::RangeInclusive};

/// What is about to be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Started {
    pub(in super::super) name: MailboxName,
    pub(in super::super) place: MailboxPlace,
    /// Whether all of the mailbox is new.
    pub(in super::super) is_new: bool,
    /// The first and the last uid of the messages that are.
    pub(in super::super) uids: RangeInclusive<u32>,
}

/// The note, which is durable.
#[derive(Debug)]
pub(in super::super) struct Noted(JournalFile);

/// The name of a mailbox's note.
pub(super) fn file_name(uniqueid: &UniqueId) -> String {
    format!("+{uniqueid}")
}

impl Started {
    /// Makes a durable note. The owner's exclusive lock is held.
    pub(in super::super) fn note(&self, spool: &mut Spool, uniqueid: &UniqueId) -> Result<Noted, StoreError> {
        let entry = Entry::new(b'W').string(self.name.as_bytes()).place(&self.place).byte(self.is_new.into());
        let entry = entry.number(*self.uids.start()).number(*self.uids.end()).into_bytes();
        JournalFile::write(spool, &file_name(uniqueid), |write| write(&entry)).map(Noted)
    }

    /// Removes what nothing refers to. Of the owners' locks, `held` is held.
    pub(super) fn finish(&self, spool: &mut Spool, held: Option<&LockName>) -> Result<(), StoreError> {
        let owner = LockName::user_of(&self.name);
        let _owner = (held != Some(&owner)).then(|| spool.lock(owner, Lock::Exclusive)).transpose()?;
        match (self.is_listed(spool)?, self.is_new) {
            (true, _) => {
                let _lock = spool.lock(LockName::Mailbox(self.place.directory.clone()), Lock::Shared)?;
                self.remove_unrecorded(spool)
            }
            (false, true) => {
                let _lock = spool.lock(LockName::Mailbox(self.place.directory.clone()), Lock::Exclusive)?;
                remove_files_durably(spool, &self.place)
            }
            // It went with all its files.
            (false, false) => Ok(()),
        }
    }

    /// Whether these are the files of a mailbox, which may have got another name.
    fn is_listed(&self, spool: &mut Spool) -> Result<bool, StoreError> {
        let by_name = spool.entry(&self.name)?.and_then(|entry| entry.place());
        Ok(by_name.as_ref() == Some(&self.place) || mailbox::listed_at(spool, &self.place)?.is_some())
    }

    /// Removes the messages that have no record.
    fn remove_unrecorded(&self, spool: &Spool) -> Result<(), StoreError> {
        let index = match mailbox::open_index(spool, &self.place, Lock::Exclusive) {
            Err(error) if error.is_not_found() => return Ok(()),
            index => index?,
        };
        let mut unrecorded = Vec::new();
        for uid in self.messages(spool)? {
            if let Found::Before(_) = index.find(uid)? {
                unrecorded.push(uid);
            }
        }
        if unrecorded.is_empty() {
            return Ok(());
        }
        remove_messages(spool, &self.place, unrecorded.iter().copied())?;
        let facts: [(&str, &dyn Display); 2] = [("mailbox", &self.name), ("messages", &unrecorded.len())];
        spool.tell(Severity::Notice, "journal: messages of a change that was cut short are removed", &facts);
        Ok(())
    }

    /// Those of the uids that a file in the mailbox's directories has.
    fn messages(&self, spool: &Spool) -> Result<Vec<Uid>, StoreError> {
        let mut found = BTreeSet::new();
        for directory in spool.options.message_dirs(&self.place)? {
            let names = spool.names_in(&directory)?;
            found.extend(names.iter().filter_map(|name| uid_of(name)).filter(|uid| self.uids.contains(&uid.get())));
        }
        Ok(found.into_iter().collect())
    }
}

/// The uid of a message whose file has this name.
fn uid_of(name: &OsStr) -> Option<Uid> {
    let uid = Uid::new(name.to_str()?.strip_suffix('.')?.parse().ok()?)?;
    (OsStr::new(&format!("{uid}.")) == name).then_some(uid)
}

impl Noted {
    /// All of it counts, or is gone again.
    pub(in super::super) fn end(self, spool: &mut Spool) {
        self.0.remove(spool);
    }

    /// Something of it may lie there: the next change looks.
    pub(in super::super) fn stays(self, spool: &mut Spool) {
        spool.has_unfinished = true;
    }
}
