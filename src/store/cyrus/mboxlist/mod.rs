//! `mailboxes.db`: the list of all mailboxes.
//!
//! | key | value |
//! |---|---|
//! | `N` name | `%(T type [I uniqueid] [J jmapid] [P partition] [S server] [V uidvalidity] [C createdmodseq] [F foldermodseq] M mtime [A %(user rights …)])` |
//! | `I` uniqueid | the same with `N name` in place of `I`, and `H (former names)` at the end |
//! | `UG` … | groups of users, since 3.12: see [`groups_of`] |
//! | `A` … | reverse ACLs, only with `reverseacls`: see `reverse.rs` |
//! | `J` … | JMAP ids, of 3.13; not handled here |
//!
//! In a key and behind `N` a name is written with 0x1f between its parts and 0x1d behind its domain; a dot in a part is a
//! dot (`user.jane^doe` is `user` 0x1f `jane.doe`). A former name is `%(N name [M mtime] [V uidvalidity] [C createdmodseq]
//! [F foldermodseq] T type [P partition])`, newest first. A field that is 0 is left out, save `M`.
//!
//! An entry of type `d` is a tombstone, one of type `i` a place holder: neither has files. Source: `imap/mboxlist.c` of
//! 3.6.1 and 3.12.3, which write the same apart from what [`options`](super::options) lists. The records of releases before
//! 3.4, whose keys have no letter, are not read: Cyrus rewrites them when it starts.

mod entry;
mod groups;
mod key;
mod lookup;
mod reverse;
mod tree;
mod update;

#[cfg(test)]
mod tests;

pub use entry::{EntryError, FormerName, MailboxEntry};
pub use groups::{groups_of, set_groups};
pub(super) use key::{from_db_name, to_db_name};
pub use key::{id_key, name_key};
pub use lookup::{find, find_by_uniqueid, user_place};
pub use tree::{Tree, TreeFlags, has_children};
pub use update::{ClosedMailbox, NotChanged, delete, rename, set_acl, set_folder_modseq, update};

use super::db_error::DbError;

/// What can go wrong with the mailbox list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The file.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A record.
    #[error("mailboxes.db: {}: {error}", key.escape_ascii())]
    Entry {
        /// The record's key.
        key: Vec<u8>,
        /// What is wrong with its value.
        error: EntryError,
    },
}
