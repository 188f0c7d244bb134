//! Messages that the master wants to send and that mailboxes here have: found and kept for the session.
//!
//! Source: `reserve_folder` of `imap/sync_support.c`.

mod candidates;

use super::{
    cached::Cached,
    disk::DiskFile,
    error::StoreError,
    index::ByGuid,
    mailbox::{self, Opened},
    options::MetaFile,
    spool::Spool,
    staging::Staging,
    sums::{Summed, sum_all},
};
use crate::{
    event::Severity,
    ops::{Intent, Reserve},
    types::{Guid, MailboxName},
};
use candidates::{Candidate, Candidates};
use std::{collections::HashSet, io, path::Path, sync::Arc};

/// Messages that are summed at once, as far as they may be held open afterwards.
const AT_MOST: usize = 1024;
/// And if none may.
const AT_LEAST: usize = 32;

/// Stages what of the wanted messages lies in the mailboxes; returns what does not. Those on the same partition are looked
/// into first: there a message costs no copy.
pub(super) fn reserve(spool: &mut Spool, staging: &mut Staging, wanted: &Reserve) -> Result<Vec<Guid>, StoreError> {
    let mut missing = Missing::new(&wanted.guids);
    let mut elsewhere = Vec::new();
    let mut near = Vec::new();
    for name in &wanted.mailboxes {
        let partition = spool.entry(name)?.and_then(|entry| entry.partition);
        match partition.as_ref() == Some(&wanted.partition) {
            true => near.push(name),
            false => elsewhere.push(name),
        }
    }
    for name in near.into_iter().chain(elsewhere) {
        if missing.guids.is_empty() {
            break;
        }
        reserve_in(spool, staging, wanted, name, &mut missing)?;
    }
    Ok(wanted.guids.iter().filter(|guid| missing.guids.contains(guid)).copied().collect())
}

/// What was not found yet.
struct Missing {
    guids: HashSet<Guid>,
    /// Whether one of them may begin with these 16 bits: most records of a large mailbox are passed over by that alone.
    starts: Vec<bool>,
}

impl Missing {
    fn new(guids: &[Guid]) -> Missing {
        let mut starts = vec![false; 1 << 16];
        for guid in guids {
            if let Some(start) = starts.get_mut(start_of(guid)) {
                *start = true;
            }
        }
        Missing { guids: guids.iter().copied().collect(), starts }
    }

    fn contains(&self, guid: &Guid) -> bool {
        self.starts.get(start_of(guid)) == Some(&true) && self.guids.contains(guid)
    }
}

fn start_of(guid: &Guid) -> usize {
    let [first, second, ..] = guid.as_bytes();
    usize::from(u16::from_be_bytes([*first, *second]))
}

/// A mailbox that cannot be read has no messages to reserve.
fn reserve_in(
    spool: &mut Spool,
    staging: &mut Staging,
    wanted: &Reserve,
    name: &MailboxName,
    missing: &mut Missing,
) -> Result<(), StoreError> {
    let mailbox = match mailbox::open(spool, name, Intent::Read) {
        Ok(Opened::Mailbox(mailbox)) => mailbox,
        Ok(Opened::Missing { .. }) => return Ok(()),
        Err(error) => {
            spool.tell(Severity::Error, "IOERROR: mailbox open failed", &[("mailbox", name), ("error", &error)]);
            return Ok(());
        }
    };
    let cache_file = |file| spool.options.meta_file(&mailbox.place, file).map(Arc::new);
    let (cache, archive_cache) = (cache_file(MetaFile::Cache)?, cache_file(MetaFile::ArchiveCache)?);
    let mut records = ByGuid::new(&mailbox.index);
    let mut candidates = Candidates::default();
    while !missing.guids.is_empty() {
        let at_once = staging.room(spool).clamp(AT_LEAST, AT_MOST);
        while candidates.wanted() < missing.guids.len().min(at_once)
            && candidates.len() < at_once
            && let Some(page) = records.next_page(|guid| missing.contains(guid))?
        {
            candidates.add(spool, &mailbox, page)?;
        }
        let some = candidates.take(at_once);
        if some.is_empty() {
            return Ok(());
        }
        let bytes = some.iter().fold(0, |sum: u64, candidate| sum.saturating_add(candidate.record.size));
        let summed = sum_all(spool.disk.as_ref(), &some, bytes);
        for (Candidate { record, path }, summed) in some.into_iter().zip(summed) {
            if let Some(file) = sound(spool, record.guid, &path, summed) {
                staging.keep(spool, &wanted.partition, record.guid, path, file)?;
                let cache = match MetaFile::cache_of(record.internal_flags) {
                    MetaFile::ArchiveCache => &archive_cache,
                    _ => &cache,
                };
                staging.note(record.guid, Cached::of(&record, cache));
                missing.guids.remove(&record.guid);
                candidates.forget(record.guid);
            }
        }
    }
    Ok(())
}

/// The open file of a message, if its bytes are still those of its GUID.
fn sound(spool: &Spool, guid: Guid, path: &Path, summed: io::Result<Summed>) -> Option<Box<dyn DiskFile>> {
    match summed {
        Ok((file, found)) if found == guid => return Some(file),
        Ok(_) => spool.tell(Severity::Error, "IOERROR: guid mismatch on parse", &[("filename", &path.display())]),
        Err(error) => {
            spool.tell(Severity::Error, "IOERROR: parse failed", &[("filename", &path.display()), ("error", &error)]);
        }
    }
    None
}
