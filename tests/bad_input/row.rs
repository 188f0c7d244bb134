//! One row of the tables: what a client says, and what it is told.

use crate::{commands, fields, names, syntax, updates, uploads};
use bytes::Bytes;
use std::fmt::Display;

pub fn bad_parameters(command: &str, what: impl Display) -> String {
    format!("NO IMAP_PROTOCOL_BAD_PARAMETERS {command} {what}\r\n")
}

pub const CANNOT_PARSE_APPLY: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line\r\n";
pub const CANNOT_PARSE_GET: &str = "BAD IMAP_PROTOCOL_ERROR Failed to parse GET line\r\n";

/// What a client says, and what it is told. Nothing is changed by it.
pub struct Bad {
    pub name: String,
    pub client: Bytes,
    pub server: String,
}

/// One or more lines without their last line end, and the reply.
pub fn bad(name: impl Display, client: impl AsRef<[u8]>, server: impl Into<String>) -> Bad {
    let client = [client.as_ref(), b"\r\n"].concat();
    Bad { name: name.to_string(), client: client.into(), server: server.into() }
}

impl Bad {
    #[track_caller]
    pub fn assert_told(&self, how: &str, told: &Bytes, expected: &str) {
        assert_eq!(String::from_utf8_lossy(told), expected, "{}, {how}", self.name);
    }
}

pub fn all() -> Vec<Bad> {
    let tables = [
        syntax::bad_syntax(),
        uploads::bad_uploads(),
        names::bad_names(),
        fields::bad_fields(),
        commands::bad_commands(),
        updates::bad_updates(),
    ];
    tables.into_iter().flatten().collect()
}
