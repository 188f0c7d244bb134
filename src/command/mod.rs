//! Typed commands: values that a peer sent become what it meant, or a [`BadField`] that says what is wrong with them.
//!
//! Source: the `dlist_get…` calls at the start of each `sync_apply_…`, `sync_get_…` of `imap/sync_support.c`.

mod apply;
mod dialect;
mod fields;
mod get;
mod mailbox;
mod quota;
mod record;
pub mod reply;
mod restore;
pub mod sieve;
mod subject;

#[cfg(test)]
mod tests;

pub use apply::{Apply, MailboxSince, Rename};
pub use dialect::Dialect;
pub use fields::{BadField, Problem};
pub use get::{Fetch, Get};
pub use mailbox::{MailboxEntry, MailboxUpdate};
pub use record::{FlagNames, decode_record};
pub use restore::{Identity, RestoreMailbox};
pub use sieve::ScriptChange;
pub use subject::subject;
