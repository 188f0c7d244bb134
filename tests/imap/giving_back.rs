//! Behind each command the host has the connection, to the byte; what the session knows lasts until it ends.

use super::{
    common::messages::{guid, upload},
    talk,
};
use crate::common::talk::Talk;
use bytes::Bytes;
use std::io::{self, Cursor, Read, Write};
use sync_server::{
    drive,
    session::{Config, Session, SessionError, Step},
    store::MemoryStore,
};

const MESSAGE: &[u8] = b"Subject: kept\r\n\r\nx\r\n";

/// `SYNCAPPLY MESSAGE` with one message.
fn stage(tag: &str) -> Vec<u8> {
    let line = upload(&[MESSAGE]);
    [tag.as_bytes(), b" SYNC", &line].concat()
}

/// Which of the messages that are asked for is not there.
fn missing(talk: &mut Talk) -> bool {
    let reply = talk.line(&format!("m SYNCAPPLY RESERVE %(PARTITION default MBOXNAME () GUID ({}))", guid(MESSAGE)));
    assert!(reply.ends_with("m OK success\r\n"), "{reply}");
    reply.contains(&guid(MESSAGE).to_string())
}

#[test]
fn there_is_no_banner() {
    let mut session = Session::new(Config::within_imap("r"));
    assert!(matches!(session.poll(), Ok(Step::NeedInput)));
}

#[test]
fn what_follows_a_command_is_given_back_as_it_came() {
    for rest in [&b""[..], b"a2 NOOP\r\n", b"a2 SYNCGET US", b"\r\n\0\xff", b"{5+}\r\nhe"] {
        let mut talk = talk();
        let reply = talk.say([b"a1 SYNCGET USER nobody\r\n", rest].concat());
        assert_eq!(reply, "a1 OK success\r\n");
        assert_eq!(talk.returned.as_deref(), Some(rest));
        let reply = talk.say([&stage("a3"), rest].concat());
        assert_eq!(reply, "a3 OK success\r\n");
        assert_eq!(talk.returned.as_deref(), Some(rest));
    }
}

#[test]
fn what_was_queued_behind_a_command_is_given_back_in_its_order() {
    let mut talk = talk();
    for piece in ["a1 SYNCGET USER no", "body\r\na2 NO", "OP\r\n", "a3 LOGOUT\r\n"] {
        talk.session.receive(Bytes::from_static(piece.as_bytes()));
    }
    talk.say("tail");
    assert_eq!(talk.returned.as_deref(), Some(&b"a2 NOOP\r\na3 LOGOUT\r\ntail"[..]));
}

#[test]
fn the_only_piece_behind_a_command_is_not_copied() {
    let said = Bytes::from_static(b"a1 SYNCRESTART\r\na2 NOOP\r\n");
    let mut talk = talk();
    talk.say(said.clone());
    assert_eq!(talk.returned.unwrap().as_ptr(), said[16..].as_ptr());
}

#[test]
fn what_is_staged_lasts_until_it_is_restarted() {
    let mut talk = talk();
    assert!(missing(&mut talk));
    assert_eq!(talk.say(stage("a1")), "a1 OK success\r\n");
    assert_eq!(talk.line("a2 SYNCGET USER nobody"), "a2 OK success\r\n");
    assert_eq!(talk.line("a3 SYNCGET ("), "a3 BAD Replication parse failure in Syncget\r\n");
    assert!(!missing(&mut talk), "it is staged");
    assert_eq!(talk.line("a4 SYNCRESTART"), "a4 OK Restarting\r\n");
    assert!(missing(&mut talk));
}

#[test]
fn what_is_staged_is_discarded_at_the_end() {
    let mut talk = talk();
    talk.say(stage("a1"));
    assert_eq!(talk.hang_up(), Ok(()));
    talk.store.assert_idle();
    assert!(matches!(talk.session.poll(), Ok(Step::Closed)));
}

#[test]
fn an_end_within_a_command_cuts_it() {
    let mut talk = talk();
    talk.say("a1 SYNCGET US");
    assert_eq!(talk.hang_up(), Err(SessionError::Truncated));
}

#[test]
fn an_end_behind_a_command_is_the_hosts() {
    let mut talk = talk();
    talk.session.receive(Bytes::from_static(b"a1 SYNCRESTART\r\na2 NOOP\r\n"));
    assert_eq!(talk.say(""), "a1 OK Restarting\r\n");
    assert_eq!(talk.returned.as_deref(), Some(&b"a2 NOOP\r\n"[..]));
    assert_eq!(talk.line("a3 SYNCRESTART"), "a3 OK Restarting\r\n");
    assert_eq!(talk.hang_up(), Ok(()));
}

/// A stream that is said once and remembers what it heard.
struct Wire(Cursor<Vec<u8>>, Vec<u8>);

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        self.0.read(&mut buffer[..length])
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_command_is_served_between_a_hosts_own() {
    let mut wire = Wire(Cursor::new(b"USER nobody\r\na2 NOOP\r\n".to_vec()), Vec::new());
    let (mut session, mut store) = (Session::new(Config::within_imap("r")), MemoryStore::new());
    let said = Bytes::from_static(b"a1 SYNCGET ");
    let mut rest = drive::serve_command(&mut session, &mut store, &mut wire, said).unwrap().to_vec();
    wire.0.read_to_end(&mut rest).unwrap();
    assert_eq!(wire.1, b"a1 OK success\r\n");
    assert_eq!(rest, b"a2 NOOP\r\n");
}

#[test]
fn a_connection_of_nothing_else_is_served_to_its_end() {
    let said = b"a1 SYNCGET USER nobody\r\na2 SYNCRESTART\r\na3 EXIT\r\na4 SYNCRESTART\r\n".to_vec();
    let mut wire = Wire(Cursor::new(said), Vec::new());
    let mut session = Session::new(Config::within_imap("r"));
    drive::serve(&mut session, &mut MemoryStore::new(), &mut wire).unwrap();
    let heard = "a1 OK success\r\na2 OK Restarting\r\na3 BAD Unrecognized command\r\na4 OK Restarting\r\n";
    assert_eq!(String::from_utf8(wire.1).unwrap(), heard);
}
