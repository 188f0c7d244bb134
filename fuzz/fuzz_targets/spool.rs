//! The same conversation with a `MemoryStore` and with a `CyrusStore`: commands get the same answers, and on a disk that is
//! well nothing fails or is found damaged.
//!
//! They part ways only where `CyrusStore` knows more and refuses: which partitions there are, which annotations may be set.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;
use sync_server::{
    limits::Limits,
    ops::Store,
    session::{Config, Session, Step},
    store::{
        CyrusStore, MemoryStore,
        cyrus::{
            disk::{Disk, simulated::SimulatedDisk},
            options::{CyrusOptions, PartitionDirectories},
        },
    },
    types::Partition,
};

#[path = "../../tests/common/strict.rs"]
#[allow(dead_code)]
mod strict;

use strict::Strict;

fuzz_target!(|input: &[u8]| {
    let mut spool = Strict::new(spool());
    let on_spool = converse(&mut spool, input);
    spool.assert_idle();
    let in_memory = converse(&mut Strict::new(MemoryStore::new()), input);
    compare(input, &on_spool, &in_memory);
});

fn spool() -> CyrusStore {
    let disk = Arc::new(SimulatedDisk::new());
    for directory in ["/conf", "/spool"] {
        disk.create_dir_all(directory.as_ref()).expect("a disk in memory");
    }
    let mut options = CyrusOptions::new("/conf");
    for name in ["default", "p"] {
        let partition = Partition::parse(name.as_bytes()).expect("a good name");
        options.partitions.insert(partition, PartitionDirectories::new(format!("/spool/{name}")));
    }
    CyrusStore::on(disk, options, Arc::new(()))
}

fn converse(store: &mut dyn Store, input: &[u8]) -> Bytes {
    let limits = Limits { literal: 4096, command: 1 << 16, records: 1000, staged: 100, ..Limits::default() };
    let mut session = Session::new(Config { limits, ..Config::trusted("r") });
    session.receive(Bytes::copy_from_slice(input));
    session.receive(Bytes::new());
    let mut said = BytesMut::new();
    loop {
        match session.poll() {
            Ok(Step::Write(output)) => said.extend_from_slice(&output),
            Ok(Step::Perform(op)) => op.perform(&mut session, store).expect("the request is this session's"),
            Ok(Step::Closed) | Err(_) => return said.freeze(),
            Ok(step) => panic!("{step:?}"),
        }
    }
}

/// The first line that differs is a refusal that only a spool has a reason for, is about a message of which only the file is left,
/// or about a unique id with two names.
fn compare(input: &[u8], on_spool: &Bytes, in_memory: &Bytes) {
    let (by_spool, by_memory) = (answers(on_spool), answers(in_memory));
    let has_failed = |answer: &&[u8]| FAILURES.iter().any(|failure| answer.starts_with(failure.as_bytes()));
    assert!(!by_spool.iter().any(has_failed), "{}", on_spool.escape_ascii());
    let mut answers = by_spool.into_iter().zip(by_memory);
    let Some((spool, memory)) = answers.find(|(spool, memory)| spool != memory) else { return };
    assert!(
        ONLY_ON_A_SPOOL.iter().any(|start| spool.starts_with(start.as_bytes()))
            || is_orphan(input, spool, memory)
            || is_of_shared_id(input, spool, memory),
        "on a spool: {}\nin memory:  {}",
        spool.escape_ascii(),
        memory.escape_ascii()
    );
}

/// Whether this can be `GET FETCH` of a mailbox that was made an intermediate folder: as with the reference its files stay where
/// they are, and can be fetched.
fn is_orphan(input: &[u8], spool: &[u8], memory: &[u8]) -> bool {
    let answered = spool.starts_with(b"OK ") && memory.starts_with(b"NO IMAP_MAILBOX_NONEXISTENT");
    answered && says(input, b"FETCH") && says(input, b"MBOXTYPE")
}

/// Whether this can be a unique id that two entries without a mailbox were given: on a spool it leads to the one that was written
/// last.
fn is_of_shared_id(input: &[u8], spool: &[u8], memory: &[u8]) -> bool {
    let (taken, moved) = (&b"OK "[..], &b"NO IMAP_MAILBOX_MOVED"[..]);
    let differ = |one: &[u8], other: &[u8]| one.starts_with(taken) && other.starts_with(moved);
    (differ(spool, memory) || differ(memory, spool)) && says(input, b"MBOXTYPE")
}

fn says(input: &[u8], word: &[u8]) -> bool {
    input.windows(word.len()).any(|part| part == word)
}

/// The lines that answer a command. What stands in a literal is no line.
fn answers(said: &Bytes) -> Vec<&[u8]> {
    let (mut answers, mut rest, mut continued) = (Vec::new(), &said[..], false);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, behind) = rest.split_at(end + 1);
        let literal = literal(line);
        if !continued && [&b"OK "[..], b"NO ", b"BAD "].iter().any(|word| line.starts_with(word)) {
            answers.push(line);
        }
        continued = literal.is_some();
        rest = behind.get(literal.unwrap_or(0)..).unwrap_or_default();
    }
    answers
}

/// How many bytes of a literal follow a line: it ends in `{n}` or `%{partition guid n}`.
fn literal(line: &[u8]) -> Option<usize> {
    let head = line.strip_suffix(b"}\r\n")?;
    let digits = head.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&head[head.len() - digits..]).ok()?.parse().ok()
}

const ONLY_ON_A_SPOOL: &[&str] = &["NO IMAP_PARTITION_UNKNOWN", "NO IMAP_PROTOCOL_BAD_PARAMETERS \r"];

/// What a disk that is well gives no reason for.
const FAILURES: &[&str] =
    &["NO IMAP_IOERROR", "NO IMAP_MAILBOX_BADFORMAT", "NO IMAP_NO_SPACE", "NO IMAP_MAILBOX_LOCKED"];
