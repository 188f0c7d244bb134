//! The rows of the table.

use sync_server::types::Guid;

use super::area::Medium;
use super::load::lines::{self, Mailbox, Record};
use super::load::mail;
use super::row::Row;

/// Makes a row.
type Make = fn() -> Row;

/// All rows, by name.
pub const ALL: [(&str, Make); 9] = [
    ("seed-disk", || seed("seed-disk", Medium::Disk)),
    ("seed-tmpfs", || seed("seed-tmpfs", Medium::Memory)),
    ("change-1k", || change("change-1k", 1000)),
    ("change-400k", || change("change-400k", LARGE)),
    ("full-400k", full),
    ("reserve", reserve),
    ("get-user", get_user),
    ("flags", flags),
    ("append-mime", mime),
];

/// Records of a large mailbox.
const LARGE: u32 = 400_000;

/// 4,000 messages, 64 MB, in 8 mailboxes.
fn seed(name: &'static str, medium: Medium) -> Row {
    let said = lines::seed(8, 500, 16_000);
    Row { name, medium, before: Vec::new(), work: Box::new(move |_| said.clone()), afresh: true, items: 4000.0 }
}

/// A mailbox of so many messages of about this size, then records of messages that are gone up to so many in all: and what
/// is said to make it.
fn mailbox(messages: u32, mean: usize, records: u32) -> (Mailbox, Vec<Record>, Vec<Vec<u8>>) {
    let mailbox = Mailbox { last_uid: records, modseq: 3, ..Mailbox::numbered(0) };
    let texts: Vec<Vec<u8>> = (1..=messages).map(|number| mail::message(number.into(), mean)).collect();
    let live: Vec<Record> = (1..).zip(&texts).map(|(uid, text)| Record::of(uid, text)).collect();
    let gone = (messages + 1..=records).map(Record::expunged);
    let line = mailbox.apply(live.iter().copied().chain(gone));
    (mailbox, live, vec![lines::upload(&texts), line, b"RESTART\r\n".to_vec()])
}

/// A look at a mailbox and a change of the flags of its first message, 20 times.
fn change(name: &'static str, records: u32) -> Row {
    const TIMES: u32 = 20;
    let (mailbox, live, before) = mailbox(1, 4000, records);
    let work = move |run: u32| {
        let times = (0..TIMES).flat_map(|nth| {
            let modseq = u64::from(10 + run * TIMES + nth);
            let mailbox = Mailbox { modseq, ..mailbox.clone() };
            let flags = if nth % 2 == 0 { "\\Flagged" } else { "\\Seen" };
            [mailbox.get(), mailbox.apply([Record { modseq, flags, ..live[0] }])]
        });
        times.collect()
    };
    Row { name, medium: Medium::Disk, before, work: Box::new(work), afresh: false, items: TIMES.into() }
}

/// All records of a large mailbox, into a new one.
fn full() -> Row {
    let (_, _, said) = mailbox(1, 4000, LARGE);
    let work = Box::new(move |_| said.clone());
    Row { name: "full-400k", medium: Medium::Disk, before: Vec::new(), work, afresh: true, items: LARGE.into() }
}

/// 1,000 messages of a large mailbox are looked for.
fn reserve() -> Row {
    let (mailbox, live, before) = mailbox(1000, 16_000, LARGE);
    let guids: Vec<Guid> = live.iter().map(|record| record.guid).collect();
    let work = Box::new(move |_| vec![lines::reserve(&[&mailbox], guids.clone()), b"RESTART\r\n".to_vec()]);
    Row { name: "reserve", medium: Medium::Disk, before, work, afresh: false, items: 1000.0 }
}

/// A user's 10,000 mailboxes are listed.
fn get_user() -> Row {
    const MAILBOXES: u32 = 10_000;
    let before = (0..MAILBOXES).map(|number| Mailbox::numbered(number).apply([])).collect();
    let work = Box::new(|_| vec![format!("GET USER {}\r\n", lines::USER).into_bytes()]);
    Row { name: "get-user", medium: Medium::Memory, before, work, afresh: false, items: MAILBOXES.into() }
}

/// The flags of 5,000 messages change at once.
fn flags() -> Row {
    const MESSAGES: u32 = 5000;
    let (mailbox, live, before) = mailbox(MESSAGES, 1000, MESSAGES);
    let work = move |run: u32| {
        let modseq = u64::from(10 + run);
        let flags = if run.is_multiple_of(2) { "\\Flagged" } else { "\\Seen $Label" };
        let mailbox = Mailbox { modseq, ..mailbox.clone() };
        vec![mailbox.apply(live.iter().map(|record| Record { modseq, flags, ..*record }))]
    };
    Row { name: "flags", medium: Medium::Disk, before, work: Box::new(work), afresh: false, items: MESSAGES.into() }
}

/// Records of messages that are staged: what hashing, parsing and the cache cost. Few and large ones, so that the calls on
/// files count little.
fn mime() -> Row {
    let (_, _, said) = mailbox(400, 200_000, 400);
    let work = Box::new(move |_| said.clone());
    Row { name: "append-mime", medium: Medium::Memory, before: Vec::new(), work, afresh: true, items: 400.0 }
}
