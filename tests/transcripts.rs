//! Conversations with masters of 2.4 to 3.13 replay to the same bytes, however the client's bytes are cut.
//!
//! Those of 3.6 and 3.12 were recorded between real Cyrus programs. The others, of releases that no package exists for, are
//! written from the facts of those releases' sources; each says so in its first line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use bytes::{Bytes, BytesMut};
use common::transcript::Transcript;
use std::io::{self, Read, Write};
use sync_server::{
    drive::serve,
    session::{Session, SessionError, Step},
    store::MemoryStore,
};

/// Each conversation, and the one before it that it goes on from.
const CONVERSATIONS: [(&str, Option<&str>); 12] = [
    ("first-user-36.csync", None),
    ("first-user-312.csync", None),
    ("all-36.csync", Some("first-user-36.csync")),
    ("all-312.csync", Some("first-user-312.csync")),
    ("written-2.4.csync", None),
    ("written-2.5.csync", None),
    ("written-3.0.csync", None),
    ("written-3.2.csync", None),
    ("written-3.4.csync", None),
    ("written-3.8.csync", None),
    ("written-3.10.csync", None),
    ("written-3.13.csync", None),
];

fn conversations() -> impl Iterator<Item = (&'static str, Transcript, MemoryStore)> {
    CONVERSATIONS.iter().map(|(name, before)| {
        let mut store = MemoryStore::at(1_700_000_000);
        if let Some(before) = before {
            let transcript = Transcript::read(before);
            let _ = replay(&transcript, &mut store, transcript.client(), std::iter::empty());
        }
        (*name, Transcript::read(name), store)
    })
}

/// Feeds `client` in pieces of the given lengths, then the rest whole; returns what the session says.
fn replay(
    transcript: &Transcript,
    store: &mut MemoryStore,
    client: Bytes,
    mut pieces: impl Iterator<Item = usize>,
) -> (Bytes, Result<(), SessionError>) {
    let mut session = Session::new(transcript.config());
    let (mut rest, mut said) = (client, BytesMut::new());
    loop {
        match session.poll() {
            Ok(Step::NeedInput) => {
                let length = pieces.next().unwrap_or(usize::MAX).min(rest.len());
                session.receive(rest.split_to(length));
            }
            Ok(Step::Write(output)) => said.extend_from_slice(&output),
            Ok(Step::Perform(op)) => op.perform(&mut session, store).unwrap(),
            Ok(Step::Channel(_) | Step::Return(_) | Step::Paused) => panic!("nothing is outstanding"),
            Ok(Step::Closed) => return (said.freeze(), Ok(())),
            Err(error) => return (said.freeze(), Err(error)),
        }
    }
}

/// Where to cut a conversation: at every place in a short one, at some hundred in a long one.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (1..length).step_by(if length < 4000 { 1 } else { length / 150 + 1 })
}

fn text(bytes: &Bytes) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[test]
fn whole() {
    for (name, transcript, store) in conversations() {
        let (said, end) = replay(&transcript, &mut store.clone(), transcript.client(), std::iter::empty());
        assert_eq!(text(&said), text(&transcript.server()), "{name}");
        assert_eq!(end, Ok(()), "{name}");
    }
}

#[test]
fn byte_by_byte() {
    for (name, transcript, store) in conversations() {
        let (said, end) = replay(&transcript, &mut store.clone(), transcript.client(), std::iter::repeat(1));
        assert_eq!(text(&said), text(&transcript.server()), "{name}");
        assert_eq!(end, Ok(()), "{name}");
    }
}

#[test]
fn cut_anywhere() {
    for (name, transcript, store) in conversations() {
        let client = transcript.client();
        for cut in places(client.len()) {
            let (said, _) = replay(&transcript, &mut store.clone(), client.clone(), std::iter::once(cut));
            assert!(said == transcript.server(), "{name} cut at {cut}: {}", text(&said));
        }
    }
}

#[test]
fn ended_anywhere() {
    for (name, transcript, store) in conversations() {
        let (client, server) = (transcript.client(), transcript.server());
        for end in places(client.len()) {
            let (said, outcome) = replay(&transcript, &mut store.clone(), client.slice(..end), std::iter::empty());
            assert!(server.starts_with(&said), "{name} ended at {end}: {}", text(&said));
            let between = client[end - 1] == b'\n';
            assert!(between || outcome == Err(SessionError::Truncated), "{name} ended at {end}: {outcome:?}");
        }
    }
}

/// A stream that reads what the client said and keeps what is written.
struct Peer {
    client: Bytes,
    said: Vec<u8>,
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(self.client.len()).min(1000);
        buffer[..length].copy_from_slice(&self.client.split_to(length));
        Ok(length)
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.said.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn through_the_blocking_loop() {
    for (name, transcript, store) in conversations() {
        let mut peer = Peer { client: transcript.client(), said: Vec::new() };
        serve(&mut Session::new(transcript.config()), &mut store.clone(), &mut peer).unwrap();
        assert_eq!(text(&peer.said.into()), text(&transcript.server()), "{name}");
    }
}
