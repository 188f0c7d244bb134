//! The commands within an IMAP connection: same commands, other framing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod bad_lines;
mod giving_back;
mod host;
mod same_commands;

use common::{strict::Strict, talk::Talk};
use sync_server::{session::Config, store::MemoryStore};

/// A conversation with an administrator.
fn talk() -> Talk {
    Talk::without_greeting(Config::within_imap("r"), Strict::new(MemoryStore::new()))
}
