//! Removing a mailbox: first its list entry becomes a tombstone, then its files go.
//!
//! Source: `mboxlist_deletemailbox` of `imap/mboxlist.c` with `FORCE` and `SILENT`, `mailbox_delete_internal` and
//! `mailbox_delete_cleanup` of `imap/mailbox.c`.

use super::{
    super::{
        annotations,
        disk::{Durability, Lock, remove_if_there},
        error::StoreError,
        lock::{LockName, NameLock},
        mboxlist::{self, ClosedMailbox, MailboxEntry},
        paths::{MailboxDirectory, MailboxPlace},
        removals, sieve,
        spool::{Spool, now, open_or_create},
        trash, usage,
    },
    open::{OpenMailbox, open_files},
};
use crate::{
    event::Severity,
    ops::{MailboxIdentity, Refusal},
    types::{MailboxKind, MailboxName, ModSeq},
};
use std::{fmt::Display, io::ErrorKind, path::Path};

/// Removes a mailbox by name, or makes a tombstone of an intermediate folder.
pub(in super::super) fn delete(
    spool: &mut Spool,
    name: &MailboxName,
    meant: Option<&MailboxIdentity>,
) -> Result<(), StoreError> {
    let owner_lock = spool.lock(LockName::user_of(name), Lock::Exclusive)?;
    let entry = spool.entry(name)?.filter(|entry| !trash::is_kept(entry)).ok_or(Refusal::Nonexistent)?;
    if meant.is_some_and(|meant| !meant.is(entry.uniqueid.as_ref(), entry.uidvalidity)) {
        return Err(Refusal::Moved.into());
    }
    let is_mailbox = !entry.mailbox_type.is_entry_only();
    removals::admit(spool, is_mailbox.into(), name)?;
    delete_owned(spool, name, owner_lock, 0).map(drop)
}

/// Removes a mailbox whose owner's lock is held exclusively, and gives that back. `raise` is by how much the modseq of its
/// tombstone is above its own.
pub(in super::super) fn delete_owned(
    spool: &mut Spool,
    name: &MailboxName,
    owner_lock: NameLock,
    raise: u64,
) -> Result<NameLock, StoreError> {
    let entry = spool.entry(name)?.ok_or(Refusal::Nonexistent)?;
    match entry.place().filter(|_| !entry.mailbox_type.is_entry_only()) {
        Some(place) => {
            let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
            delete_mailbox(spool, entry, place, lock, owner_lock, raise)
        }
        None => unlist(spool, &entry, None, None).map(|()| owner_lock),
    }
}

/// Removes a mailbox that is open for writing. Returns the owner's lock.
pub(super) fn delete_open(spool: &mut Spool, mailbox: OpenMailbox) -> Result<NameLock, StoreError> {
    let OpenMailbox { entry, place, index, lock, owner_lock, .. } = mailbox;
    // In this order: who holds the second waits for the first.
    drop((index, lock));
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    delete_mailbox(spool, entry, place, lock, owner_lock, 0)
}

/// A mailbox whose files cannot be read goes all the same: what is left of them is of no use.
fn delete_mailbox(
    spool: &mut Spool,
    entry: MailboxEntry,
    place: MailboxPlace,
    lock: NameLock,
    owner_lock: NameLock,
    raise: u64,
) -> Result<NameLock, StoreError> {
    match open_files(spool, entry.clone(), place.clone(), lock, owner_lock, Lock::Exclusive) {
        Ok(mailbox) => {
            let closed = closed(&mailbox, raise);
            let kept = trash::keep(spool, &mailbox)?;
            let unlisted = unlist(spool, &entry, closed.as_ref(), kept.as_ref());
            if let Some(kept) = &kept {
                trash::settle(spool, &entry.name, kept);
            }
            unlisted?;
            if entry.mailbox_type.kind == MailboxKind::Sieve && !entry.name.is_deleted() {
                sieve::forget(spool, &entry.name);
            }
            // From here on it is gone. Whoever repeats this finds nothing to remove: what stays behind is told of.
            if let Err(error) = forget(spool, &mailbox).and_then(|()| remove_files(spool, &place)) {
                let facts: [(&str, &dyn Display); 2] = [("mailbox", &entry.name), ("error", &error)];
                spool.tell(Severity::Error, "IOERROR: unable to remove all of a mailbox", &facts);
            }
            Ok(mailbox.owner_lock)
        }
        // Another has it locked, or the disk failed: nothing is known of its state.
        Err(error) if !error.is_not_found() && error.refusal() != Refusal::BadFormat => Err(error),
        Err(error) => {
            spool.tell(
                Severity::Error,
                "IOERROR: deleting a damaged mailbox",
                &[("mailbox", &entry.name), ("error", &error)],
            );
            unlist(spool, &entry, None, None)?;
            remove_files(spool, &place)?;
            spool.lock(LockName::user_of(&entry.name), Lock::Exclusive)
        }
    }
}

fn closed(mailbox: &OpenMailbox, raise: u64) -> Option<ClosedMailbox> {
    let index = mailbox.index.header();
    Some(ClosedMailbox {
        uniqueid: mailbox.entry.uniqueid.clone()?,
        uidvalidity: index.uidvalidity,
        created_modseq: index.createdmodseq,
        highest_modseq: ModSeq(index.highestmodseq.0.saturating_add(raise)),
    })
}

/// In one transaction the mailbox goes from the list, and the one that keeps its files comes.
fn unlist(
    spool: &mut Spool,
    entry: &MailboxEntry,
    closed: Option<&ClosedMailbox>,
    kept: Option<&MailboxEntry>,
) -> Result<(), StoreError> {
    let outcome = spool.write_list(|list, options| {
        let outcome = mboxlist::delete(list, options, &entry.name, closed, now())?;
        if let (Ok(_), Some(kept)) = (&outcome, kept) {
            mboxlist::update(list, options, kept, now())?;
        }
        Ok(outcome)
    })?;
    outcome.map(drop).map_err(|_| Refusal::Nonexistent.into())
}

/// What other files say of the mailbox: its annotations and its part of the quota.
pub(in super::super) fn forget(spool: &Spool, mailbox: &OpenMailbox) -> Result<(), StoreError> {
    if let Some(target) = mailbox.annotation_target() {
        let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
        let mut writer = db.write(spool.deadline())?;
        annotations::remove_all(&mut writer, &target)?;
        writer.commit(Durability::Now)?;
    }
    let Some(root) = mailbox.header.quotaroot.as_deref() else { return Ok(()) };
    let difference = usage::difference(usage::usage_of(mailbox.index.header()), usage::NOTHING);
    usage::count(spool, root, difference, &mailbox.entry.name)
}

/// Removes all files of a mailbox, and its directories where nothing else lies in them.
pub(in super::super) fn remove_files(spool: &Spool, place: &MailboxPlace) -> Result<(), StoreError> {
    for directory in spool.options.mailbox_dirs(place)? {
        let names = match spool.disk.read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            names => names.map_err(StoreError::io(&directory))?,
        };
        for path in names.iter().map(|name| directory.join(name)) {
            let is_dir = spool.disk.metadata(&path).map_err(StoreError::io(&path))?.is_dir;
            if !is_dir {
                remove_if_there(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
            }
        }
        remove_directory(spool, &directory, &place.directory);
    }
    Ok(())
}

/// Directories by unique id hold one mailbox each. Those by name nest, up to the partition's own: the first that is not
/// empty ends the walk.
fn remove_directory(spool: &Spool, directory: &Path, kind: &MailboxDirectory) {
    let levels = match kind {
        MailboxDirectory::ById(_) => 1,
        MailboxDirectory::ByName(name) => name.local_part().split('.').count(),
    };
    for directory in directory.ancestors().take(levels) {
        if spool.disk.remove_dir(directory).is_err() {
            return;
        }
    }
}
