//! Decisions: what the replica has, what the master says, and what follows. No I/O; everything here is a pure function.
//!
//! Source: `sync_apply_mailbox` and `sync_mailbox_compare_update` of `imap/sync_support.c`.

pub mod annotations;
pub mod crc;
pub mod flags;
pub mod mailbox;
pub mod records;
pub mod restore;
pub mod sieve;
