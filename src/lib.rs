//! The replica side of Cyrus IMAP replication.

pub mod dlist;
pub mod types;
pub mod wire;

#[cfg(feature = "cli")]
pub mod config;

#[cfg(feature = "cyrus")]
pub mod store;
