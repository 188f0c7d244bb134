//! Removing a user: mailboxes, quota roots, subscriptions, scripts, and the files that are the user's alone.
//!
//! The INBOX goes last: its list entry says where the user's files lie, so that a removal that is cut short can be done again.
//! Deleted mailboxes that are still kept stay, as do tombstones and intermediate folders.
//!
//! Source: `sync_apply_unuser` of `imap/sync_support.c`, `user_deletedata`, `user_deletequotaroots` of `imap/user.c`; 3.6.1
//! and 3.12.3 do the same, but that the former deletes as if by a client, with a modseq of its own. Not done here: ending the
//! user's IMAP connections and removing search indexes and alarms.

use super::{
    disk::{Lock, remove_if_there},
    error::StoreError,
    journal::Task,
    lock::NameLock,
    mailbox,
    mboxlist::{MailboxEntry, Tree, TreeFlags},
    quota::{QuotaFile, QuotaRoot},
    removals,
    spool::Spool,
    trash, users,
};
use crate::{
    ops::Refusal,
    types::{MailboxName, Release, UniqueId, UserId},
};
use std::{
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The user's own files (`user_file_suffixes`, `wipe_user_file_suffixes`).
pub(super) const FILES: [&str; 6] = ["dav", "sub", "counters", "conversations", "seen", "mboxkey"];

/// Removes a user, or what is left of one.
pub(super) fn remove(spool: &mut Spool, user: &UserId) -> Result<(), StoreError> {
    let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
    let owner_lock = spool.lock_owner(&inbox, Lock::Exclusive)?;
    let entry = inbox_entry(spool, &inbox)?;
    let below = mailboxes_below(spool, &inbox)?;
    removals::admit(spool, below.len() as u64 + u64::from(entry.is_some()), &format_args!("user {user}"))?;
    let task = Task::RemoveUser { user: user.clone(), inbox: entry.and_then(|entry| entry.uniqueid) };
    task.note(spool, |spool| remove_locked(spool, user, &inbox, &owner_lock))
}

/// Removes what a removal has left that was cut short; nothing of a user who came again since.
pub(super) fn finish(spool: &mut Spool, user: &UserId, removed: Option<&UniqueId>) -> Result<(), StoreError> {
    let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
    let owner_lock = spool.lock_owner(&inbox, Lock::Exclusive)?;
    let there = inbox_entry(spool, &inbox)?.and_then(|entry| entry.uniqueid);
    // The INBOX goes last.
    if there.as_ref() != removed {
        return Ok(());
    }
    remove_locked(spool, user, &inbox, &owner_lock)
}

fn inbox_entry(spool: &mut Spool, inbox: &MailboxName) -> Result<Option<MailboxEntry>, StoreError> {
    Ok(spool.entry(inbox)?.filter(|entry| !entry.mailbox_type.is_entry_only()))
}

fn remove_locked(
    spool: &mut Spool,
    user: &UserId,
    inbox: &MailboxName,
    owner_lock: &Arc<NameLock>,
) -> Result<(), StoreError> {
    let raise = u64::from(spool.options.release == Release::V3_6);
    let entry = inbox_entry(spool, inbox)?;
    for name in mailboxes_below(spool, inbox)?.iter().rev() {
        mailbox::delete_owned(spool, name, owner_lock, raise)?;
    }
    trash::save_user(spool, user, inbox, entry.as_ref())?;
    remove_quota_roots(spool, inbox)?;
    end_subscriptions(spool, user, inbox)?;
    remove_files(spool, user, inbox)?;
    if entry.is_some() {
        mailbox::delete_owned(spool, inbox, owner_lock, raise)?;
    }
    Ok(())
}

fn mailboxes_below(spool: &mut Spool, inbox: &MailboxName) -> Result<Vec<MailboxName>, StoreError> {
    let flags = TreeFlags { skip_root: true, ..TreeFlags::default() };
    let tree = Tree::of(&spool.options, inbox, flags);
    let mut names = Vec::new();
    spool.each_entry(tree, |_, entry| {
        names.push(entry.name);
        Ok(())
    })?;
    Ok(names)
}

fn remove_quota_roots(spool: &Spool, inbox: &MailboxName) -> Result<(), StoreError> {
    for (_, path) in quota_files(spool, inbox)? {
        if let Some(file) = QuotaFile::lock(spool.disk.as_ref(), &path, false, spool.deadline())? {
            file.remove()?;
        }
    }
    Ok(())
}

/// The roots at and below a user's INBOX: each one's name, and its file. Their names begin alike, so the files lie in one
/// directory. A user whose name cannot be part of a root's has none.
pub(super) fn quota_files(spool: &Spool, inbox: &MailboxName) -> Result<Vec<(MailboxName, PathBuf)>, StoreError> {
    let Ok(root) = QuotaRoot::parse(inbox.as_bytes()) else { return Ok(Vec::new()) };
    let path = spool.options.quota_file(&root);
    let (Some(directory), Some(of_inbox)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let below = |name: &OsString| {
        let rest = name.to_str()?.strip_prefix(of_inbox.to_str()?)?;
        let is_below = rest.is_empty() || rest.starts_with('.');
        let root = MailboxName::parse(format!("{inbox}{rest}").as_bytes()).ok().filter(|_| is_below)?;
        Some((root, directory.join(name)))
    };
    Ok(spool.names_in(directory)?.iter().filter_map(below).collect())
}

/// A user who never had an INBOX may have subscriptions. They end, and the file stays, as in the reference. Of a renamed user
/// they are left alone: the INBOX's tombstone leads to the files of the new name.
fn end_subscriptions(spool: &mut Spool, user: &UserId, inbox: &MailboxName) -> Result<(), StoreError> {
    if spool.entry(inbox)?.is_some() {
        return Ok(());
    }
    for name in users::read_subscriptions(spool, user)? {
        users::subscribe(spool, user, &name, false)?;
    }
    Ok(())
}

/// A user whose INBOX is gone already has no files any more, unless they lie by name.
fn remove_files(spool: &mut Spool, user: &UserId, inbox: &MailboxName) -> Result<(), StoreError> {
    let entry = spool.entry(inbox)?;
    if !entry.is_some_and(|entry| entry.mailbox_type.legacy_dirs || !entry.mailbox_type.deleted) {
        return Ok(());
    }
    let place = spool.user_place(user)?;
    if let Some(directory) = spool.options.sieve_dir(&place) {
        for name in spool.names_in(&directory)? {
            remove_file(spool, &directory.join(name))?;
        }
        remove_dir(spool, &directory)?;
    }
    for suffix in FILES {
        remove_file(spool, &spool.options.user_file(&place, suffix))?;
    }
    spool.options.user_dir(&place).map_or(Ok(()), |directory| remove_dir(spool, &directory))
}

fn remove_file(spool: &Spool, path: &Path) -> Result<(), StoreError> {
    remove_if_there(spool.disk.as_ref(), path).map_err(StoreError::io(path))
}

/// A directory with something else in it stays, as in the reference.
pub(super) fn remove_dir(spool: &Spool, directory: &Path) -> Result<(), StoreError> {
    match spool.disk.remove_dir(directory) {
        Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
            Err(StoreError::io(directory)(error))
        }
        _ => Ok(()),
    }
}
