//! Removing a mailbox: its list entry becomes a tombstone, and with it go its annotations, its part of the quota and its files.
//!
//! Source: `mboxlist_deletemailbox` of `imap/mboxlist.c` with `FORCE` and `SILENT`, `mailbox_delete_internal` and
//! `mailbox_delete_cleanup` of `imap/mailbox.c`.

use super::{
    super::{
        annotations,
        disk::{Durability, Lock, remove_if_there},
        error::StoreError,
        journal::Transaction,
        lock::{LockName, NameLock},
        mboxlist::{self, ClosedMailbox, MailboxEntry},
        paths::{MailboxDirectory, MailboxPlace},
        removals, sieve,
        spool::{Spool, now},
        trash, usage,
    },
    open::{OpenMailbox, open_files, settled_entry},
};
use crate::{
    event::Severity,
    ops::{MailboxIdentity, Refusal},
    types::{MailboxKind, MailboxName, ModSeq},
};
use std::{io::ErrorKind, path::Path};

/// Removes a mailbox by name, or makes a tombstone of an intermediate folder.
pub(in super::super) fn delete(
    spool: &mut Spool,
    name: &MailboxName,
    meant: Option<&MailboxIdentity>,
) -> Result<(), StoreError> {
    let owner_lock = spool.lock(LockName::user_of(name), Lock::Exclusive)?;
    let entry = settled_entry(spool, name, &owner_lock)?.filter(|entry| !trash::is_kept(entry));
    let entry = entry.ok_or(Refusal::Nonexistent)?;
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
    let entry = settled_entry(spool, name, &owner_lock)?.ok_or(Refusal::Nonexistent)?;
    match entry.place().filter(|_| !entry.mailbox_type.is_entry_only()) {
        Some(place) => {
            let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
            delete_mailbox(spool, entry, place, lock, owner_lock, raise)
        }
        None => unlist(spool, &entry).map(|()| owner_lock),
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
            let removed = remove(spool, &mailbox, closed.as_ref(), kept.as_ref());
            if let Some(kept) = &kept {
                trash::settle(spool, &entry.name, kept);
            }
            removed.map(|()| mailbox.owner_lock)
        }
        // Another has it locked, or the disk failed: nothing is known of its state.
        Err(error) if !error.is_not_found() && error.refusal() != Refusal::BadFormat => Err(error),
        Err(error) => {
            spool.tell(
                Severity::Error,
                "IOERROR: deleting a damaged mailbox",
                &[("mailbox", &entry.name), ("error", &error)],
            );
            unlist(spool, &entry)?;
            remove_files(spool, &place)?;
            spool.lock(LockName::user_of(&entry.name), Lock::Exclusive)
        }
    }
}

/// The mailbox goes from the list, in one transaction with the entry that keeps its files; what other files say of it, and its
/// own files, go with it.
fn remove(
    spool: &mut Spool,
    mailbox: &OpenMailbox,
    closed: Option<&ClosedMailbox>,
    kept: Option<&MailboxEntry>,
) -> Result<(), StoreError> {
    let (disk, entry) = (spool.disk.clone(), &mailbox.entry);
    let mut transaction = Transaction::new(disk.as_ref(), vec![entry.name.clone()], mailbox.place.clone());
    transaction.list(spool, |list, options| {
        let outcome = mboxlist::delete(list, options, &entry.name, closed, now())?;
        if let (Ok(_), Some(kept)) = (&outcome, kept) {
            mboxlist::update(list, options, kept, now())?;
        }
        Ok(outcome.map(drop).map_err(|_| StoreError::from(Refusal::Nonexistent)))
    })??;
    forget(spool, mailbox, &mut transaction)?;
    let has_scripts = entry.mailbox_type.kind == MailboxKind::Sieve && !entry.name.is_deleted();
    if has_scripts {
        transaction.lists_scripts(entry.name.clone());
    }
    let made = transaction.prepare(spool, entry.uniqueid.as_ref())?.carry_out(spool, None)?;
    if has_scripts {
        sieve::forget(spool, &entry.name);
    }
    made.end(spool);
    Ok(())
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

/// An entry without files becomes a tombstone, or goes.
fn unlist(spool: &mut Spool, entry: &MailboxEntry) -> Result<(), StoreError> {
    let outcome =
        spool.write_list(Durability::Now, |list, options| mboxlist::delete(list, options, &entry.name, None, now()))?;
    outcome.map(drop).map_err(|_| Refusal::Nonexistent.into())
}

/// The mailbox's annotations, its part of the quota, and its files go.
pub(in super::super) fn forget(
    spool: &Spool,
    mailbox: &OpenMailbox,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    if let Some(target) = mailbox.annotation_target() {
        transaction.annotations(spool, |table| Ok(annotations::remove_all(table, &target)?))?;
    }
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        let difference = usage::difference(usage::usage_of(mailbox.index.header()), usage::NOTHING);
        transaction.count(spool, root, difference, &mailbox.entry.name)?;
    }
    transaction.remove(mailbox.place.clone());
    Ok(())
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
