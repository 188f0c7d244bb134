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
        lock::{LockName, NameLock},
        mboxlist::{self, MailboxEntry},
        options::MetaFile,
        paths::MailboxPlace,
        spool::{Spool, now, open_or_create},
        staging::{copy, link_or_copy},
        trash, usage,
    },
    delete::remove_files,
    open::{OpenMailbox, open_files},
    quota_root,
};
use crate::{
    event::Severity,
    ops::Refusal,
    types::{MailboxName, MailboxType, Partition, Release},
};
use std::{ffi::OsStr, fmt::Display, path::Path};

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
    let entry = spool
        .entry(old)?
        .filter(|entry| !entry.mailbox_type.deleted && !trash::is_kept(entry))
        .ok_or(Refusal::Nonexistent)?;
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
        // What lies there is the leftover of a change that was never listed.
        remove_files(spool, &new_place)?;
        copy_files(spool, &old_place, &new_place, &META)?;
        make_durable(spool, &new_place)?;
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
    if new_place != old_place {
        remove_leftovers(spool, &old_place, new);
    }
    Ok(())
}

/// What is done is done and listed: files that stay behind are told of.
fn remove_leftovers(spool: &Spool, place: &MailboxPlace, mailbox: &MailboxName) {
    if let Err(error) = remove_files(spool, place) {
        let facts: [(&str, &dyn Display); 2] = [("mailbox", mailbox), ("error", &error)];
        spool.tell(Severity::Error, "IOERROR: unable to remove files of a mailbox", &facts);
    }
}

/// The files of a mailbox other than its messages.
const META: [MetaFile; 7] = [
    MetaFile::Header,
    MetaFile::Index,
    MetaFile::Cache,
    MetaFile::Expunge,
    MetaFile::Squat,
    MetaFile::Annotations,
    MetaFile::Dav,
];

/// Gives the files of a mailbox a second name in its new place. Some are copied: those that the old place still has must not
/// change with them.
pub(super) fn copy_files(
    spool: &Spool,
    old: &MailboxPlace,
    new: &MailboxPlace,
    copied: &[MetaFile],
) -> Result<(), StoreError> {
    let directories = spool.options.mailbox_dirs(new)?;
    for directory in &directories {
        spool.disk.create_dir_all(directory).map_err(StoreError::io(directory))?;
    }
    for directory in spool.options.mailbox_dirs(old)? {
        for name in spool.disk.read_dir(&directory).map_err(StoreError::io(&directory))? {
            copy_file(spool, &directory.join(&name), &name, new, copied)?;
        }
    }
    Ok(())
}

/// Makes all files of a mailbox durable, with their names.
pub(super) fn make_durable(spool: &Spool, place: &MailboxPlace) -> Result<(), StoreError> {
    let directories = spool.options.mailbox_dirs(place)?;
    directories.iter().try_for_each(|path| spool.disk.sync_file_system(path).map_err(StoreError::io(path)))
}

fn copy_file(
    spool: &Spool,
    source: &Path,
    name: &OsStr,
    new: &MailboxPlace,
    copied: &[MetaFile],
) -> Result<(), StoreError> {
    let disk = spool.disk.as_ref();
    let metadata = disk.metadata(source).map_err(StoreError::io(source))?;
    if metadata.is_dir {
        return Ok(());
    }
    let target = match META.into_iter().find(|file| file.name() == name) {
        Some(file) => spool.options.meta_file(new, file)?,
        None => spool.options.mailbox_data_dir(new)?.join(name),
    };
    let is_copied = copied.iter().any(|file| file.name() == name);
    let made = if is_copied { copy(disk, source, &target) } else { link_or_copy(disk, source, &target) };
    made.and_then(|()| disk.set_modified(&target, metadata.modified)).map_err(StoreError::io(&target))
}

/// The name that JMAP shows is no longer right.
fn drop_display_name(spool: &Spool, mailbox: &OpenMailbox) -> Result<(), StoreError> {
    let Some(target) = mailbox.annotation_target() else { return Ok(()) };
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    annotations::remove_entry(&mut writer, &target, b"/vendor/cmu/cyrus-imapd/displayname")?;
    Ok(writer.commit(Durability::Now)?)
}
