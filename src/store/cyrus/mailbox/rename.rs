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
        disk::Lock,
        error::StoreError,
        index::IndexHeader,
        lock::{LockName, NameLock},
        mboxlist::{self, MailboxEntry},
        paths::MailboxPlace,
        spool::{Spool, now, open_or_create},
        staging::{link_or_copy, remove},
        twoskip::Durability,
        usage,
    },
    delete::remove_files,
    open::{OpenMailbox, open_files},
    quota_root,
};
use crate::{
    ops::Refusal,
    types::{MailboxName, MailboxType, Partition, Release},
};

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
    let entry = spool.entry(old)?.filter(|entry| !entry.mailbox_type.deleted).ok_or(Refusal::Nonexistent)?;
    if old != new && spool.entry(new)?.is_some_and(|entry| !entry.mailbox_type.is_entry_only()) {
        return Err(Refusal::Exists.into());
    }
    let Some(place) = entry.place().filter(|_| !entry.mailbox_type.intermediate) else {
        let renamed = MailboxEntry { name: new.clone(), ..entry.clone() };
        return spool.write_list(|list, options| mboxlist::rename(list, options, &entry, &renamed, now()));
    };
    if !spool.options.partitions.contains_key(partition) {
        return Err(Refusal::UnknownPartition.into());
    }
    if old != new && old.is_inbox() && new.is_inbox() {
        announce_user(spool, &entry, new)?;
    }
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    let mailbox = open_files(spool, entry, place, lock, owner_lock, Lock::Exclusive)?;
    rename_open(spool, mailbox, new, partition, uidvalidity)
}

/// A user's own files are found by the entry of the INBOX: the new name gets a tombstone with the unique id first. Releases
/// before 3.12 do not, and it becomes one of the mailbox's former names.
fn announce_user(spool: &mut Spool, entry: &MailboxEntry, new: &MailboxName) -> Result<(), StoreError> {
    if spool.options.release < Release::V3_12 {
        return Ok(());
    }
    let mailbox_type = MailboxType { deleted: true, ..entry.mailbox_type };
    let announced = MailboxEntry { name: new.clone(), mailbox_type, ..entry.clone() };
    spool.write_list(|list, options| mboxlist::update(list, options, &announced, now()))
}

/// Takes the locks of both owners, in the order of the names; one lock if the owner is the same.
fn lock_owners(
    spool: &Spool,
    old: &MailboxName,
    new: &MailboxName,
) -> Result<(NameLock, Option<NameLock>), StoreError> {
    let lock = |name| spool.lock(LockName::user_of(name), Lock::Exclusive);
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
    if new_place != old_place {
        copy_files(spool, &old_place, &new_place)?;
        let OpenMailbox { entry, lock, owner_lock, .. } = mailbox;
        mailbox = open_files(spool, entry, new_place.clone(), lock, owner_lock, Lock::Exclusive)?;
    }
    if mailbox.entry.name != *new {
        let root = usage::root_of(spool, new)?;
        quota_root::change(spool, &mut mailbox, root.as_ref(), new)?;
        drop_display_name(spool, &mailbox)?;
    }
    mailbox.header.name = Some(new.as_bytes().to_vec());
    let index = IndexHeader { uidvalidity: renamed.uidvalidity, ..*mailbox.index.header() };
    mailbox.index.write_header(index)?;
    quota_root::write(spool, &mut mailbox)?;
    let entry = mailbox.entry.clone();
    spool.write_list(|list, options| mboxlist::rename(list, options, &entry, &renamed, now()))?;
    if new_place != old_place { remove_files(spool, &old_place) } else { Ok(()) }
}

/// Gives all files of a mailbox a second name, or a copy, in its new place.
fn copy_files(spool: &Spool, old: &MailboxPlace, new: &MailboxPlace) -> Result<(), StoreError> {
    let (from, to) = (spool.options.mailbox_dirs(old)?, spool.options.mailbox_dirs(new)?);
    for (from, to) in from.iter().zip(&to) {
        spool.disk.create_dir_all(to).map_err(StoreError::io(to))?;
        for name in spool.disk.read_dir(from).map_err(StoreError::io(from))? {
            let (source, copy) = (from.join(&name), to.join(&name));
            let metadata = spool.disk.metadata(&source).map_err(StoreError::io(&source))?;
            if !metadata.is_dir {
                remove(spool.disk.as_ref(), &copy).map_err(StoreError::io(&copy))?;
                link_or_copy(spool.disk.as_ref(), &source, &copy).map_err(StoreError::io(&copy))?;
                spool.disk.set_modified(&copy, metadata.modified).map_err(StoreError::io(&copy))?;
            }
        }
        spool.disk.sync_file_system(to).map_err(StoreError::io(to))?;
    }
    Ok(())
}

/// The name that JMAP shows is no longer right.
fn drop_display_name(spool: &Spool, mailbox: &OpenMailbox) -> Result<(), StoreError> {
    let Some(target) = mailbox.annotation_target() else { return Ok(()) };
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    annotations::remove_entry(&mut writer, &target, b"/vendor/cmu/cyrus-imapd/displayname")?;
    Ok(writer.commit(Durability::Now)?)
}
