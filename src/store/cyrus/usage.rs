//! What mailboxes use of their quota roots.
//!
//! Source: `mailbox_get_usage` of `imap/mailbox.c`, `quota_update_useds` and `quota_findroot` of `imap/quota_db.c`.

use super::{
    disk::Disk,
    error::StoreError,
    index::IndexHeader,
    journal::QuotaChange,
    quota::{self, Amounts, QuotaFile, QuotaRoot, RESOURCES, Resource, root_candidates},
    spool::Spool,
};
use crate::types::MailboxName;

/// Nothing: what a mailbox that does not exist uses.
pub(super) const NOTHING: Amounts = [0; RESOURCES];

/// What a mailbox uses.
pub(super) fn usage_of(index: &IndexHeader) -> Amounts {
    let mut used = NOTHING;
    let amounts = [
        (Resource::Storage, index.quota_mailbox_used),
        (Resource::Messages, index.exists.into()),
        (Resource::AnnotationStorage, index.quota_annot_used),
        (Resource::Folders, 1),
    ];
    for (resource, amount) in amounts {
        if let Some(place) = used.get_mut(resource as usize) {
            *place = i64::try_from(amount).unwrap_or(i64::MAX);
        }
    }
    used
}

/// What is used more after than before.
pub(super) fn difference(before: Amounts, after: Amounts) -> Amounts {
    let mut difference = NOTHING;
    for ((place, before), after) in difference.iter_mut().zip(before).zip(after) {
        *place = after.saturating_sub(before);
    }
    difference
}

/// What a mailbox uses more of a root than before, or less.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Counted {
    pub(super) root: QuotaRoot,
    pub(super) difference: Amounts,
    pub(super) mailbox: MailboxName,
}

/// What adding all this to what is used of one root comes to, and the root's file, locked; `None` if nothing. A root that is gone
/// counts nothing.
pub(super) fn plan<'a>(
    spool: &Spool,
    disk: &'a dyn Disk,
    root: &QuotaRoot,
    counted: &[Counted],
) -> Result<Option<(QuotaChange, QuotaFile<'a>)>, StoreError> {
    let path = spool.options.quota_file(root);
    let Some(file) = QuotaFile::lock(disk, &path, false, spool.deadline())? else { return Ok(None) };
    let Some(before) = file.quota().cloned() else { return Ok(None) };
    let mut after = before.clone();
    for counted in counted {
        after.add(counted.difference, &counted.mailbox);
    }
    let change = QuotaChange { root: root.clone(), before, after };
    Ok((change.before != change.after).then_some((change, file)))
}

/// The root that a mailbox of this name counts for.
pub(super) fn root_of(spool: &Spool, mailbox: &MailboxName) -> Result<Option<QuotaRoot>, StoreError> {
    for root in root_candidates(&spool.options, mailbox) {
        if quota::read(spool.disk.as_ref(), &spool.options.quota_file(&root))?.is_some() {
            return Ok(Some(root));
        }
    }
    Ok(None)
}
