//! One mailbox: its files under their locks.
//!
//! | file | holds | locked by |
//! |---|---|---|
//! | `cyrus.index` | header and records | itself: shared to read, exclusive to change |
//! | `cyrus.header` | name, unique id, ACL, user flags, quota root | the lock on `cyrus.index` |
//! | `cyrus.cache` | what IMAP asks for often | the lock on `cyrus.index` |
//! | `cyrus.annotations` | annotations of messages | itself |
//! | `annotations.db` | annotations of the mailbox | itself |
//!
//! Before the file, two locks by name are taken, in this order: the owner's, then the mailbox's.

mod append;
mod commit;
mod copy;
mod create;
mod delete;
mod duplicate;
mod entry;
mod holder;
mod leaving;
mod list;
mod open;
mod quota_root;
mod read;
mod records;
mod rename;
mod unlinked;

pub(super) use commit::commit;
pub(super) use create::target;
pub(super) use delete::{delete, delete_owned, remove_files, remove_files_durably, remove_messages};
pub(super) use duplicate::duplicate;
pub(super) use holder::{holder, listed_at};
pub(super) use leaving::forget;
pub(super) use list::list;
pub(super) use open::{OpenMailbox, Opened, open, open_files, open_index, read_annotations, state_of, whose};
pub(super) use quota_root::{abandon, adopt};
pub(super) use read::{find_records, read_records, scan_crcs};
pub(super) use rename::rename;
