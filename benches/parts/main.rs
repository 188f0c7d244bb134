//! How fast the parts are that a conversation's cost is made of: `cargo bench --bench parts`, or with a part's name behind it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a program for a terminal")]
#![allow(missing_docs, reason = "not a library")]

mod lines;
#[path = "../load/mod.rs"]
#[allow(dead_code, reason = "shared with the comparison")]
mod load;
mod messages;
mod tables;

criterion::criterion_group!(parts, lines::scanner, lines::records, lines::plan, tables::twoskip, messages::mime);
criterion::criterion_main!(parts);
