//! What is in the trash.

use super::{
    super::{
        error::StoreError,
        mailbox::{self, Opened},
        mboxlist::{Tree, TreeFlags},
        options::VirtualDomains,
        spool::Spool,
    },
    Kept,
};
use crate::{
    ops::Intent,
    types::{MailboxName, UniqueId},
};

/// A mailbox that a peer removed and that is kept aside, as the administrator sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrashedMailbox {
    /// The name that it had.
    pub name: MailboxName,
    /// The unique id that it had.
    pub uniqueid: UniqueId,
    /// The name that it is kept under.
    pub kept_as: MailboxName,
    /// When it was removed, in seconds since 1970.
    pub removed: i64,
    /// Until when it is kept, in seconds since 1970; `None` where nothing ends it, because there is no trash any more.
    pub until: Option<i64>,
    /// Messages in it; `None` where its files cannot be read.
    pub messages: Option<u32>,
    /// Bytes of its messages.
    pub bytes: Option<u64>,
}

/// All that is kept, in the order of the names that they had, what was removed last first.
pub(super) fn list(spool: &mut Spool) -> Result<Vec<TrashedMailbox>, StoreError> {
    let all = kept(spool)?;
    Ok(all.into_iter().map(|kept| describe(spool, kept)).collect())
}

fn describe(spool: &mut Spool, kept: Kept) -> TrashedMailbox {
    let index = match mailbox::open(spool, &kept.entry.name, Intent::Read) {
        Ok(Opened::Mailbox(open)) => Some(*open.index.header()),
        Ok(Opened::Missing { .. }) | Err(_) => None,
    };
    TrashedMailbox {
        until: super::expire::until(spool, kept.removed),
        messages: index.map(|index| index.exists),
        bytes: index.map(|index| index.quota_mailbox_used),
        name: kept.name,
        uniqueid: kept.uniqueid,
        kept_as: kept.entry.name,
        removed: kept.removed,
    }
}

/// The entries of all that is kept, in the same order.
pub(super) fn kept(spool: &mut Spool) -> Result<Vec<Kept>, StoreError> {
    let tree = whole_trash(spool);
    let mut all = walk(spool, tree)?;
    all.sort_by(|one, other| one.name.cmp(&other.name).then(other.removed.cmp(&one.removed)));
    Ok(all)
}

/// The entries of what is kept of a mailbox and of those below it, in no order.
pub(super) fn kept_below(spool: &mut Spool, name: &MailboxName) -> Result<Vec<Kept>, StoreError> {
    let domain = name.domain().map_or_else(String::new, |domain| format!("{domain}!"));
    let deleted = MailboxName::parse(format!("{domain}DELETED.{}", name.local_part()).as_bytes());
    let Ok(deleted) = deleted else { return Ok(Vec::new()) };
    let tree = Tree::of(&spool.options, &deleted, TreeFlags { skip_root: true, ..TreeFlags::default() });
    walk(spool, tree)
}

fn walk(spool: &mut Spool, tree: Tree) -> Result<Vec<Kept>, StoreError> {
    let mut all = Vec::new();
    spool.each_entry(tree, |_, entry| {
        if entry.name.is_deleted() {
            all.extend(Kept::of(entry));
        }
        Ok(())
    })?;
    Ok(all)
}

/// Each domain has a tree of deleted mailboxes of its own.
fn whole_trash(spool: &Spool) -> Tree {
    match MailboxName::parse(b"DELETED") {
        Ok(deleted) if spool.options.virtual_domains == VirtualDomains::Off => {
            Tree::of(&spool.options, &deleted, TreeFlags { skip_root: true, ..TreeFlags::default() })
        }
        _ => Tree::all(TreeFlags::default()),
    }
}
