//! The two ways in which the same commands are framed, and what differs in their words.
//!
//! Source: `cmdloop` of `imap/sync_server.c` and of `imap/imapd.c`, release 3.12.

use super::script::Verb;
use crate::wire::is_tag;

/// How commands and their ends are framed.
///
/// Items, values, untagged lines and the words behind `OK` and `NO` are the same in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Framing {
    /// A connection of its own, to `sync_server`: a banner, then `APPLY …` and its like until `EXIT`.
    #[default]
    Csync,
    /// Within a connection to an IMAP server that offers `X-REPLICATION` (and `X-SIEVE-MAILBOX`) to administrators:
    /// `tag SYNCAPPLY …`, `SYNCGET`, `SYNCRESTORE` and `SYNCRESTART`, each ended by a line with the tag. The host, which is
    /// the IMAP server, greets, logs in and answers all else.
    ///
    /// It hands over the connection where a line is one that [`recognize`] knows, and gets it back with
    /// [`Step::Return`](super::Step::Return). What was staged, FORCE and `SIEVE-MAILBOX` last from one command to the next;
    /// where the connection ends, the host tells the session so, which then discards what is staged. One session belongs to
    /// one login: another user needs another session.
    ///
    /// ```
    /// use bytes::{Bytes, BytesMut};
    /// use std::io::{Read, Write};
    /// use sync_server::{drive::{ServeError, serve_command}, ops::Store, session::{Config, Recognition, Session, recognize}};
    ///
    /// fn serve_imap(store: &mut dyn Store, stream: &mut (impl Read + Write)) -> Result<(), ServeError> {
    ///     let mut session = Session::new(Config::within_imap("imap.example.org"));
    ///     let (mut read, mut buffer) = (BytesMut::new(), [0; 4096]);
    ///     loop {
    ///         let end = read.iter().position(|byte| *byte == b'\n');
    ///         match (recognize(&read), end) {
    ///             (Recognition::Ours, _) => {
    ///                 read = serve_command(&mut session, store, stream, read.freeze())?.into();
    ///             }
    ///             (Recognition::Other, Some(end)) => own_command(&read.split_to(end + 1), stream)?,
    ///             _ => match stream.read(&mut buffer)? {
    ///                 0 => break,
    ///                 length => read.extend_from_slice(&buffer[..length]),
    ///             },
    ///         }
    ///     }
    ///     serve_command(&mut session, store, stream, Bytes::new())?; // discards what is staged
    ///     Ok(())
    /// }
    ///
    /// # fn own_command(line: &[u8], stream: &mut impl Write) -> Result<(), ServeError> {
    /// #     let tag = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    /// #     stream.write_all(&[tag, b" OK by the host\r\n"].concat())?;
    /// #     Ok(())
    /// # }
    /// # struct Stream(&'static [u8], Vec<u8>);
    /// # impl Read for Stream {
    /// #     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> { self.0.read(buffer) }
    /// # }
    /// # impl Write for Stream {
    /// #     fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> { self.1.write(bytes) }
    /// #     fn flush(&mut self) -> std::io::Result<()> { Ok(()) }
    /// # }
    /// let said = b"a1 NOOP\r\na2 SYNCGET USER jane\r\na3 NOOP\r\n";
    /// # let mut stream = Stream(said, Vec::new());
    /// # serve_imap(&mut sync_server::store::MemoryStore::new(), &mut stream)?;
    /// # let heard = stream.1;
    /// // … are answered:
    /// assert_eq!(heard, b"a1 OK by the host\r\na2 OK success\r\na3 OK by the host\r\n");
    /// # Ok::<(), ServeError>(())
    /// ```
    Imap,
}

/// Whose command a line of IMAP is, as far as its front tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recognition {
    /// One of the four of [`Framing::Imap`]: a session takes it from the first byte of its tag.
    Ours,
    /// Any other, or no command.
    Other,
    /// More bytes are needed to tell.
    Unclear,
}

/// Whose command a line of IMAP is that begins so. The host bounds how much of an unclear line it keeps.
///
/// ```
/// use sync_server::session::{Recognition, recognize};
///
/// assert_eq!(recognize(b"S1 SyncGet USER jane\r\n"), Recognition::Ours);
/// assert_eq!(recognize(b"S1 SYNCGET"), Recognition::Unclear);
/// assert_eq!(recognize(b"S1 SYNCOPATE\r\n"), Recognition::Other);
/// ```
pub fn recognize(line: &[u8]) -> Recognition {
    let Some(space) = line.iter().position(|byte| *byte == b' ') else {
        return if line.is_empty() || is_tag(line) { Recognition::Unclear } else { Recognition::Other };
    };
    let (tag, rest) = (&line[..space], &line[space + 1..]);
    if !is_tag(tag) {
        return Recognition::Other;
    }
    match rest.iter().position(|byte| !byte.is_ascii_alphabetic()) {
        Some(end) if matches!(rest[end], b' ' | b'\r' | b'\n') && Verb::of_imap(&rest[..end]).is_some() => {
            Recognition::Ours
        }
        Some(_) => Recognition::Other,
        None if Verb::ALL.iter().any(|verb| begins(Framing::Imap.name(*verb), rest)) => Recognition::Unclear,
        None => Recognition::Other,
    }
}

fn begins(name: &str, front: &[u8]) -> bool {
    name.as_bytes().get(..front.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(front))
}

impl Framing {
    /// What a command is called in replies.
    pub(super) fn name(self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Framing::Csync, Verb::Apply) => "Apply",
            (Framing::Csync, Verb::Get) => "Get",
            (Framing::Csync, Verb::Restart) => "Restart",
            (Framing::Csync, Verb::Restore) => "Restore",
            (Framing::Imap, Verb::Apply) => "Syncapply",
            (Framing::Imap, Verb::Get) => "Syncget",
            (Framing::Imap, Verb::Restart) => "Syncrestart",
            (Framing::Imap, Verb::Restore) => "Syncrestore",
        }
    }

    /// The answer to a command whose line cannot be parsed.
    pub(super) fn unparsed(self, verb: Verb) -> String {
        match self {
            Framing::Csync => format!("BAD IMAP_PROTOCOL_ERROR Failed to parse {} line", verb.name()),
            Framing::Imap => format!("BAD Replication parse failure in {}", self.name(verb)),
        }
    }

    /// The answer to a peer that may not use the command; `None` if anybody may.
    pub(super) fn forbidden(self, verb: Verb) -> Option<String> {
        match (self, verb) {
            (Framing::Csync, Verb::Restart) => None,
            (Framing::Csync, _) => Some("NO Please authenticate first".to_owned()),
            (Framing::Imap, _) => Some(format!("NO only administrators may use {} command", self.name(verb))),
        }
    }
}
