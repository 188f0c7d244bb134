//! The blocking drive loop: a session, a store and a stream.

use crate::{
    ops::{Channel, ContinueLogin, Login, Offer, ReadOffer, Refusal, StartLayer, StartLogin, Store},
    session::{Misuse, Session, SessionError, Step},
};
use bytes::{Bytes, BytesMut};
use std::io::{self, Read, Write};

/// Bytes asked for with one read at first: most lines are shorter, and short conversations shall cost little.
const FIRST_READ: usize = 4 * 1024;

/// Bytes asked for with one read at most: large enough that messages arrive in few pieces.
const LARGEST_READ: usize = 256 * 1024;

/// How much more is asked for after a read that got all it asked for.
const GROWTH: usize = 8;

/// Why [`serve`] ended before the conversation did.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The connection cannot go on.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Reading from or writing to the stream failed.
    #[error("the connection failed: {0}")]
    Stream(#[from] io::Error),
    /// A bug in this crate.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}

/// Serves one connection until the peer says EXIT or goes away.
///
/// In [`Framing::Imap`](crate::session::Framing::Imap), which has no EXIT, it is a connection of nothing but the commands of
/// that framing; [`serve_command`] serves one of them within an IMAP server.
///
/// # Errors
/// [`ServeError`] where the conversation ended in another way. The store is in order whatever happened.
pub fn serve(session: &mut Session, store: &mut dyn Store, stream: &mut (impl Read + Write)) -> Result<(), ServeError> {
    serve_channel(session, store, &mut Bare(stream))
}

/// Serves one connection that can be wrapped in layers and whose peer can log in
/// ([`Config::channel`](crate::session::Config::channel)). What it reads and writes is what the layers that were started have
/// unwrapped and are to wrap.
///
/// # Errors
/// [`ServeError`] where the conversation ended in another way. The store is in order whatever happened.
pub fn serve_channel(
    session: &mut Session,
    store: &mut dyn Store,
    stream: &mut (impl Read + Write + Channel),
) -> Result<(), ServeError> {
    let mut input = Input::default();
    while let Some(rest) = run(session, store, stream, &mut input)? {
        if !rest.is_empty() {
            session.receive(rest);
        }
    }
    Ok(())
}

/// Serves one command of an IMAP connection: one whose line [`recognize`](crate::session::recognize) knows. The loop around
/// it is shown at [`Framing::Imap`](crate::session::Framing::Imap).
///
/// `said` is what the host has read of the connection from the first byte of the command's tag on, be it more or less than
/// the line. The result is what the peer said behind the command, as far as it was read. An empty `said` is the end of file,
/// as in [`Session::receive`]: the session discards what is staged and is over.
///
/// # Errors
/// [`ServeError`] where the connection cannot go on. The store is in order whatever happened.
pub fn serve_command(
    session: &mut Session,
    store: &mut dyn Store,
    stream: &mut (impl Read + Write),
    said: Bytes,
) -> Result<Bytes, ServeError> {
    session.receive(said);
    Ok(run(session, store, &mut Bare(stream), &mut Input::default())?.unwrap_or_default())
}

/// Runs a session until it is over or gives the connection back, with what it read too much.
fn run(
    session: &mut Session,
    store: &mut dyn Store,
    stream: &mut (impl Read + Write + Channel),
    input: &mut Input,
) -> Result<Option<Bytes>, ServeError> {
    loop {
        match session.poll()? {
            Step::NeedInput => session.receive(input.read(stream)?),
            Step::Write(output) => {
                stream.write_all(&output)?;
                stream.flush()?;
            }
            Step::Perform(op) => op.perform(session, store)?,
            Step::Channel(op) => op.perform(session, stream)?,
            Step::Return(rest) => return Ok(Some(rest)),
            Step::Paused | Step::Closed => return Ok(None),
        }
    }
}

/// A stream to which nothing can be done.
struct Bare<'a, S>(&'a mut S);

impl<S: Read> Read for Bare<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Write> Write for Bare<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S> Channel for Bare<'_, S> {
    fn read_offer(&mut self, _: &ReadOffer) -> Result<Offer, Refusal> {
        Ok(Offer::default())
    }

    fn start_login(&mut self, _: &StartLogin) -> Result<Login, Refusal> {
        Err(Refusal::Protocol)
    }

    fn continue_login(&mut self, _: &ContinueLogin) -> Result<Login, Refusal> {
        Err(Refusal::Protocol)
    }

    fn start_layer(&mut self, _: &StartLayer) -> Result<(), Refusal> {
        Err(Refusal::Protocol)
    }
}

/// A read buffer whose filled part is given away without copying; what is not filled is used for the next read.
struct Input {
    buffer: BytesMut,
    /// Bytes that the next buffer has.
    size: usize,
}

impl Default for Input {
    fn default() -> Input {
        Input { buffer: BytesMut::new(), size: FIRST_READ }
    }
}

impl Input {
    fn read(&mut self, stream: &mut impl Read) -> io::Result<Bytes> {
        if self.buffer.len() < self.size / 4 {
            self.buffer = BytesMut::zeroed(self.size);
        }
        let length = loop {
            match stream.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if length == self.buffer.len() {
            self.size = (self.size * GROWTH).min(LARGEST_READ);
        }
        Ok(self.buffer.split_to(length).freeze())
    }
}
