//! An IMAP server in small: it has the connection, and a session serves the lines that it recognizes.

use crate::common::{
    messages::{mailbox, record, records, upload},
    strict::Strict,
};
use bytes::{Bytes, BytesMut};
use sync_server::{
    session::{Config, Recognition, Session, Step, recognize},
    store::MemoryStore,
};

/// The host's side of one connection.
struct Host {
    session: Session,
    store: Strict<MemoryStore>,
    /// The session has the connection.
    lent: bool,
    /// What was read and is nobody's yet.
    read: BytesMut,
    said: BytesMut,
}

impl Host {
    fn new() -> Host {
        Host {
            session: Session::new(Config::within_imap("r")),
            store: Strict::new(MemoryStore::new()),
            lent: false,
            read: BytesMut::new(),
            said: BytesMut::new(),
        }
    }

    /// One read from the peer.
    fn hear(&mut self, bytes: Bytes) {
        if self.lent {
            self.lend(bytes);
        } else {
            self.read.extend_from_slice(&bytes);
        }
        while !self.lent {
            match recognize(&self.read) {
                Recognition::Ours => {
                    let said = self.read.split().freeze();
                    self.lend(said);
                }
                Recognition::Other if self.read.contains(&b'\n') => self.own_line(),
                Recognition::Other | Recognition::Unclear => return,
            }
        }
    }

    /// A line of the host's own.
    fn own_line(&mut self) {
        let end = self.read.iter().position(|byte| *byte == b'\n').unwrap();
        let line = self.read.split_to(end + 1);
        let tag = line[..].split(|byte| *byte == b' ').next().unwrap();
        self.said.extend_from_slice(tag);
        self.said.extend_from_slice(b" OK by the host\r\n");
    }

    /// The session has the connection until it gives it back or needs more.
    fn lend(&mut self, bytes: Bytes) {
        self.lent = true;
        self.session.receive(bytes);
        loop {
            match self.session.poll().unwrap() {
                Step::NeedInput => return,
                Step::Write(output) => self.said.extend_from_slice(&output),
                Step::Perform(op) => op.perform(&mut self.session, &mut self.store).unwrap(),
                Step::Return(rest) => {
                    self.read = rest.into();
                    self.lent = false;
                    return;
                }
                Step::Channel(_) | Step::Paused | Step::Closed => panic!("nothing is outstanding, and nobody has left"),
            }
        }
    }
}

/// A conversation with lines of both.
fn conversation() -> (Vec<u8>, String) {
    let message = b"Subject: SYNC\r\n\r\nh9 SYNCRESTART\r\n".as_slice();
    let inbox = mailbox("user.jane", "id-jane").with("LAST_UID", 1).with("RECORD", records(&[record(1, message)]));
    let turns: [(Vec<u8>, &str); 8] = [
        (b"h1 NOOP\r\n".to_vec(), "h1 OK by the host\r\n"),
        ([b"h2 SYNC", &upload(&[message])[..]].concat(), "h2 OK success\r\n"),
        (b"h3 SYNCOPATE now\r\n".to_vec(), "h3 OK by the host\r\n"),
        (b"h4 SYNCGET (\r\n".to_vec(), "h4 BAD Replication parse failure in Syncget\r\n"),
        (format!("h5 SyncApply MAILBOX {inbox}\r\n").into_bytes(), "h5 OK success\r\n"),
        (b"h6 SYNCRESTART\r\n".to_vec(), "h6 OK Restarting\r\n"),
        (b"h7 SYNCGET USER {4+}\r\nnone\r\n".to_vec(), "h7 OK success\r\n"),
        (b"h8 LOGOUT\r\n".to_vec(), "h8 OK by the host\r\n"),
    ];
    let (said, heard): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
    (said.concat(), heard.concat())
}

/// What the host says to the conversation in these pieces.
fn converse(pieces: impl Iterator<Item = Bytes>) -> String {
    let mut host = Host::new();
    pieces.for_each(|piece| host.hear(piece));
    assert!(!host.lent && host.read.is_empty());
    String::from_utf8(host.said.to_vec()).unwrap()
}

/// Numbers that look random and are the same in each run.
fn numbers() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1_u64), |last| {
        Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|number| (number >> 33) as usize)
}

#[test]
fn whole() {
    let (said, heard) = conversation();
    assert_eq!(converse([Bytes::from(said)].into_iter()), heard);
}

#[test]
fn byte_by_byte() {
    let (said, heard) = conversation();
    let said = Bytes::from(said);
    assert_eq!(converse((0..said.len()).map(|at| said.slice(at..=at))), heard);
}

#[test]
fn cut_anywhere() {
    let (said, heard) = conversation();
    let said = Bytes::from(said);
    for at in 1..said.len() {
        assert_eq!(converse([said.slice(..at), said.slice(at..)].into_iter()), heard, "cut at {at}");
    }
}

#[test]
fn whatever_is_said_the_cuts_change_nothing() {
    let (said, _) = conversation();
    let mut numbers = numbers();
    let mut below = |bound: usize| numbers.next().unwrap() % bound;
    for round in 0..500 {
        let mut damaged = said.clone();
        for _ in 0..=below(4) {
            let (at, byte) = (below(damaged.len()), b" \r\n(){}%\"\\*+09aS\0\xff"[below(18)]);
            match below(3) {
                0 => damaged[at] = byte,
                1 => damaged.insert(at, byte),
                _ => drop(damaged.remove(at)),
            }
        }
        let damaged = Bytes::from(damaged);
        let (mut whole, mut cut) = (Host::new(), Host::new());
        whole.hear(damaged.clone());
        (0..damaged.len()).for_each(|at| cut.hear(damaged.slice(at..=at)));
        let state = |host: &Host| (host.said.clone(), host.read.clone(), host.lent);
        assert_eq!(state(&whole), state(&cut), "round {round}: {damaged:?}");
    }
}

#[test]
fn a_line_is_recognized_by_its_front() {
    use Recognition::{Other, Ours, Unclear};
    for (line, whose) in [
        ("a1 SYNCGET USER jane\r\n", Ours),
        ("a1 SYNCGET ", Ours),
        ("a1 syncapply\r\n", Ours),
        ("a1 SYNCRESTART\n", Ours),
        ("a1 SYNCRESTORE x", Ours),
        ("", Unclear),
        ("a1", Unclear),
        ("a1 ", Unclear),
        ("a1 SYN", Unclear),
        ("a1 SYNCREST", Unclear),
        ("a1 SYNCGET", Unclear),
        ("a1 SYNCGETS", Other),
        ("a1 SYNCGET(", Other),
        ("a1  SYNCGET USER", Other),
        ("a1 NOOP\r\n", Other),
        ("a1 S\r\n", Other),
        ("a1 UID SYNCGET x", Other),
        (" SYNCGET USER", Other),
        ("* SYNCGET USER", Other),
        ("a1\r\n", Other),
        ("SYNCGET USER jane\r\n", Other),
    ] {
        assert_eq!(recognize(line.as_bytes()), whose, "{line:?}");
    }
}
