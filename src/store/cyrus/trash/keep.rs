//! A mailbox goes: its files are kept under another name and another unique id.

use super::{
    super::{
        error::StoreError,
        mailbox::{OpenMailbox, duplicate, remove_files},
        mboxlist::MailboxEntry,
        spool::Spool,
    },
    Kept, MARK, parts,
};
use crate::{
    event::Severity,
    types::{MailboxName, UniqueId},
};
use std::fmt::Display;

/// Makes a second mailbox of the files of one that is open and about to be removed; returns the entry that makes it one, to
/// be listed in the same transaction. `None` where it is to go for good: there is no trash, or it comes from there.
///
/// What is below `DELETED.` because the master renamed it is kept anew, from now on.
pub(in super::super) fn keep(spool: &mut Spool, mailbox: &OpenMailbox) -> Result<Option<MailboxEntry>, StoreError> {
    if spool.options.safety.trash.is_none() || Kept::of(mailbox.entry.clone()).is_some() {
        return Ok(None);
    }
    let Some(entry) = entry(spool, &mailbox.entry)? else {
        let facts: [(&str, &dyn Display); 1] = [("mailbox", &mailbox.entry.name)];
        spool.tell(Severity::Warning, "removed for good: the name or unique id is too long to be kept", &facts);
        return Ok(None);
    };
    duplicate(spool, mailbox, &entry, None)?;
    Ok(Some(entry))
}

/// What was kept is not to be listed: its files go. What cannot be removed is a second name of files that are where they were.
pub(in super::super) fn discard(spool: &Spool, kept: &MailboxEntry) {
    if let Some(place) = kept.place() {
        remove_files(spool, &place).ok();
    }
}

/// What was kept is listed.
pub(in super::super) fn tell(spool: &Spool, mailbox: &MailboxName, kept: &MailboxEntry) {
    let seconds = spool.options.safety.trash.map_or(0, |trash| trash.as_secs());
    let facts: [(&str, &dyn Display); 3] = [("mailbox", mailbox), ("as", &kept.name), ("seconds", &seconds)];
    spool.tell(Severity::Notice, "a peer removes a mailbox, which is kept in the trash", &facts);
}

/// The entry under the first name from now on that is free.
fn entry(spool: &mut Spool, removed: &MailboxEntry) -> Result<Option<MailboxEntry>, StoreError> {
    let mut time = spool.options.safety.clock.now();
    while let Some((name, uniqueid)) = names(removed, time) {
        if spool.entry(&name)?.is_none() {
            return Ok(Some(MailboxEntry { name, uniqueid: Some(uniqueid), ..removed.clone() }));
        }
        time += 1;
    }
    Ok(None)
}

fn names(removed: &MailboxEntry, time: i64) -> Option<(MailboxName, UniqueId)> {
    let before = match removed.name.is_deleted() {
        true => parts(&removed.name).and_then(|(name, _)| MailboxName::parse(name.as_bytes()).ok()),
        false => None,
    };
    let before = before.as_ref().unwrap_or(&removed.name);
    let domain = before.domain().map_or_else(String::new, |domain| format!("{domain}!"));
    let name = format!("{domain}DELETED.{}.{time:X}", before.local_part());
    let uniqueid = format!("{}{MARK}{time:X}", removed.uniqueid.as_ref()?);
    Some((MailboxName::parse(name.as_bytes()).ok()?, UniqueId::parse(uniqueid.as_bytes()).ok()?))
}
