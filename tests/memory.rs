//! What a session holds in memory: little for each record of a mailbox, nothing that grows with a message.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(unsafe_code, reason = "an allocator that counts")]

use bytes::Bytes;
use sha1::{Digest, Sha1};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use sync_server::{
    limits::Limits,
    ops::Op,
    session::{Config, Session, Step},
};

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// The tests measure one after the other.
static TURN: Mutex<()> = Mutex::new(());

#[global_allocator]
static HEAP: Counting = Counting;

// SAFETY: everything is passed on to `System`; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }

    /// Counted as the growth alone: the system's allocator moves large blocks without copying them (`mremap`).
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        let held = HELD.fetch_add(size, Ordering::Relaxed) + size;
        PEAK.fetch_max(held, Ordering::Relaxed);
        unsafe { System.realloc(at, layout, size) }
    }
}

/// The most bytes held at once while a session hears these pieces, each of which is given up before the next one, above what
/// was held before. The store takes everything and keeps nothing.
fn peak(pieces: impl Iterator<Item = Bytes>, said: &mut Vec<u8>) -> usize {
    peak_within(Limits::default(), pieces, said)
}

fn peak_within(limits: Limits, pieces: impl Iterator<Item = Bytes>, said: &mut Vec<u8>) -> usize {
    let mut pieces = pieces.chain([Bytes::new()]);
    let before = HELD.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut session = Session::new(Config { limits, ..Config::trusted("r") });
    loop {
        match session.poll().unwrap() {
            Step::NeedInput => session.receive(pieces.next().unwrap()),
            Step::Write(output) => said.extend_from_slice(&output),
            Step::Perform(op) => forget(op, &mut session),
            Step::Channel(_) | Step::Return(_) | Step::Paused => panic!("nothing is outstanding"),
            Step::Closed => return PEAK.load(Ordering::Relaxed) - before,
        }
    }
}

fn forget(op: Op, session: &mut Session) {
    match op {
        Op::BeginUpload(request) => session.complete(request, Ok(())),
        Op::UploadChunk(request) => session.complete(request, Ok(())),
        Op::FinishUpload(request) => session.complete(request, Ok(())),
        Op::DiscardStaged(request) => session.complete(request, Ok(())),
        Op::OpenMailbox(request) => session.complete(request, Ok(None)),
        Op::ReadListed(request) => session.complete(request, Ok(None)),
        Op::CloseMailbox(request) => session.complete(request, Ok(())),
        Op::Commit(request) => session.complete(request, Ok(())),
        op => panic!("{op:?}"),
    }
    .unwrap();
}

/// `APPLY MAILBOX` of a new mailbox with expunged records, in pieces of 64 KiB, made as they are asked for.
fn mailbox(records: u32, annotations: &'static str) -> impl Iterator<Item = Bytes> {
    let head = format!(
        "APPLY MAILBOX %(UNIQUEID abc MBOXNAME user.u1 LAST_UID {records} HIGHESTMODSEQ 9 RECENTUID 0 RECENTTIME 0 \
        LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 UIDVALIDITY 1 PARTITION default ACL \"\" OPTIONS P RECORD ("
    );
    let mut next = 0;
    std::iter::once(head.into()).chain(std::iter::from_fn(move || {
        let mut piece = String::with_capacity(1 << 16);
        while next < records && piece.len() < 65_000 {
            next += 1;
            let space = if next == 1 { "" } else { " " };
            write!(
                piece,
                "{space}%(UID {next} MODSEQ 5 LAST_UPDATED 1795464234 FLAGS (\\Seen \\Expunged $Label) INTERNALDATE \
                1795464234 SIZE 13719 GUID 785ec164963ae873b54bdd771f152e4332bab92a{annotations})"
            )
            .unwrap();
            if next == records {
                piece += "))\r\n";
            }
        }
        (!piece.is_empty()).then(|| piece.into())
    }))
}

#[test]
fn a_record_of_a_large_mailbox_takes_less_than_200_bytes() {
    let _turn = TURN.lock().unwrap();
    let fields = " ANNOTATIONS (%(ENTRY /vendor/cmu/cyrus-imapd/savedate USERID \"\" MODSEQ 0 VALUE 1795464234) \
        %(ENTRY /vendor/cmu/cyrus-imapd/createdmodseq USERID \"\" MODSEQ 0 VALUE 2))";
    for (records, annotations) in [(100_000, ""), (16_000, fields)] {
        let mut said = Vec::with_capacity(1000);
        let peak = peak(mailbox(records, annotations), &mut said);
        assert!(said.ends_with(b"OK success\r\n"), "{}", String::from_utf8_lossy(&said));
        // A read buffer and what does not grow with the mailbox.
        let of_each = (peak - (256 << 10)) / records as usize;
        assert!(of_each < 200, "{of_each} bytes a record, {peak} for {records}");
    }
}

#[test]
fn a_line_that_is_refused_gives_up_its_records() {
    let _turn = TURN.lock().unwrap();
    // The second record of each two has the uid of the first: nothing is kept from there on.
    let bad = mailbox(100_000, "")
        .map(|piece| String::from_utf8(piece.to_vec()).unwrap().replace("UID 20000 ", "UID 19999 ").into());
    let mut said = Vec::with_capacity(1000);
    let peak = peak(bad, &mut said);
    assert!(said.ends_with(b"NO IMAP_PROTOCOL_BAD_PARAMETERS APPLY UID does not ascend\r\n"));
    assert!(peak < 6 << 20, "{peak} bytes");
}

#[test]
fn records_above_the_bound_are_read_and_not_held() {
    let _turn = TURN.lock().unwrap();
    let mut said = Vec::with_capacity(1000);
    let limits = Limits { records: 1000, ..Limits::default() };
    let peak = peak_within(limits, mailbox(100_000, ""), &mut said);
    assert!(said.ends_with(b"NO IMAP_LIMIT_EXCEEDED Limit exceeded\r\n"), "{}", String::from_utf8_lossy(&said));
    assert!(peak < 512 << 10, "{peak} bytes");
}

#[test]
fn messages_above_the_bound_are_read_and_not_noted() {
    let _turn = TURN.lock().unwrap();
    let upload = |number: u32| {
        let message = number.to_le_bytes();
        let guid: String = Sha1::digest(message).iter().map(|byte| format!("{byte:02x}")).collect();
        Bytes::from([format!("APPLY MESSAGE (%{{default {guid} 4}}\r\n").as_bytes(), &message, b")\r\n"].concat())
    };
    // The replies are not counted: there is room for them before.
    let mut said = Vec::with_capacity(50 * 20_000);
    let limits = Limits { staged: 100, ..Limits::default() };
    let peak = peak_within(limits, (0..20_000).map(upload), &mut said);
    let count = |reply: &str| String::from_utf8_lossy(&said).matches(reply).count();
    assert_eq!((count("OK success\r\n"), count("NO IMAP_LIMIT_EXCEEDED ")), (100, 19_900));
    assert!(peak < 64 << 10, "{peak} bytes");
}

#[test]
fn a_message_passes_through_in_the_memory_of_one_read() {
    let _turn = TURN.lock().unwrap();
    const PIECES: usize = 32;
    let piece = vec![b'x'; 1 << 16];
    let mut sum = Sha1::new();
    (0..PIECES).for_each(|_| sum.update(&piece));
    let guid: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let head = Bytes::from(format!("APPLY MESSAGE (%{{default {guid} {}}}\r\n", PIECES << 16));
    let body = (0..PIECES).map(|_| Bytes::copy_from_slice(&piece));
    let mut said = Vec::with_capacity(1000);
    let peak = peak([head].into_iter().chain(body).chain([Bytes::from_static(b")\r\n")]), &mut said);
    assert!(said.ends_with(b"OK success\r\n"), "{}", String::from_utf8_lossy(&said));
    assert!(peak < 512 << 10, "{peak} bytes for a message of 2 MiB");
}

#[test]
fn a_line_of_any_length_takes_no_more_memory_than_a_command_may() {
    let _turn = TURN.lock().unwrap();
    for (start, filling) in [
        ("GET MAILBOXES (", "("),
        ("GET MAILBOXES (", "a "),
        ("GET MAILBOXES (", "() "),
        ("APPLY X ", "%(a "),
        ("GET USER ", "a"),
        ("GET USER \"", "a"),
        ("GET USER {4294967295+}\r\n", "a"),
        ("APPLY MESSAGE (", "NIL "),
        ("APPLY MAILBOX %(RECORD (", "() "),
        ("(", "("),
    ] {
        let pieces = (0..16).map(|_| Bytes::from(filling.repeat(65_536 / filling.len())));
        let limits = Limits { command: 1 << 18, ..Limits::default() };
        let mut session = Session::new(Config { limits, ..Config::trusted("r") });
        let before = HELD.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        let mut pieces = [Bytes::from_static(start.as_bytes())].into_iter().chain(pieces);
        loop {
            match session.poll().unwrap() {
                Step::NeedInput => match pieces.next() {
                    Some(piece) => session.receive(piece),
                    None => break,
                },
                Step::Write(_) => {}
                step => panic!("{step:?}"),
            }
        }
        // Vectors double, and are held twice while they do.
        let peak = PEAK.load(Ordering::Relaxed) - before;
        assert!(peak < 1 << 20, "{peak} bytes for {start:?} and 1 MiB of {filling:?}");
    }
}
