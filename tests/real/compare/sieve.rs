//! Scripts a replica got by APPLY SIEVE lie in a mailbox that it made itself: its unique id, its uidvalidity and the
//! headers of its messages are the replica's own. Here such a mailbox gets a name that two replicas share.

use std::collections::BTreeMap;

type Files = BTreeMap<String, Vec<String>>;

/// How such a mailbox's entry begins behind its owner's name, and the tombstone's that it leaves.
const MARKS: [&str; 2] = ["\\x1f#sieve\t%(T f I ", "\\x1f#sieve\t%(T ed I "];
const SPOOL: &str = "spool/uuid/";

/// A script mailbox's unique id, and the name that both replicas' get here.
#[derive(Clone)]
pub struct Renamed {
    id: String,
    name: String,
}

/// The script mailboxes that mailboxes.db names.
pub fn ids(files: &Files) -> Vec<Renamed> {
    let entries = files.get("conf/mailboxes.db").into_iter().flatten();
    let named = |line: &String| {
        let (before, rest) = MARKS.iter().find_map(|mark| line.split_once(mark))?;
        let owner = before.rsplit("\\x1f").next()?;
        Some(Renamed { id: rest.split(' ').next()?.to_string(), name: format!("SIEVE:{owner}") })
    };
    entries.filter_map(named).collect()
}

/// The same files with the ids of either replica's script mailboxes replaced, and what follows from them left out.
pub fn renamed(files: Files, ids: &[Renamed]) -> Files {
    let hashed = |path: &str| ids.iter().any(|known| is_hash_directory(path, &known.id));
    let kept = files.into_iter().filter(|(path, _)| !hashed(path));
    kept.map(|(path, lines)| match ids.iter().find(|known| path.contains(known.id.as_str())) {
        Some(Renamed { id, name }) => {
            (format!("{SPOOL}{name}{}", path.split(id.as_str()).nth(1).unwrap_or_default()), own(&path, lines))
        }
        None if path == "conf/mailboxes.db" => (path, entries(lines, ids)),
        None => (path, lines),
    })
    .collect()
}

/// A script without the message headers that carry its random id, the time and the server's name.
pub fn script(message: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(message).ok()?;
    let own = |line: &&str| !["From:", "Date:", "Message-ID:", "\tfilename="].iter().any(|own| line.starts_with(own));
    let lines = || text.lines().filter(own).enumerate().map(|(n, line)| format!("{n}={line}"));
    text.contains("Content-Type: application/sieve").then(|| lines().collect())
}

/// Of a file in a script mailbox: all of a message, the mode of the others.
fn own(path: &str, mut lines: Vec<String>) -> Vec<String> {
    if !path.ends_with('.') {
        lines.truncate(1);
    }
    lines
}

/// mailboxes.db in the order of the shared names.
fn entries(lines: Vec<String>, ids: &[Renamed]) -> Vec<String> {
    let masked = |line: String| {
        let line = ids.iter().fold(line, |line, known| line.replace(&known.id, &known.name));
        let Some((before, after)) = line.split_once(" V ").filter(|_| line.contains("#sieve")) else { return line };
        format!("{before} V *{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    let mut lines: Vec<String> = lines.into_iter().map(masked).collect();
    lines.sort();
    lines
}

/// `spool/uuid/i/` and `spool/uuid/i/d/`, which are there because of `id…`.
fn is_hash_directory(path: &str, id: &str) -> bool {
    let levels: Vec<&str> = path.strip_prefix(SPOOL).unwrap_or_default().split_terminator('/').collect();
    match levels[..] {
        [first] => id.starts_with(first),
        [first, second] => id.starts_with(&format!("{first}{second}")),
        _ => false,
    }
}
