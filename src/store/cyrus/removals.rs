//! The breaker: peers may remove so many mailboxes in so much time, and no more (`sync_server_max_deletes`).
//!
//! What was removed is counted over all processes in one small file, `sync_server.removals` in the configuration directory:
//!
//! ```text
//! SECONDS COUNT
//! ```
//!
//! a line for each sixtieth of the time in which something was removed: when it began, in seconds since 1970, and how many
//! mailboxes. A file that cannot be read as this counts for nothing and is written anew. What is refused is not counted, so
//! that a master which tries again and again does not prolong it.
//!
//! The file `sync_server.allow-deletes` beside it lifts the limit for as long as the limit's own time, from its modification
//! on: one `touch` lets a deletion through that is meant, and nobody has to think of removing it.

use super::{
    disk::{DiskFile, Lock, open_or_make, wait_lock},
    error::StoreError,
    safety::RemovalLimit,
    spool::Spool,
};
use crate::{event::Severity, ops::Refusal};
use std::{fmt::Display, io, path::PathBuf};

/// Parts of the time that are counted apart: how far off the count can be, and how many lines the file has.
const PARTS: i64 = 60;
/// Bytes of the file that are read: some more than its lines can have.
const MAX_FILE: usize = 4096;

/// Takes note that a peer removes so many mailboxes, or refuses it with `TooManyDeletes`. `what` says whose.
pub(super) fn admit(spool: &Spool, count: u64, what: &dyn Display) -> Result<(), StoreError> {
    let Some(limit) = spool.options.safety.max_removals.filter(|_| count > 0) else { return Ok(()) };
    let path = spool.options.config_directory.join("sync_server.removals");
    let file = open_or_make(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
    wait_lock(file.as_ref(), Lock::Exclusive, spool.deadline()).map_err(StoreError::io(&path))?;
    let now = spool.options.safety.clock.now();
    let mut removed = read(spool, file.as_ref(), &path).map_err(StoreError::io(&path))?;
    removed.retain(|(begun, _)| now - i64::from(limit.seconds) < *begun && *begun <= now);
    let sum = removed.iter().fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
    if sum.saturating_add(count) > u64::from(limit.count) && !is_lifted(spool, limit, now) {
        refuse(spool, limit, [count, sum], what);
        return Err(Refusal::TooManyDeletes.into());
    }
    let part = (i64::from(limit.seconds) / PARTS).max(1);
    match removed.last_mut().filter(|(begun, _)| now - *begun < part) {
        Some((_, counted)) => *counted = counted.saturating_add(count),
        None => removed.push((now, count)),
    }
    write(file.as_ref(), &removed).map_err(StoreError::io(&path))
}

fn refuse(spool: &Spool, limit: RemovalLimit, [count, removed]: [u64; 2], what: &dyn Display) {
    let command = format!("touch {}", allowing_file(spool).display());
    let facts: [(&str, &dyn Display); 5] = [
        ("what", what),
        ("mailboxes", &count),
        ("removed_already", &removed),
        ("sync_server_max_deletes", &limit),
        ("to_let_it_through", &command),
    ];
    spool.tell(Severity::Error, "SYNCERROR: too many mailboxes removed by peers, refused", &facts);
}

fn allowing_file(spool: &Spool) -> PathBuf {
    spool.options.config_directory.join("sync_server.allow-deletes")
}

fn is_lifted(spool: &Spool, limit: RemovalLimit, now: i64) -> bool {
    let allowed = spool.disk.metadata(&allowing_file(spool)).map(|metadata| metadata.modified);
    allowed.is_ok_and(|since| now - i64::from(limit.seconds) < since)
}

/// When and how many, ascending.
fn read(spool: &Spool, file: &dyn DiskFile, path: &std::path::Path) -> io::Result<Vec<(i64, u64)>> {
    let mut bytes = vec![0; MAX_FILE];
    let length = file.read_at(0, &mut bytes)?;
    bytes.truncate(length);
    let counted = decode(&bytes);
    if counted.is_none() {
        let facts: [(&str, &dyn Display); 1] = [("file", &path.display())];
        spool.tell(Severity::Warning, "counts of removed mailboxes are damaged, counting starts anew", &facts);
    }
    Ok(counted.unwrap_or_default())
}

fn decode(bytes: &[u8]) -> Option<Vec<(i64, u64)>> {
    let line = |line: &str| {
        let (begun, count) = line.split_once(' ')?;
        Some((begun.parse().ok()?, count.parse().ok()?))
    };
    let lines: Vec<(i64, u64)> = std::str::from_utf8(bytes).ok()?.lines().map(line).collect::<Option<_>>()?;
    lines.is_sorted().then_some(lines)
}

/// A power cut may lose this: the count is a guard, not a record.
fn write(file: &dyn DiskFile, removed: &[(i64, u64)]) -> io::Result<()> {
    let text: String = removed.iter().map(|(begun, count)| format!("{begun} {count}\n")).collect();
    file.set_size(0)?;
    file.write_at(0, &[text.as_bytes()])
}
