//! Messages that lie in mailboxes: found for the master to reserve, and read back.
//!
//! Source: `reserve_folder` and `sync_get_message` of `imap/sync_support.c`.

use super::{
    cached::Cached,
    disk::{Disk, DiskFile, Mode},
    error::StoreError,
    index::{ByGuid, IndexRecord},
    mailbox::{self, OpenMailbox, Opened},
    options::MetaFile,
    paths::{MailboxDirectory, MailboxPlace},
    spool::Spool,
    staging::Staging,
};
use crate::{
    event::Severity,
    ops::{Intent, MessageInfo, OpenMessage, Refusal, Reserve},
    types::{Guid, InternalFlags, MailboxName},
};
use bytes::{Bytes, BytesMut};
use sha1::{Digest, Sha1};
use std::{
    collections::HashSet,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Bytes of a message that are read at once.
const PIECE: usize = 256 * 1024;

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
    /// Where messages are read to.
    piece: Vec<u8>,
}

impl Missing {
    fn new(guids: &[Guid]) -> Missing {
        let mut starts = vec![false; 1 << 16];
        for guid in guids {
            if let Some(start) = starts.get_mut(start_of(guid)) {
                *start = true;
            }
        }
        Missing { guids: guids.iter().copied().collect(), starts, piece: vec![0; PIECE] }
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
            if let Some(path) = sound_message(spool, &mailbox, &record, &mut missing.piece)? {
                staging.link(spool, &wanted.partition, record.guid, &path)?;
                staging.note(record.guid, Cached::of(&record, &cache));
                missing.guids.remove(&record.guid);
            }
        }
    }
    Ok(())
}

/// The file of a record whose bytes are still those of its GUID.
fn sound_message(
    spool: &Spool,
    mailbox: &OpenMailbox,
    record: &IndexRecord,
    piece: &mut [u8],
) -> Result<Option<PathBuf>, StoreError> {
    let Some(uid) = record.uid else { return Ok(None) };
    let path = match record.internal_flags.has(InternalFlags::ARCHIVED) {
        true => spool.options.archived_message_file(&mailbox.place, uid)?,
        false => spool.options.message_file(&mailbox.place, uid)?,
    };
    let guid = spool.disk.open(&path, Mode::Read).and_then(|file| sum(file.as_ref(), piece));
    match guid {
        Ok(guid) if guid == record.guid => Ok(Some(path)),
        Ok(_) => {
            spool.tell(Severity::Error, "IOERROR: guid mismatch on parse", &[("filename", &path.display())]);
            Ok(None)
        }
        Err(error) => {
            spool.tell(Severity::Error, "IOERROR: parse failed", &[("filename", &path.display()), ("error", &error)]);
            Ok(None)
        }
    }
}

/// The SHA-1 of a file, read to `piece` part by part.
fn sum(file: &dyn DiskFile, piece: &mut [u8]) -> io::Result<Guid> {
    let mut sum = Sha1::new();
    let mut offset = 0;
    loop {
        let length = file.read_at(offset, piece)?;
        sum.update(piece.get(..length).unwrap_or_default());
        offset += length as u64;
        // Only the end of the file makes a read shorter.
        if length < piece.len() {
            return Ok(Guid::from_bytes(sum.finalize().into()));
        }
    }
}

/// A message that was opened to be read.
#[derive(Debug)]
pub(super) struct Message {
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl Message {
    /// Finds a message's file without a lock on its mailbox: under its unique id, archived or not, then under its name.
    pub(super) fn open(spool: &Spool, wanted: &OpenMessage) -> Result<(Message, MessageInfo), StoreError> {
        let directories =
            [MailboxDirectory::ById(wanted.uniqueid.clone()), MailboxDirectory::ByName(wanted.mailbox.clone())];
        for directory in directories {
            let place = MailboxPlace { partition: wanted.partition.clone(), directory };
            let paths = [
                spool.options.message_file(&place, wanted.uid)?,
                spool.options.archived_message_file(&place, wanted.uid)?,
            ];
            for path in paths {
                if let Some(found) = open_message(spool.disk.as_ref(), &path)? {
                    return Ok(found);
                }
            }
        }
        Err(Refusal::Nonexistent.into())
    }

    /// Exactly `length` bytes from `offset` on.
    pub(super) fn read(&self, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        let mut bytes = BytesMut::zeroed(length as usize);
        let read = self.file.read_at(offset.into(), &mut bytes).map_err(StoreError::io(&self.path))?;
        bytes.truncate(read);
        Ok(bytes.freeze())
    }
}

fn open_message(disk: &dyn Disk, path: &Path) -> Result<Option<(Message, MessageInfo)>, StoreError> {
    let file = match disk.open(path, Mode::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(StoreError::io(path))?,
    };
    let guid = sum(file.as_ref(), &mut vec![0; PIECE]).map_err(StoreError::io(path))?;
    let size = file.metadata().map_err(StoreError::io(path))?.size;
    let size = u32::try_from(size).map_err(|_| Refusal::Io)?;
    Ok(Some((Message { file, path: path.to_owned() }, MessageInfo { guid, size })))
}
