//! The replica side of Cyrus IMAP replication.

pub mod types;

#[cfg(feature = "cyrus")]
pub mod store;
