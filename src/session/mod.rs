//! One connection: protocol bytes in, replies and storage operations out.
//!
//! [`Session`] is a sans-IO state machine. Its script is an ordinary `async fn` (`script.rs`; `csync.rs` and `imap.rs` for the
//! two ways in which commands are [framed](Framing)) that reads tokens, asks for operations and writes replies; nothing in it
//! waits for a clock, a socket or an executor. Wherever it needs something that only the caller has, it leaves a [`Step`] and
//! is suspended; [`Session::poll`] runs it to the next one. So the order of operations of a command is the order of lines in
//! its function, and the compiler keeps the state.

mod apply;
mod csync;
mod framing;
mod get;
mod imap;
mod io;
mod line;
mod login;
mod report;
mod restore;
mod script;
mod sieve;
mod staged;

#[cfg(test)]
mod tests;

use crate::{
    event::Observer,
    limits::Limits,
    ops::{ChannelOp, Op, Operation, Refusal, Request},
    types::Release,
};
use bytes::Bytes;
pub use framing::{Framing, Recognition, recognize};
use io::Io;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

/// What a session is told before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server's name in the banner (`servername`).
    pub server_name: String,
    /// The version in the banner, behind "Cyrus sync server".
    pub version: String,
    /// Whose replies ours look like: a client of an older release ignores what only newer ones say.
    pub release: Release,
    /// Whether the peer counts as logged in from the start: it came over a UNIX socket, or the host of an IMAP connection
    /// knows it for an administrator.
    pub trusted_peer: bool,
    /// Whether the host can carry out [`ChannelOp`]s: SASL, STARTTLS and COMPRESS in [`Framing::Csync`]. Without them a peer that
    /// is not trusted can do nothing.
    pub channel: bool,
    /// How commands are framed.
    pub framing: Framing,
    /// The folder below a user's INBOX that holds Sieve scripts (`sieve_folder`).
    pub sieve_folder: String,
    /// What the session may hold.
    pub limits: Limits,
    /// Who is told of what an administrator should know.
    pub observer: Arc<dyn Observer>,
}

impl Config {
    /// A session for a peer that is trusted, with the default limits and nobody who is told of events.
    pub fn trusted(server_name: &str) -> Config {
        Config {
            server_name: server_name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            release: Release::default(),
            trusted_peer: true,
            channel: false,
            framing: Framing::Csync,
            sieve_folder: "#sieve".to_owned(),
            limits: Limits::default(),
            observer: Arc::new(()),
        }
    }

    /// The same within an IMAP connection, whose host has seen that the peer is an administrator.
    pub fn within_imap(server_name: &str) -> Config {
        Config { framing: Framing::Imap, ..Config::trusted(server_name) }
    }
}

/// The next thing that only the caller can do.
#[derive(Debug)]
#[must_use = "the session stands still until the step is done"]
pub enum Step {
    /// Read from the peer and pass it to [`Session::receive`].
    NeedInput,
    /// Send these bytes to the peer.
    Write(Bytes),
    /// Perform this operation and pass the result to [`Session::complete`].
    Perform(Op),
    /// Perform this operation on the connection and pass the result to [`Session::complete`]; only with [`Config::channel`].
    Channel(ChannelOp),
    /// In [`Framing::Imap`] alone: the command is answered, the connection is the host's again, and so are these bytes, which
    /// the peer said behind the command. What the host passes to [`Session::receive`] next begins a new command.
    ///
    /// An end of file that was passed with them is the host's again, too: it passes it anew when there is no more to say.
    Return(Bytes),
    /// The operation that was handed out has not been completed yet.
    Paused,
    /// The conversation is over: close the connection.
    Closed,
}

/// Why a connection cannot go on. What was written before it is still to be sent: [`Session::poll`] returns this last.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SessionError {
    /// The peer went away in the middle of a line.
    #[error("the peer closed the connection inside a command")]
    Truncated,
}

/// A mistake of the caller, not of the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Misuse {
    /// The request belongs to another session or was handed out before this one was reset.
    #[error("the request is not the one this session waits for")]
    WrongRequest,
}

type Script = Pin<Box<dyn Future<Output = Result<(), SessionError>> + Send>>;

/// The server's side of one connection. See the [crate's documentation](crate) for the loop that drives it.
pub struct Session {
    io: Io,
    /// `None` once the script has ended.
    script: Option<Script>,
    /// The ticket of the request that was handed out and not answered yet.
    outstanding: Option<u64>,
    /// What to return when the output is written: the script's result.
    ended: Option<Result<(), SessionError>>,
}

impl Session {
    /// A new conversation. In [`Framing::Csync`] the server speaks first: the first step is to write the banner.
    pub fn new(config: Config) -> Session {
        let io = Io::new();
        let script = Box::pin(script::run(io.clone(), config));
        Session { io, script: Some(script), outstanding: None, ended: None }
    }

    /// Takes one read from the peer, without copying it. An empty one is the end of file.
    ///
    /// May be called at any time; what is given before it is asked for is queued.
    pub fn receive(&mut self, input: Bytes) {
        self.io.feed(input);
    }

    /// The next thing that only the caller can do.
    ///
    /// # Errors
    /// [`SessionError`] when the connection is over for a reason the caller may want to log. Later calls return [`Step::Closed`].
    pub fn poll(&mut self) -> Result<Step, SessionError> {
        if self.outstanding.is_some() {
            return Ok(Step::Paused);
        }
        if let Some(script) = &mut self.script {
            match script.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => return Ok(self.next_step()),
                Poll::Ready(result) => {
                    self.script = None;
                    self.ended = Some(result);
                }
            }
        }
        if let Some(output) = self.io.take_output() {
            return Ok(Step::Write(output));
        }
        self.ended.take().unwrap_or(Ok(())).map(|()| Step::Closed)
    }

    /// What the suspended script waits for.
    fn next_step(&mut self) -> Step {
        let step = self.io.take_step();
        if let Step::Perform(_) | Step::Channel(_) = step {
            self.outstanding = Some(self.io.ticket());
        }
        step
    }

    /// Tells the session the result of the operation it asked for.
    ///
    /// # Errors
    /// [`Misuse`] where the request is not the one this session waits for; nothing has changed then.
    pub fn complete<O: Operation>(
        &mut self,
        request: Request<O>,
        reply: Result<O::Reply, Refusal>,
    ) -> Result<(), Misuse> {
        if self.outstanding != Some(request.ticket()) {
            return Err(Misuse::WrongRequest);
        }
        self.outstanding = None;
        self.io.answer::<O>(reply);
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("outstanding", &self.outstanding).field("open", &self.script.is_some()).finish()
    }
}
