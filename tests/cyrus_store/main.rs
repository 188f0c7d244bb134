//! `CyrusStore` without Cyrus: what it answers, what it leaves on disk, and what happens when the disk or another process is
//! in the way. Each test works in a directory of its own, which goes away with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod archive;
mod disk;
mod failing_disk;
mod full_disk;
mod lock_order;
mod lock_waits;
mod model;
mod orphans;
mod recorded;
mod removals;
mod reserve;
mod room;
mod sharing;
mod spool;
mod staged;
mod trash;
mod trash_failures;
mod tree;
mod unique_ids;
mod unlinked;
