//! A mailbox that goes: its list entry becomes a tombstone, and with it go its annotations, its part of the quota and its files.
//! Where there is a trash, the same change lists its files under another name.
//!
//! Source: `mailbox_delete_internal` and `mailbox_delete_cleanup` of `imap/mailbox.c`.

use super::{
    super::{
        annotations,
        error::StoreError,
        journal::Transaction,
        mboxlist::{self, ClosedMailbox, ListError, MailboxEntry},
        options::CyrusOptions,
        sieve,
        spool::{Spool, now},
        table::WriteTable,
        trash, usage,
    },
    open::OpenMailbox,
};
use crate::{
    ops::Refusal,
    types::{MailboxKind, ModSeq, UniqueId},
};

/// A mailbox that is about to go, open under the exclusive lock of its name.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) mailbox: OpenMailbox,
    closed: Option<ClosedMailbox>,
    /// The entry that keeps its files.
    kept: Option<MailboxEntry>,
}

impl Leaving {
    /// Nothing is removed yet; what is to be kept is, in a place of its own. `raise` is by how much the modseq of the tombstone is
    /// above the mailbox's.
    pub(super) fn new(spool: &mut Spool, mailbox: OpenMailbox, raise: u64) -> Result<Leaving, StoreError> {
        let kept = trash::keep(spool, &mailbox)?;
        Ok(Leaving { closed: closed(&mailbox, raise), mailbox, kept })
    }

    pub(super) fn uniqueid(&self) -> Option<&UniqueId> {
        self.mailbox.entry.uniqueid.as_ref()
    }

    /// Its entry goes from the list, and that which keeps its files comes.
    pub(super) fn unlist(
        &self,
        list: &mut impl WriteTable,
        options: &CyrusOptions,
    ) -> Result<Result<(), StoreError>, ListError> {
        let outcome = mboxlist::delete(list, options, &self.mailbox.entry.name, self.closed.as_ref(), now())?;
        if let (Ok(_), Some(kept)) = (&outcome, &self.kept) {
            mboxlist::update(list, options, kept, now())?;
        }
        Ok(outcome.map(drop).map_err(|_| Refusal::Nonexistent.into()))
    }

    /// The change was not made: what was kept is a second name of files that are where they were.
    pub(super) fn stays(&self, spool: &Spool) {
        if let Some(kept) = &self.kept {
            trash::discard(spool, kept);
        }
    }

    /// The change is made. Returns whether what follows from it is done.
    pub(super) fn is_gone(&self, spool: &mut Spool) -> bool {
        if let Some(kept) = &self.kept {
            trash::tell(spool, &self.mailbox.entry.name, kept);
        }
        !self.has_scripts() || sieve::forget(spool, &self.mailbox.entry.name)
    }

    /// Whether files outside of it are made of its messages.
    pub(super) fn has_scripts(&self) -> bool {
        is_of_scripts(&self.mailbox)
    }
}

/// Whether files outside of a mailbox are made of its messages.
pub(super) fn is_of_scripts(mailbox: &OpenMailbox) -> bool {
    mailbox.entry.mailbox_type.kind == MailboxKind::Sieve && !mailbox.entry.name.is_deleted()
}

fn closed(mailbox: &OpenMailbox, raise: u64) -> Option<ClosedMailbox> {
    let index = mailbox.index.header();
    Some(ClosedMailbox {
        uniqueid: mailbox.entry.uniqueid.clone()?,
        uidvalidity: index.uidvalidity,
        created_modseq: index.createdmodseq,
        highest_modseq: ModSeq(index.highestmodseq.0.saturating_add(raise)),
    })
}

/// A mailbox's annotations, its part of the quota, and its files go.
pub(in super::super) fn forget(
    spool: &Spool,
    mailbox: &OpenMailbox,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    if let Some(target) = mailbox.annotation_target() {
        transaction.annotations(spool, |table| Ok(annotations::remove_all(table, &target)?))?;
    }
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        let difference = usage::difference(usage::usage_of(mailbox.index.header()), usage::NOTHING);
        transaction.count(root, difference, &mailbox.entry.name);
    }
    transaction.remove(mailbox.place.clone());
    Ok(())
}
