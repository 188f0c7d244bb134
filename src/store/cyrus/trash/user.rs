//! A user goes: what belongs to no mailbox is kept beside the trash, and comes back with the INBOX.
//!
//! Subscriptions, seen state and the user's other databases are kept as files, quota roots as the files that they are. Links
//! to Sieve scripts are not: they are made anew from the scripts, which are in a mailbox.

use super::{
    super::{
        disk::{Durability, Lock, make_directories, remove_if_there, replace_file},
        error::StoreError,
        lock::LockName,
        mboxlist::MailboxEntry,
        paths::UserPlace,
        quota, quotas,
        remove_user::{FILES, quota_files, remove_dir},
        spool::Spool,
    },
    list,
};
use crate::{
    event::Severity,
    types::{MailboxName, UniqueId, UserId},
};
use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

/// Tells by its modification when the user was removed, and by its text who it was.
const WHO: &str = "user";
/// What the name of a quota root's file begins with.
const QUOTA: &str = "quota-";

/// The directory of what is kept of all users.
pub(super) fn root(spool: &Spool) -> PathBuf {
    spool.options.config_directory.join("sync_server.trash")
}

/// When the user with this INBOX was removed, in seconds since 1970.
pub(super) fn removed(spool: &Spool, inbox: &UniqueId) -> Option<i64> {
    spool.disk.metadata(&root(spool).join(inbox.as_str()).join(WHO)).ok().map(|metadata| metadata.modified)
}

/// Moves aside what a user has beside mailboxes, for an INBOX that is there or that was kept before: masters remove mailboxes
/// one by one before they say UNUSER. Where neither is, nothing would bring it back. What was kept of an earlier INBOX with the
/// same unique id is replaced.
pub(in super::super) fn save(
    spool: &mut Spool,
    user: &UserId,
    inbox: &MailboxName,
    entry: Option<&MailboxEntry>,
) -> Result<(), StoreError> {
    if spool.options.safety.trash.is_none() {
        return Ok(());
    }
    let of_entry = entry.and_then(|entry| Some((entry.uniqueid.clone()?, entry.mailbox_type.legacy_dirs)));
    let Some((id, by_name)) = of_entry.map_or_else(|| kept_inbox(spool, inbox), |found| Ok(Some(found)))? else {
        return Ok(());
    };
    let place = if by_name { UserPlace::ByName(user.clone()) } else { UserPlace::ById(id.clone()) };
    let directory = root(spool).join(id.as_str());
    let disk = spool.disk.as_ref();
    make_directories(disk, &directory).map_err(StoreError::io(&directory))?;
    save_quota_roots(spool, inbox, &directory)?;
    for suffix in FILES {
        let path = spool.options.user_file(&place, suffix);
        if spool.is_there(&path)? {
            disk.rename(&path, &directory.join(suffix)).map_err(StoreError::io(&path))?;
        }
    }
    let who = directory.join(WHO);
    replace_file(disk, &who, &[user.as_bytes(), b"\n"], Durability::Now).map_err(StoreError::io(&who))?;
    disk.set_modified(&who, spool.options.safety.clock.now()).map_err(StoreError::io(&who))
}

/// The unique id of the INBOX that was kept last, and whether its files lie by name.
fn kept_inbox(spool: &mut Spool, inbox: &MailboxName) -> Result<Option<(UniqueId, bool)>, StoreError> {
    let newest =
        list::kept_below(spool, inbox)?.into_iter().filter(|kept| kept.name == *inbox).max_by_key(|kept| kept.removed);
    Ok(newest.map(|kept| (kept.uniqueid, kept.entry.mailbox_type.legacy_dirs)))
}

fn save_quota_roots(spool: &Spool, inbox: &MailboxName, directory: &Path) -> Result<(), StoreError> {
    for (name, path) in quota_files(spool, inbox)? {
        let Some(bytes) = spool.read_file(&path)? else { continue };
        let kept = directory.join(format!("{QUOTA}{name}"));
        replace_file(spool.disk.as_ref(), &kept, &[&bytes], Durability::Now).map_err(StoreError::io(&kept))?;
    }
    Ok(())
}

/// Puts back what was kept of the user whose INBOX, with this unique id, was just put back. What is there already is kept.
pub(super) fn restore(spool: &mut Spool, user: &UserId, inbox: &UniqueId) -> Result<(), StoreError> {
    let directory = root(spool).join(inbox.as_str());
    restore_files(spool, user, &directory)?;
    for name in spool.names_in(&directory)? {
        let root = name.to_str().and_then(|name| MailboxName::parse(name.strip_prefix(QUOTA)?.as_bytes()).ok());
        let Some(root) = root.filter(|root| root.owner().as_ref() == Some(user)) else { continue };
        if quotas::read(spool, &root)?.is_none()
            && let Some(kept) = quota::read(spool.disk.as_ref(), &directory.join(&name))?
        {
            quotas::set(spool, &root, &quotas::to_wire(&kept), kept.modseq)?;
        }
    }
    discard(spool, inbox)
}

fn restore_files(spool: &mut Spool, user: &UserId, directory: &Path) -> Result<(), StoreError> {
    let _owner_lock = spool.lock(LockName::User(Some(user.clone())), Lock::Exclusive)?;
    let place = spool.user_place(user)?;
    FILES.iter().try_for_each(|suffix| restore_file(spool, &place, &directory.join(suffix), suffix))
}

fn restore_file(spool: &Spool, place: &UserPlace, kept: &Path, suffix: &str) -> Result<(), StoreError> {
    let (disk, path) = (spool.disk.as_ref(), spool.options.user_file(place, suffix));
    let Some(directory) = path.parent() else { return Ok(()) };
    if !spool.is_there(kept)? {
        return Ok(());
    }
    if spool.is_there(&path)? {
        let facts: [(&str, &dyn Display); 1] = [("file", &path.display())];
        spool.tell(
            Severity::Warning,
            "a file of a restored user exists already, the one in the trash is dropped",
            &facts,
        );
        return Ok(());
    }
    make_directories(disk, directory).map_err(StoreError::io(directory))?;
    disk.rename(kept, &path).map_err(StoreError::io(&path))?;
    disk.sync_dir(directory).map_err(StoreError::io(directory))
}

/// Removes what is kept of the user with this INBOX.
pub(super) fn discard(spool: &Spool, inbox: &UniqueId) -> Result<(), StoreError> {
    let directory = root(spool).join(inbox.as_str());
    for name in spool.names_in(&directory)? {
        let path = directory.join(name);
        remove_if_there(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
    }
    remove_dir(spool, &directory)
}
