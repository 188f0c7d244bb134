//! A mailbox comes back: under its name, with its unique id, whatever became of the trash's option since.

use super::{
    super::{
        disk::Lock,
        error::StoreError,
        journal::Transaction,
        lock::{LockName, NameLock},
        mailbox::{self, Opened},
        mboxlist::{self, MailboxEntry},
        sieve,
        spool::{Spool, now},
        usage,
    },
    Kept, list, user,
};
use crate::{
    event::Severity,
    ops::{Intent, Refusal},
    types::{MailboxKind, MailboxName},
};
use std::{fmt::Display, sync::Arc};

/// What became of one mailbox.
#[derive(Debug)]
pub struct Restored {
    /// The name that it had, and has again.
    pub name: MailboxName,
    /// The name that it was kept under.
    pub kept_as: MailboxName,
    /// Whether it is back.
    pub outcome: Result<(), RestoreError>,
}

/// Why a mailbox stays in the trash.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a mailbox of its name.
    #[error("{name} exists: rename it or remove it first")]
    Exists {
        /// The name.
        name: MailboxName,
    },
    /// A mailbox of another name has its unique id.
    #[error("it is there already, as {name}")]
    IsThere {
        /// The other name.
        name: MailboxName,
    },
    /// The files or the disk stand in the way.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> RestoreError {
        RestoreError::Failed(error.to_string())
    }
}

/// Restores the mailbox that is kept under this name; else the one that had it, as it was removed last, and all below it.
/// Each comes back that nothing stands in the way of, whatever becomes of others; none if nothing of that name is kept.
///
/// Where a user's INBOX came back before, and what else is the user's did not, that does now.
pub(super) fn restore(spool: &mut Spool, wanted: &MailboxName) -> Result<Vec<Restored>, StoreError> {
    let all = list::kept(spool)?;
    let mut chosen: Vec<Kept> = all.iter().filter(|kept| kept.entry.name == *wanted).cloned().collect();
    if chosen.is_empty() {
        let below = format!("{wanted}.");
        chosen =
            all.into_iter().filter(|kept| kept.name == *wanted || kept.name.as_str().starts_with(&below)).collect();
        // The one that was removed last is the first of its name.
        chosen.dedup_by(|next, first| next.name == first.name);
    }
    let mut restored: Vec<Restored> = finish_user(spool, wanted)?.into_iter().collect();
    restored.extend(chosen.iter().map(|kept| report(spool, kept)));
    Ok(restored)
}

fn finish_user(spool: &mut Spool, inbox: &MailboxName) -> Result<Option<Restored>, StoreError> {
    let Some(owner) = inbox.owner().filter(|_| inbox.is_inbox()) else { return Ok(None) };
    let entry = spool.entry(inbox)?.filter(|entry| !entry.mailbox_type.is_entry_only());
    let id = entry.and_then(|entry| entry.uniqueid).filter(|id| user::removed(spool, id).is_some());
    Ok(id.map(|id| Restored {
        name: inbox.clone(),
        kept_as: inbox.clone(),
        outcome: user::restore(spool, &owner, &id).map_err(RestoreError::from),
    }))
}

fn report(spool: &mut Spool, kept: &Kept) -> Restored {
    let outcome = restore_one(spool, kept);
    let facts: [(&str, &dyn Display); 2] = [("mailbox", &kept.name), ("from", &kept.entry.name)];
    match &outcome {
        Ok(()) => spool.tell(Severity::Notice, "mailbox restored from the trash", &facts),
        Err(error) => {
            let facts = [facts[0], facts[1], ("error", error)];
            spool.tell(Severity::Warning, "mailbox not restored from the trash", &facts);
        }
    }
    Restored { name: kept.name.clone(), kept_as: kept.entry.name.clone(), outcome }
}

fn restore_one(spool: &mut Spool, kept: &Kept) -> Result<(), RestoreError> {
    let owner_lock = spool.lock_owner(&kept.name, Lock::Exclusive)?;
    check(spool, kept)?;
    put_back(spool, kept, owner_lock)?;
    if let Some(owner) = kept.name.owner().filter(|_| kept.name.is_inbox()) {
        user::restore(spool, &owner, &kept.uniqueid)?;
    }
    if kept.entry.mailbox_type.kind == MailboxKind::Sieve
        && let Opened::Mailbox(mut mailbox) = mailbox::open(spool, &kept.name, Intent::Write)?
    {
        sieve::refresh(spool, &mut mailbox);
    }
    Ok(())
}

fn check(spool: &mut Spool, kept: &Kept) -> Result<(), RestoreError> {
    if spool.entry(&kept.name)?.is_some_and(|entry| !entry.mailbox_type.is_entry_only()) {
        return Err(RestoreError::Exists { name: kept.name.clone() });
    }
    match mailbox::holder(spool, &kept.uniqueid)? {
        Some(holder) => Err(RestoreError::IsThere { name: holder.name }),
        None => Ok(()),
    }
}

fn put_back(spool: &mut Spool, kept: &Kept, owner_lock: Arc<NameLock>) -> Result<(), StoreError> {
    // It may have been restored or expired meanwhile.
    let entry = spool.entry(&kept.entry.name)?.filter(|entry| entry.uniqueid == kept.entry.uniqueid);
    let entry = entry.ok_or(Refusal::Nonexistent)?;
    let place = entry.place().ok_or(Refusal::Nonexistent)?;
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Exclusive)?;
    let mailbox = mailbox::open_files(spool, entry.clone(), place.clone(), lock, owner_lock, Lock::Exclusive)?;
    let restored = MailboxEntry { name: kept.name.clone(), uniqueid: Some(kept.uniqueid.clone()), ..entry };
    let root = usage::root_of(spool, &kept.name)?;
    mailbox::duplicate(spool, &mailbox, &restored, root.as_ref())?;
    let disk = spool.disk.clone();
    let mut transaction = Transaction::new(disk.as_ref(), vec![kept.name.clone()], place);
    let listed = transaction.list(spool, |list, options| {
        let outcome = mboxlist::delete(list, options, &kept.entry.name, None, now())?;
        mboxlist::update(list, options, &restored, now())?;
        Ok(outcome)
    })?;
    listed.map_err(|_| Refusal::Nonexistent)?;
    mailbox::forget(spool, &mailbox, &mut transaction)?;
    if let Some(root) = root {
        let used = usage::difference(usage::NOTHING, usage::usage_of(mailbox.index.header()));
        transaction.count(root.as_str().as_bytes(), used, &kept.name);
    }
    transaction.prepare(spool, Some(&kept.uniqueid))?.carry_out(spool, None)?.end(spool, true);
    Ok(())
}
