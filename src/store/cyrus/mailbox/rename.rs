//! Renaming a mailbox, or moving it to another partition.
//!
//! With files under unique ids a new name changes the list, the header and the quota root; files move only with the
//! partition or where they lie by name.
//!
//! Source: `sync_apply_rename` of `imap/sync_support.c`, `mboxlist_renamemailbox` of `imap/mboxlist.c`,
//! `mailbox_rename_nocopy` and `mailbox_rename_copy` of `imap/mailbox.c`.

use super::{
    super::{
        annotations,
        disk::{Durability, Lock},
        error::StoreError,
        index::IndexHeader,
        journal::{Prepared, Transaction},
        lock::{LockName, NameLock},
        mboxlist::{self, MailboxEntry},
        options::CyrusOptions,
        paths::MailboxPlace,
        spool::{Spool, now},
        trash, usage,
    },
    copy::{META, copy_files, make_durable},
    delete::remove_files,
    open::{OpenMailbox, open_files, settled_entry},
    quota_root,
};
use crate::{
    ops::Refusal,
    types::{MailboxName, MailboxType, Partition, Release},
};
use std::sync::Arc;

/// Renames `old` to `new`, whose files then lie on `partition`. Subscriptions and seen state stay as they are: the master
/// sends those.
pub(in super::super) fn rename(
    spool: &mut Spool,
    old: &MailboxName,
    new: &MailboxName,
    partition: &Partition,
    uidvalidity: Option<u32>,
) -> Result<(), StoreError> {
    let (owner_lock, _other_owner_lock) = lock_owners(spool, old, new)?;
    let entry = settled_entry(spool, old, &owner_lock)?
        .filter(|entry| !entry.mailbox_type.deleted && !trash::is_kept(entry))
        .ok_or(Refusal::Nonexistent)?;
    if old != new && spool.entry(new)?.is_some_and(|entry| !entry.mailbox_type.is_entry_only()) {
        return Err(Refusal::Exists.into());
    }
    let Some(place) = entry.place().filter(|_| !entry.mailbox_type.intermediate) else {
        let renamed = MailboxEntry { name: new.clone(), ..entry.clone() };
        return spool
            .write_list(Durability::Now, |list, options| mboxlist::rename(list, options, &entry, &renamed, now()));
    };
    if !spool.options.partitions.contains_key(partition) {
        return Err(Refusal::UnknownPartition.into());
    }
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    let mailbox = open_files(spool, entry, place, lock, owner_lock, Lock::Exclusive)?;
    rename_open(spool, mailbox, new, partition, uidvalidity)
}

/// A user's own files are found by the entry of the INBOX: the new name gets a tombstone with the unique id first. Releases
/// before 3.12 do not, and it becomes one of the mailbox's former names.
fn announced(options: &CyrusOptions, entry: &MailboxEntry, new: &MailboxName) -> Option<MailboxEntry> {
    let is_user = entry.name != *new && entry.name.is_inbox() && new.is_inbox();
    let mailbox_type = MailboxType { deleted: true, ..entry.mailbox_type };
    let is_announced = is_user && options.release >= Release::V3_12;
    is_announced.then(|| MailboxEntry { name: new.clone(), mailbox_type, ..entry.clone() })
}

/// Takes the locks of both owners, in the order of the names; one lock if the owner is the same.
fn lock_owners(
    spool: &Spool,
    old: &MailboxName,
    new: &MailboxName,
) -> Result<(Arc<NameLock>, Option<Arc<NameLock>>), StoreError> {
    let lock = |name| spool.lock_owner(name, Lock::Exclusive);
    if LockName::user_of(old) == LockName::user_of(new) {
        return Ok((lock(old)?, None));
    }
    if old < new {
        let first = lock(old)?;
        return Ok((first, Some(lock(new)?)));
    }
    let second = lock(new)?;
    Ok((lock(old)?, Some(second)))
}

fn rename_open(
    spool: &mut Spool,
    mut mailbox: OpenMailbox,
    new: &MailboxName,
    partition: &Partition,
    uidvalidity: Option<u32>,
) -> Result<(), StoreError> {
    let old_place = mailbox.place.clone();
    let mut renamed = mailbox.entry.clone();
    renamed.name = new.clone();
    renamed.partition = Some(partition.clone());
    renamed.folder_modseq = mailbox.index.header().highestmodseq;
    renamed.uidvalidity = uidvalidity.unwrap_or(mailbox.index.header().uidvalidity);
    let new_place = renamed.place().ok_or(Refusal::Protocol)?;
    let is_moved = new_place != old_place;
    if is_moved {
        // What lies there is the leftover of a change that was never listed.
        remove_files(spool, &new_place)?;
        let moved = copy_files(spool, &old_place, &new_place, &META).and_then(|()| make_durable(spool, &new_place));
        moved.inspect_err(|_| drop(remove_files(spool, &new_place)))?;
        let OpenMailbox { entry, lock, owner_lock, .. } = mailbox;
        mailbox = open_files(spool, entry, new_place, lock, owner_lock, Lock::Exclusive)?;
    }
    let disk = spool.disk.clone();
    let mut names = vec![mailbox.entry.name.clone(), new.clone()];
    names.sort();
    let transaction = Transaction::new(disk.as_ref(), names, mailbox.place.clone());
    let prepared = prepare(spool, &mut mailbox, &renamed, is_moved.then_some(old_place), transaction);
    let prepared = prepared.inspect_err(|_| {
        if is_moved {
            remove_files(spool, &mailbox.place).ok();
        }
    })?;
    prepared.carry_out(spool, Some(&mut mailbox.index))?.end(spool, true);
    Ok(())
}

/// Says all that changes with the name or the place.
fn prepare<'a>(
    spool: &mut Spool,
    mailbox: &mut OpenMailbox,
    renamed: &MailboxEntry,
    moved_from: Option<MailboxPlace>,
    mut transaction: Transaction<'a>,
) -> Result<Prepared<'a>, StoreError> {
    let entry = mailbox.entry.clone();
    let mut roots = None;
    if entry.name != renamed.name {
        roots = quota_root::change(mailbox, usage::root_of(spool, &renamed.name)?.as_ref());
        drop_display_name(spool, mailbox, &mut transaction)?;
    }
    mailbox.header.name = Some(renamed.name.as_bytes().to_vec());
    let index = IndexHeader { uidvalidity: renamed.uidvalidity, ..*mailbox.index.header() };
    quota_root::write(mailbox, index, &mut transaction)?;
    transaction.list(spool, |list, options| {
        if let Some(announced) = announced(options, &entry, &renamed.name) {
            mboxlist::update(list, options, &announced, now())?;
        }
        mboxlist::rename(list, options, &entry, renamed, now())
    })?;
    if let Some(place) = moved_from {
        transaction.remove(place);
    }
    if let Some(roots) = roots {
        quota_root::count(mailbox, roots, &renamed.name, &mut transaction);
    }
    transaction.prepare(spool, entry.uniqueid.as_ref())
}

/// The name that JMAP shows is no longer right.
fn drop_display_name(
    spool: &Spool,
    mailbox: &OpenMailbox,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let Some(target) = mailbox.annotation_target() else { return Ok(()) };
    let entry = b"/vendor/cmu/cyrus-imapd/displayname";
    transaction.annotations(spool, |table| Ok(annotations::remove_entry(table, &target, entry)?))
}
