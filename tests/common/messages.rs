//! Messages, mailboxes and records as a client sends them.

use sha1::{Digest, Sha1};
use std::fmt;
use sync_server::types::Guid;

/// A message's GUID.
pub fn guid(message: &[u8]) -> Guid {
    Guid::from_bytes(Sha1::digest(message).into())
}

/// `APPLY MESSAGE` with these messages.
pub fn upload(messages: &[&[u8]]) -> Vec<u8> {
    let mut line = b"APPLY MESSAGE (".to_vec();
    for (number, message) in messages.iter().enumerate() {
        let space = if number == 0 { "" } else { " " };
        let head = format!("{space}%{{default {} {}}}\r\n", guid(message), message.len());
        line.extend_from_slice(head.as_bytes());
        line.extend_from_slice(message);
    }
    line.extend_from_slice(b")\r\n");
    line
}

/// Names and values, printed as `%(NAME value …)`.
#[derive(Clone)]
pub struct Fields(Vec<(&'static str, String)>);

impl Fields {
    pub fn new(fields: &[(&'static str, &str)]) -> Fields {
        Fields(fields.iter().map(|(name, value)| (*name, value.to_string())).collect())
    }

    /// With another value for this name, or with this name too.
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Fields {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some(field) => field.1 = value.to_string(),
            None => self.0.push((name, value.to_string())),
        }
        self
    }

    /// Without this name.
    pub fn without(mut self, name: &str) -> Fields {
        self.0.retain(|(known, _)| *known != name);
        self
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.0.iter().map(|(name, value)| format!("{name} {value}")).collect();
        write!(f, "%({})", pairs.join(" "))
    }
}

/// What a 3.12 master says of a mailbox without records. Checksums of 0 are not compared.
pub fn mailbox(name: &str, uniqueid: &str) -> Fields {
    Fields::new(&[
        ("UNIQUEID", uniqueid),
        ("MBOXNAME", name),
        ("SYNC_CRC", "0"),
        ("SYNC_CRC_ANNOT", "0"),
        ("LAST_UID", "0"),
        ("HIGHESTMODSEQ", "10"),
        ("RECENTUID", "0"),
        ("RECENTTIME", "0"),
        ("LAST_APPENDDATE", "0"),
        ("POP3_LAST_LOGIN", "0"),
        ("POP3_SHOW_AFTER", "0"),
        ("UIDVALIDITY", "1795464235"),
        ("PARTITION", "default"),
        ("ACL", "\"u1\tlrswipkxtecdan\t\""),
        ("OPTIONS", "P"),
        ("CREATEDMODSEQ", "1"),
        ("FOLDERMODSEQ", "10"),
        ("USERFLAGS", "()"),
        ("RECORD", "()"),
    ])
}

/// A message's record.
pub fn record(uid: u32, message: &[u8]) -> Fields {
    Fields::new(&[
        ("UID", &uid.to_string()),
        ("MODSEQ", "5"),
        ("LAST_UPDATED", "1795464234"),
        ("FLAGS", "()"),
        ("INTERNALDATE", "1795464234"),
        ("SIZE", &message.len().to_string()),
        ("GUID", &guid(message).to_string()),
    ])
}

/// A list of records, as the value of `RECORD`.
pub fn records(records: &[Fields]) -> String {
    let records: Vec<String> = records.iter().map(Fields::to_string).collect();
    format!("({})", records.join(" "))
}
