//! Values: what the tokens of a line, a `mailboxes.db` entry or a `cyrus.header` say.
//!
//! A value is a string, a list of values, a list of key and value pairs, a file or nil; it knows nothing of what it means.
//! Three ways lead to it and one from it:
//!
//! - [`Builder`] grows the one item (`NAME value`) of a command line from [`Token`](crate::wire::Token)s. Elements of long lists
//!   leave it one by one as they are complete, so that a line of a million records needs the memory of one.
//! - [`parse`] reads a value from memory by the rules of the databases (`dlist_parsesax`).
//! - [`Value`] offers what it holds as text, number, GUID and so on, by the rules of `dlist_to…`.
//! - [`Writer`] prints replies and database values as `dlist_print` does.
//!
//! Source: `imap/dlist.c` of Cyrus 3.12.

mod build;
mod parse;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use crate::wire::FileRef;
pub use build::{Builder, DlistError, Event, Item, StreamRule};
pub use parse::{ParseError, parse};
pub use value::{KvList, Value};
pub use write::Writer;
