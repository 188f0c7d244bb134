//! What several test crates share.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

pub mod master;
pub mod messages;
pub mod peer;
pub mod strict;
pub mod talk;
pub mod transcript;
