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
        journal,
        lock::{LockName, NameLock},
        mboxlist::MailboxEntry,
        options::MetaFile,
        paths::MailboxPlace,
        removals,
        spool::{Spool, now},
        usage,
    },
    delete::{delete_open, remove_files},
    open::{OpenMailbox, Opened, open_files},
};
use crate::{
    ops::{MailboxChange, Refusal, SyncedHeader, Target},
    types::{MailboxKind, MailboxName, MailboxType, ModSeq, Partition, UniqueId},
};

/// The mailbox that a change is made to, and whether it is new.
pub(in super::super) fn target(
    spool: &mut Spool,
    opened: Opened,
    change: &MailboxChange,
) -> Result<(OpenMailbox, bool), StoreError> {
    let Target::New { uniqueid, mailbox_type, partition, index_version, deleted_modseq, .. } = &change.target else {
        return match opened {
            Opened::Mailbox(mailbox) => Ok((*mailbox, false)),
            Opened::Missing { .. } => Err(Refusal::Nonexistent.into()),
        };
    };
    let header = change.header.as_ref().ok_or(Refusal::Protocol)?;
    // Before anything is removed: can the new one be made?
    check(spool, *mailbox_type, partition)?;
    let (name, owner_lock) = match opened {
        Opened::Missing { name, owner_lock } => (name, owner_lock),
        Opened::Mailbox(mailbox) => {
            removals::admit(spool, 1, &mailbox.entry.name)?;
            (mailbox.entry.name.clone(), delete_open(spool, *mailbox)?)
        }
    };
    let new = New {
        name,
        uniqueid: uniqueid.clone(),
        mailbox_type: *mailbox_type,
        partition: partition.clone(),
        index_version: *index_version,
        deleted_modseq: *deleted_modseq,
    };
    create(spool, new, header, owner_lock).map(|mailbox| (mailbox, true))
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

/// What a mailbox is made with.
struct New {
    name: MailboxName,
    uniqueid: UniqueId,
    mailbox_type: MailboxType,
    partition: Partition,
    index_version: u32,
    deleted_modseq: ModSeq,
}

fn create(spool: &mut Spool, new: New, header: &SyncedHeader, owner_lock: NameLock) -> Result<OpenMailbox, StoreError> {
    if journal::settle(spool, &new.uniqueid, &owner_lock)? {
        // A process died while it made or removed a mailbox of this id; what there is now, the peer has to ask for first.
        return Err(Refusal::Locked.into());
    }
    let legacy_dirs = legacy_dirs(spool, &new.name)?;
    let mailbox_type = MailboxType { legacy_dirs, ..new.mailbox_type };
    let mut entry = MailboxEntry::new(new.name.clone(), mailbox_type);
    entry.uniqueid = Some(new.uniqueid.clone());
    entry.partition = Some(new.partition.clone());
    entry.acl = Some(header.acl.to_vec());
    let place = entry.place().ok_or(Refusal::Protocol)?;
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    // What lies there is the leftover of a mailbox that never came to be listed.
    remove_files(spool, &place)?;
    for directory in spool.options.mailbox_dirs(&place)? {
        spool.disk.create_dir_all(&directory).map_err(StoreError::io(&directory))?;
    }
    let checksum = write_header(spool, &entry)?;
    write_index(spool, &place, &new, header, checksum)?;
    open_files(spool, entry, place, lock, owner_lock, Lock::Exclusive)
}

/// Whether a mailbox's files lie by name: as its owner's INBOX does, or as configured where there is none.
fn legacy_dirs(spool: &mut Spool, name: &MailboxName) -> Result<bool, StoreError> {
    let inbox = name.owner().and_then(|owner| owner.inbox().ok());
    let entry = inbox.map_or(Ok(None), |inbox| spool.entry(&inbox))?;
    Ok(entry.map_or(spool.options.mailbox_legacy_dirs, |entry| entry.mailbox_type.legacy_dirs))
}

fn write_header(spool: &Spool, entry: &MailboxEntry) -> Result<u32, StoreError> {
    let place = entry.place().ok_or(Refusal::Protocol)?;
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
    let path = spool.options.meta_file(&place, MetaFile::Header)?;
    spool.replace_file(&path, &bytes)?;
    Ok(header::checksum(&bytes))
}

/// Writes the index of an empty mailbox.
fn write_index(
    spool: &Spool,
    place: &MailboxPlace,
    new: &New,
    header: &SyncedHeader,
    checksum: u32,
) -> Result<(), StoreError> {
    let path = spool.options.meta_file(place, MetaFile::Index)?;
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
