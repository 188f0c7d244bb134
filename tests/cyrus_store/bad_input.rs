//! Input that must be refused by name: the connection lives on, and not a byte of the spool changes.

use crate::{
    master::{Mailbox, Message},
    peer::Peer,
    spool::TestSpool,
    tree,
};
use std::{collections::BTreeMap, path::PathBuf};
use sync_server::store::CyrusStore;

const PARAMETERS: &str = "NO IMAP_PROTOCOL_BAD_PARAMETERS ";
const PARSE: &str = "BAD IMAP_PROTOCOL_ERROR ";

/// All that lies beside and below the spool, without what looking at it may leave: empty files and directories.
fn contents(spool: &TestSpool) -> BTreeMap<PathBuf, Vec<u8>> {
    let tree = tree::read(spool.root()).into_iter();
    tree.filter_map(|(path, bytes)| Some((path, bytes?))).filter(|(_, bytes)| !bytes.is_empty()).collect()
}

/// A spool with an INBOX of two messages.
fn filled(spool: &TestSpool) -> (Peer<CyrusStore>, Mailbox) {
    let mut peer = Peer::new(spool.store());
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    for number in 1..=2 {
        peer.say(Message::number(number).upload("default"));
        inbox.append(Message::number(number));
    }
    assert_eq!(peer.say(inbox.all()), "OK success\r\n");
    // Each of these makes its file, which refused commands then leave alone.
    assert_eq!(peer.ask("APPLY ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID \"\" VALUE x)"), "OK success");
    assert_eq!(peer.ask("APPLY SUB %(USERID u1 MBOXNAME user.u1)"), "OK success");
    (peer, inbox)
}

/// Says each on a connection of its own list, and asserts what is refused and that nothing changed.
fn refused<'a>(cases: impl IntoIterator<Item = (String, &'a str)>) {
    let spool = TestSpool::new("bad");
    let (peer, _) = filled(&spool);
    let mut peer = peer.again();
    let before = contents(&spool);
    for (words, expected) in cases {
        let shown: String = words.chars().take(300).collect();
        let reply = peer.say(words);
        assert!(reply.starts_with(expected) && reply.ends_with("\r\n"), "{shown} -> {reply}");
        assert_eq!(peer.ask("NOOP"), "OK Noop completed", "after {shown}");
        assert_eq!(tree::differences(&before, &contents(&spool)), Vec::<String>::new(), "after {shown}");
    }
    peer.leave();
    spool.assert_tidy("after bad input");
    assert_eq!(std::fs::read_dir(spool.root()).unwrap().count(), 1, "nothing lies beside the spool");
}

#[test]
fn messages_that_are_not_what_they_should_be() {
    let message = Message::number(7);
    let wrong = message.upload("default").replace(&message.guid.to_string(), &"1".repeat(40));
    let mut mailbox = Mailbox::new("user.u1", "id00000001");
    mailbox.last_uid = 2;
    mailbox.modseq = 9;
    let uid = mailbox.append(message.clone());
    refused([
        (mailbox.line(&[uid], (0, 0), ""), "NO IMAP_MESSAGE_MISSING "),
        (Mailbox { name: "user.u1.new".into(), id: "id2".into(), ..mailbox.clone() }.all(), "NO IMAP_MESSAGE_MISSING "),
        (wrong, "NO IMAP_MESSAGE_CONTENT_MISMATCH "),
        ("APPLY MESSAGE (NIL)\r\n".to_owned(), PARAMETERS),
        (message.upload("nowhere"), "NO IMAP_PARTITION_UNKNOWN "),
        (message.upload("..").replace("..", "../x"), ""),
    ]);
}

#[test]
fn values_that_cannot_be() {
    let whole = Mailbox::new("user.u1.new", "id00000002").all();
    let nil =
        ["UNIQUEID", "MBOXNAME", "LAST_UID", "HIGHESTMODSEQ", "UIDVALIDITY", "PARTITION", "ACL", "OPTIONS", "RECORD"];
    let nil = nil.map(|field| {
        let (start, rest) = whole.split_once(&format!("{field} ")).unwrap();
        let end = if field == "RECORD" { "()" } else { rest.split(' ').next().unwrap() };
        (format!("{start}{field} NIL{}", rest.strip_prefix(end).unwrap()), "NO IMAP_PROTOCOL_BAD_PARAMETERS MAILBOX")
    });
    let overflow = whole.replace("LAST_UID 0", "LAST_UID 4294967296");
    let mut twice = Mailbox::new("user.u1.new", "id00000002");
    for number in 0..2 {
        twice.append(Message::number(number));
    }
    refused(nil.map(|(words, _)| (words, PARAMETERS)).into_iter().chain([
        (overflow, PARAMETERS),
        (twice.line(&[2, 1], (0, 0), ""), PARAMETERS),
        (twice.line(&[1, 1], (0, 0), ""), PARAMETERS),
        (whole.replace("PARTITION default", "PARTITION nowhere"), "NO IMAP_PARTITION_UNKNOWN "),
        (format!("APPLY MAILBOX {}\r\n", "(".repeat(200_000)), PARSE),
        (format!("APPLY SUB %(USERID u1 MBOXNAME {{200000+}}\r\n{})\r\n", "x".repeat(200_000)), PARSE),
        ("APPLY\r\n".to_owned(), PARSE),
        ("GET\r\n".to_owned(), PARSE),
        ("APPLY MAILBOX\r\n".to_owned(), PARSE),
        ("APPLY QUOTA %(ROOT user.u1 LIMIT 99999999999999999999)\r\n".to_owned(), PARAMETERS),
        ("APPLY QUOTA %(ROOT user.*)\r\n".to_owned(), PARAMETERS),
        (
            "APPLY SEEN %(USERID u1 UNIQUEID id1 LASTREAD 0 LASTUID 0 LASTCHANGE 0 SEENUIDS :,:)\r\n".to_owned(),
            PARAMETERS,
        ),
    ]));
}

#[test]
fn names_that_would_leave_their_directory() {
    let long = "x".repeat(600);
    let names = ["../../../escaped", "user.../../x", "/etc/x", ".", "..", "a/b", "user.u1.\u{1}x", "", &long];
    let mut cases = Vec::new();
    for name in names {
        let quoted = format!("\"{name}\"");
        let whole = Mailbox::new("user.u1.new", "id00000002").all();
        for (field, value) in [("MBOXNAME", "\"user.u1.new\""), ("UNIQUEID", "id00000002"), ("PARTITION", "default")] {
            cases.push(whole.replace(&format!("{field} {value}"), &format!("{field} {quoted}")));
        }
        for line in [
            "APPLY SUB %(USERID NAME MBOXNAME user.u1)",
            "APPLY SEEN %(USERID NAME UNIQUEID id1 LASTREAD 0 LASTUID 0 LASTCHANGE 0 SEENUIDS 1)",
            "APPLY SEEN %(USERID u1 UNIQUEID NAME LASTREAD 0 LASTUID 0 LASTCHANGE 0 SEENUIDS 1)",
            "APPLY QUOTA %(ROOT NAME LIMIT 5)",
            "APPLY UNMAILBOX NAME",
            "APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME NAME PARTITION default)",
            "APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u1.y PARTITION NAME)",
            "APPLY RESERVE %(PARTITION NAME MBOXNAME (user.u1) GUID ())",
            "GET USER NAME",
            "GET FULLMAILBOX NAME",
            "GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID NAME GUID 0000000000000000000000000000000000000000 UID 1)",
        ] {
            cases.push(format!(
                "{}\r\n",
                line.replace("NAME", "\u{0}")
                    .replace("MBOX\u{0}", "MBOXNAME")
                    .replace("OLDMBOX\u{0}", "OLDMBOXNAME")
                    .replace('\u{0}', &quoted)
            ));
        }
    }
    refused(cases.into_iter().map(|words| (words, "")));
}

#[test]
fn a_line_that_ends_anywhere() {
    let spool = TestSpool::new("cut");
    let (peer, mut inbox) = filled(&spool);
    let store = peer.leave();
    let before = contents(&spool);
    let message = Message::number(5);
    inbox.append(message.clone());
    let words = message.upload("default") + inbox.all().trim_end();
    let mut store = Some(store);
    for end in (0..words.len()).step_by(7) {
        let mut peer = Peer::new(store.take().unwrap());
        peer.say(&words[..end]);
        store = Some(peer.vanish());
        spool.assert_tidy(&format!("cut at {end}"));
    }
    assert_eq!(tree::differences(&before, &contents(&spool)), Vec::<String>::new());
}
