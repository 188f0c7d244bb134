//! Changing which quota root a mailbox counts for.
//!
//! Source: `mailbox_changequotaroot`, `mailbox_set_quotaroot` of `imap/mailbox.c`.

use super::{
    super::{
        error::StoreError, header, index::IndexHeader, journal::Transaction, quota::QuotaRoot, spool::Spool, usage,
    },
    open::OpenMailbox,
};
use crate::types::MailboxName;

/// Lets a mailbox count for a root that was just made above it, unless it counts for a nearer one.
pub(in super::super) fn adopt(
    spool: &mut Spool,
    mailbox: &mut OpenMailbox,
    root: &QuotaRoot,
) -> Result<(), StoreError> {
    let name = mailbox.entry.name.clone();
    let Some(change) = change(mailbox, Some(root)) else { return Ok(()) };
    let disk = spool.disk.clone();
    let mut transaction = Transaction::of(disk.as_ref(), mailbox);
    write(mailbox, *mailbox.index.header(), &mut transaction)?;
    count(mailbox, change, &name, &mut transaction);
    carry_out(spool, mailbox, transaction)
}

/// Lets a mailbox count for no root, if it counts for this one. The root itself goes, so its usage is left alone.
pub(in super::super) fn abandon(
    spool: &mut Spool,
    mailbox: &mut OpenMailbox,
    root: &QuotaRoot,
) -> Result<(), StoreError> {
    if mailbox.header.quotaroot.as_deref() != Some(root.as_str().as_bytes()) {
        return Ok(());
    }
    mailbox.header.quotaroot = None;
    let disk = spool.disk.clone();
    let mut transaction = Transaction::of(disk.as_ref(), mailbox);
    write(mailbox, *mailbox.index.header(), &mut transaction)?;
    carry_out(spool, mailbox, transaction)
}

/// The roots that a mailbox counted for, and counts for now.
pub(super) struct Roots {
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

/// Gives a mailbox another root; one that counts for a root below that one stays. `None`: nothing changes.
pub(super) fn change(mailbox: &mut OpenMailbox, root: Option<&QuotaRoot>) -> Option<Roots> {
    let current = mailbox.header.quotaroot.as_deref().and_then(|current| QuotaRoot::parse(current).ok());
    let stays = match (&current, root) {
        (Some(current), Some(root)) => root.leaves_alone(current),
        (current, root) => current.as_ref() == root,
    };
    if stays {
        return None;
    }
    let after = root.map(|root| root.as_str().as_bytes().to_vec());
    let before = std::mem::replace(&mut mailbox.header.quotaroot, after.clone());
    Some(Roots { before, after })
}

/// Moves what a mailbox uses from one root to the other, under the name it then has.
pub(super) fn count(mailbox: &OpenMailbox, roots: Roots, name: &MailboxName, transaction: &mut Transaction<'_>) {
    let used = usage::usage_of(mailbox.index.header());
    if let Some(root) = roots.before {
        transaction.count(&root, usage::difference(used, usage::NOTHING), &mailbox.entry.name);
    }
    if let Some(root) = roots.after {
        transaction.count(&root, used, name);
    }
}

/// Replaces `cyrus.header`, whose checksum is in the index.
pub(super) fn write(
    mailbox: &OpenMailbox,
    next: IndexHeader,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let bytes = header::encode(&mailbox.header, header::Form::KeyValue)?;
    let next = IndexHeader { header_file_crc: header::checksum(&bytes), ..next };
    transaction.index(*mailbox.index.header(), next, Vec::new());
    transaction.header(mailbox.header_file.clone(), bytes);
    Ok(())
}

fn carry_out(spool: &mut Spool, mailbox: &mut OpenMailbox, transaction: Transaction<'_>) -> Result<(), StoreError> {
    let prepared = transaction.prepare(spool, mailbox.entry.uniqueid.as_ref())?;
    prepared.carry_out(spool, Some(&mut mailbox.index))?.end(spool, true);
    Ok(())
}
