//! Refusals that take some preparation: what the peer is told, and what the administrator.

use crate::common::{
    messages::{Fields, guid, mailbox, record, records, upload},
    strict::Strict,
    talk::Talk,
};
use std::sync::{Arc, Mutex};
use sync_server::{
    event::{Event, Observer},
    ops::{Change, Commit, Intent, MailboxChange, OpenMailbox, Refusal, Store, Target},
    session::Config,
    store::MemoryStore,
    types::{MailboxName, SyncCrcs},
};

const OK: &str = "OK success\r\n";
const MESSAGE: &[u8] = b"Subject: one\r\n\r\n1\r\n";

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(format!("{event:?}"));
    }
}

/// A conversation about user.u1, which has one message, and what the administrator is told.
fn about_one_message() -> (Talk, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let config = Config { observer: notes.clone(), ..Config::trusted("r") };
    let mut talk = Talk::with(config, Strict::new(MemoryStore::new()));
    talk.say(upload(&[MESSAGE]));
    assert_eq!(talk.line(&format!("APPLY MAILBOX {}", with_record(record(1, MESSAGE)))), OK);
    (talk, notes)
}

fn with_record(record: Fields) -> Fields {
    mailbox("user.u1", "u1u1u1").with("LAST_UID", 1).with("RECORD", records(&[record]))
}

#[track_caller]
fn refused(line: impl std::fmt::Display, reply: &str, events: &[&str]) {
    let (mut talk, notes) = about_one_message();
    let before = talk.line("GET FULLMAILBOX user.u1");
    assert_eq!(talk.line(&line.to_string()), reply);
    assert_eq!(*notes.0.lock().unwrap(), events);
    assert_eq!(talk.line("GET FULLMAILBOX user.u1"), before);
}

/// Names of so many flags, as a list.
fn flags(from: usize, count: usize) -> String {
    let names: Vec<String> = (from..from + count).map(|number| format!("f{number}")).collect();
    format!("({})", names.join(" "))
}

#[test]
fn a_mailbox_has_128_flags_and_no_more() {
    let (mut talk, notes) = about_one_message();
    let full = with_record(record(1, MESSAGE).with("FLAGS", flags(0, 128)));
    assert_eq!(talk.line(&format!("APPLY MAILBOX {full}")), OK);
    let before = talk.line("GET FULLMAILBOX user.u1");
    let other = record(1, MESSAGE).with("FLAGS", flags(200, 1));
    let restored = format!("%(MBOXNAME user.u1 RECORD {})", records(std::slice::from_ref(&other)));
    for line in [format!("APPLY MAILBOX {}", with_record(other)), format!("RESTORE MAILBOX {restored}")] {
        assert_eq!(talk.line(&line), "NO IMAP_USERFLAG_EXHAUSTED Too many user flags in mailbox\r\n");
        let told = notes.0.lock().unwrap().drain(..).next();
        assert_eq!(told.as_deref(), Some("Error: IOERROR: out of flags: mailbox=<user.u1> flag=<f200>"));
        assert_eq!(talk.line("GET FULLMAILBOX user.u1"), before);
    }
}

#[test]
fn what_was_expunged_here_is_not_brought_back() {
    let (mut talk, notes) = about_one_message();
    assert_eq!(talk.line("APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID u1u1u1 UID (1))"), OK);
    let reply = talk.line(&format!("APPLY MAILBOX {}", with_record(record(1, MESSAGE))));
    assert_eq!(reply, "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n");
    assert_eq!(
        notes.0.lock().unwrap().first().map(String::as_str),
        Some("Error: SYNCNOTICE: expunged on replica: mailbox=<user.u1> uid=<1>")
    );
    assert!(talk.line("GET FULLMAILBOX user.u1").contains("FLAGS (\\Expunged)"));
}

#[test]
fn checksums_that_differ_are_told_with_both_sides_numbers() {
    let (mut talk, notes) = about_one_message();
    let update = mailbox("user.u2", "u2u2u2").with("SYNC_CRC", 5).with("SYNC_CRC_ANNOT", 6);
    assert_eq!(talk.line(&format!("APPLY MAILBOX {update}")), "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n");
    assert_eq!(
        *notes.0.lock().unwrap(),
        [
            "Notice: SYNCNOTICE: CRC error after apply: mailbox=<user.u2> crcs_master=<5/6> crcs_replica=<0/12345678>",
            "Error: SYNCERROR: command refused: command=<APPLY MAILBOX> about=<user.u2> error=<IMAP_SYNC_CHECKSUM Checksum Failure>",
        ]
    );
}

/// The value of a field in a reply.
fn field<'a>(reply: &'a str, name: &str) -> &'a str {
    reply.split_once(&format!(" {name} ")).unwrap().1.split(' ').next().unwrap()
}

#[test]
fn a_stored_checksum_that_was_wrong_is_told_and_mended() {
    let (mut talk, notes) = about_one_message();
    let (name, wrong) = (MailboxName::parse(b"user.u1").unwrap(), SyncCrcs { basic: 5, annot: 6 });
    let reply = talk.line("GET MAILBOXES (user.u1)");
    let (basic, annot) = (field(&reply, "SYNC_CRC"), field(&reply, "SYNC_CRC_ANNOT"));
    let change = MailboxChange {
        target: Target::Existing,
        header: None,
        user_groups: None,
        new_user_flags: Vec::new(),
        annotations: Vec::new(),
        records: Vec::new(),
        crcs: wrong,
    };
    let store = &mut talk.store.inner;
    store.open_mailbox(&OpenMailbox { name, intent: Intent::Write }).unwrap();
    store.commit(&Commit(Change::Mailbox(Box::new(change)))).unwrap();
    let update = with_record(record(1, MESSAGE)).with("SYNC_CRC", basic).with("SYNC_CRC_ANNOT", annot);
    assert_eq!(talk.line(&format!("APPLY MAILBOX {update}")), OK);
    let told = format!(
        "Notice: SYNCNOTICE: stored CRC was wrong: mailbox=<user.u1> crcs_stored=<5/6> crcs_counted=<{basic}/{annot}>"
    );
    assert_eq!(*notes.0.lock().unwrap(), [told]);
    assert_eq!(talk.line("GET MAILBOXES (user.u1)"), reply);
}

#[test]
fn a_restore_that_cannot_be_read_is_no_restore() {
    refused(
        "RESTORE MAILBOX %(MBOXNAME user.u1 RECORD (",
        "BAD IMAP_PROTOCOL_ERROR Failed to parse RESTORE line\r\n",
        &["Error: IOERROR: received bad command: command=<RESTORE> error=<a list is not closed>"],
    );
}

/// The reference answers so too.
#[test]
fn mailboxes_of_scripts_are_not_restored_for_a_peer_that_does_not_know_them() {
    refused("RESTORE MAILBOX %(MBOXNAME user.u1.#sieve MBOXTYPE f RECORD ())", OK, &[]);
}

/// A store that refuses the operation with this number of those behind `lines`; the reply to `line` then.
fn refusing(lines: &[Vec<u8>], operation: usize, line: &str) -> (Talk, String) {
    let mut talk = Talk::about(MemoryStore::new());
    for line in lines {
        talk.say(line.clone());
    }
    let store = Strict::refusing(talk.store.inner, operation, Refusal::NoSpace);
    let mut talk = Talk::with(Config::trusted("r"), store);
    let reply = talk.line(line);
    (talk, reply)
}

const NO_SPACE: &str = "NO IMAP_NO_SPACE No space left on disk\r\n";

#[test]
fn a_restart_that_fails_says_so_and_what_was_staged_is_forgotten_nevertheless() {
    let (mut talk, reply) = refusing(&[], 0, "RESTART");
    assert_eq!(reply, NO_SPACE);
    let line = format!("APPLY RESERVE %(PARTITION default MBOXNAME () GUID ({}))", guid(MESSAGE));
    assert_eq!(talk.line(&line), format!("* MISSING ({})\r\n{OK}", guid(MESSAGE)));
}

#[test]
fn a_script_that_is_refused_at_any_operation_is_not_there_and_can_be_sent_again() {
    let inbox = format!("APPLY MAILBOX {}\r\n", mailbox("user.u1", "u1u1u1")).into_bytes();
    let script = "APPLY SIEVE %(USERID u1 FILENAME a.script LAST_UPDATE 5 CONTENT {5+}\r\nkeep;)";
    for refused in 0.. {
        let (mut talk, reply) = refusing(std::slice::from_ref(&inbox), refused, script);
        if !talk.store.refused {
            assert_eq!(reply, OK);
            break;
        }
        assert_eq!(reply, NO_SPACE, "refusing {refused}");
        assert_eq!(talk.line("GET META u1"), OK, "refusing {refused}");
        assert_eq!(talk.line(script), OK, "sent again");
        assert!(talk.line("GET META u1").contains("FILENAME a.script"));
    }
}
