//! Messages that the master wants to send and that mailboxes here have: found and kept for the session.
//!
//! Source: `reserve_folder` of `imap/sync_support.c`.

use super::{
    cached::Cached,
    disk::{DiskFile, Mode},
    error::StoreError,
    index::{ByGuid, IndexRecord},
    mailbox::{self, OpenMailbox, Opened},
    options::MetaFile,
    spool::Spool,
    staging::Staging,
    sums::Summer,
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
    summer: Summer,
}

impl Missing {
    fn new(guids: &[Guid]) -> Missing {
        let mut starts = vec![false; 1 << 16];
        for guid in guids {
            if let Some(start) = starts.get_mut(start_of(guid)) {
                *start = true;
            }
        }
        Missing { guids: guids.iter().copied().collect(), starts, summer: Summer::new() }
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
        for record in page {
            if record.is_unlinked() || !missing.contains(&record.guid) {
                continue;
            }
            let Some(path) = path_of(spool, &mailbox, &record)? else { continue };
            if let Some(file) = sound(spool, record.guid, &path, &mut missing.summer) {
                staging.keep(spool, &wanted.partition, record.guid, path, file)?;
                staging.note(record.guid, Cached::of(&record, &cache));
                missing.guids.remove(&record.guid);
            }
        }
    }
    Ok(())
}

/// The file of a record; `None` for one without a uid, as `reconstruct` leaves some.
fn path_of(spool: &Spool, mailbox: &OpenMailbox, record: &IndexRecord) -> Result<Option<PathBuf>, StoreError> {
    let Some(uid) = record.uid else { return Ok(None) };
    Ok(Some(match record.internal_flags.has(InternalFlags::ARCHIVED) {
        true => spool.options.archived_message_file(&mailbox.place, uid)?,
        false => spool.options.message_file(&mailbox.place, uid)?,
    }))
}

/// The file of a message, open, if its bytes are still those of its GUID.
fn sound(spool: &Spool, guid: Guid, path: &Path, summer: &mut Summer) -> Option<Box<dyn DiskFile>> {
    match spool.disk.open(path, Mode::Read).and_then(|file| Ok((summer.sum(file.as_ref())?, file))) {
        Ok((found, file)) if found == guid => return Some(file),
        Ok(_) => spool.tell(Severity::Error, "IOERROR: guid mismatch on parse", &[("filename", &path.display())]),
        Err(error) => {
            spool.tell(Severity::Error, "IOERROR: parse failed", &[("filename", &path.display()), ("error", &error)]);
        }
    }
    None
}
