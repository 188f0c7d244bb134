//! The time is over: what is in the trash goes for good.

use super::{
    super::{
        disk::{Lock, open_or_make},
        error::StoreError,
        mailbox,
        spool::Spool,
    },
    Kept, list, user,
};
use crate::{event::Severity, types::UniqueId};
use std::fmt::Display;

/// Mailboxes that one process removes at a time: whoever waits for it shall not wait for ever.
const AT_ONCE: usize = 100;
/// The longest time between two looks at the trash, in seconds.
const LONGEST_PAUSE: i64 = 3600;

/// Until when something is kept, in seconds since 1970.
pub(super) fn until(spool: &Spool, removed: i64) -> Option<i64> {
    let trash = i64::try_from(spool.options.safety.trash?.as_secs()).ok()?;
    removed.checked_add(trash)
}

fn is_over(spool: &Spool, removed: i64) -> bool {
    until(spool, removed).is_some_and(|until| until <= spool.options.safety.clock.now())
}

/// Removes what has been kept for long enough, at most so much at once; of all processes one looks, once in an hour. Without
/// a trash nothing is removed, nor is what was kept when there was one.
pub(super) fn expire(spool: &mut Spool) -> Result<(), StoreError> {
    if !is_due(spool)? {
        return Ok(());
    }
    let over: Vec<Kept> = list::kept(spool)?.into_iter().filter(|kept| is_over(spool, kept.removed)).collect();
    for kept in over.iter().take(AT_ONCE) {
        let (outcome, what) = match remove(spool, kept) {
            Ok(()) => (None, "removed from the trash for good"),
            Err(error) => (Some(error.to_string()), "IOERROR: unable to remove from the trash"),
        };
        let error = outcome.as_deref().unwrap_or("none");
        let severity = if outcome.is_some() { Severity::Error } else { Severity::Notice };
        let facts: [(&str, &dyn Display); 3] =
            [("mailbox", &kept.name), ("kept_as", &kept.entry.name), ("error", &error)];
        spool.tell(severity, what, &facts);
    }
    for name in spool.names_in(&user::root(spool))? {
        let id = name.to_str().and_then(|name| UniqueId::parse(name.as_bytes()).ok());
        if let Some(id) = id.filter(|id| user::removed(spool, id).is_some_and(|removed| is_over(spool, removed))) {
            user::discard(spool, &id)?;
        }
    }
    Ok(())
}

/// Whether the last look is long enough ago; if so, this is now the last.
fn is_due(spool: &Spool) -> Result<bool, StoreError> {
    let Some(trash) = spool.options.safety.trash else { return Ok(false) };
    let now = spool.options.safety.clock.now();
    let pause = i64::try_from(trash.as_secs() / 24).unwrap_or(LONGEST_PAUSE).clamp(1, LONGEST_PAUSE);
    let path = spool.options.config_directory.join("sync_server.expired");
    let last = spool.disk.metadata(&path).ok().map(|metadata| metadata.modified);
    if last.is_some_and(|last| (last..last.saturating_add(pause)).contains(&now)) {
        return Ok(false);
    }
    open_or_make(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
    spool.disk.set_modified(&path, now).map_err(StoreError::io(&path))?;
    Ok(true)
}

fn remove(spool: &mut Spool, kept: &Kept) -> Result<(), StoreError> {
    let owner_lock = spool.lock_owner(&kept.entry.name, Lock::Exclusive)?;
    let entry = spool.entry(&kept.entry.name)?;
    match entry.filter(|entry| entry.uniqueid == kept.entry.uniqueid) {
        Some(_) => mailbox::delete_owned(spool, &kept.entry.name, &owner_lock, 0),
        None => Ok(()),
    }
}
