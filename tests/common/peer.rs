//! A client's end of a conversation: it says something and hears the whole reply.

use bytes::Bytes;
use sync_server::{
    ops::Store,
    session::{Config, Session, Step},
};

/// A session and the store behind it.
pub struct Peer<S> {
    session: Session,
    pub store: S,
}

impl<S: Store> Peer<S> {
    /// Connects, and hears the greeting.
    pub fn new(store: S) -> Peer<S> {
        Peer::with(store, Config::trusted("replica"))
    }

    pub fn with(store: S, config: Config) -> Peer<S> {
        let mut peer = Peer { session: Session::new(config), store };
        peer.hear();
        peer
    }

    /// Says this, and returns all that is said in return.
    pub fn say(&mut self, words: impl Into<Vec<u8>>) -> String {
        let words: Vec<u8> = words.into();
        if !words.is_empty() {
            self.session.receive(Bytes::from(words));
        }
        self.hear()
    }

    /// Says a line; returns the last line of the reply.
    pub fn ask(&mut self, line: &str) -> String {
        let reply = self.say(format!("{line}\r\n"));
        reply.lines().last().unwrap_or_default().to_owned()
    }

    /// Says goodbye and connects again, to the same store.
    pub fn again(mut self) -> Peer<S> {
        let bye = self.say("EXIT\r\n");
        assert_eq!(bye, "OK Finished\r\n");
        Peer::new(self.store)
    }

    /// Says goodbye; returns the store.
    pub fn leave(self) -> S {
        self.again().store
    }

    fn hear(&mut self) -> String {
        let mut heard = Vec::new();
        loop {
            match self.session.poll() {
                Ok(Step::NeedInput | Step::Closed) | Err(_) => return String::from_utf8_lossy(&heard).into_owned(),
                Ok(Step::Write(bytes)) => heard.extend_from_slice(&bytes),
                Ok(Step::Perform(operation)) => operation.perform(&mut self.session, &mut self.store).unwrap(),
                Ok(Step::Channel(_) | Step::Return(_) | Step::Paused) => panic!("nothing is outstanding"),
            }
        }
    }
}

/// What a command that was carried out before may say: what it is about is gone.
pub fn is_done(reply: &str) -> bool {
    let last = reply.lines().last().unwrap_or_default();
    last == "OK success" || last == "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox"
}
