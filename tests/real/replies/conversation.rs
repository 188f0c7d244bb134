//! The conversations, read from their files.
//!
//! `# name: what it shows` begins one; what follows are the lines that are said, and `EXIT` behind them. A line that begins
//! with two spaces goes on with the one before it. `@` begins a line that stands for others, or says something of the
//! conversation:
//!
//! | | |
//! |---|---|
//! | `@mailbox` | makes the user's INBOX, with no messages |
//! | `@messages` | makes the user's INBOX, with the messages 1 and 2 |
//! | `@cut` | the connection ends within the line before, without `EXIT` |
//! | `@since 3.12` | not said to older releases |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::notation::Notation;
use crate::rig::release::Release;
use crate::rig::{Failure, Result};

pub struct Conversation {
    /// Names the conversation, and the user that is talked about: conversations do not disturb each other.
    pub name: String,
    pub said: Vec<u8>,
    /// The unique ids in it.
    pub ids: Vec<String>,
    since_3_12: bool,
}

const MAILBOX: &str = "APPLY MAILBOX {{mailbox}}";
const MESSAGES: [&str; 2] = [
    "APPLY MESSAGE ({{file 1}} {{file 2}})",
    "APPLY MAILBOX {{mailbox | LAST_UID 2 | RECORD ({{record 1}} {{record 2}})}}",
];

impl Conversation {
    fn parse(name: &str, text: &str) -> Result<Conversation> {
        let mut notation = Notation::new(name);
        let (mut said, mut since_3_12) = (Vec::new(), false);
        for line in text.replace("\n  ", " ").lines().filter(|line| !line.is_empty()) {
            let lines = match line {
                "@mailbox" => vec![MAILBOX],
                "@messages" => MESSAGES.to_vec(),
                "@since 3.12" => {
                    since_3_12 = true;
                    continue;
                }
                "@cut" => {
                    said.truncate(said.len().saturating_sub(2));
                    return Ok(Conversation { name: name.to_string(), said, ids: notation.ids(), since_3_12 });
                }
                line => vec![line],
            };
            for line in lines {
                said.extend(notation.expand(line)?);
                said.extend_from_slice(b"\r\n");
            }
        }
        said.extend_from_slice(b"EXIT\r\n");
        Ok(Conversation { name: name.to_string(), said, ids: notation.ids(), since_3_12 })
    }

    /// Whether a word is in what is said.
    pub fn says(&self, word: &str) -> bool {
        word.is_empty() || self.said.windows(word.len()).any(|window| window == word.as_bytes())
    }

    /// Whether a path or a line of a file is about this conversation.
    pub fn is_about(&self, text: &str) -> bool {
        let whole = |at: usize| {
            let (before, behind) = (text[..at].chars().next_back(), text[at + self.name.len()..].chars().next());
            let part = |c: char| c == '-' || c.is_ascii_alphanumeric();
            // `\x1f`, as which a database's separator is shown, ends in a letter.
            let separated = text[..at].ends_with("\\x1f") || !before.is_some_and(part);
            separated && !behind.is_some_and(part)
        };
        self.ids.iter().any(|id| text.contains(id.as_str())) || text.match_indices(&self.name).any(|(at, _)| whole(at))
    }

    /// The text with the conversation's own names as the notation has them.
    pub fn generic(&self, text: &str) -> String {
        let text = self.ids.iter().fold(text.to_string(), |text, id| {
            let hashed = format!("uuid/{}/{}/{id}", &id[..1], &id[1..2]);
            text.replace(&hashed, "uuid/{{id}}").replace(id, "{{id}}")
        });
        without_made_up_ids(&text.replace(&self.name, "{{user}}"))
    }
}

/// The text with each unique id that a server made up as `{{made}}`: 24 letters and digits.
pub fn without_made_up_ids(text: &str) -> String {
    let made = |word: &str| word.len() == 24 && word.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
    let part = |c: char| c == '/' || c == ' ' || c == 'I';
    let mut shown = text.to_string();
    for id in text.split(part).filter(|word| made(word)) {
        let hashed = format!("uuid/{}/{}/{id}", &id[..1], &id[1..2]);
        shown = shown.replace(&hashed, "uuid/{{made}}").replace(id, "{{made}}");
    }
    shown
}

/// All conversations that this release is to hear; those that say FORCE come last.
pub fn all(release: Release) -> Result<Vec<Conversation>> {
    let mut conversations = Vec::new();
    let mut names = BTreeSet::new();
    for file in files()? {
        let text = std::fs::read_to_string(&file)?;
        for block in text.split("\n# ").skip(1) {
            let (heading, lines) = block.split_once('\n').unwrap_or((block, ""));
            let (name, _) = heading.split_once(": ").ok_or_else(|| Failure::new(format!("no name: {heading}")))?;
            if !names.insert(name.to_string()) {
                return Err(Failure::new(format!("two conversations are called {name}")));
            }
            conversations.push(Conversation::parse(name, lines)?);
        }
    }
    // The reference's processes keep FORCE for the connections that follow.
    conversations.sort_by_key(|conversation| {
        let said = conversation.said.to_ascii_lowercase();
        said.windows(12).any(|window| window == b"apply force ")
    });
    conversations.retain(|conversation| release == Release::V312 || !conversation.since_3_12);
    Ok(conversations)
}

fn files() -> Result<Vec<PathBuf>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/replies/conversations");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}
