//! Making a mailbox: its directories and files. Its list entry comes with the commit of what it holds.
//!
//! Source: `mboxlist_createmailbox` of `imap/mboxlist.c` with `SYNC` and `KEEP_INTERMEDIARIES`, `mailbox_create` of
//! `imap/mailbox.c`.

use super::{
    super::{
        disk::{Lock, Mode, wait_lock},
        error::StoreError,
        header::{self, MailboxHeader},
        index::{IndexFile, IndexHeader, NewMailbox, Time},
        journal::{self, Noted, Started},
        lock::{LockName, NameLock},
        mboxlist::MailboxEntry,
        options::MetaFile,
        paths::MailboxPlace,
        removals,
        spool::{Spool, now},
        usage,
    },
    delete::{delete_owned, remove_files, remove_files_durably},
    holder::{holder, listed_at},
    leaving::Leaving,
    open::{OpenMailbox, Opened, open_files},
};
use crate::{
    event::Severity,
    ops::{MailboxChange, Refusal, SyncedHeader, Target},
    types::{MailboxKind, MailboxName, MailboxType, ModSeq, Partition},
};
use std::{fmt::Display, sync::Arc};

/// The mailbox that a change is made to.
#[derive(Debug)]
pub(in super::super) struct Changed {
    pub(super) mailbox: OpenMailbox,
    pub(super) origin: Origin,
    /// What tells of a mailbox that was just made.
    pub(super) noted: Option<Noted>,
}

/// Where the mailbox of a change comes from.
#[derive(Debug)]
pub(super) enum Origin {
    /// It is listed.
    Listed,
    /// It was just made, and is nobody's before it is listed.
    Made,
    /// It was just made, and this one has its name until then.
    MadeInPlaceOf(Box<Leaving>),
}

/// Makes the mailbox that a change is made to, unless it is there.
pub(in super::super) fn target(
    spool: &mut Spool,
    opened: Opened,
    change: &MailboxChange,
) -> Result<Changed, StoreError> {
    let Target::New { mailbox_type, partition, .. } = &change.target else {
        return match opened {
            Opened::Mailbox(mailbox) => Ok(Changed { mailbox: *mailbox, origin: Origin::Listed, noted: None }),
            Opened::Missing { .. } => Err(Refusal::Nonexistent.into()),
        };
    };
    // Before anything is removed: can the new one be made?
    check(spool, *mailbox_type, partition)?;
    match opened {
        Opened::Missing { name, owner_lock } => {
            let new = New::of(spool, name, change, &owner_lock)?;
            create(spool, new, owner_lock)
        }
        Opened::Mailbox(old) => {
            let new = New::of(spool, old.entry.name.clone(), change, &old.owner_lock)?;
            removals::admit(spool, 1, &old.entry.name)?;
            replace(spool, *old, new)
        }
    }
}

/// Makes a mailbox beside the one whose name it is to have. Where both would have their files in the same place, as with names
/// for directories, the old one goes first.
fn replace(spool: &mut Spool, old: OpenMailbox, new: New<'_>) -> Result<Changed, StoreError> {
    let OpenMailbox { entry, place, index, lock, owner_lock, .. } = old;
    // In this order: who holds the second waits for the first.
    drop((index, lock));
    if place.directory == new.place.directory {
        delete_owned(spool, &entry.name, &owner_lock, 0)?;
        return create(spool, new, owner_lock);
    }
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    let new_lock = spool.lock(LockName::Mailbox(new.place.directory.clone()), Lock::Exclusive)?;
    let old = open_files(spool, entry, place, lock, owner_lock.clone(), Lock::Exclusive)?;
    let leaving = Leaving::new(spool, old, 0)?;
    match write(spool, new, new_lock, owner_lock) {
        Ok((mailbox, noted)) => Ok(Changed { mailbox, origin: Origin::MadeInPlaceOf(Box::new(leaving)), noted }),
        Err(error) => {
            leaving.stays(spool);
            Err(error)
        }
    }
}

/// Calendars, address books and the like also need their part of a dav.db, which is not kept here: better none than half of
/// one.
fn check(spool: &Spool, mailbox_type: MailboxType, partition: &Partition) -> Result<(), StoreError> {
    if !matches!(mailbox_type.kind, MailboxKind::Email | MailboxKind::Sieve) {
        return Err(Refusal::NotSupported.into());
    }
    if !spool.options.partitions.contains_key(partition) {
        return Err(Refusal::UnknownPartition.into());
    }
    Ok(())
}

/// A mailbox that is to be made.
struct New<'a> {
    entry: MailboxEntry,
    place: MailboxPlace,
    index_version: u32,
    deleted_modseq: ModSeq,
    header: &'a SyncedHeader,
}

impl New<'_> {
    fn of<'a>(
        spool: &mut Spool,
        name: MailboxName,
        change: &'a MailboxChange,
        owner_lock: &NameLock,
    ) -> Result<New<'a>, StoreError> {
        let (Target::New { uniqueid, mailbox_type, partition, index_version, deleted_modseq, .. }, Some(header)) =
            (&change.target, &change.header)
        else {
            return Err(Refusal::Protocol.into());
        };
        if journal::settle(spool, uniqueid, owner_lock)? {
            // A process died while it made or removed a mailbox of this id; what there is now, the peer has to ask for first.
            return Err(Refusal::Locked.into());
        }
        if holder(spool, uniqueid)?.is_some_and(|holder| holder.name != name) {
            // The peer's command was looked at before another session made it, or by an id that does not lead to it.
            return Err(Refusal::Moved.into());
        }
        let legacy_dirs = legacy_dirs(spool, &name)?;
        let entry = MailboxEntry {
            uniqueid: Some(uniqueid.clone()),
            partition: Some(partition.clone()),
            acl: Some(header.acl.to_vec()),
            ..MailboxEntry::new(name, MailboxType { legacy_dirs, ..*mailbox_type })
        };
        let place = entry.place().ok_or(Refusal::Protocol)?;
        Ok(New { entry, place, index_version: *index_version, deleted_modseq: *deleted_modseq, header })
    }
}

fn create(spool: &mut Spool, new: New<'_>, owner_lock: Arc<NameLock>) -> Result<Changed, StoreError> {
    let lock = spool.lock(LockName::Mailbox(new.place.directory.clone()), Lock::Exclusive)?;
    let (mailbox, noted) = write(spool, new, lock, owner_lock)?;
    Ok(Changed { mailbox, origin: Origin::Made, noted })
}

/// Writes the files of a mailbox that is not listed yet, behind a note of it.
fn write(
    spool: &mut Spool,
    new: New<'_>,
    lock: NameLock,
    owner_lock: Arc<NameLock>,
) -> Result<(OpenMailbox, Option<Noted>), StoreError> {
    check_place(spool, &new)?;
    let (name, place) = (new.entry.name.clone(), new.place.clone());
    let started = Started { name, place, is_new: true, uids: 1..=u32::MAX };
    let noted = new.entry.uniqueid.as_ref().map(|id| started.note(spool, id)).transpose()?;
    match write_files(spool, &new)
        .and_then(|()| open_files(spool, new.entry, new.place, lock, owner_lock, Lock::Exclusive))
    {
        Ok(mailbox) => Ok((mailbox, noted)),
        Err(error) => {
            end_note(spool, noted, remove_files_durably(spool, &started.place).is_ok());
            Err(error)
        }
    }
}

/// Where files lie already, whose are they? Those of a listed mailbox stay, though the list does not lead to it from its unique
/// id. It is behind the mailbox's lock: another session may have made it since.
fn check_place(spool: &mut Spool, New { entry: new, place, .. }: &New<'_>) -> Result<(), StoreError> {
    let path = spool.options.meta_file(place, MetaFile::Header)?;
    if !spool.is_there(&path)? {
        return Ok(());
    }
    let Some(listed) = listed_at(spool, place)? else { return Ok(()) };
    let facts: [(&str, &dyn Display); 2] = [("mailbox", &new.name), ("other", &listed.name)];
    spool.tell(Severity::Error, "mailbox not made: another one has its unique id and files", &facts);
    Err(Refusal::Moved.into())
}

/// What was noted is gone, or has to be looked for.
pub(super) fn end_note(spool: &mut Spool, noted: Option<Noted>, is_gone: bool) {
    match noted {
        Some(noted) if is_gone => noted.end(spool),
        Some(noted) => noted.stays(spool),
        None => {}
    }
}

fn write_files(spool: &Spool, new: &New<'_>) -> Result<(), StoreError> {
    // What lies there is the leftover of a mailbox that never came to be listed (`check_place`).
    remove_files(spool, &new.place)?;
    for directory in spool.options.new_mailbox_dirs(&new.place)? {
        spool.disk.create_dir_all(&directory).map_err(StoreError::io(&directory))?;
    }
    let checksum = write_header(spool, new)?;
    write_index(spool, new, checksum)
}

/// Whether a mailbox's files lie by name: as its owner's INBOX does, or as configured where there is none.
fn legacy_dirs(spool: &mut Spool, name: &MailboxName) -> Result<bool, StoreError> {
    let inbox = name.owner().and_then(|owner| owner.inbox().ok());
    let entry = inbox.map_or(Ok(None), |inbox| spool.entry(&inbox))?;
    Ok(entry.map_or(spool.options.mailbox_legacy_dirs, |entry| entry.mailbox_type.legacy_dirs))
}

fn write_header(spool: &Spool, New { entry, place, .. }: &New<'_>) -> Result<u32, StoreError> {
    let quota_root = usage::root_of(spool, &entry.name)?;
    let header = MailboxHeader {
        mailbox_type: Some(entry.mailbox_type.to_string().into_bytes()),
        name: Some(entry.name.as_bytes().to_vec()),
        uniqueid: entry.uniqueid.as_ref().map(|id| id.as_bytes().to_vec()),
        quotaroot: quota_root.map(|root| root.as_str().as_bytes().to_vec()),
        acl: entry.acl.clone(),
        ..MailboxHeader::default()
    };
    let bytes = header::encode(&header, header::Form::KeyValue)?;
    let path = spool.options.meta_file(place, MetaFile::Header)?;
    spool.replace_file(&path, &bytes)?;
    Ok(header::checksum(&bytes))
}

/// Writes the index of an empty mailbox.
fn write_index(spool: &Spool, new: &New<'_>, checksum: u32) -> Result<(), StoreError> {
    let path = spool.options.meta_file(&new.place, MetaFile::Index)?;
    let header = new.header;
    let empty = NewMailbox {
        uidvalidity: header.uidvalidity,
        options: header.options,
        highestmodseq: ModSeq(header.highest_modseq.0.max(1)),
        createdmodseq: header.created_modseq,
        now: Time::from_seconds(now()),
    };
    let version = new.index_version.min(spool.options.index_version.number());
    let mut index = IndexHeader::create(version, &empty).ok_or(Refusal::NotSupported)?;
    index.header_file_crc = checksum;
    index.deletedmodseq = new.deleted_modseq;
    let file = spool.disk.open(&path, Mode::Create).map_err(StoreError::io(&path))?;
    wait_lock(file.as_ref(), Lock::Exclusive, spool.deadline()).map_err(StoreError::io(&path))?;
    IndexFile::create(file, index)?;
    Ok(())
}
