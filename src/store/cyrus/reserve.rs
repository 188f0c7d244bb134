//! Messages that the master wants to send and that mailboxes here have: found and kept for the session.
//!
//! Source: `reserve_folder` of `imap/sync_support.c`.

use super::{
    cached::Cached,
    disk::DiskFile,
    error::StoreError,
    index::{ByGuid, IndexRecord},
    mailbox::{self, OpenMailbox, Opened},
    options::MetaFile,
    spool::Spool,
    staging::Staging,
    sums::{Summed, sum_all},
};
use crate::{
    event::Severity,
    ops::{Intent, Reserve},
    types::{Guid, InternalFlags, MailboxName},
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Messages that are open at once, besides those that are kept so.
const AT_ONCE: usize = 64;

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
    let cache = Arc::new(spool.options.meta_file(&mailbox.place, MetaFile::Cache)?);
    let mut records = ByGuid::new(&mailbox.index);
    while !missing.guids.is_empty() {
        let Some(page) = records.next_page(|guid| missing.contains(guid))? else { return Ok(()) };
        let mut candidates = candidates(spool, &mailbox, page)?;
        while !candidates.is_empty() {
            let some = take_some(&mut candidates, missing);
            let summed = sum_all(spool.disk.as_ref(), &some);
            for (Candidate { record, path }, summed) in some.into_iter().zip(summed) {
                let Some(file) = sound(spool, record.guid, &path, summed) else { continue };
                staging.keep(spool, &wanted.partition, record.guid, path, file)?;
                staging.note(record.guid, Cached::of(&record, &cache));
                missing.guids.remove(&record.guid);
            }
        }
    }
    Ok(())
}

/// A record whose message may be one that is wanted.
struct Candidate {
    record: IndexRecord,
    path: PathBuf,
}

impl AsRef<Path> for Candidate {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Those of the records that have a message.
fn candidates(spool: &Spool, mailbox: &OpenMailbox, page: Vec<IndexRecord>) -> Result<Vec<Candidate>, StoreError> {
    let mut candidates = Vec::new();
    for record in page.into_iter().filter(|record| !record.is_unlinked()) {
        let Some(uid) = record.uid else { continue };
        let path = match record.internal_flags.has(InternalFlags::ARCHIVED) {
            true => spool.options.archived_message_file(&mailbox.place, uid)?,
            false => spool.options.message_file(&mailbox.place, uid)?,
        };
        candidates.push(Candidate { record, path });
    }
    Ok(candidates)
}

/// Takes some whose GUIDs are missing: of those with the same, the others only where the first is not sound.
fn take_some(candidates: &mut Vec<Candidate>, missing: &Missing) -> Vec<Candidate> {
    candidates.retain(|candidate| missing.contains(&candidate.record.guid));
    let mut taken = HashSet::new();
    candidates.extract_if(.., |candidate| taken.len() < AT_ONCE && taken.insert(candidate.record.guid)).collect()
}

/// The file of a message whose bytes are still those of its GUID.
fn sound(spool: &Spool, guid: Guid, path: &Path, summed: Summed) -> Option<Box<dyn DiskFile>> {
    match summed {
        Ok((found, file)) if found == guid => return Some(file),
        Ok(_) => spool.tell(Severity::Error, "IOERROR: guid mismatch on parse", &[("filename", &path.display())]),
        Err(error) => {
            spool.tell(Severity::Error, "IOERROR: parse failed", &[("filename", &path.display()), ("error", &error)]);
        }
    }
    None
}
