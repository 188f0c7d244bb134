//! What every bad line is held to: it is answered by name, the connection goes on, and everything is as it was.

use crate::{
    common::{messages::guid, strict::Strict, talk::Talk},
    replica::{ONE, TWO, contents, replica},
    row::{Bad, all},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use sync_server::{ops::Store, session::Config, store::MemoryStore};

/// All that is kept, in parts that have names.
pub type Kept = BTreeMap<PathBuf, Vec<u8>>;

/// A filled replica, and how others look at it.
pub trait Replica {
    type Store: Store;
    /// The store of one connection more, while the first one is in use.
    fn another(&self, first: &Self::Store) -> Self::Store;
    fn kept(&self, first: &Self::Store) -> Kept;
}

/// One connection that hears bad lines, and what was there before it did.
pub struct Unharmed<R: Replica> {
    replica: R,
    pub talk: Talk<Strict<R::Store>>,
    read: Vec<(String, String)>,
    kept: Kept,
}

impl<R: Replica> Unharmed<R> {
    pub fn new(replica: R, store: R::Store) -> Unharmed<R> {
        let read = read(replica.another(&store));
        assert!(read.iter().all(|(_, reply)| reply.ends_with("OK success\r\n")), "{read:?}");
        let kept = replica.kept(&store);
        let talk = Talk::with(Config::trusted("r.example.org"), Strict::new(store));
        Unharmed { replica, talk, read, kept }
    }

    /// Says a bad line: alone, and with the next line right behind it.
    #[track_caller]
    pub fn say(&mut self, bad: &Bad) {
        let told = self.talk.say(bad.client.clone());
        bad.assert_told("alone", &told, &bad.server);
        assert_eq!(self.talk.line("NOOP"), "OK Noop completed\r\n", "{}", bad.name);
        let told = self.talk.say([&bad.client[..], b"NOOP\r\n"].concat());
        bad.assert_told("with more behind it", &told, &format!("{}OK Noop completed\r\n", bad.server));
        // What was staged by the good part of a line stays until then.
        assert_eq!(self.talk.line("RESTART"), "OK Restarting\r\n", "{}", bad.name);
        self.assert_unharmed(&bad.name);
    }

    /// A second connection reads what it read before, and what is kept is what was kept.
    #[track_caller]
    pub fn assert_unharmed(&self, when: &str) {
        let first = &self.talk.store.inner;
        for ((line, before), (_, after)) in self.read.iter().zip(read(self.replica.another(first))) {
            assert_eq!(*before, after, "{line} after {when}");
        }
        let after = self.replica.kept(first);
        let differs = |path: &&PathBuf| after.get(*path) != self.kept.get(*path);
        let changed: Vec<_> = after.keys().chain(self.kept.keys()).filter(differs).collect();
        assert!(changed.is_empty(), "{when} changed {changed:?}");
    }

    /// The peer is gone, and the next one is there.
    pub fn reconnected(mut self) -> Unharmed<R> {
        self.talk = Talk::with(Config::trusted("r.example.org"), self.talk.store);
        self
    }

    /// Says every bad line of the tables, and these.
    pub fn say_all(mut self, more: Vec<Bad>) {
        for bad in all().into_iter().chain(more) {
            self.say(&bad);
        }
        assert_eq!(self.talk.hang_up(), Ok(()));
        self.talk.store.assert_idle();
        self.assert_unharmed("the end");
    }
}

/// Everything that a client can read.
fn read<S: Store>(store: S) -> Vec<(String, String)> {
    let mut talk = Talk::with(Config::trusted("r.example.org"), Strict::new(store));
    let fetch = |uid: u32, message| {
        format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID u1u1u1 GUID {} UID {uid})", guid(message))
    };
    let mut lines = vec![fetch(1, ONE), fetch(3, TWO), "GET ANNOTATION \"\"".to_owned()];
    lines.extend(["u1", "u2", "u3"].map(|user| format!("GET USER {user}")));
    lines.extend(["u1", "u2", "u3"].map(|user| format!("GET META {user}")));
    lines.extend(["user.u1", "user.u2"].map(|name| format!("GET FULLMAILBOX {name}")));
    lines.extend(["user.u1", "user.u2"].map(|name| format!("GET ANNOTATION {name}")));
    lines.extend(["user.u1", "user.u2", "user.u3"].map(|name| format!("GET QUOTA {name}")));
    lines.push("GET MAILBOXES (user.u1 user.u2 user.u3 user.u4)".to_owned());
    lines.push("GET FETCH_SIEVE %(USERID u1 FILENAME a.script)".to_owned());
    let replies: Vec<String> = lines.iter().map(|line| talk.line(line)).collect();
    assert_eq!(talk.hang_up(), Ok(()));
    lines.into_iter().zip(replies).collect()
}

/// Mailboxes in memory: another connection gets them as they are now.
struct InMemory;

impl Replica for InMemory {
    type Store = MemoryStore;

    fn another(&self, first: &MemoryStore) -> MemoryStore {
        first.clone()
    }

    fn kept(&self, first: &MemoryStore) -> Kept {
        Kept::from([(Path::new("store").to_owned(), contents(first).into_bytes())])
    }
}

#[test]
fn bad_input_is_answered_and_changes_nothing_in_memory() {
    Unharmed::new(InMemory, replica()).say_all(Vec::new());
}
