//! A conversation with a session, as a client has it.

use super::strict::Strict;
use bytes::{Bytes, BytesMut};
use sync_server::{
    ops::Store,
    session::{Config, Session, SessionError, Step},
    store::MemoryStore,
};

/// A session, its store, and how it ended.
pub struct Talk<S = Strict<MemoryStore>> {
    pub session: Session,
    pub store: S,
    /// How the session ended; `None` while it goes on.
    pub end: Option<Result<(), SessionError>>,
    /// What the session gave back behind the last command, in the IMAP framing.
    pub returned: Option<Bytes>,
}

impl Talk {
    /// A conversation about these mailboxes, behind the greeting.
    pub fn about(store: MemoryStore) -> Talk {
        Talk::with(Config::trusted("r.example.org"), Strict::new(store))
    }
}

impl<S: Store> Talk<S> {
    /// A conversation, behind the greeting.
    pub fn with(config: Config, store: S) -> Talk<S> {
        let mut talk = Talk::without_greeting(config, store);
        let greeting = talk.listen();
        // What it offers to a peer that is not logged in comes first.
        let greeting = greeting.strip_prefix(b"* SIEVE-MAILBOX\r\n").unwrap_or(&greeting);
        assert!(greeting.starts_with(b"* OK ") && greeting.ends_with(b"\r\n"), "{greeting:?}");
        talk
    }

    /// A conversation in the IMAP framing, whose host has greeted.
    pub fn without_greeting(config: Config, store: S) -> Talk<S> {
        Talk { session: Session::new(config), store, end: None, returned: None }
    }

    /// Says this and returns the reply: all that the session says before it wants to hear more.
    pub fn say(&mut self, bytes: impl Into<Bytes>) -> Bytes {
        self.returned = None;
        self.session.receive(bytes.into());
        self.listen()
    }

    /// Says this byte by byte.
    pub fn spell(&mut self, bytes: impl Into<Bytes>) -> Bytes {
        let bytes = bytes.into();
        let mut said = BytesMut::new();
        for at in 0..bytes.len() {
            said.extend_from_slice(&self.say(bytes.slice(at..=at)));
        }
        said.freeze()
    }

    /// Says a line and returns the reply as text.
    pub fn line(&mut self, line: &str) -> String {
        let reply = self.say(format!("{line}\r\n"));
        String::from_utf8_lossy(&reply).into_owned()
    }

    /// Goes away. How the session takes it.
    pub fn hang_up(&mut self) -> Result<(), SessionError> {
        if self.end.is_none() {
            self.session.receive(Bytes::new());
            self.listen();
        }
        self.end.clone().expect("the end of file ends the session")
    }

    /// Performs what the session wants until it wants to hear more, gives the connection back or is over.
    fn listen(&mut self) -> Bytes {
        let mut said = BytesMut::new();
        while self.end.is_none() {
            match self.session.poll() {
                Ok(Step::NeedInput) => break,
                Ok(Step::Write(output)) => said.extend_from_slice(&output),
                Ok(Step::Perform(op)) => op.perform(&mut self.session, &mut self.store).unwrap(),
                Ok(Step::Return(rest)) => {
                    self.returned = Some(rest);
                    break;
                }
                Ok(Step::Channel(_) | Step::Paused) => panic!("nothing is outstanding"),
                Ok(Step::Closed) => self.end = Some(Ok(())),
                Err(error) => self.end = Some(Err(error)),
            }
        }
        said.freeze()
    }
}
