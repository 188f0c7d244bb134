//! Quota roots: their limits, and which mailboxes count for them.
//!
//! Source: `mboxlist_setquotas`, `mboxlist_changequota`, `mboxlist_unsetquota`, `mboxlist_rmquota` of `imap/mboxlist.c`.

use super::{
    disk::{Durability, Lock},
    error::StoreError,
    journal::Task,
    lock::LockName,
    mailbox::{self, OpenMailbox, Opened},
    mboxlist::{Tree, TreeFlags},
    quota::{self, Quota, QuotaFile, QuotaRoot, RESOURCES},
    spool::Spool,
};
use crate::{
    event::Severity,
    ops::{self, Intent, QuotaLimits, Refusal},
    types::{MailboxName, ModSeq},
};
use std::{fmt::Display, io::ErrorKind};

fn root_named(name: &MailboxName) -> Result<QuotaRoot, StoreError> {
    QuotaRoot::parse(name.as_bytes()).map_err(|_| Refusal::BadParameters.into())
}

/// A quota root's limits; `None` where there is none.
pub(super) fn read(spool: &Spool, name: &MailboxName) -> Result<Option<ops::Quota>, StoreError> {
    let found = quota::read(spool.disk.as_ref(), &spool.options.quota_file(&root_named(name)?))?;
    Ok(found.map(|quota| ops::Quota { limits: to_wire(&quota), modseq: quota.modseq }))
}

pub(super) fn to_wire(quota: &Quota) -> QuotaLimits {
    let [storage, message, annotation_storage, mailbox] =
        quota.limits.map(|limit| limit.and_then(|limit| u32::try_from(limit).ok()));
    QuotaLimits { storage, message, annotation_storage, mailbox }
}

/// Sets a root's limits. A new root counts what the mailboxes below it use.
pub(super) fn set(
    spool: &mut Spool,
    name: &MailboxName,
    limits: &QuotaLimits,
    modseq: ModSeq,
) -> Result<(), StoreError> {
    let root = root_named(name)?;
    let limits = [limits.storage, limits.message, limits.annotation_storage, limits.mailbox];
    let limits = limits.map(|limit| limit.map(i64::from));
    if change_limits(spool, &root, limits, modseq)? {
        return Ok(());
    }
    let _change = spool.lock(LockName::QuotaChange, Lock::Exclusive)?;
    // Another may have made it meanwhile; the reference would let it count anew from 0 (`mboxlist_setquotas`).
    if change_limits(spool, &root, limits, modseq)? {
        return Ok(());
    }
    let quota = Quota { limits, modseq, ..Quota::default() };
    let task = Task::MakeRoot { root: name.clone(), quota: quota.clone() };
    task.note(spool, |spool| {
        let made = make(spool, name, &root, &quota);
        // Half of a root would be taken for a whole one when the master repeats this.
        made.inspect_err(|_| drop(remove_locked(spool, name, &root)))
    })
}

/// Sets the limits of a root that is there; whether it is.
fn change_limits(
    spool: &Spool,
    root: &QuotaRoot,
    limits: [Option<i64>; RESOURCES],
    modseq: ModSeq,
) -> Result<bool, StoreError> {
    let path = spool.options.quota_file(root);
    let file = QuotaFile::lock(spool.disk.as_ref(), &path, false, spool.deadline())?;
    let Some((file, mut quota)) = file.and_then(|file| file.quota().cloned().map(|quota| (file, quota))) else {
        return Ok(false);
    };
    if quota.set_limits(limits, modseq) {
        file.commit(&quota, Durability::Now)?;
    }
    Ok(true)
}

fn make(spool: &mut Spool, name: &MailboxName, root: &QuotaRoot, quota: &Quota) -> Result<(), StoreError> {
    let path = spool.options.quota_file(root);
    let missing = || StoreError::io(&path)(ErrorKind::NotFound.into());
    let file = QuotaFile::lock(spool.disk.as_ref(), &path, true, spool.deadline())?.ok_or_else(missing)?;
    file.commit(quota, Durability::Now)?;
    adopt(spool, name, root)
}

fn adopt(spool: &mut Spool, name: &MailboxName, root: &QuotaRoot) -> Result<(), StoreError> {
    for_each_mailbox(spool, name, |spool, mailbox| mailbox::adopt(spool, mailbox, root))
}

/// Makes a root that was being made, or lets it count the mailboxes that it does not count yet; but not one that was changed
/// since.
pub(super) fn finish(spool: &mut Spool, name: &MailboxName, quota: &Quota) -> Result<(), StoreError> {
    let root = root_named(name)?;
    let _change = spool.lock(LockName::QuotaChange, Lock::Exclusive)?;
    match quota::read(spool.disk.as_ref(), &spool.options.quota_file(&root))? {
        None => make(spool, name, &root, quota),
        Some(found) if found.limits == quota.limits => adopt(spool, name, &root),
        Some(_) => Ok(()),
    }
}

/// Removes a root; the mailboxes that counted for it then count for none.
pub(super) fn remove(spool: &mut Spool, name: &MailboxName) -> Result<(), StoreError> {
    let path = spool.options.quota_file(&root_named(name)?);
    if quota::read(spool.disk.as_ref(), &path)?.is_none() {
        return Ok(());
    }
    Task::RemoveRoot { root: name.clone() }.note(spool, |spool| remove_root(spool, name))
}

/// Removes what there is of a root.
pub(super) fn remove_root(spool: &mut Spool, name: &MailboxName) -> Result<(), StoreError> {
    let _change = spool.lock(LockName::QuotaChange, Lock::Exclusive)?;
    remove_locked(spool, name, &root_named(name)?)
}

fn remove_locked(spool: &mut Spool, name: &MailboxName, root: &QuotaRoot) -> Result<(), StoreError> {
    let path = spool.options.quota_file(root);
    for_each_mailbox(spool, name, |spool, mailbox| mailbox::abandon(spool, mailbox, root))?;
    if let Some(file) = QuotaFile::lock(spool.disk.as_ref(), &path, false, spool.deadline())? {
        file.remove()?;
    }
    Ok(())
}

/// Each mailbox at and below a name, also behind one that fails. The last failure is returned.
fn for_each_mailbox(
    spool: &mut Spool,
    name: &MailboxName,
    each: impl Fn(&mut Spool, &mut OpenMailbox) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let tree = Tree::of(&spool.options, name, TreeFlags::default());
    let mut all = Ok(());
    spool.each_entry(tree, |spool, entry| {
        let outcome = mailbox::open(spool, &entry.name, Intent::Write).and_then(|opened| match opened {
            Opened::Mailbox(mut mailbox) => each(spool, &mut mailbox),
            Opened::Missing { .. } => Ok(()),
        });
        if let Err(error) = outcome {
            let facts: [(&str, &dyn Display); 2] = [("mailbox", &entry.name), ("error", &error)];
            spool.tell(Severity::Error, "LOSTQUOTA: unable to change quota root", &facts);
            all = Err(error);
        }
        Ok(())
    })?;
    all
}
