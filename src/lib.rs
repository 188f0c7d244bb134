//! The replica side of Cyrus IMAP replication.

pub mod types;

#[cfg(feature = "cli")]
pub mod config;

#[cfg(feature = "cyrus")]
pub mod store;
