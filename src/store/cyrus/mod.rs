//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod annotations;
pub mod archive;
pub mod cache;
pub mod counters;
pub mod db_error;
pub mod disk;
pub mod flat;
pub mod header;
pub mod index;
pub mod lock;
pub mod mboxlist;
pub mod mime;
pub mod options;
pub mod paths;
pub mod quota;
pub mod safety;
pub mod seen;
pub mod subscriptions;
pub mod table;
pub mod trash;
pub mod twoskip;

mod annotate;
mod cached;
mod defaults;
mod durable;
mod error;
mod journal;
mod mailbox;
mod messages;
mod quotas;
mod recorded;
mod removals;
mod remove_user;
mod reserve;
mod room;
mod sieve;
mod spool;
mod staging;
mod status_cache;
mod store;
mod sums;
mod sync_log;
mod usage;
mod users;

pub use store::CyrusStore;
