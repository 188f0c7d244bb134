//! What the mailbox list says of a mailbox that changes.

use super::{
    super::{
        error::StoreError,
        journal::Transaction,
        mboxlist::{self, ListError, MailboxEntry},
        options::CyrusOptions,
        spool::{Spool, now},
        table::WriteTable,
    },
    create::Origin,
    open::OpenMailbox,
};
use crate::{
    ops::{MailboxChange, Refusal, SyncedHeader},
    types::{ModSeq, Release, UserId},
};
use bytes::Bytes;

/// The list entry, and the groups that the owner is in.
pub(super) fn list(
    spool: &mut Spool,
    mailbox: &OpenMailbox,
    origin: &Origin,
    change: &MailboxChange,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let is_new = !matches!(origin, Origin::Listed);
    let groups = new_groups(&spool.options, mailbox, change);
    let update = change.header.as_ref().filter(|update| is_new || is_listed_otherwise(&mailbox.entry, update));
    if groups.is_none() && update.is_none() {
        return Ok(());
    }
    transaction.list(spool, |list, options| {
        if let Some((owner, groups)) = &groups {
            mboxlist::set_groups(list, owner, groups)?;
        }
        if let Origin::MadeInPlaceOf(old) = origin
            && let Err(refusal) = old.unlist(list, options)?
        {
            return Ok(Err(refusal));
        }
        match update {
            Some(update) if is_new => mboxlist::update(list, options, &listed(&mailbox.entry, update), now()).map(Ok),
            Some(update) => change_entry(list, options, &mailbox.entry, update),
            None => Ok(Ok(())),
        }
    })?
}

fn is_listed_otherwise(entry: &MailboxEntry, update: &SyncedHeader) -> bool {
    entry.acl.as_deref() != Some(&update.acl[..]) || entry.folder_modseq < update.folder_modseq
}

fn change_entry(
    list: &mut impl WriteTable,
    options: &CyrusOptions,
    entry: &MailboxEntry,
    update: &SyncedHeader,
) -> Result<Result<(), StoreError>, ListError> {
    let changed = mboxlist::set_acl(list, options, &entry.name, &update.acl, update.folder_modseq, now())?;
    Ok(changed.map_err(|_| Refusal::NotSupported.into()))
}

/// The entry of a new mailbox. Masters before 3.2 do not say when it was made: the list then has the state it came in
/// (`mailbox_create`).
fn listed(entry: &MailboxEntry, update: &SyncedHeader) -> MailboxEntry {
    let is_known = update.created_modseq != ModSeq::default();
    MailboxEntry {
        uidvalidity: update.uidvalidity,
        created_modseq: if is_known { update.created_modseq } else { update.highest_modseq },
        folder_modseq: update.folder_modseq,
        acl: Some(update.acl.to_vec()),
        ..entry.clone()
    }
}

/// The groups that the owner is to be in, where that changes. Releases before 3.12 know no groups.
fn new_groups<'a>(
    options: &CyrusOptions,
    mailbox: &OpenMailbox,
    change: &'a MailboxChange,
) -> Option<(UserId, &'a [Bytes])> {
    let owner = mailbox.entry.name.owner().filter(|_| options.release >= Release::V3_12)?;
    let groups = change.user_groups.as_deref()?;
    (!mailbox.has_groups(groups)).then_some((owner, groups))
}
