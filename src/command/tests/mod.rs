//! Every command with good fields, and with each field missing, NIL or wrong; every reply's bytes.

mod bad_values;
mod good;
mod mailboxes;
mod records;
mod replies;

use super::*;
use crate::{
    dlist::{Builder, Event, Item, Value, Writer},
    ops::{
        AnnotatedRecord, Annotation, ListedEntry, MailboxIdentity, MailboxState, Quota, QuotaLimits, Record, Seen,
        SeenEntry, SyncedHeader,
    },
    types::{
        FlagName, Guid, InternalFlags, InvalidName, MailboxName, MailboxOptions, MailboxType, ModSeq, Partition,
        Release, SyncCrcs, SystemFlags, Uid, UniqueId, UserFlags, UserId,
    },
    wire::{FileRef, LiteralForm, Scanner, WireLimits},
};
use bytes::Bytes;

const GUID: &str = "785ec164963ae873b54bdd771f152e4332bab92a";

/// What a client's line says behind its command word.
fn item(line: &str) -> Item {
    let mut scanner = Scanner::new(WireLimits::default());
    let mut builder = Builder::new(1 << 20, |_, _| false);
    let mut input = Bytes::from(format!("X {line}\r\n"));
    scanner.next(&mut input);
    loop {
        let token = scanner.next(&mut input).unwrap_or_else(|| panic!("{line} is no line"));
        if let Event::Done(item) = builder.push(token).unwrap_or_else(|error| panic!("{line}: {error}")) {
            return item;
        }
    }
}

fn value(text: &str) -> Value {
    item(&format!("V {text}")).value
}

fn apply(line: &str) -> Result<Option<Apply>, BadField> {
    let Item { name, value } = item(line);
    Apply::decode(&name, &value, Vec::new(), FlagNames::default())
}

fn get(line: &str) -> Result<Option<Get>, BadField> {
    let Item { name, value } = item(line);
    Get::decode(&name, &value)
}

fn mailbox(name: &str) -> MailboxName {
    MailboxName::parse(name.as_bytes()).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name.as_bytes()).unwrap()
}

fn uniqueid(id: &str) -> UniqueId {
    UniqueId::parse(id.as_bytes()).unwrap()
}

fn partition(name: &str) -> Partition {
    Partition::parse(name.as_bytes()).unwrap()
}

fn guid() -> Guid {
    Guid::from_hex(GUID.as_bytes()).unwrap()
}

#[track_caller]
fn assert_applies(line: &str, expected: Apply) {
    assert_eq!(format!("{:?}", apply(line)), format!("{:?}", Ok::<_, BadField>(Some(expected))), "{line}");
}

#[test]
fn problems_read_as_sentences() {
    let text = |field, problem| BadField { field, problem }.to_string();
    assert_eq!(text("UID", Problem::Missing), "UID is missing");
    assert_eq!(text("UID", Problem::NotANumber), "UID is not a number in range");
    assert_eq!(text("UID", Problem::NotAscending), "UID does not ascend");
    let too_long = InvalidName::TooLong { length: 511, limit: 510 };
    assert_eq!(text("MBOXNAME", Problem::NotAName(too_long)), "MBOXNAME has 511 bytes, more than 510");
    assert_eq!(text("MBOXNAME", Problem::NotAName(InvalidName::Character { byte: 0 })), "MBOXNAME holds the byte 0x00");
}

/// Found by fuzzing: memory kept what the spool could not.
#[test]
fn an_annotation_is_everybodys_or_of_somebody_who_can_be_a_user() {
    let of = |user: &str| apply(&format!("ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID {user} VALUE x)"));
    assert!(of("\"\"").is_ok());
    assert!(of("jane.doe@example.com").is_ok());
    for user in ["j\u{e4}ne", "a/b", "..", "\"a*\""] {
        assert!(matches!(of(user), Err(BadField { field: "USERID", .. })), "{user}");
    }
}
