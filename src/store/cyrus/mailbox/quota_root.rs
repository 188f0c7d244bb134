//! Changing which quota root a mailbox counts for.
//!
//! Source: `mailbox_changequotaroot`, `mailbox_set_quotaroot` of `imap/mailbox.c`.

use super::{
    super::{error::StoreError, header, options::MetaFile, quota::QuotaRoot, spool::Spool, usage},
    open::OpenMailbox,
};
use crate::types::MailboxName;

/// Lets a mailbox count for a root that was just made above it, unless it counts for a nearer one.
pub(in super::super) fn adopt(spool: &Spool, mailbox: &mut OpenMailbox, root: &QuotaRoot) -> Result<(), StoreError> {
    let name = mailbox.entry.name.clone();
    if change(spool, mailbox, Some(root), &name)? { write(spool, mailbox) } else { Ok(()) }
}

/// Lets a mailbox count for no root, if it counts for this one. The root itself goes, so its usage is left alone.
pub(in super::super) fn abandon(spool: &Spool, mailbox: &mut OpenMailbox, root: &QuotaRoot) -> Result<(), StoreError> {
    if mailbox.header.quotaroot.as_deref() != Some(root.as_str().as_bytes()) {
        return Ok(());
    }
    mailbox.header.quotaroot = None;
    write(spool, mailbox)
}

/// Moves what a mailbox uses to another root, under the name it then has; one that counts for a root below that one stays.
/// Returns whether the header is to be written.
pub(super) fn change(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    root: Option<&QuotaRoot>,
    name: &MailboxName,
) -> Result<bool, StoreError> {
    let current = mailbox.header.quotaroot.as_deref().and_then(|current| QuotaRoot::parse(current).ok());
    let stays = match (&current, root) {
        (Some(current), Some(root)) => root.leaves_alone(current),
        (current, root) => current.as_ref() == root,
    };
    if stays {
        return Ok(false);
    }
    let root = root.map(|root| root.as_str().as_bytes().to_vec());
    let used = usage::usage_of(mailbox.index.header());
    if let Some(old_root) = &mailbox.header.quotaroot {
        usage::count(spool, old_root, usage::difference(used, usage::NOTHING), &mailbox.entry.name)?;
    }
    if let Some(root) = &root {
        usage::count(spool, root, used, name)?;
    }
    mailbox.header.quotaroot = root;
    Ok(true)
}

/// Replaces `cyrus.header` and notes its checksum in the index.
pub(super) fn write(spool: &Spool, mailbox: &mut OpenMailbox) -> Result<(), StoreError> {
    let bytes = header::encode(&mailbox.header, header::Form::KeyValue)?;
    let path = spool.options.meta_file(&mailbox.place, MetaFile::Header)?;
    spool.replace_file(&path, &bytes)?;
    let mut index = *mailbox.index.header();
    index.header_file_crc = header::checksum(&bytes);
    mailbox.index.write_header(index)?;
    let path = spool.options.meta_file(&mailbox.place, MetaFile::Index)?;
    mailbox.index.file().sync().map_err(StoreError::io(&path))
}
