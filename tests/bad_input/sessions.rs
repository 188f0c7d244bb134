//! What a session remembers, and what it forgets.

use crate::{
    common::{
        messages::{guid, mailbox, record, records, upload},
        strict::Strict,
        talk::Talk,
    },
    replica::{NEW, ONE, TWO, contents, replica, u1},
};
use sync_server::session::Config;

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
