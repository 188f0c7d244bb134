//! What a mailbox knows of a message: the mailbox that takes the message, too, need not parse it again.
//!
//! A cache record follows from the message alone. It is taken over only if the CRC in the index record is that of the bytes
//! in `cyrus.cache`, which may have been written anew since.

use super::{
    cache,
    disk::{Disk, DiskFile, Mode},
    index::IndexRecord,
    mime::{CacheRelease, ParsedMessage},
};
use crate::types::{Guid, InternalFlags};
use std::{path::PathBuf, sync::Arc};

/// What is known of a message, and where its cache record lies.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    file: Arc<PathBuf>,
    offset: u64,
    crc: u32,
    is_archived: bool,
    version: u16,
    header_size: u32,
    size: u32,
    internal_date: i64,
    sent_date: i64,
    gm_time: i64,
}

impl Cached {
    /// What an index record says; `file` is the `cyrus.cache` beside it. `None` if it has no cache record.
    pub(super) fn of(record: &IndexRecord, file: &Arc<PathBuf>) -> Option<Cached> {
        let size = u32::try_from(record.size).ok().filter(|_| record.cache_offset > 0)?;
        Some(Cached {
            file: Arc::clone(file),
            offset: record.cache_offset,
            crc: record.cache_crc,
            is_archived: record.internal_flags.has(InternalFlags::ARCHIVED),
            version: record.cache_version,
            header_size: record.header_size,
            size,
            internal_date: record.internaldate.seconds,
            sent_date: record.sentdate.seconds,
            gm_time: record.gmtime.seconds,
        })
    }

    /// Whether the message lies on an archive partition.
    pub(super) fn is_archived(&self) -> bool {
        self.is_archived
    }

    /// Whether parsing a message of this internal date, which stands in for a missing Date, would find the same.
    pub(super) fn is_as_parsed(&self, internal_date: i64, release: CacheRelease) -> bool {
        self.internal_date == internal_date && u32::from(self.version) == release.cache_version()
    }
}

/// Reads cache records; the file of the last one stays open.
#[derive(Debug, Default)]
pub(super) struct CachedReader {
    open: Option<(Arc<PathBuf>, Box<dyn DiskFile>)>,
}

impl CachedReader {
    /// What parsing the message found; `None` if the cache record is not there any more.
    pub(super) fn parsed(&mut self, disk: &dyn Disk, known: &Cached, guid: Guid) -> Option<ParsedMessage> {
        let cache = record_at(self.file(disk, &known.file)?, known.offset)?;
        (crc32fast::hash(&cache) == known.crc).then(|| ParsedMessage {
            guid,
            size: known.size,
            header_size: known.header_size,
            sent_date: known.sent_date,
            gm_time: known.gm_time,
            cache,
            cache_version: known.version.into(),
            cache_crc: known.crc,
        })
    }

    fn file(&mut self, disk: &dyn Disk, path: &Arc<PathBuf>) -> Option<&dyn DiskFile> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            let file = disk.open(path, Mode::Read).ok()?;
            self.open = Some((Arc::clone(path), file));
        }
        self.open.as_ref().map(|(_, file)| file.as_ref())
    }
}

/// The record at this offset; `None` if it cannot be read or is larger than any mail makes it.
fn record_at(file: &dyn DiskFile, offset: u64) -> Option<Vec<u8>> {
    /// Most records are smaller.
    const FIRST: usize = 4 * 1024;
    const LARGEST: usize = 1024 * 1024;
    let mut size = FIRST;
    while size <= LARGEST {
        let mut bytes = vec![0; size];
        let read = file.read_at(offset, &mut bytes).ok()?;
        bytes.truncate(read);
        if let Some((_, length)) = cache::split(&bytes) {
            bytes.truncate(length);
            return Some(bytes);
        }
        if read < size {
            return None;
        }
        size *= 16;
    }
    None
}
