//! What a quota root counts, counted anew: when a change is finished later, the amount that the journal knows of from before
//! may be there again for another reason.

use super::{
    super::{
        disk::{Durability, Lock},
        error::StoreError,
        header,
        lock::LockName,
        mailbox,
        mboxlist::{MailboxEntry, Tree, TreeFlags},
        options::MetaFile,
        quota::{Amounts, Quota, QuotaFile, QuotaRoot},
        spool::Spool,
        usage,
    },
    Journal,
};
use crate::types::MailboxName;

impl Journal {
    /// Sets the quota roots of the owners whose locks are held to what their mailboxes use. Others' roots are changed by what the
    /// journal says, as nobody keeps their mailboxes from changing.
    pub(super) fn recount(&self, spool: &mut Spool) -> Result<(), StoreError> {
        for quota in &self.quotas {
            match self.held_name(&quota.root) {
                Some(name) => recount(spool, &quota.root, &name)?,
                None => quota.finish(spool)?,
            }
        }
        Ok(())
    }

    /// A root as a mailbox, if its owner's lock is held.
    fn held_name(&self, root: &QuotaRoot) -> Option<MailboxName> {
        let name = MailboxName::parse(root.as_str().as_bytes()).ok()?;
        let owner = LockName::user_of(&name);
        self.names.iter().any(|held| LockName::user_of(held) == owner).then_some(name)
    }
}

fn recount(spool: &mut Spool, root: &QuotaRoot, name: &MailboxName) -> Result<(), StoreError> {
    let used = used_of(spool, root, name)?;
    let path = spool.options.quota_file(root);
    let Some(file) = QuotaFile::lock(spool.disk.as_ref(), &path, false, spool.deadline())? else { return Ok(()) };
    match file.quota().cloned() {
        Some(quota) if quota.used != used => Ok(file.commit(&Quota { used, ..quota }, Durability::Now)?),
        _ => Ok(()),
    }
}

/// What the mailboxes at and below a name use that count for a root.
fn used_of(spool: &mut Spool, root: &QuotaRoot, name: &MailboxName) -> Result<Amounts, StoreError> {
    let tree = Tree::of(&spool.options, name, TreeFlags::default());
    let mut used = usage::NOTHING;
    spool.each_entry(tree, |spool, entry| {
        let more = usage_of(spool, root, &entry)?;
        used.iter_mut().zip(more).for_each(|(used, more)| *used = used.saturating_add(more));
        Ok(())
    })?;
    Ok(used)
}

/// What one mailbox uses of a root; nothing if it counts for another.
fn usage_of(spool: &Spool, root: &QuotaRoot, entry: &MailboxEntry) -> Result<Amounts, StoreError> {
    let Some(place) = entry.place() else { return Ok(usage::NOTHING) };
    let header = spool.read_file(&spool.options.meta_file(&place, MetaFile::Header)?)?;
    let counts_for = header.and_then(|bytes| header::decode(&bytes).ok()?.quotaroot);
    if counts_for.as_deref() != Some(root.as_str().as_bytes()) {
        return Ok(usage::NOTHING);
    }
    let index = mailbox::open_index(spool, &place, Lock::Shared)?;
    Ok(usage::usage_of(index.header()))
}
