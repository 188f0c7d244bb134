//! The lowest layer: bytes to tokens, and strings to bytes.
//!
//! A line is a command word and the tokens of its arguments. [`Scanner`] cuts the peer's bytes into [`Token`]s wherever the
//! reads happen to end, holds no more than one string of bounded length, and never needs a whole line. What it finds wrong
//! it answers by framing: the rest of the line is read to its end by the same rules (literals and files by their declared
//! length), thrown away, and reported once as [`Token::Bad`]; the next line is read as if nothing had happened.
//!
//! The grammar is that of `getword` and `getxstring` (`imap/imapparse.c`) and `dlist_parse` (`imap/dlist.c`), Cyrus 3.12:
//!
//! ```text
//! line    = word *(*space token) *space [CR] LF     at most 64 spaces in a row; also tab, VT, FF
//! word    = 1*octet                                 up to white space, a parenthesis or a quote
//! token   = "(" / "%(" / ")" / string / file
//! string  = atom / flag / quoted / literal
//! atom    = 1*octet                                 ends as a word does; does not begin with " { % \
//! flag    = "\" *octet                              ends as a word does
//! quoted  = <"> *(octet / "\" octet) <">            no bare CR or LF
//! literal = "{" number ["+"] "}" [CR] LF number*octet                      the only strings with NUL in them
//! file    = "%{" string " " string " " number "}" [CR] LF number*octet     partition, GUID, size
//! ```
//!
//! No literal waits for an invitation: clients send `{n+}`; `{n}`, on which the 3.12 server crashes, is taken to mean the same.
//! Other differences from the reference, all of them in what no client sends: a list does not go on over the end of a line;
//! spaces may stand before it; a NUL in an atom or a quoted string is an error instead of its end; a carriage return stands
//! only before a line feed; the bytes of a file whose GUID is malformed are drained; a size of 2^32 or more makes the line
//! bad instead of ending the connection.

mod class;
mod error;
mod scanner;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub(crate) use class::is_tag;
pub use error::{Truncated, WireError};
pub use scanner::Scanner;
pub(crate) use write::put_decimal;
pub use write::{LiteralForm, put_astring, put_literal};

use crate::types::Guid;
use bytes::Bytes;

/// What a [`Scanner`] reads from the peer, in order.
///
/// Every line is one `Word`, the tokens of its arguments, and one `EndOfLine` or `Bad`; a line without a word is `Bad` alone.
/// Parentheses balance before `EndOfLine`, not before `Bad`. Strings are slices of the input where it held them whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// The command word that starts a line, in the case in which it came. Empty for an empty line, which is "Null command"
    /// between commands and an empty response within a SASL exchange.
    Word(Bytes),
    /// A string without quotes; never empty, holds no NUL. An atom `NIL` is the value nil, which is up to the reader of values.
    Atom(Bytes),
    /// A string that came in quotes, without them and with its escapes undone; holds no NUL.
    Quoted(Bytes),
    /// A string that came as a literal; may hold any byte.
    Literal(Bytes),
    /// An atom that begins with a backslash, which is part of it; holds no NUL.
    Flag(Bytes),
    /// `(`
    ListStart,
    /// `%(`
    KvListStart,
    /// `)`, of either kind of list.
    ListEnd,
    /// A file literal begins: as many bytes of [`FileData`](Token::FileData) as it says follow, then [`FileEnd`](Token::FileEnd), with no
    /// other token between.
    FileStart(Box<FileRef>),
    /// The next bytes of the file, never empty: always a slice of the input.
    FileData(Bytes),
    /// The file's declared bytes have all been read.
    FileEnd,
    /// The line ended well.
    EndOfLine,
    /// The line was bad. It has been read to its end and what followed the error was thrown away; takes the place of
    /// [`EndOfLine`](Token::EndOfLine). Of several errors in a line this is the first.
    Bad(WireError),
}

/// What a file literal says of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRef {
    /// The partition's name, unchecked.
    pub partition: Bytes,
    /// The GUID that the peer says the bytes have.
    pub guid: Guid,
    /// Bytes in the file.
    pub size: u32,
}

/// The bounds of a [`Scanner`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WireLimits {
    /// Bytes in a literal, a quoted string, an atom or a word. Above it the string is drained and the line is bad.
    pub max_string: u32,
    /// Lists within lists. The deepest thing that any release sends has five.
    pub max_depth: u32,
}

impl Default for WireLimits {
    /// 128 KiB, as `maxliteral`, `maxquoted` and `maxword` of imapd.conf, and 64 lists.
    fn default() -> WireLimits {
        WireLimits { max_string: 128 * 1024, max_depth: 64 }
    }
}
