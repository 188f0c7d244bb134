//! What a session may hold (`Limits`): what is at a bound works; what is one above it is drained and refused by name, nothing
//! is changed by it, and the next command works. What that takes in memory is in `memory.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use bytes::Bytes;
use common::{
    messages::{guid, mailbox, record, records, upload},
    strict::Strict,
    talk::Talk,
};
use std::sync::{Arc, Mutex};
use sync_server::{
    event::{Event, Observer},
    limits::Limits,
    session::Config,
    store::MemoryStore,
};

const OK: &str = "OK success\r\n";
const LIMIT: &str = "NO IMAP_LIMIT_EXCEEDED Limit exceeded\r\n";
const CANNOT_PARSE_APPLY: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line\r\n";
const CANNOT_PARSE_GET: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse GET line\r\n";
const CANNOT_PARSE_RESTORE: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse RESTORE line\r\n";

const MESSAGES: [&[u8]; 4] = [b"A: 1\r\n\r\n1\r\n", b"A: 2\r\n\r\n2\r\n", b"A: 3\r\n\r\n3\r\n", b"A: 4\r\n\r\n4\r\n"];

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

/// A conversation within limits, about user.u1, which has two messages.
struct Within {
    talk: Talk,
    notes: Arc<Notes>,
}

impl Within {
    fn new(limits: Limits) -> Within {
        let mut talk = Talk::about(MemoryStore::at(1_700_000_000));
        talk.say(upload(&MESSAGES[..2]));
        assert_eq!(talk.line(&apply(&[1, 2])), OK);
        assert_eq!(talk.line("EXIT"), "OK Finished\r\n");
        let notes = Arc::new(Notes::default());
        let config = Config { limits, observer: notes.clone(), ..Config::trusted("r") };
        Within { talk: Talk::with(config, Strict::new(talk.store.inner)), notes }
    }

    #[track_caller]
    fn works(&mut self, line: impl Into<Bytes>) {
        let line = line.into();
        assert_eq!(self.talk.say(line.clone()), OK, "{}", line.escape_ascii());
        assert_eq!(*self.notes.0.lock().unwrap(), Vec::<String>::new());
    }

    /// The line is refused whole and byte by byte, for this reason; nothing has changed and the next line is a line.
    #[track_caller]
    fn refused(&mut self, line: impl Into<Bytes>, reply: &str, why: &str) {
        let (line, before) = (line.into(), format!("{:?}", self.talk.store.inner.mailbox(&name())));
        for spelled in [false, true] {
            let told = if spelled { self.talk.spell(line.clone()) } else { self.talk.say(line.clone()) };
            assert_eq!(told, reply, "{}", line.escape_ascii());
            let noted: Vec<String> = self.notes.0.lock().unwrap().drain(..).collect();
            assert!(noted.len() == 1 && noted[0].ends_with(&format!("error=<{why}>")), "{noted:?}");
            assert_eq!(self.talk.line("NOOP"), "OK Noop completed\r\n");
            assert_eq!(format!("{:?}", self.talk.store.inner.mailbox(&name())), before);
        }
    }
}

fn name() -> sync_server::types::MailboxName {
    sync_server::types::MailboxName::parse(b"user.u1").unwrap()
}

/// `APPLY MAILBOX` of user.u1 with these records, each of which has the message of its uid.
fn apply(uids: &[u32]) -> String {
    let list: Vec<_> = uids.iter().map(|uid| record(*uid, MESSAGES[*uid as usize - 1])).collect();
    let last = uids.iter().max().unwrap();
    format!("APPLY MAILBOX {}", mailbox("user.u1", "u1u1u1").with("LAST_UID", last).with("RECORD", records(&list)))
}

fn line(text: impl std::fmt::Display) -> String {
    format!("{text}\r\n")
}

#[test]
fn lists_nest_as_deep_as_they_may() {
    let mut within = Within::new(Limits { nesting: 5, ..Limits::default() });
    // Cyrus's own lines need 5: the update, its records, a record, its annotations, an annotation.
    let nested = |more: &str| {
        let annotation = format!("(%(ENTRY /comment USERID \"\" MODSEQ 5 VALUE x{more}))");
        let list = records(&[record(1, MESSAGES[0]).with("ANNOTATIONS", annotation)]);
        mailbox("user.u1", "u1u1u1").with("LAST_UID", 4).with("RECORD", list)
    };
    let why = "lists are nested more than 5 deep";
    within.refused(line(format!("APPLY MAILBOX {}", nested(" X (a)"))), CANNOT_PARSE_APPLY, why);
    within.refused(line(format!("APPLY MAILBOX {}", nested(" X %(A a)"))), CANNOT_PARSE_APPLY, why);
    within.refused(line(format!("GET MAILBOXES {}{}", "(".repeat(6), ")".repeat(6))), CANNOT_PARSE_GET, why);
    within.refused(line(format!("RESTORE MAILBOX {}", nested(" X ()"))), CANNOT_PARSE_RESTORE, why);
    within.works(line(format!("APPLY MAILBOX {}", nested(" X y"))));
}

/// Prints a string of so many bytes.
type Form = fn(usize) -> String;

#[test]
fn strings_are_as_long_as_they_may_be() {
    let mut within = Within::new(Limits { literal: 100, ..Limits::default() });
    let forms: [(Form, &str); 3] = [
        (|length| "a".repeat(length), "a string has more than 100 bytes"),
        (
            |length| format!("\"{}\"", "a b\\".repeat(length).split_at(length).0.replace('\\', "c")),
            "a string has more than 100 bytes",
        ),
        (
            |length| format!("{{{length}+}}\r\n{}", "\r\n)".repeat(length).split_at(length).0),
            "a literal of 101 bytes is longer than 100",
        ),
    ];
    for (form, why) in forms {
        let annotation = |value: String| {
            line(format!("APPLY ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID \"\" VALUE {value})"))
        };
        within.works(annotation(form(100)));
        within.refused(annotation(form(101)), CANNOT_PARSE_APPLY, why);
        within.works(line(format!("GET MAILBOXES ({})", form(100))));
        within.refused(line(format!("GET MAILBOXES ({})", form(101))), CANNOT_PARSE_GET, why);
    }
    assert_eq!(within.talk.line(&"a".repeat(100)), "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n");
    assert_eq!(within.talk.line(&"a".repeat(101)), "BAD Null command\r\n");
    assert_eq!(within.talk.line("NOOP"), "OK Noop completed\r\n");
}

/// What a value takes besides its text is the session's own affair: the bound is looked for.
#[test]
fn a_command_holds_as_much_as_it_may() {
    let command = 4000;
    let mut within = Within::new(Limits { command, ..Limits::default() });
    let get = |names: usize| line(format!("GET MAILBOXES ({})", vec!["some.name.of.25.bytes.or.s"; names].join(" ")));
    let fit = (1..command).take_while(|names| within.talk.say(get(*names)) == OK).count();
    within.notes.0.lock().unwrap().clear();
    assert!((10..=command / 26).contains(&fit), "{fit} names fit in {command} bytes");
    let why = "the argument takes more than 4000 bytes";
    within.works(get(fit));
    within.refused(get(fit + 1), CANNOT_PARSE_GET, why);
    let reserve = |names: usize| {
        get(names).replace("GET MAILBOXES", "APPLY RESERVE %(PARTITION p GUID () MBOXNAME").replace(")\r\n", "))\r\n")
    };
    within.works(reserve(1));
    within.refused(reserve(fit + 1), CANNOT_PARSE_APPLY, why);
}

#[test]
fn records_and_messages_do_not_count_as_held_by_their_command_but_each_one_does() {
    let mut within = Within::new(Limits { command: 6000, ..Limits::default() });
    let messages: Vec<String> = (0..200).map(|number| format!("A: {number}\r\n\r\n")).collect();
    let messages: Vec<&[u8]> = messages.iter().map(|message| message.as_bytes()).collect();
    within.works(upload(&messages));
    let list: Vec<_> = messages.iter().zip(5..).map(|(message, uid)| record(uid, message)).collect();
    let update = |list| {
        line(format!("APPLY MAILBOX {}", mailbox("user.u1", "u1u1u1").with("LAST_UID", 300).with("RECORD", list)))
    };
    within.works(update(records(&list)));
    let large = records(&[record(1, MESSAGES[0]).with("X", format!("({})", "a ".repeat(600)))]);
    within.refused(update(large), CANNOT_PARSE_APPLY, "the argument takes more than 6000 bytes");
}

#[test]
fn an_update_has_as_many_records_as_it_may() {
    let mut within = Within::new(Limits { records: 2, ..Limits::default() });
    within.works(line(apply(&[1, 2])));
    within.works(upload(&MESSAGES));
    within.refused(line(apply(&[1, 2, 3])), LIMIT, "IMAP_LIMIT_EXCEEDED Limit exceeded");
    let restore = |uids: &[u32]| line(apply(uids).replace("APPLY", "RESTORE"));
    within.refused(restore(&[1, 3, 2]), LIMIT, "IMAP_LIMIT_EXCEEDED Limit exceeded");
    within.works(line(apply(&[3, 4])));
    within.works(restore(&[4, 3]));
}

#[test]
fn a_session_stages_as_many_messages_as_it_may() {
    let mut within = Within::new(Limits { staged: 2, ..Limits::default() });
    let reserve = |messages: &[&[u8]]| {
        let guids: Vec<String> = messages.iter().map(|message| guid(message).to_string()).collect();
        line(format!("APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({}))", guids.join(" ")))
    };
    let why = "IMAP_LIMIT_EXCEEDED Limit exceeded";
    // The first two of three are staged.
    within.refused(upload(&MESSAGES[1..]), LIMIT, why);
    within.refused(upload(&MESSAGES[..1]), LIMIT, why);
    within.refused(reserve(&MESSAGES[..1]), LIMIT, why);
    // A script is a message too.
    let script = "APPLY SIEVE %(USERID u1 FILENAME a.script LAST_UPDATE 5 CONTENT keep)\r\n";
    assert_eq!(within.talk.say(script), LIMIT);
    within.notes.0.lock().unwrap().clear();
    // What is staged already takes no more room, and can be used.
    within.works(reserve(&MESSAGES[1..3]));
    within.works(line(apply(&[1, 2, 3])));
    assert_eq!(within.talk.line("RESTART"), "OK Restarting\r\n");
    within.works(reserve(&MESSAGES[..2]));
    within.refused(reserve(&MESSAGES[2..3]), LIMIT, why);
    assert_eq!(within.talk.line("RESTART"), "OK Restarting\r\n");
    within.works(upload(&MESSAGES[2..]));
    assert_eq!(within.talk.line("RESTART"), "OK Restarting\r\n");
    within.works(script);
}
