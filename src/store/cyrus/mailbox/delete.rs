//! Removing a mailbox.
//!
//! Source: `mboxlist_deletemailbox` of `imap/mboxlist.c` with `FORCE` and `SILENT`.

use super::{
    super::{
        disk::{Durability, Lock, remove_if_there},
        error::StoreError,
        journal::{Prepared, Transaction},
        lock::{LockName, NameLock},
        mboxlist::{self, MailboxEntry},
        paths::{MailboxDirectory, MailboxPlace},
        removals,
        spool::{Spool, now},
        trash,
    },
    leaving::{Leaving, forget},
    open::{open_files, settled_entry},
};
use crate::{
    event::Severity,
    ops::{MailboxIdentity, Refusal},
    types::{MailboxName, Uid},
};
use std::{io::ErrorKind, path::Path, sync::Arc};

/// Removes a mailbox by name, or makes a tombstone of an intermediate folder.
pub(in super::super) fn delete(
    spool: &mut Spool,
    name: &MailboxName,
    meant: Option<&MailboxIdentity>,
) -> Result<(), StoreError> {
    let owner_lock = spool.lock_owner(name, Lock::Exclusive)?;
    let entry = settled_entry(spool, name, &owner_lock)?.filter(|entry| !trash::is_kept(entry));
    let entry = entry.ok_or(Refusal::Nonexistent)?;
    if meant.is_some_and(|meant| !meant.is(entry.uniqueid.as_ref(), entry.uidvalidity)) {
        return Err(Refusal::Moved.into());
    }
    let is_mailbox = !entry.mailbox_type.is_entry_only();
    removals::admit(spool, is_mailbox.into(), name)?;
    delete_owned(spool, name, &owner_lock, 0)
}

/// Removes a mailbox whose owner's lock is held exclusively. `raise` is by how much the modseq of its tombstone is above its own.
pub(in super::super) fn delete_owned(
    spool: &mut Spool,
    name: &MailboxName,
    owner_lock: &Arc<NameLock>,
    raise: u64,
) -> Result<(), StoreError> {
    let entry = settled_entry(spool, name, owner_lock)?.ok_or(Refusal::Nonexistent)?;
    match entry.place().filter(|_| !entry.mailbox_type.is_entry_only()) {
        Some(place) => delete_mailbox(spool, entry, place, owner_lock, raise),
        None => unlist(spool, &entry),
    }
}

/// A mailbox whose files cannot be read goes all the same: what is left of them is of no use.
fn delete_mailbox(
    spool: &mut Spool,
    entry: MailboxEntry,
    place: MailboxPlace,
    owner_lock: &Arc<NameLock>,
    raise: u64,
) -> Result<(), StoreError> {
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    match open_files(spool, entry.clone(), place.clone(), lock, owner_lock.clone(), Lock::Exclusive) {
        Ok(mailbox) => {
            let leaving = Leaving::new(spool, mailbox, raise)?;
            remove(spool, &leaving)
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
            remove_files(spool, &place)
        }
    }
}

fn remove(spool: &mut Spool, leaving: &Leaving) -> Result<(), StoreError> {
    let disk = spool.disk.clone();
    let transaction = Transaction::of(disk.as_ref(), &leaving.mailbox);
    let prepared = prepare(spool, leaving, transaction).inspect_err(|_| leaving.stays(spool))?;
    let made = prepared.carry_out(spool, None)?;
    let is_all_done = leaving.is_gone(spool);
    made.end(spool, is_all_done);
    Ok(())
}

fn prepare<'a>(
    spool: &mut Spool,
    leaving: &Leaving,
    mut transaction: Transaction<'a>,
) -> Result<Prepared<'a>, StoreError> {
    transaction.list(spool, |list, options| leaving.unlist(list, options))??;
    forget(spool, &leaving.mailbox, &mut transaction)?;
    if leaving.has_scripts() {
        transaction.lists_scripts(leaving.mailbox.entry.name.clone());
    }
    transaction.prepare(spool, leaving.uniqueid())
}

/// An entry without files becomes a tombstone, or goes.
fn unlist(spool: &mut Spool, entry: &MailboxEntry) -> Result<(), StoreError> {
    let outcome =
        spool.write_list(Durability::Now, |list, options| mboxlist::delete(list, options, &entry.name, None, now()))?;
    outcome.map(drop).map_err(|_| Refusal::Nonexistent.into())
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

/// The same; they do not come back after a power cut.
pub(in super::super) fn remove_files_durably(spool: &Spool, place: &MailboxPlace) -> Result<(), StoreError> {
    remove_files(spool, place)?;
    for directory in spool.options.mailbox_dirs(place)? {
        // By unique id it is gone; by name it stays where other mailboxes lie below it.
        for path in directory.ancestors().take(2) {
            sync_if_there(spool, path)?;
        }
    }
    Ok(())
}

/// Removes messages, which do not come back after a power cut.
pub(in super::super) fn remove_messages(
    spool: &Spool,
    place: &MailboxPlace,
    uids: impl Iterator<Item = Uid>,
) -> Result<(), StoreError> {
    let mut uids = uids.peekable();
    if uids.peek().is_none() {
        return Ok(());
    }
    uids.try_for_each(|uid| remove_message(spool, place, uid))?;
    spool.options.message_dirs(place)?.iter().try_for_each(|path| sync_if_there(spool, path))
}

/// Removes a message, wherever it lies.
pub(super) fn remove_message(spool: &Spool, place: &MailboxPlace, uid: Uid) -> Result<(), StoreError> {
    let paths = spool.options.message_files(place, uid)?;
    paths.iter().try_for_each(|path| remove_if_there(spool.disk.as_ref(), path).map_err(StoreError::io(path)))
}

fn sync_if_there(spool: &Spool, directory: &Path) -> Result<(), StoreError> {
    match spool.disk.sync_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        synced => synced.map_err(StoreError::io(directory)),
    }
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
