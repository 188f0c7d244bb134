//! The replica side of Cyrus IMAP replication.

pub mod dlist;
pub mod plan;
pub mod types;
pub mod wire;

#[cfg(feature = "cyrus")]
pub mod store;
