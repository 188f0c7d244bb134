//! What is wrong with a line is said in imapd's words, and the next line is read as if it had not been there.

use super::{common::messages::upload, talk};
use crate::common::{strict::Strict, talk::Talk};
use sync_server::{limits::Limits, session::Config, store::MemoryStore};

/// Says the line and a good one behind it: how the first is answered.
#[track_caller]
fn answer(talk: &mut Talk, line: impl AsRef<[u8]>) -> String {
    let reply = talk.say([line.as_ref(), b"\r\n"].concat());
    assert_eq!(talk.returned.as_deref(), Some(&b""[..]), "all of it was the line");
    assert_eq!(talk.line("ok SYNCGET USER nobody"), "ok OK success\r\n");
    String::from_utf8(reply.to_vec()).unwrap()
}

#[test]
fn each_command_ends_with_its_tag() {
    for (line, ending) in [
        ("a1 SYNCGET USER nobody", "a1 OK success\r\n"),
        ("A.b+c/[]~ SYNCGET USER nobody", "A.b+c/[]~ OK success\r\n"),
        ("a2 SYNCAPPLY FORCE NIL", "a2 OK success\r\n"),
        ("a3 SYNCRESTART", "a3 OK Restarting\r\n"),
        ("a4 SYNCAPPLY UNMAILBOX user.nobody", "a4 NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n"),
        ("a5 SYNCGET NONSENSE x", "a5 NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        ("a6 SYNCAPPLY NONSENSE x", "a6 NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        ("a7 SYNCRESTORE NONSENSE x", "a7 NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        ("a8 syncget USER nobody", "a8 OK success\r\n"),
        ("a9 SyncRestart", "a9 OK Restarting\r\n"),
    ] {
        assert_eq!(answer(&mut talk(), line), ending, "{line}");
    }
}

#[test]
fn a_line_that_cannot_be_parsed_is_bad() {
    for (command, name) in [("SYNCAPPLY", "Syncapply"), ("SYNCGET", "Syncget"), ("SyncRestore", "Syncrestore")] {
        for item in ["", " ", " USER", " (", " USER jane more", " USER \"jane", " USER %(A", " USER {99999999999+}"] {
            let ending = format!("b1 BAD Replication parse failure in {name}\r\n");
            assert_eq!(answer(&mut talk(), format!("b1 {command}{item}")), ending, "{command}{item}");
        }
    }
    let ending = "b2 BAD Unexpected extra arguments to Syncrestart\r\n";
    assert_eq!(answer(&mut talk(), "b2 SYNCRESTART now"), ending);
}

#[test]
fn a_tag_that_is_none_is_not_repeated() {
    for line in
        ["", "c1", "c1 ", "* SYNCGET USER jane", "c:1 SYNCGET USER jane", "c\u{e4} SYNCGET USER jane", " c1", "(c1)"]
    {
        assert_eq!(answer(&mut talk(), line), "* BAD Invalid tag\r\n", "{line:?}");
    }
    assert_eq!(answer(&mut talk(), b"c\0 SYNCGET USER jane"), "* BAD Invalid tag\r\n");
}

#[test]
fn a_tag_above_the_limit_is_drained() {
    let limits = Limits { literal: 100, ..Limits::default() };
    let config = Config { limits, ..Config::within_imap("r") };
    let mut talk = Talk::without_greeting(config, Strict::new(MemoryStore::new()));
    let (longest, above) = ("t".repeat(100), "t".repeat(101));
    assert_eq!(answer(&mut talk, format!("{longest} SYNCRESTART")), format!("{longest} OK Restarting\r\n"));
    assert_eq!(answer(&mut talk, format!("{above} SYNCRESTART")), "* BAD Invalid tag\r\n");
}

#[test]
fn other_commands_are_the_hosts() {
    for line in [
        "d1 NOOP",
        "d1 LOGOUT",
        "d1 EXIT",
        "d1 GET USER jane",
        "d1 APPLY FORCE NIL",
        "d1 SYNC",
        "d1 SYNCOPATE x",
        "d1 SYNCGET(USER jane)x",
        "d1 \"SYNCGET\" USER jane",
        "d1 (x) {3+}\r\nabc",
    ] {
        let reply = answer(&mut talk(), line);
        let expected = match line {
            "d1 SYNCGET(USER jane)x" => "d1 BAD Replication parse failure in Syncget\r\n",
            _ => "d1 BAD Unrecognized command\r\n",
        };
        assert_eq!(reply, expected, "{line}");
    }
}

/// A message may hold what looks like commands: it is read by its length, whatever becomes of its line.
#[test]
fn a_message_in_a_bad_line_is_no_command() {
    let message = b"e2 SYNCRESTART\r\ne3 SYNCGET USER jane\r\n".as_slice();
    let sent = upload(&[message]);
    let sent = sent.strip_suffix(b"\r\n").unwrap();
    let said = |front: &[u8]| [front, sent.strip_prefix(b"APPLY").unwrap()].concat();
    assert_eq!(answer(&mut talk(), said(b"e1 SYNCAPPLY")), "e1 OK success\r\n");
    assert_eq!(answer(&mut talk(), said(b"e1 SYNCGET")), "e1 BAD Replication parse failure in Syncget\r\n");
    assert_eq!(answer(&mut talk(), said(b"e1 SYNCOPATE")), "e1 BAD Unrecognized command\r\n");
    assert_eq!(answer(&mut talk(), said(b"e:1 SYNCAPPLY")), "* BAD Invalid tag\r\n");
    let expected = "e1 BAD Unexpected extra arguments to Syncrestart\r\n";
    assert_eq!(answer(&mut talk(), said(b"e1 SYNCRESTART")), expected);
}

#[test]
fn only_administrators_may() {
    let config = Config { trusted_peer: false, ..Config::within_imap("r") };
    for name in ["Syncapply", "Syncget", "Syncrestart", "Syncrestore"] {
        let mut talk = Talk::without_greeting(config.clone(), Strict::new(MemoryStore::new()));
        let line = upload(&[b"f2 SYNCRESTART\r\n"]);
        let line = [format!("f1 {name}").as_bytes(), line.strip_prefix(b"APPLY").unwrap()].concat();
        let reply = talk.say(line);
        let expected = format!("f1 NO only administrators may use {name} command\r\n");
        assert_eq!(reply, expected);
        assert_eq!(talk.store.operations, 0, "{name}");
    }
}
