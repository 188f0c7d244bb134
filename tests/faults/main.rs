//! Every call of the disk fails or is cut off by a power cut, for a script with every kind of change.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../matrix/mod.rs"]
mod matrix;

mod errors;
mod followed;
mod power;
