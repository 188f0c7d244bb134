//! The replica side of Cyrus IMAP replication.

pub mod command;
pub mod dlist;
pub mod drive;
pub mod event;
pub mod limits;
pub mod ops;
pub mod plan;
pub mod session;
pub mod store;
pub mod types;
pub mod wire;
