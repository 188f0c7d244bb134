//! Commands that make sense, one after the other, against a model of what they do.
//!
//! What a command that is answered OK has done is what the model says, as another connection reads it; one that is refused has
//! changed nothing; every message that should be there can be fetched. Said all at once the same commands get the same
//! replies, in memory in proportion to what is said.

#![no_main]

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;
use sync_server::{
    ops::Store,
    session::{Config, Session, Step},
    store::MemoryStore,
};
use sync_server_fuzz::{
    conversation::{Said, after, conversation, must_succeed, world},
    heap,
};
use world::World;

#[path = "../../tests/common/strict.rs"]
#[allow(dead_code)]
mod strict;

use strict::Strict;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

/// When all conversations happen.
const TIME: i64 = 1_700_000_000;

fuzz_target!(|input: &[u8]| {
    let said = conversation(input);
    let text: Bytes = said.iter().flat_map(|said| said.line.iter().copied()).collect();
    let mut whole = Bytes::new();
    let peak = heap::peak_of(|| whole = Client::new(Strict::new(MemoryStore::at(TIME))).say(text.clone()));
    let bound = (1 << 20) + 200 * text.len();
    assert!(peak <= bound, "{peak} bytes are held for a conversation of {}", text.len());
    assert_eq!(whole, step_by_step(&said), "all at once and line by line");
});

/// Says one line after the other, each of which is held to the model. Returns all replies.
fn step_by_step(said: &[Said]) -> BytesMut {
    let mut client = Client::new(Strict::new(MemoryStore::at(TIME)));
    let mut replies = BytesMut::new();
    let mut read_before = read(&client.store.inner);
    let mut before = world::world(&read_before);
    for said in said {
        let reply = client.say(said.line.clone().into());
        let read_now = read(&client.store.inner);
        if read_now == read_before {
            hold(said, &reply, &before, None);
        } else {
            let now = world::world(&read_now);
            hold(said, &reply, &before, Some(&now));
            (before, read_before) = (now, read_now);
        }
        replies.extend_from_slice(&reply);
    }
    fetch_all(&client.store.inner, &before);
    replies
}

/// Holds what a line has done to the model; `now` is `None` where nothing that can be read has changed.
fn hold(Said { line, command }: &Said, reply: &Bytes, before: &World, now: Option<&World>) {
    let (line, answer) = (line.escape_ascii(), reply.escape_ascii());
    let seen = now.unwrap_or(before);
    check(seen);
    match (is_ok(reply), command) {
        (true, Some(command)) => assert_eq!(*seen, after(before.clone(), command, seen), "after {line}"),
        (true, None) => {}
        (false, command) => {
            assert!(now.is_none(), "{line} is refused ({answer}) and changes {before:?} to {now:?}");
            let must = command.as_ref().is_some_and(|command| must_succeed(before, command));
            assert!(!must, "{line} is refused ({answer}) in {before:?}");
        }
    }
}

/// The last line of a reply says whether the command was carried out.
fn is_ok(reply: &Bytes) -> bool {
    let last = reply.strip_suffix(b"\r\n").and_then(|reply| reply.rsplit(|byte| *byte == b'\n').next());
    let last = last.expect("a complete reply");
    let words = [&b"OK "[..], b"NO ", b"BAD "];
    assert!(words.iter().any(|word| last.starts_with(word)), "{}", reply.escape_ascii());
    last.starts_with(b"OK ")
}

/// Everything that another connection reads.
fn read(store: &MemoryStore) -> Vec<Bytes> {
    let mut client = Client::new(store.clone());
    world::questions().iter().map(|line| client.say(format!("{line}\r\n").into())).collect()
}

/// What holds whatever was said.
fn check(world: &World) {
    let ids: BTreeSet<&str> = world.mailboxes.values().map(|mailbox| mailbox.id.as_str()).collect();
    assert_eq!(ids.len(), world.mailboxes.len(), "two mailboxes have one unique id");
    for mailbox in world.mailboxes.values() {
        let highest = mailbox.records.keys().last().copied().unwrap_or_default();
        assert!(highest <= mailbox.last_uid, "{mailbox:?} gives a uid twice");
    }
    for (user, name) in &world.active {
        assert!(world.scripts.contains_key(&(user.clone(), name.clone())), "a script that is not there is active");
    }
}

fn fetch_all(store: &MemoryStore, world: &World) {
    let mut client = Client::new(store.clone());
    for (line, body) in world::messages(world) {
        let reply = client.say(format!("{line}\r\n").into());
        let end = format!("}}\r\n{body}\r\nOK success\r\n");
        assert!(reply.ends_with(end.as_bytes()), "{line}: {}", reply.escape_ascii());
    }
}

/// One end of a connection, behind the greeting.
struct Client<S> {
    session: Session,
    store: S,
}

impl<S: Store> Client<S> {
    fn new(store: S) -> Client<S> {
        let mut client = Client { session: Session::new(Config::trusted("r.example.org")), store };
        client.listen();
        client
    }

    fn say(&mut self, line: Bytes) -> Bytes {
        // Nothing would be the end of file.
        if !line.is_empty() {
            self.session.receive(line);
        }
        self.listen()
    }

    fn listen(&mut self) -> Bytes {
        let mut said = BytesMut::new();
        loop {
            match self.session.poll() {
                Ok(Step::NeedInput) => return said.freeze(),
                Ok(Step::Write(output)) => said.extend_from_slice(&output),
                Ok(Step::Perform(op)) => op.perform(&mut self.session, &mut self.store).expect("this session's"),
                step => panic!("{step:?}"),
            }
        }
    }
}
