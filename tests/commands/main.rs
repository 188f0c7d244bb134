//! Commands, one conversation each, on mailboxes in memory and on a spool as Cyrus keeps it: both give the same replies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![cfg(feature = "cyrus")]

#[path = "../common/mod.rs"]
mod common;

mod edges;
mod groups;
mod peer;
mod rename;
mod restore;
mod sieve;
mod told;
mod unmailbox;
mod unuser;
