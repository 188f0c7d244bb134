//! Which listed mailbox has a unique id, or the files in a place: before either is given to another, or files are removed.
//!
//! The list's record of an id leads to the entry that was written last. That may be one without a mailbox, which was given the id of
//! a mailbox, or one that is gone (3.6.1); so that record alone does not tell.

use super::super::{
    error::StoreError,
    mboxlist::{MailboxEntry, Tree, TreeFlags},
    paths::MailboxPlace,
    spool::Spool,
};
use crate::types::UniqueId;
use std::iter;

/// The mailbox with this unique id, by the name that the list has for the id or a former one.
pub(in super::super) fn holder(spool: &mut Spool, id: &UniqueId) -> Result<Option<MailboxEntry>, StoreError> {
    let Some(found) = spool.entry_by_id(id)? else { return Ok(None) };
    for name in iter::once(found.name).chain(found.name_history.into_iter().map(|former| former.name)) {
        let there = spool.entry(&name)?.filter(|there| !there.mailbox_type.is_entry_only());
        if let Some(there) = there.filter(|there| there.uniqueid.as_ref() == Some(id)) {
            return Ok(Some(there));
        }
    }
    Ok(None)
}

/// The mailbox whose files lie in this place. The whole list is looked through.
pub(in super::super) fn listed_at(spool: &mut Spool, place: &MailboxPlace) -> Result<Option<MailboxEntry>, StoreError> {
    let mut found = None;
    spool.each_entry(Tree::all(TreeFlags::default()), |_, listed| {
        if listed.place().as_ref() == Some(place) {
            found = Some(listed);
        }
        Ok(())
    })?;
    Ok(found)
}
