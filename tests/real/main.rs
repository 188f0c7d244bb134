//! Real Cyrus is the judge: a real master replicates to our server, and real programs read what it wrote.
//!
//! Needs root and what `scripts/cyrus-setup` installs; `make test` does both. With `SYNC_SERVER_UNDER_TEST=reference`
//! the server that Cyrus ships takes our place: every test must pass then too, which tests the tests.
//! `KEEP=1` keeps the directories of the instances.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../matrix/mod.rs"]
mod matrix;

mod archive;
mod chain;
mod compare;
mod crowd;
mod differential;
mod disks;
mod expunge;
mod in_imap;
mod judge;
mod mail;
mod mass_deletion;
mod replication;
mod replies;
mod rig;
mod scenarios;
mod tcp;
mod tools;
mod trash;
