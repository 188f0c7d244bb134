//! Every call of the disk fails or is cut off by a power cut, for a script with every kind of change.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod counted;
mod errors;
mod losses;
mod mailbox;
mod matrix;
mod power;
mod script;
mod sound;
mod spool;
mod state;
