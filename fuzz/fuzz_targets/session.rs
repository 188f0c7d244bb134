//! A whole session on a store that insists on the order of operations.
//!
//! Whatever the peer says: the reply does not depend on how its bytes are cut; a line that is complete is answered before
//! more is asked for, and the next line is read as if nothing had been; the declared bytes of messages are consumed though
//! the store refuses; memory stays in proportion to the input.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use sync_server::{
    limits::Limits,
    ops::Refusal,
    session::{Config, Session, SessionError, Step},
    store::MemoryStore,
    types::Release,
    wire::{Scanner, WireLimits},
};
use sync_server_fuzz::{Dice, heap};

#[path = "../../tests/common/strict.rs"]
#[allow(dead_code)]
mod strict;

use strict::Strict;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fuzz_target!(|input: &[u8]| {
    let mut dice = Dice::of(input);
    let mut whole = None;
    let peak = heap::peak_of(|| whole = Some(converse(input, || usize::MAX, None)));
    let bound = (1 << 20) + 200 * input.len();
    assert!(peak <= bound, "{peak} bytes are held for an input of {}", input.len());
    let Some(whole) = whole else { return };
    check_end(input, &whole);
    let pieces = converse(input, || 1 + dice.below(100), None);
    assert_eq!((&pieces.said, &pieces.last, &pieces.end), (&whole.said, &whole.last, &whole.end), "in pieces");
    if whole.operations > 0 {
        let refused = dice.below(whole.operations);
        let refusal = if refused % 2 == 0 { Refusal::Io } else { Refusal::NoSpace };
        check_end(input, &converse(input, || usize::MAX, Some((refused, refusal))));
    }
});

/// When all conversations happen: two of them may differ in nothing else than their pieces.
const TIME: i64 = 1_700_000_000;

/// What came of a conversation.
struct Outcome {
    /// The replies up to the end of the input.
    said: Bytes,
    /// The replies to the NOOP behind it.
    last: Bytes,
    end: Option<Result<(), SessionError>>,
    /// How many were asked for; that depends on how messages are cut.
    operations: usize,
}

fn config() -> Config {
    let limits = Limits { literal: 4096, command: 1 << 16, records: 1000, staged: 100, ..Limits::default() };
    Config { limits, release: Release::V3_10, ..Config::trusted("r.example.org") }
}

fn converse(input: &[u8], mut piece: impl FnMut() -> usize, refuse: Option<(usize, Refusal)>) -> Outcome {
    let mut session = Session::new(config());
    let store = MemoryStore::at(TIME);
    let mut store = match refuse {
        None => Strict::new(store),
        Some((operation, refusal)) => Strict::refusing(store, operation, refusal),
    };
    let mut rest = Bytes::copy_from_slice(input);
    let mut said = BytesMut::new();
    let mut end = run(&mut session, &mut store, &mut said);
    while end.is_none() && !rest.is_empty() {
        session.receive(rest.split_to(rest.len().min(piece())));
        end = run(&mut session, &mut store, &mut said);
    }
    let mut last = BytesMut::new();
    if end.is_none() {
        session.receive(Bytes::from_static(b"NOOP\r\n"));
        end = run(&mut session, &mut store, &mut last);
    }
    let before_end = end.clone();
    if end.is_none() {
        session.receive(Bytes::new());
        end = run(&mut session, &mut store, &mut BytesMut::new());
    }
    assert!(end.is_some(), "the end of the input ends the session");
    store.assert_idle();
    Outcome { said: said.freeze(), last: last.freeze(), end: before_end, operations: store.operations }
}

/// Runs until the session wants input or is over. Only the last 64 KiB of what it says are kept.
fn run(
    session: &mut Session,
    store: &mut Strict<MemoryStore>,
    said: &mut BytesMut,
) -> Option<Result<(), SessionError>> {
    loop {
        match session.poll() {
            Ok(Step::NeedInput) => return None,
            Ok(Step::Write(output)) => {
                assert!(!output.is_empty());
                said.extend_from_slice(&output);
                let excess = said.len().saturating_sub(1 << 16);
                let _ = said.split_to(excess);
            }
            Ok(Step::Perform(op)) => op.perform(session, store).expect("the request is this session's"),
            Ok(Step::Channel(_) | Step::Return(_) | Step::Paused) => panic!("nothing is outstanding"),
            Ok(Step::Closed) => return Some(Ok(())),
            Err(error) => return Some(Err(error)),
        }
    }
}

/// Where the input ends between two lines, the line behind it is read as a line.
fn check_end(input: &[u8], outcome: &Outcome) {
    assert!(outcome.end.is_none() || outcome.end == Some(Ok(())), "the session ends before the input does");
    if outcome.end.is_some() {
        return;
    }
    let limits = config().limits;
    let mut scanner = Scanner::new(WireLimits { max_string: limits.literal as u32, max_depth: limits.nesting as u32 });
    let mut rest = Bytes::copy_from_slice(input);
    while scanner.next(&mut rest).is_some() {}
    if scanner.is_between_lines() {
        assert_eq!(outcome.last, "OK Noop completed\r\n");
        assert!(outcome.said.ends_with(b"\r\n"));
    }
}
