//! Cyrus databases shown by Cyrus: one line per record, in the database's order.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sha1::{Digest, Sha1};

use crate::rig::Result;
use crate::rig::instance::Instance;
use crate::rig::release::run;

/// Which `cyr_dbtool` backend a file belongs to, by how it begins.
pub fn format(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xa1, 0x02, 0x8b, 0x0d, b't', b'w', b'o', b's', b'k', b'i', b'p', ..] => Some("twoskip"),
        [0xa1, 0x02, 0x8b, 0x0d, b's', b'k', b'i', b'p', b'l', b'i', b's', b't', ..] => Some("skiplist"),
        _ => None,
    }
}

pub fn lines(instance: &Instance, path: &str, format: &str, bytes: &[u8]) -> Result<Vec<String>> {
    let shown = shown(instance, path, format, bytes)?;
    let lines = shown.split(|&b| b == b'\n').map(|line| line.escape_ascii().to_string().replacen("\\t", "\t", 1));
    let lines = lines.map(|line| if path.ends_with("mailboxes.db") { without_mtime(&line) } else { line });
    Ok(std::iter::once(format!("backend={format}")).chain(lines).collect())
}

/// What `cyr_dbtool` shows; of files of the same bytes, which many empty ones are, only the first is looked at.
fn shown(instance: &Instance, path: &str, format: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    static KNOWN: Mutex<BTreeMap<Vec<u8>, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let sum = Sha1::digest(bytes).to_vec();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(shown) = known().get(&sum) {
        return Ok(shown.clone());
    }
    let mut command = instance.tool("cyr_dbtool");
    command.args([&format!("{}/{path}", instance.directory), format, "show"]);
    let shown = run(command)?.stdout;
    known().insert(sum, shown.clone());
    Ok(shown)
}

/// A mailboxes.db entry without its ` M seconds`, the times at which this server wrote it or one of its former names.
fn without_mtime(line: &str) -> String {
    let mut parts = line.split(" M ");
    let before = parts.next().unwrap_or_default().to_string();
    parts.fold(before, |entry, part| format!("{entry} M *{}", part.trim_start_matches(|c: char| c.is_ascii_digit())))
}
