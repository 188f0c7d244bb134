//! Input that must get a clear answer and leave the connection, the process and every other mailbox unharmed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{
    messages::{Fields, guid, mailbox, record, records, upload},
    strict::Strict,
    talk::Talk,
    transcript::Transcript,
};
use std::fmt::Display;
use sync_server::{
    ops::{Refusal, Store},
    session::{Config, SessionError},
    store::MemoryStore,
};

const ONE: &[u8] = b"Subject: one\r\n\r\nhello\r\n";
const TWO: &[u8] = b"Subject: two\r\n\r\n(\"%{\0\r\n";
const NEW: &[u8] = b"Subject: new\r\n\r\nNOOP\r\n";

/// A replica with two users: u1 has two messages, u2 none.
fn replica() -> MemoryStore {
    fill(MemoryStore::new())
}

fn fill<S: Store>(store: S) -> S {
    let mut talk = Talk::with(Config::trusted("r.example.org"), Strict::new(store));
    assert_eq!(talk.say(upload(&[ONE, TWO])), "OK success\r\n");
    assert_eq!(talk.line(&format!("APPLY MAILBOX {}", u1())), "OK success\r\n");
    assert_eq!(talk.line(&format!("APPLY MAILBOX {}", mailbox("user.u2", "u2u2u2"))), "OK success\r\n");
    assert_eq!(talk.line("APPLY SUB %(USERID u1 MBOXNAME user.u1)"), "OK success\r\n");
    assert_eq!(talk.line("APPLY QUOTA %(ROOT user.u1 LIMIT 100 MODSEQ 3)"), "OK success\r\n");
    assert_eq!(talk.line("EXIT"), "OK Finished\r\n");
    talk.store.assert_idle();
    talk.store.inner
}

/// What the master says of u1, as it was said last.
fn u1() -> Fields {
    let list = records(&[record(1, ONE), record(3, TWO)]);
    mailbox("user.u1", "u1u1u1").with("LAST_UID", 3).with("RECORD", list)
}

/// All that a store holds, but for which message was read last.
fn contents(store: &MemoryStore) -> String {
    let all = format!("{store:?}");
    all.split_once(", message: ").expect("the field is the last one").0.to_owned()
}

fn bad_parameters(command: &str, what: impl Display) -> String {
    format!("NO IMAP_PROTOCOL_BAD_PARAMETERS {command} {what}\r\n")
}

const CANNOT_PARSE_APPLY: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line\r\n";
const CANNOT_PARSE_GET: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse GET line\r\n";

/// What a client says, and what it is told. Nothing is changed by it.
struct Bad {
    name: String,
    client: Bytes,
    server: String,
}

/// One or more lines without their last line end, and the reply.
fn bad(name: impl Display, client: impl AsRef<[u8]>, server: impl Into<String>) -> Bad {
    let client = [client.as_ref(), b"\r\n"].concat();
    Bad { name: name.to_string(), client: client.into(), server: server.into() }
}

/// What an upload brings that is then refused is drained, and the session says why.
fn bad_uploads() -> Vec<Bad> {
    let zeros = "0".repeat(40);
    let other = guid(ONE);
    let size = NEW.len();
    let file = |partition: &str| {
        let head = format!("APPLY MESSAGE (%{{{partition} {} {size}}}\r\n", guid(NEW));
        [head.as_bytes(), NEW, b")"].concat()
    };
    let raw = |text: &str| text.as_bytes().to_vec();
    let mismatch = "NO IMAP_MESSAGE_CONTENT_MISMATCH Message does not match its GUID\r\n";
    let unknown_partition = "NO IMAP_PARTITION_UNKNOWN Unknown/invalid partition\r\n";
    vec![
        bad(
            "bytes of another GUID",
            [format!("APPLY MESSAGE (%{{default {other} {size}}}\r\n").as_bytes(), NEW, b")"].concat(),
            mismatch,
        ),
        bad("bytes of the GUID of zeros", raw(&format!("APPLY MESSAGE (%{{default {zeros} 3}}\r\nabc)")), mismatch),
        bad(
            "MESSAGE (NIL)",
            "APPLY MESSAGE (NIL)",
            bad_parameters("APPLY", "MESSAGE holds something that is not a file"),
        ),
        bad("MESSAGE (a)", "APPLY MESSAGE (a)", bad_parameters("APPLY", "MESSAGE holds something that is not a file")),
        bad(
            "MESSAGE (())",
            "APPLY MESSAGE (())",
            bad_parameters("APPLY", "MESSAGE holds something that is not a file"),
        ),
        bad("MESSAGE NIL", "APPLY MESSAGE NIL", bad_parameters("APPLY", "MESSAGE is not a list")),
        bad("MESSAGE %()", "APPLY MESSAGE %()", bad_parameters("APPLY", "MESSAGE is not a list")),
        bad("a partition with a separator", file("../../etc"), unknown_partition),
        bad("a partition of dots", file(".."), unknown_partition),
        bad("a partition without a name", file("\"\""), unknown_partition),
        bad("a partition with a space", file("\"a b\""), unknown_partition),
        bad("a partition with a NUL", file("{3+}\r\na\0b"), unknown_partition),
        bad("a partition of 65 bytes", file(&"p".repeat(65)), unknown_partition),
        bad(
            "a GUID too short",
            format!("APPLY MESSAGE (%{{default abc {size}}}\r\n{})", "x".repeat(size)),
            CANNOT_PARSE_APPLY,
        ),
        bad("a size that is no number", format!("APPLY MESSAGE (%{{default {other} x}}"), CANNOT_PARSE_APPLY),
        bad("a size below zero", format!("APPLY MESSAGE (%{{default {other} -1}}"), CANNOT_PARSE_APPLY),
        bad("a size of 2^32", format!("APPLY MESSAGE (%{{default {other} 4294967296}}"), CANNOT_PARSE_APPLY),
        bad(
            "a file where none belongs",
            format!("APPLY SUB %(USERID %{{default {other} 6}}\r\n)\r\nA\r\n)"),
            CANNOT_PARSE_APPLY,
        ),
        bad("a file in a GET", format!("GET USER %{{default {other} 6}}\r\n)\r\nA\r\n"), CANNOT_PARSE_GET),
        bad(
            "a file behind NOOP",
            format!("NOOP %{{default {other} 6}}\r\nEXIT\r\n"),
            "BAD Unexpected extra arguments to Noop\r\n",
        ),
    ]
}

fn bad_syntax() -> Vec<Bad> {
    vec![
        bad("an empty line", "", "BAD Null command\r\n"),
        bad("a line of spaces", "  ", "BAD Null command\r\n"),
        bad("a word that is no command", "FROBNICATE a (b c)", "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n"),
        bad("binary noise", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "BAD Null command\r\n"),
        bad("APPLY alone", "APPLY", CANNOT_PARSE_APPLY),
        bad("APPLY without a value", "APPLY MAILBOX", CANNOT_PARSE_APPLY),
        bad("GET alone", "GET", CANNOT_PARSE_GET),
        bad("GET without a value", "GET USER", CANNOT_PARSE_GET),
        bad("GET with two values", "GET USER a b", CANNOT_PARSE_GET),
        bad("a command behind APPLY that is none", "APPLY FOO %()", "NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        bad("a command behind GET that is none", "GET FOO bar", "NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        bad("arguments to NOOP", "NOOP now", "BAD Unexpected extra arguments to Noop\r\n"),
        bad("arguments to RESTART", "RESTART now (", "BAD Unexpected extra arguments to Restart\r\n"),
        bad("arguments to EXIT", "EXIT \"now", "BAD Unexpected extra arguments to Exit\r\n"),
        bad("a list that is not closed", "APPLY SUB %(USERID u1", CANNOT_PARSE_APPLY),
        bad("a list that is closed twice", "GET MAILBOXES (a))", CANNOT_PARSE_GET),
        bad("a quote that is not closed", "GET USER \"u1", CANNOT_PARSE_GET),
        bad("a key without a value", "APPLY SUB %(USERID)", CANNOT_PARSE_APPLY),
        bad("a list as a key", "APPLY SUB %((a) b)", CANNOT_PARSE_APPLY),
        bad("a NUL in an atom", "GET USER u\u{0}1", CANNOT_PARSE_GET),
        bad(
            "a literal above the limit",
            format!("GET USER {{131073+}}\r\n{}", "\r\nEXIT\r\n)".repeat(14_563) + "abcdef"),
            CANNOT_PARSE_GET,
        ),
        bad("a literal without a size", "GET USER {+}", CANNOT_PARSE_GET),
        bad("a literal of 2^64 bytes", "GET USER {18446744073709551616+}", CANNOT_PARSE_GET),
        bad("an atom above the limit", format!("GET USER {}", "a".repeat(131_073)), CANNOT_PARSE_GET),
        bad("a quoted string above the limit", format!("GET USER \"{}\"", "a".repeat(131_073)), CANNOT_PARSE_GET),
        bad("a word above the limit", "a".repeat(131_073), "BAD Null command\r\n"),
        bad("200,000 open parentheses", format!("GET MAILBOXES {}", "(".repeat(200_000)), CANNOT_PARSE_GET),
        bad("200,000 lists of pairs", format!("APPLY SUB {}", "%(a ".repeat(200_000)), CANNOT_PARSE_APPLY),
        bad(
            "200,000 open parentheses in a record",
            format!("APPLY MAILBOX %(RECORD {}", "(".repeat(200_000)),
            CANNOT_PARSE_APPLY,
        ),
        bad("200,000 closing parentheses", format!("GET USER {}", ")".repeat(200_000)), CANNOT_PARSE_GET),
        bad("a carriage return alone", "GET USER a\rb", CANNOT_PARSE_GET),
    ]
}

fn bad_names() -> Vec<Bad> {
    let mut rows = Vec::new();
    let forms = [
        ("a separator", "../../etc/passwd", "holds the byte 0x2f"),
        ("dots only", "...", "has an empty part"),
        ("an empty part", "user..u1", "has an empty part"),
        ("a NUL", "{7+}\r\nuser.\0u", "holds the byte 0x00"),
        ("a line end", "{8+}\r\nuser.\r\nu", "holds the byte 0x0d"),
        ("an escape", "\"user.\x1b[2J\"", "holds the byte 0x1b"),
        ("8-bit text", "user.\u{e4}", "holds the byte 0xc3"),
        ("nothing", "\"\"", "is empty"),
    ];
    let long = "a".repeat(511);
    let forms = forms.into_iter().chain([("511 bytes", &long[..], "has 511 bytes, more than 510")]);
    for (form, name, why) in forms {
        let row = |rows: &mut Vec<Bad>, line: String, command: &str, field: &str| {
            rows.push(bad(format!("{line:.40}… with {form}"), line, bad_parameters(command, format!("{field} {why}"))));
        };
        row(&mut rows, format!("APPLY MAILBOX {}", u1().with("MBOXNAME", name)), "APPLY", "MBOXNAME");
        row(&mut rows, format!("APPLY UNMAILBOX {name}"), "APPLY", "UNMAILBOX");
        row(&mut rows, format!("APPLY UNQUOTA {name}"), "APPLY", "UNQUOTA");
        row(&mut rows, format!("APPLY QUOTA %(ROOT {name} LIMIT 1 MODSEQ 1)"), "APPLY", "ROOT");
        row(&mut rows, format!("APPLY SUB %(USERID u1 MBOXNAME {name})"), "APPLY", "MBOXNAME");
        let rename = |old: &str, new: &str| format!("APPLY RENAME %(OLDMBOXNAME {old} NEWMBOXNAME {new} PARTITION p)");
        row(&mut rows, rename(name, "user.u3"), "APPLY", "OLDMBOXNAME");
        row(&mut rows, rename("user.u1", name), "APPLY", "NEWMBOXNAME");
        let reserve = format!("APPLY RESERVE %(PARTITION default MBOXNAME ({name}) GUID ())");
        row(&mut rows, reserve, "APPLY", "MBOXNAME");
        let expunge = format!("APPLY EXPUNGE %(MBOXNAME {name} UNIQUEID u1u1u1 UID (1))");
        row(&mut rows, expunge, "APPLY", "MBOXNAME");
        row(&mut rows, format!("GET FULLMAILBOX {name}"), "GET", "FULLMAILBOX");
        row(&mut rows, format!("GET QUOTA {name}"), "GET", "QUOTA");
    }
    for (form, id, why) in [
        ("a separator", "../../etc", "holds the byte 0x2e"),
        ("dots only", "..", "holds the byte 0x2e"),
        ("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
        ("nothing", "\"\"", "is empty"),
        ("one letter", "a", "has an empty part"),
    ] {
        let line = format!("APPLY MAILBOX {}", u1().with("UNIQUEID", id));
        let server = bad_parameters("APPLY", format!("UNIQUEID {why}"));
        rows.push(bad(format!("a unique id with {form}"), line, server));
        if form != "one letter" {
            let line = format!("APPLY MAILBOX {}", u1().with("PARTITION", id));
            let server = bad_parameters("APPLY", format!("PARTITION {why}"));
            rows.push(bad(format!("a partition with {form}"), line, server));
        }
    }
    for (form, user, why) in [
        ("a separator", "../../u1", "holds the byte 0x2f"),
        ("dots only", "..", "has an empty part"),
        ("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
        ("nothing", "\"\"", "is empty"),
        ("a wild card", "{1+}\r\n*", "holds the byte 0x2a"),
    ] {
        rows.push(bad(
            format!("GET USER with {form}"),
            format!("GET USER {user}"),
            bad_parameters("GET", format!("USER {why}")),
        ));
        rows.push(bad(
            format!("GET META with {form}"),
            format!("GET META {user}"),
            bad_parameters("GET", format!("META {why}")),
        ));
        let line = format!("APPLY SUB %(USERID {user} MBOXNAME user.u1)");
        rows.push(bad(format!("APPLY SUB with {form}"), line, bad_parameters("APPLY", format!("USERID {why}"))));
    }
    for (form, flag) in
        [("a NUL", "{3+}\r\na\0b"), ("a space", "\"a b\""), ("nothing", "\"\""), ("8-bit text", "\u{e4}")]
    {
        let list = records(&[record(1, ONE).with("FLAGS", format!("({flag})"))]);
        let line = format!("APPLY MAILBOX {}", u1().with("RECORD", list));
        let why = match form {
            "a NUL" => "holds the byte 0x00",
            "a space" => "holds the byte 0x20",
            "nothing" => "is empty",
            _ => "holds the byte 0xc3",
        };
        rows.push(bad(format!("a flag with {form}"), line, bad_parameters("APPLY", format!("FLAGS {why}"))));
    }
    rows
}

/// NIL, nothing and too much in the place of each field of a mailbox and of a record.
fn bad_fields() -> Vec<Bad> {
    let mut rows = Vec::new();
    let optional = ["SYNC_CRC", "SYNC_CRC_ANNOT", "POP3_SHOW_AFTER", "CREATEDMODSEQ", "FOLDERMODSEQ"];
    let numbers32 = ["SYNC_CRC", "SYNC_CRC_ANNOT", "LAST_UID", "RECENTUID", "UIDVALIDITY"];
    let numbers64 = [
        "HIGHESTMODSEQ",
        "RECENTTIME",
        "LAST_APPENDDATE",
        "POP3_LAST_LOGIN",
        "POP3_SHOW_AFTER",
        "CREATEDMODSEQ",
        "FOLDERMODSEQ",
    ];
    for field in u1().names().into_iter().filter(|field| *field != "USERFLAGS") {
        let is_number = numbers32.contains(&field) || numbers64.contains(&field);
        let nil = match field {
            "RECORD" => "is not a list",
            _ if is_number => "is not a number in range",
            _ => "is missing",
        };
        let line = format!("APPLY MAILBOX {}", u1().with(field, "NIL"));
        rows.push(bad(format!("{field} NIL"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        if !optional.contains(&field) {
            let line = format!("APPLY MAILBOX {}", u1().without(field));
            rows.push(bad(format!("no {field}"), line, bad_parameters("APPLY", format!("{field} is missing"))));
        }
        let overflow = match () {
            () if numbers32.contains(&field) => "4294967296",
            () if numbers64.contains(&field) => "18446744073709551616",
            () => continue,
        };
        for number in [overflow, "-1", "99999999999999999999999999999999", "1x"] {
            let line = format!("APPLY MAILBOX {}", u1().with(field, number));
            let server = bad_parameters("APPLY", format!("{field} is not a number in range"));
            rows.push(bad(format!("{field} {number}"), line, server));
        }
    }
    for field in record(1, ONE).names() {
        let in_mailbox = |record: Fields| format!("APPLY MAILBOX {}", u1().with("RECORD", records(&[record])));
        let line = in_mailbox(record(1, ONE).without(field));
        rows.push(bad(
            format!("a record without {field}"),
            line,
            bad_parameters("APPLY", format!("{field} is missing")),
        ));
        let nil = match field {
            "FLAGS" => "is not a list",
            "GUID" => "is not 40 hexadecimal digits",
            _ => "is not a number in range",
        };
        let line = in_mailbox(record(1, ONE).with(field, "NIL"));
        rows.push(bad(format!("a record's {field} NIL"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        if nil == "is not a number in range" {
            let line = in_mailbox(record(1, ONE).with(field, "18446744073709551616"));
            rows.push(bad(format!("a record's {field} 2^64"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        }
    }
    let element = |element: &str| format!("APPLY MAILBOX {}", u1().with("RECORD", format!("({element})")));
    for text in ["NIL", "a", "()", "\"\"", "(UID 1)"] {
        let server = bad_parameters("APPLY", "RECORD is not a list of names and values");
        rows.push(bad(format!("a record that is {text}"), element(text), server));
    }
    let record_list = |value: &str| format!("APPLY MAILBOX {}", u1().with("RECORD", value));
    for value in ["a", "%()", "%(UID 1)"] {
        rows.push(bad(format!("RECORD {value}"), record_list(value), bad_parameters("APPLY", "RECORD is not a list")));
    }
    rows
}

/// Updates that can be read and still cannot be.
fn bad_updates() -> Vec<Bad> {
    let apply = |fields: Fields| format!("APPLY MAILBOX {fields}");
    let of = |list: &[Fields]| u1().with("LAST_UID", 9).with("RECORD", records(list));
    let not_ascending = bad_parameters("APPLY", "UID does not ascend");
    let checksum = "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n";
    let changed = "NO IMAP_SYNC_CHANGED Changed since last sync\r\n";
    let moved = "NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid\r\n";
    let nonexistent = "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n";
    let missing = "NO IMAP_MESSAGE_MISSING Message was not uploaded\r\n";
    let badtype = "NO IMAP_MAILBOX_BADTYPE Mailbox has an invalid type\r\n";
    let impossible = "NO IMAP_PROTOCOL_BAD_PARAMETERS \r\n";
    let new_message = || record(7, NEW);
    let flags: Vec<String> = (0..129).map(|number| format!("f{number}")).collect();
    vec![
        bad("a record whose message was never uploaded", apply(of(&[new_message()])), missing),
        bad(
            "the same in a new mailbox",
            apply(of(&[new_message()]).with("MBOXNAME", "user.u3").with("UNIQUEID", "u3u3")),
            missing,
        ),
        bad("uids out of order", apply(of(&[record(3, TWO), record(1, ONE)])), &*not_ascending),
        bad("a uid twice", apply(of(&[record(1, ONE), record(1, ONE)])), &*not_ascending),
        bad("a uid of 0", apply(of(&[record(0, ONE)])), bad_parameters("APPLY", "UID is not a number in range")),
        bad(
            "a uid above LAST_UID",
            apply(of(&[new_message()]).with("LAST_UID", 6)),
            bad_parameters("APPLY", "LAST_UID is too low"),
        ),
        bad("a size of 0", apply(of(&[new_message().with("SIZE", 0)])), impossible),
        bad("a GUID of zeros", apply(of(&[new_message().with("GUID", "0".repeat(40))])), impossible),
        bad("another message under a uid", apply(of(&[record(1, TWO)])), checksum),
        bad("a uid that was given and is gone", apply(of(&[record(2, ONE)])), checksum),
        bad("a record older than ours", apply(of(&[record(1, ONE).with("MODSEQ", 4)])), checksum),
        bad("a modseq below ours", apply(u1().with("HIGHESTMODSEQ", 9)), checksum),
        bad("a UIDVALIDITY below ours", apply(u1().with("UIDVALIDITY", 1)), checksum),
        bad("a LAST_UID below ours", apply(u1().with("LAST_UID", 2).with("RECORD", "()")), checksum),
        bad("a state that is not ours", apply(u1().with("SINCE_MODSEQ", 9)), changed),
        bad(
            "a change to a mailbox that is not here",
            apply(mailbox("user.u3", "u3u3").with("SINCE_MODSEQ", 9)),
            changed,
        ),
        bad("another unique id", apply(u1().with("UNIQUEID", "other")), moved),
        bad("a unique id that another mailbox has", apply(mailbox("user.u3", "u1u1u1")), moved),
        bad("another type", apply(u1().with("MBOXTYPE", "c")), badtype),
        bad("a type that is none", apply(u1().with("MBOXTYPE", "x")), bad_parameters("APPLY", "MBOXTYPE is not known")),
        bad(
            "129 flags",
            apply(of(&[record(1, ONE).with("FLAGS", format!("({})", flags.join(" ")))])),
            bad_parameters("APPLY", "FLAGS is not known"),
        ),
        bad(
            "an access control list with a line end",
            apply(u1().with("ACL", "{3+}\r\na\nb")),
            bad_parameters("APPLY", "ACL is not text"),
        ),
        bad(
            "an annotation with a NUL in its name",
            apply(u1().with("ANNOTATIONS", "(%(ENTRY {3+}\r\na\0b USERID \"\" MODSEQ 1 VALUE x))")),
            bad_parameters("APPLY", "ENTRY is not text"),
        ),
        bad("EXPUNGE of no mailbox", "APPLY EXPUNGE %(MBOXNAME user.u3 UNIQUEID u1u1u1 UID (1))", nonexistent),
        bad("EXPUNGE of another mailbox", "APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID other UID (1))", moved),
        bad("UNMAILBOX of no mailbox", "APPLY UNMAILBOX user.u3", nonexistent),
        bad(
            "RENAME of no mailbox",
            "APPLY RENAME %(OLDMBOXNAME user.u3 NEWMBOXNAME user.u4 PARTITION default)",
            nonexistent,
        ),
        bad(
            "RENAME onto a mailbox",
            "APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u2 PARTITION default)",
            "NO IMAP_MAILBOX_EXISTS Mailbox already exists\r\n",
        ),
        bad("FULLMAILBOX of no mailbox", "GET FULLMAILBOX user.u3", nonexistent),
        bad(
            "FETCH of no message",
            format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID u1u1u1 GUID {} UID 2)", guid(ONE)),
            nonexistent,
        ),
        bad(
            "FETCH of another message",
            format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID u1u1u1 GUID {} UID 3)", guid(ONE)),
            "* MESSAGE NIL\r\nOK success\r\n",
        ),
        bad(
            "SEENUIDS that are none",
            "APPLY SEEN %(USERID u1 UNIQUEID abc LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS {3+}\r\n1\n2)",
            bad_parameters("APPLY", "SEENUIDS is not text"),
        ),
    ]
}

fn all() -> Vec<Bad> {
    [bad_syntax(), bad_uploads(), bad_names(), bad_fields(), bad_updates()].into_iter().flatten().collect()
}

#[track_caller]
fn assert_told(name: &str, how: &str, told: &Bytes, expected: &str) {
    assert_eq!(String::from_utf8_lossy(told), expected, "{name}, {how}");
}

#[test]
fn bad_input_is_answered_and_changes_nothing() {
    let replica = replica();
    let before = contents(&replica);
    let mut talk = Talk::about(replica);
    for Bad { name, client, server } in all() {
        let told = talk.say(client.clone());
        assert_told(&name, "whole", &told, &server);
        assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n", "{name}");
        assert_eq!(contents(&talk.store.inner), before, "{name}");
        let told = talk.say([&client[..], b"NOOP\r\n"].concat());
        assert_told(&name, "with more behind it", &told, &format!("{server}OK Noop completed\r\n"));
    }
    assert_eq!(talk.hang_up(), Ok(()));
    talk.store.assert_idle();
    assert_eq!(contents(&talk.store.inner), before);
}

#[test]
fn bad_input_is_answered_alike_byte_by_byte() {
    let replica = replica();
    let before = contents(&replica);
    let mut talk = Talk::about(replica);
    for Bad { name, client, server } in all().into_iter().filter(|bad| bad.client.len() < 2000) {
        let told = talk.spell(client);
        assert_told(&name, "byte by byte", &told, &server);
    }
    assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n");
    assert_eq!(contents(&talk.store.inner), before);
}

#[test]
fn bad_input_that_ends_anywhere_changes_nothing() {
    let replica = replica();
    let before = contents(&replica);
    let some = bad_uploads().into_iter().chain(bad_syntax()).chain(bad_updates());
    for Bad { name, client, server } in some.filter(|bad| bad.client.len() < 1000) {
        for end in 0..client.len() {
            let mut talk = Talk::about(replica.clone());
            let told = talk.say(client.slice(..end));
            let outcome = talk.hang_up();
            assert!(server.as_bytes().starts_with(&told), "{name} ended at {end}: {told:?}");
            let between_lines = end == 0 || (end == client.len() && !told.is_empty());
            assert!(outcome == Ok(()) || outcome == Err(SessionError::Truncated), "{name}: {outcome:?}");
            assert!(outcome.is_err() || between_lines || told.ends_with(b"\r\n"), "{name} ended at {end}");
            assert_eq!(contents(&talk.store.inner), before, "{name} ended at {end}");
        }
    }
}

/// What was said before the line that is cut is done, and of that line nothing.
#[test]
fn a_good_line_that_ends_anywhere_is_done_whole_or_not_at_all() {
    let replica = replica();
    let line = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 11).with("ACL", "{5+}\r\nx\r\ny\t"));
    let line = Bytes::from(format!("{}\r\n", line.replace("\r\ny", "--y")));
    let mut done = Talk::about(replica.clone());
    assert_eq!(done.say(line.clone()), "OK success\r\n");
    assert_eq!(done.hang_up(), Ok(()));
    for end in 0..line.len() {
        let mut talk = Talk::about(replica.clone());
        assert_eq!(talk.say(line.slice(..end)), "");
        let expected = if end == 0 { Ok(()) } else { Err(SessionError::Truncated) };
        assert_eq!(talk.hang_up(), expected, "ended at {end}");
        talk.store.assert_idle();
        assert_eq!(contents(&talk.store.inner), contents(&replica), "ended at {end}");
    }
    assert_ne!(contents(&done.store.inner), contents(&replica));
}

/// A store that refuses one operation, whichever it is: what was declared is consumed, the refusal is said, and the
/// conversation goes on line by line.
#[test]
fn a_store_that_refuses_any_operation_loses_no_line() {
    for (name, refusal, text) in [
        ("first-user-36.csync", Refusal::NoSpace, "NO IMAP_NO_SPACE No space left on disk"),
        ("first-user-312.csync", Refusal::Io, "NO IMAP_IOERROR System I/O error"),
    ] {
        let transcript = Transcript::read(name);
        let mut whole = Talk::with(transcript.config(), Strict::new(MemoryStore::new()));
        let lines = lines(&whole.say(transcript.client()));
        for refused in 0..whole.store.operations {
            let store = Strict::refusing(MemoryStore::new(), refused, refusal);
            let mut talk = Talk::with(transcript.config(), store);
            let told = talk.say(transcript.client());
            assert_eq!(talk.hang_up(), Ok(()), "{name} refusing {refused}");
            talk.store.assert_idle();
            let answers = told.split(|byte| *byte == b'\n').filter(|line| is_answer(line)).count();
            assert_eq!(answers, lines, "{name} refusing {refused}: {}", String::from_utf8_lossy(&told));
            // What is no answer to a command: giving up an upload, reading what is left out then, and the end.
            let said = String::from_utf8_lossy(&told);
            let quiet = talk.store.refused && !said.contains(text);
            assert!(!quiet || said.ends_with("OK Finished\r\n"), "{name} refusing {refused}: {said}");
        }
    }
}

fn lines(replies: &Bytes) -> usize {
    replies.split(|byte| *byte == b'\n').filter(|line| is_answer(line)).count()
}

fn is_answer(line: &[u8]) -> bool {
    [&b"OK "[..], b"NO ", b"BAD "].iter().any(|word| line.starts_with(word))
}

#[test]
fn an_upload_that_is_refused_at_any_operation_is_drained_and_can_be_sent_again() {
    let line = upload(&[ONE, TWO, NEW]);
    for spelled in [false, true] {
        for refused in 0.. {
            let store = Strict::refusing(MemoryStore::new(), refused, Refusal::NoSpace);
            let mut talk = Talk::with(Config::trusted("r"), store);
            let told = if spelled { talk.spell(line.clone()) } else { talk.say(line.clone()) };
            if !talk.store.refused {
                assert_eq!(told, "OK success\r\n");
                break;
            }
            assert_eq!(told, "NO IMAP_NO_SPACE No space left on disk\r\n", "refusing {refused}");
            assert_eq!(talk.say(line.clone()), "OK success\r\n", "sent again");
        }
    }
}

#[test]
fn a_commit_that_is_refused_changes_nothing_and_can_be_made_again() {
    let replica = replica();
    let before = contents(&replica);
    let line = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 11));
    for refused in 0.. {
        let mut talk = Talk::with(Config::trusted("r"), Strict::refusing(replica.clone(), refused, Refusal::Io));
        let told = talk.line(&line);
        if !talk.store.refused {
            assert_eq!((told.as_str(), refused), ("OK success\r\n", 3));
            break;
        }
        assert_eq!(told, "NO IMAP_IOERROR System I/O error\r\n", "refusing {refused}");
        assert_eq!(contents(&talk.store.inner), before, "refusing {refused}");
        assert_eq!(talk.line(&line), "OK success\r\n", "made again");
    }
}

/// The same on a spool as Cyrus keeps it: the same answers, and not a byte of a file is another.
#[cfg(feature = "cyrus")]
mod on_a_spool {
    use super::*;
    use std::{
        collections::BTreeMap,
        fs,
        path::{Path, PathBuf},
        sync::Arc,
    };
    use sync_server::{
        store::{
            CyrusStore,
            cyrus::options::{CyrusOptions, PartitionDirectories},
        },
        types::Partition,
    };

    /// A directory that goes away with its owner.
    struct Spool(PathBuf);

    impl Spool {
        fn new(name: &str) -> Spool {
            let root = std::env::temp_dir().join(format!("sync_server-bad-input-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("conf")).unwrap();
            fs::create_dir_all(root.join("spool")).unwrap();
            Spool(root)
        }

        fn store(&self) -> CyrusStore {
            let mut options = CyrusOptions::new(self.0.join("conf"));
            let partition = Partition::parse(b"default").unwrap();
            options.partitions.insert(partition, PartitionDirectories::new(self.0.join("spool")));
            CyrusStore::new(options, Arc::new(()))
        }

        /// Every file that holds something, by path.
        fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
            let mut found = BTreeMap::new();
            collect(&self.0, &mut found);
            found
        }
    }

    impl Drop for Spool {
        fn drop(&mut self) {
            // A directory that stays behind fails no test.
            fs::remove_dir_all(&self.0).ok();
        }
    }

    fn collect(directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
                continue;
            }
            let contents = fs::read(&path).unwrap();
            // Lock files are empty.
            if !contents.is_empty() {
                found.insert(path, contents);
            }
        }
    }

    fn assert_same(name: &str, after: &BTreeMap<PathBuf, Vec<u8>>, before: &BTreeMap<PathBuf, Vec<u8>>) {
        let differs = |path: &&PathBuf| after.get(*path) != before.get(*path);
        let changed: Vec<_> = after.keys().chain(before.keys()).filter(differs).collect();
        assert!(changed.is_empty(), "{name} changed {changed:?}");
    }

    #[test]
    fn bad_input_is_answered_and_changes_nothing() {
        let spool = Spool::new("whole");
        let mut talk = Talk::with(Config::trusted("r"), Strict::new(fill(spool.store())));
        let before = spool.files();
        for Bad { name, client, server } in all() {
            let told = talk.say(client);
            assert_told(&name, "on a spool", &told, &server);
            assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n", "{name}");
            // Names of staged messages go away at the end.
            assert_eq!(talk.line("RESTART"), "OK Restarting\r\n", "{name}");
            assert_same(&name, &spool.files(), &before);
        }
        assert_eq!(talk.hang_up(), Ok(()));
        talk.store.assert_idle();
    }

    #[test]
    fn an_upload_that_ends_anywhere_leaves_nothing_behind() {
        let spool = Spool::new("ends");
        drop(fill(spool.store()));
        let before = spool.files();
        let line = Bytes::from(upload(&[NEW, ONE]));
        for end in 0..line.len() {
            let mut talk = Talk::with(Config::trusted("r"), Strict::new(spool.store()));
            assert_eq!(talk.say(line.slice(..end)), "");
            let expected = if end == 0 { Ok(()) } else { Err(SessionError::Truncated) };
            assert_eq!(talk.hang_up(), expected);
            assert_same(&format!("ended at {end}"), &spool.files(), &before);
        }
    }
}

mod sessions {
    use super::*;

    #[test]
    fn the_probe_of_a_client_that_tries_imap_first_is_answered_bad_and_closed() {
        let mut talk = Talk::about(replica());
        assert_eq!(talk.line("C01 CAPABILITY"), "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n");
        assert_eq!(talk.end, Some(Ok(())));
    }

    #[test]
    fn later_it_is_only_a_word_that_is_no_command() {
        let mut talk = Talk::about(replica());
        talk.line("NOOP");
        assert_eq!(talk.line("C01 CAPABILITY"), "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n");
        assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n");
    }

    #[test]
    fn force_is_of_one_session() {
        let lower = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 9));
        let mut talk = Talk::about(replica());
        assert_eq!(talk.line("APPLY FORCE %()"), "OK success\r\n");
        assert_eq!(talk.line("APPLY FORCE %()"), "OK success\r\n");
        assert_eq!(talk.line(&lower), "OK success\r\n");
        let mut talk = Talk::about(replica());
        assert_eq!(talk.line(&lower), "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n");
    }

    /// The reference lowers the highest uid below that of records, and then gives it again.
    #[test]
    fn force_gives_no_uid_twice() {
        let mut talk = Talk::about(replica());
        talk.line("APPLY FORCE %()");
        let lower = u1().with("LAST_UID", 1).with("RECORD", records(&[record(1, ONE)]));
        assert_eq!(talk.line(&format!("APPLY MAILBOX {lower}")), "OK success\r\n");
        assert!(talk.line("GET MAILBOXES (user.u1)").contains(" LAST_UID 3 "));
        talk.say(upload(&[NEW]));
        let again = u1().with("LAST_UID", 3).with("RECORD", records(&[record(3, NEW)]));
        assert_eq!(talk.line(&format!("APPLY MAILBOX {again}")), "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n");
    }

    #[test]
    fn restart_forgets_what_was_staged() {
        let appended = u1().with("LAST_UID", 7).with("RECORD", records(&[record(7, NEW)]));
        let mut talk = Talk::about(replica());
        assert_eq!(talk.say(upload(&[NEW])), "OK success\r\n");
        assert_eq!(talk.line("RESTART"), "OK Restarting\r\n");
        let missing = "NO IMAP_MESSAGE_MISSING Message was not uploaded\r\n";
        assert_eq!(talk.line(&format!("APPLY MAILBOX {appended}")), missing);
        assert_eq!(talk.say(upload(&[NEW])), "OK success\r\n");
        assert_eq!(talk.line(&format!("APPLY MAILBOX {appended}")), "OK success\r\n");
    }

    #[test]
    fn reserve_names_what_is_not_here() {
        let reserve = |mailboxes: &str, messages: &[&[u8]]| {
            let guids: Vec<String> = messages.iter().map(|message| guid(message).to_string()).collect();
            format!("APPLY RESERVE %(PARTITION default MBOXNAME ({mailboxes}) GUID ({}))", guids.join(" "))
        };
        let missing = |message| format!("* MISSING ({})\r\nOK success\r\n", guid(message));
        let mut talk = Talk::about(replica());
        assert_eq!(talk.line(&reserve("", &[])), "OK success\r\n");
        assert_eq!(talk.line(&reserve("user.u1", &[ONE])), "OK success\r\n");
        assert_eq!(talk.line(&reserve("user.u1", &[NEW, ONE])), missing(NEW));
        assert_eq!(talk.line(&reserve("user.u3 user.u2", &[TWO])), missing(TWO), "only where the client says");
        assert_eq!(talk.line(&reserve("", &[ONE])), "OK success\r\n", "staged already");
        talk.say(upload(&[NEW]));
        assert_eq!(talk.line(&reserve("user.u1", &[NEW])), "OK success\r\n", "uploaded");
        // What is staged can be used in a mailbox that has it not.
        let list = records(&[record(1, ONE), record(2, NEW)]);
        let copied = mailbox("user.u2", "u2u2u2").with("LAST_UID", 2).with("RECORD", list);
        assert_eq!(talk.line(&format!("APPLY MAILBOX {copied}")), "OK success\r\n");
    }

    #[test]
    fn staged_on_one_partition_is_not_staged_on_another() {
        let mut talk = Talk::about(replica());
        talk.say(upload(&[NEW]));
        let other = mailbox("user.u3", "u3u3").with("PARTITION", "other").with("LAST_UID", 1);
        let other = other.with("RECORD", records(&[record(1, NEW)]));
        let missing = "NO IMAP_MESSAGE_MISSING Message was not uploaded\r\n";
        assert_eq!(talk.line(&format!("APPLY MAILBOX {other}")), missing);
    }

    #[test]
    fn a_message_has_the_size_that_it_has_whatever_its_record_says() {
        let mut talk = Talk::about(replica());
        talk.say(upload(&[NEW]));
        let list = records(&[record(7, NEW).with("SIZE", 99_999)]);
        let line = format!("APPLY MAILBOX {}", u1().with("LAST_UID", 7).with("RECORD", list));
        assert_eq!(talk.line(&line), "OK success\r\n");
        assert!(talk.line("GET FULLMAILBOX user.u1").contains(&format!("SIZE {} GUID {}", NEW.len(), guid(NEW))));
    }

    #[test]
    fn checksums_that_differ_after_a_change_are_told_and_the_change_is_kept() {
        let mut talk = Talk::about(replica());
        let update = u1().with("HIGHESTMODSEQ", 11).with("SYNC_CRC", 1);
        assert_eq!(talk.line(&format!("APPLY MAILBOX {update}")), "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n");
        assert!(talk.line("GET MAILBOXES (user.u1)").contains(" HIGHESTMODSEQ 11 "));
    }

    #[test]
    fn a_peer_that_is_not_trusted_must_log_in_first() {
        let config = Config { trusted_peer: false, ..Config::trusted("r") };
        let mut talk = Talk::with(config, Strict::new(replica()));
        let first = "NO Please authenticate first\r\n";
        let before = contents(&talk.store.inner);
        for line in ["GET USER u1", "APPLY UNMAILBOX user.u1", "APPLY FORCE %()", "RESTORE LOCAL_MAILBOX %()", "GET"] {
            assert_eq!(talk.line(line), first, "{line}");
        }
        assert_eq!(talk.say(upload(&[NEW])), first);
        assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n");
        assert_eq!(contents(&talk.store.inner), before);
    }
}
