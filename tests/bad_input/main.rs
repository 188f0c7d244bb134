//! Input that must get a clear answer and leave the connection, the process and every other mailbox unharmed, on a store in
//! memory and on a spool as Cyrus keeps it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod commands;
mod ends;
mod fields;
mod names;
mod refusing;
mod replica;
mod row;
mod sessions;
#[cfg(feature = "cyrus")]
mod spool;
mod syntax;
mod unharmed;
mod updates;
mod uploads;
