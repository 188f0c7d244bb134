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
    /// Within a connection to an IMAP server that offers `X-REPLICATION`: `tag SYNCAPPLY …`, `SYNCGET`, `SYNCRESTORE` and
    /// `SYNCRESTART`, each ended by a line with the tag. The IMAP server has the connection and greets, logs in and answers
    /// all else; it hands over the lines that [`recognize`] knows, and [`Step::Return`](super::Step::Return) gives it the
    /// connection back.
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
