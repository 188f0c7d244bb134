//! What belongs to users and not to mailboxes: seen state and subscriptions.

use super::{
    disk::Durability,
    error::StoreError,
    flat::Flat,
    options::DatabaseFormat,
    seen::{self, SeenState},
    spool::{Spool, open_or_create},
    subscriptions,
    table::WriteTable,
    twoskip::{Create, Twoskip},
};
use crate::{
    ops::{Refusal, Seen, SeenEntry},
    types::{MailboxName, UniqueId, UserId},
};
use std::path::PathBuf;

fn file(spool: &mut Spool, user: &UserId, suffix: &str) -> Result<PathBuf, StoreError> {
    let place = spool.user_place(user)?;
    Ok(spool.options.user_file(&place, suffix))
}

/// A page of a user's seen state, from the one behind `after` on.
pub(super) fn read_seen(
    spool: &mut Spool,
    user: &UserId,
    after: Option<&UniqueId>,
    limit: usize,
) -> Result<Vec<SeenEntry>, StoreError> {
    let path = file(spool, user, "seen")?;
    let Some(mut db) = Twoskip::open(&spool.disk, &path, Create::No)? else { return Ok(Vec::new()) };
    let page = seen::page(&mut db.read(spool.deadline())?, after, limit)?;
    let entry = |(uniqueid, state): (UniqueId, SeenState)| SeenEntry {
        uniqueid,
        seen: Seen {
            last_read: state.last_read,
            last_uid: state.last_uid,
            last_change: state.last_change,
            uids: state.uids.into_bytes().into(),
        },
    };
    Ok(page.into_iter().map(entry).collect())
}

/// Sets what a user has seen of a mailbox.
pub(super) fn set_seen(spool: &mut Spool, user: &UserId, mailbox: &UniqueId, seen: &Seen) -> Result<(), StoreError> {
    let uids = std::str::from_utf8(&seen.uids).ok().filter(|uids| seen::is_sequence(uids));
    let state = SeenState {
        last_read: seen.last_read,
        last_uid: seen.last_uid,
        last_change: seen.last_change,
        uids: uids.ok_or(Refusal::BadParameters)?.to_owned(),
    };
    let path = file(spool, user, "seen")?;
    let mut db = open_or_create(&spool.disk, &path)?;
    let mut writer = db.write(spool.deadline())?;
    seen::set(&mut writer, mailbox, &state)?;
    Ok(writer.commit(Durability::Now)?)
}

/// A user's subscriptions.
pub(super) fn read_subscriptions(spool: &mut Spool, user: &UserId) -> Result<Vec<MailboxName>, StoreError> {
    let path = file(spool, user, "sub")?;
    let names = match spool.options.subscriptions {
        DatabaseFormat::Flat => match Flat::open(&spool.disk, &path, Create::No)? {
            Some(db) => subscriptions::list(&mut db.read()?, &spool.options, user)?,
            None => Vec::new(),
        },
        _ => match Twoskip::open(&spool.disk, &path, Create::No)? {
            Some(mut db) => subscriptions::list(&mut db.read(spool.deadline())?, &spool.options, user)?,
            None => Vec::new(),
        },
    };
    Ok(names)
}

/// Subscribes a user to a mailbox, or ends it.
pub(super) fn subscribe(
    spool: &mut Spool,
    user: &UserId,
    mailbox: &MailboxName,
    subscribed: bool,
) -> Result<(), StoreError> {
    let path = file(spool, user, "sub")?;
    let create = if subscribed { Create::Yes } else { Create::No };
    match spool.options.subscriptions {
        DatabaseFormat::Flat => {
            let Some(mut db) = Flat::open(&spool.disk, &path, create)? else { return Ok(()) };
            let mut writer = db.write(spool.deadline())?;
            set_subscription(&mut writer.table, spool, user, mailbox, subscribed)?;
            writer.commit(Durability::Now)?;
        }
        _ => {
            let Some(mut db) = Twoskip::open(&spool.disk, &path, create)? else { return Ok(()) };
            let mut writer = db.write(spool.deadline())?;
            set_subscription(&mut writer, spool, user, mailbox, subscribed)?;
            writer.commit(Durability::Now)?;
        }
    }
    Ok(())
}

fn set_subscription(
    table: &mut impl WriteTable,
    spool: &Spool,
    user: &UserId,
    mailbox: &MailboxName,
    subscribed: bool,
) -> Result<(), StoreError> {
    match subscribed {
        true => subscriptions::subscribe(table, &spool.options, user, mailbox)?,
        false => subscriptions::unsubscribe(table, &spool.options, user, mailbox)?,
    };
    Ok(())
}
