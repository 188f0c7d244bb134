//! The replica side of Cyrus IMAP replication.

pub mod plan;
pub mod types;

#[cfg(feature = "cyrus")]
pub mod store;
