//! The matrix of faults: a script with every kind of change, the disks that power cuts and failing calls leave of each command,
//! and what may be found on them.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

pub mod case;
mod counted;
pub mod cuts;
pub mod failures;
pub mod losses;
mod mailbox;
pub mod script;
pub mod sound;
pub mod spool;
pub mod state;
