//! What stands for what in a conversation. The innermost `{{…}}` is replaced first.
//!
//! | | |
//! |---|---|
//! | `{{user}}`, `{{inbox}}` | the conversation's user, and the internal name of that user's INBOX |
//! | `{{id}}`, `{{id x}}` | a unique id of this conversation, and another one for each x |
//! | `{{file 1}}`, `{{file 1 \| other}}` | message 1 as an upload, to partition `default` or another one |
//! | `{{guid 1}}`, `{{size 1}}` | its GUID and its length |
//! | `{{record 1}}`, `{{record 1 \| KEY value \| -KEY}}` | its record with that uid; a field set, a field left out |
//! | `{{mailbox}}`, `{{mailbox \| KEY value \| -KEY}}` | what a 3.12 master says of the user's INBOX, without messages |
//! | `{{literal text}}` | text as a literal |
//! | `{{bytes 0d0a}}` | bytes in hexadecimal |
//! | `{{times 100 text}}` | text, that often |

use std::collections::BTreeSet;

use sha1::{Digest, Sha1};

use crate::rig::{Failure, Result};

/// Expands the lines of one conversation.
pub struct Notation {
    name: String,
    ids: BTreeSet<String>,
}

impl Notation {
    pub fn new(name: &str) -> Notation {
        Notation { name: name.to_string(), ids: BTreeSet::new() }
    }

    /// The unique ids that were used.
    pub fn ids(self) -> Vec<String> {
        self.ids.into_iter().collect()
    }

    pub fn expand(&mut self, line: &str) -> Result<Vec<u8>> {
        let mut line = line.as_bytes().to_vec();
        while let Some(end) = find(&line, b"}}") {
            let start = line[..end].windows(2).rposition(|two| two == b"{{");
            let start = start.ok_or_else(|| Failure::new(format!("{}: a stray }}}}", self.name)))?;
            let replacement = self.replacement(&line[start + 2..end])?;
            line.splice(start..end + 2, replacement);
        }
        Ok(line)
    }

    fn replacement(&mut self, notation: &[u8]) -> Result<Vec<u8>> {
        let space = notation.iter().position(|&b| b == b' ').unwrap_or(notation.len());
        let (word, rest) = (&notation[..space], notation.get(space + 1..).unwrap_or_default());
        let text = String::from_utf8_lossy(rest).into_owned();
        Ok(match word {
            b"user" => self.name.clone().into_bytes(),
            b"inbox" => format!("user.{}", self.name).into_bytes(),
            b"id" => self.id(&text).into_bytes(),
            b"file" => file(&text),
            b"guid" => guid(&message(&text)).into_bytes(),
            b"size" => message(&text).len().to_string().into_bytes(),
            b"record" => record(&text).into_bytes(),
            b"mailbox" => self.mailbox(&text).into_bytes(),
            b"literal" => [format!("{{{}+}}\r\n", rest.len()).as_bytes(), rest].concat(),
            b"bytes" => (0..text.len() / 2)
                .map(|n| u8::from_str_radix(&text[2 * n..2 * n + 2], 16))
                .collect::<std::result::Result<_, _>>()?,
            b"times" => {
                let (count, what) = text.split_once(' ').unwrap_or((&text, ""));
                what.repeat(count.parse()?).into_bytes()
            }
            word => return Err(Failure::new(format!("{}: {{{{{}}}}}", self.name, word.escape_ascii()))),
        })
    }

    fn id(&mut self, which: &str) -> String {
        let sum = format!("{:x}", Sha1::digest(format!("{} {which}", self.name)));
        let id = sum[..24].to_string();
        self.ids.insert(id.clone());
        id
    }

    fn mailbox(&mut self, changes: &str) -> String {
        let (id, inbox) = (self.id(""), format!("user.{}", self.name));
        let acl = format!("\"{}\tlrswipkxtecdan\t\"", self.name);
        let mut fields = vec![("UNIQUEID", id.as_str()), ("MBOXNAME", &inbox)];
        fields.extend(MAILBOX);
        fields.extend([("ACL", acl.as_str()), ("RECORD", "()")]);
        with(&fields, changes)
    }
}

/// What a master says of a mailbox, but for its names. Checksums of 0 are not compared.
const MAILBOX: [(&str, &str); 15] = [
    ("SYNC_CRC", "0"),
    ("SYNC_CRC_ANNOT", "0"),
    ("LAST_UID", "0"),
    ("HIGHESTMODSEQ", "10"),
    ("RECENTUID", "0"),
    ("RECENTTIME", "0"),
    ("LAST_APPENDDATE", "0"),
    ("POP3_LAST_LOGIN", "0"),
    ("POP3_SHOW_AFTER", "0"),
    ("UIDVALIDITY", "1500000000"),
    ("PARTITION", "default"),
    ("OPTIONS", "P"),
    ("CREATEDMODSEQ", "1"),
    ("FOLDERMODSEQ", "10"),
    ("USERFLAGS", "()"),
];

fn record(text: &str) -> String {
    let (number, changes) = text.split_once(" |").unwrap_or((text, ""));
    let (size, guid) = (message(number).len().to_string(), guid(&message(number)));
    let fields = [
        ("UID", number),
        ("MODSEQ", "5"),
        ("LAST_UPDATED", "1500000100"),
        ("FLAGS", "()"),
        ("INTERNALDATE", "1500000200"),
        ("SIZE", &size),
        ("GUID", &guid),
    ];
    with(&fields, changes)
}

/// Fields as `%(KEY value …)` after changes, which are `KEY value` or `-KEY`, each behind a `|`.
fn with(fields: &[(&str, &str)], changes: &str) -> String {
    let mut fields: Vec<(String, String)> = fields.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    for change in changes.split('|').map(str::trim).filter(|change| !change.is_empty()) {
        if let Some(absent) = change.strip_prefix('-') {
            fields.retain(|(key, _)| key != absent);
            continue;
        }
        let (key, value) = change.split_once(' ').unwrap_or((change, ""));
        match fields.iter_mut().find(|(known, _)| known == key) {
            Some(field) => field.1 = value.to_string(),
            None => fields.push((key.to_string(), value.to_string())),
        }
    }
    let pairs: Vec<String> = fields.iter().map(|(key, value)| format!("{key} {value}")).collect();
    format!("%({})", pairs.join(" "))
}

/// The message that a number stands for.
fn message(number: &str) -> Vec<u8> {
    format!("From: <u{number}@example.org>\r\nSubject: {number}\r\n\r\nMessage {number}\r\n").into_bytes()
}

fn guid(message: &[u8]) -> String {
    format!("{:x}", Sha1::digest(message))
}

fn file(text: &str) -> Vec<u8> {
    let (number, partition) = text.split_once(" | ").unwrap_or((text, "default"));
    let message = message(number);
    let head = format!("%{{{partition} {} {}}}\r\n", guid(&message), message.len());
    [head.as_bytes(), &message].concat()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
