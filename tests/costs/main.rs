//! What fixed conversations cost the server: system calls, flushes, bytes written, memory and instructions, none of which
//! depends on the machine's speed, each with its bound. A bound is what was measured and about a tenth more.
//!
//! `cargo test --release --features costs --test costs`; the numbers are those of optimised code.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

#[path = "../../benches/load/mod.rs"]
#[allow(dead_code, reason = "shared with the benchmark")]
mod load;
mod server;

use load::lines::{self, Mailbox, Record};
use load::mail;
use server::{Cost, cost_of};

/// What a conversation may cost: the last four for each item.
struct Bound {
    flushes: u64,
    memory: u64,
    calls: f64,
    written: f64,
    instructions: f64,
}

/// Holds the conversation and compares.
fn check(lines: &[Vec<u8>], items: u32, bound: &Bound) {
    let Cost { calls, written, memory, instructions } = cost_of(lines);
    let each = |number: u64| number as f64 / f64::from(items);
    let (all, bytes, work) = (each(calls.all), each(written), each(instructions));
    let cost = format!(
        "{} flushes, {memory} KiB; each of {items}: {all:.2} calls, {bytes:.0} bytes, {work:.0} instructions",
        calls.flushes
    );
    println!("{cost}");
    let within = calls.flushes <= bound.flushes && memory <= bound.memory && all <= bound.calls;
    assert!(within && bytes <= bound.written && work <= bound.instructions, "{cost}");
}

/// 400 messages of about 8 KB in two mailboxes; the cache record of each is written beside the staged messages, too.
#[test]
fn new_messages() {
    let bound = Bound { flushes: 22, memory: 8_000, calls: 7.1, written: 11_200.0, instructions: 525_000.0 };
    check(&lines::seed(2, 200, 8000), 400, &bound);
}

/// Ten times a change of the flags of all of 500 messages: each waits for its journal, and for the index.
#[test]
fn changed_flags() {
    let texts: Vec<Vec<u8>> = (1..=500).map(|number| mail::message(number, 800)).collect();
    let records: Vec<Record> = (1..).zip(&texts).map(|(uid, text)| Record::of(uid, text)).collect();
    let mailbox = Mailbox { last_uid: 500, modseq: 3, ..Mailbox::numbered(0) };
    let mut lines = vec![lines::upload(&texts), mailbox.apply(records.clone()), b"RESTART\r\n".to_vec()];
    for modseq in 10..20 {
        let flags = if modseq % 2 == 0 { "\\Flagged" } else { "\\Seen $Label" };
        let mailbox = Mailbox { modseq, ..mailbox.clone() };
        lines.push(mailbox.apply(records.iter().map(|record| Record { modseq, flags, ..*record })));
    }
    let bound = Bound { flushes: 33, memory: 8_000, calls: 0.95, written: 615.0, instructions: 56_000.0 };
    check(&lines, 5000, &bound);
}

/// A mailbox of 50,000 records, and all of them asked for.
#[test]
fn many_records() {
    const RECORDS: u32 = 50_000;
    let mailbox = Mailbox { last_uid: RECORDS, modseq: 3, ..Mailbox::numbered(0) };
    let ask = format!("GET FULLMAILBOX {}\r\n", mailbox.name).into_bytes();
    let lines = [mailbox.apply((1..=RECORDS).map(Record::expunged)), ask];
    let bound = Bound { flushes: 21, memory: 13_200, calls: 0.06, written: 125.0, instructions: 38_500.0 };
    check(&lines, RECORDS, &bound);
}
