//! New records: the message gets its name in the mailbox, its cache record is made, and its index record follows.
//!
//! Source: `sync_append_copyfile` of `imap/sync_support.c`, `mailbox_append_index_record` of `imap/mailbox.c`.

use super::{
    super::{
        cache::GENERATION_SIZE,
        cached::{Cached, CachedReader},
        disk::{DiskFile, in_place_of, make_directories, open_or_make},
        durable::Unsynced,
        error::StoreError,
        index::{IndexRecord, Time, counts},
        mime::{self, CacheOptions, ParsedMessage},
        options::MetaFile,
        spool::{Spool, now},
        staging::{StagedMessage, Staging},
    },
    open::OpenMailbox,
};
use crate::{
    ops::{Record, Refusal},
    types::InternalFlags,
};
use std::path::PathBuf;

/// What appending records to a mailbox has open.
pub(super) struct Appender<'a> {
    spool: &'a Spool,
    staging: &'a mut Staging,
    options: CacheOptions,
    /// Those that were needed so far.
    caches: Vec<CacheFile>,
    /// Whether archived messages have a cache of their own.
    archive_is_apart: bool,
    elsewhere: CachedReader,
    unsynced: &'a mut Unsynced,
}

impl<'a> Appender<'a> {
    /// What is written is added to `unsynced`.
    pub(super) fn new(
        spool: &'a Spool,
        staging: &'a mut Staging,
        mailbox: &OpenMailbox,
        unsynced: &'a mut Unsynced,
    ) -> Result<Self, StoreError> {
        let (options, elsewhere) = (spool.options.cache.clone(), CachedReader::default());
        let cache_file = |file| spool.options.meta_file(&mailbox.place, file);
        let archive_is_apart = cache_file(MetaFile::ArchiveCache)? != cache_file(MetaFile::Cache)?;
        Ok(Appender { spool, staging, options, caches: Vec::new(), archive_is_apart, elsewhere, unsynced })
    }

    /// Puts a message in its place and makes its index record. Nothing refers to either yet.
    pub(super) fn append(&mut self, mailbox: &OpenMailbox, record: &Record) -> Result<IndexRecord, StoreError> {
        let mut new = to_index(record);
        if record.internal_flags.has(InternalFlags::UNLINKED) {
            self.complete_dates(&mut new);
            // It has no record there, but the file is made.
            self.cache_file(mailbox, &new)?;
            return Ok(new);
        }
        let parsed = self.place_message(mailbox, record, &mut new)?;
        new.size = parsed.size.into();
        new.header_size = parsed.header_size;
        new.sentdate = Time::from_seconds(parsed.sent_date);
        new.gmtime = Time::from_seconds(parsed.gm_time);
        self.complete_dates(&mut new);
        new.cache_offset = self.cache_file(mailbox, &new)?.append(&parsed.cache)?;
        new.cache_version = u16::try_from(parsed.cache_version).unwrap_or(u16::MAX);
        new.cache_crc = parsed.cache_crc;
        Ok(new)
    }

    fn complete_dates(&self, record: &mut IndexRecord) {
        counts::complete_dates(record, Time::from_seconds(now()), |date| midnight(date, &self.options));
    }

    /// Gives the message its name, and notes in the new record whether that is on the archive partition.
    fn place_message(
        &mut self,
        mailbox: &OpenMailbox,
        record: &Record,
        new: &mut IndexRecord,
    ) -> Result<ParsedMessage, StoreError> {
        let known = self.known(record);
        let (options, disk) = (&self.spool.options, self.spool.disk.as_ref());
        let staged = self.staging.message(options, &mailbox.place.partition, record.guid)?;
        let staged = staged.ok_or(Refusal::MessageMissing)?;
        let parsed = known.map_or_else(|| self.parse(&staged, record), Ok)?;
        if self.is_archived(mailbox, record, parsed.size.into()) {
            new.internal_flags.0 |= InternalFlags::ARCHIVED;
        }
        let path = options.recorded_message_file(&mailbox.place, record.uid, new.internal_flags)?;
        // With the first one there is a cache of archived messages, too.
        let is_first = !self.caches.iter().any(|open| open.which == MetaFile::ArchiveCache);
        if new.internal_flags.has(InternalFlags::ARCHIVED) && is_first {
            let directory = path.parent().unwrap_or(&path);
            make_directories(disk, directory).map_err(StoreError::io(directory))?;
        }
        // A file of this name is the leftover of a change that was never committed: uids are not given twice.
        let placed = in_place_of(disk, &path, || staged.place(disk, &path, record.internal_date));
        placed.map_err(StoreError::io(&path))?;
        self.unsynced.file(&path);
        Ok(parsed)
    }

    /// Whether the message is to lie on the archive partition, or does so in the mailbox that it comes from.
    fn is_archived(&self, mailbox: &OpenMailbox, record: &Record, size: u64) -> bool {
        let Some(rule) = &self.spool.options.archive else { return false };
        let Record { guid, internal_date, system_flags, .. } = record;
        self.staging.cached(guid).is_some_and(Cached::is_archived)
            || rule.takes(&mailbox.entry.name, size, *internal_date, *system_flags, now())
    }

    /// Where the cache record of a message goes.
    fn cache_file(&mut self, mailbox: &OpenMailbox, record: &IndexRecord) -> Result<&mut CacheFile, StoreError> {
        let which = match MetaFile::cache_of(record.internal_flags) {
            MetaFile::ArchiveCache if self.archive_is_apart => MetaFile::ArchiveCache,
            _ => MetaFile::Cache,
        };
        let at = match self.caches.iter().position(|open| open.which == which) {
            Some(at) => at,
            None => {
                self.caches.push(CacheFile::open(self.spool, mailbox, which)?);
                self.caches.len() - 1
            }
        };
        self.caches.get_mut(at).ok_or(Refusal::Protocol.into())
    }

    /// What was found in a message when it was uploaded, or what a mailbox that has it knows of it.
    fn known(&mut self, record: &Record) -> Option<ParsedMessage> {
        let (guid, release) = (record.guid, self.options.release);
        if let Some(parsed) = self.staging.take_parsed(guid, release) {
            return Some(parsed);
        }
        let known = self.staging.cached(&guid).filter(|cached| cached.is_as_parsed(record.internal_date, release));
        self.elsewhere.parsed(self.spool.disk.as_ref(), known?, guid)
    }

    fn parse(&self, staged: &StagedMessage<'_>, record: &Record) -> Result<ParsedMessage, StoreError> {
        let bytes = staged.read(self.spool.disk.as_ref()).map_err(StoreError::io(staged.path()))?;
        // What is staged had this GUID when it was written or reserved.
        Ok(mime::parse_known(&bytes, record.guid, &self.options))
    }

    /// Writes what is left in memory of the cache files.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        let Appender { caches, unsynced, .. } = self;
        caches.into_iter().try_for_each(|mut cache| {
            unsynced.file(&cache.path);
            cache.flush()
        })
    }
}

/// The end of `cyrus.cache`, where records are gathered and written together.
struct CacheFile {
    which: MetaFile,
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// Where the gathered bytes go.
    end: u64,
    gathered: Vec<u8>,
}

impl CacheFile {
    /// Bytes that are gathered before they are written.
    const GATHER: usize = 64 * 1024;

    /// Opens the file; a new one begins with the generation of the index.
    fn open(spool: &Spool, mailbox: &OpenMailbox, which: MetaFile) -> Result<CacheFile, StoreError> {
        let path = spool.options.meta_file(&mailbox.place, which)?;
        let file = open_or_make(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
        let size = file.metadata().map_err(StoreError::io(&path))?.size;
        let mut cache = CacheFile { which, file, path, end: size, gathered: Vec::new() };
        let generation = mailbox.index.header().generation;
        if size < GENERATION_SIZE as u64 {
            cache.end = 0;
            cache.gathered = generation.to_be_bytes().to_vec();
        }
        Ok(cache)
    }

    /// Adds a record; says where it begins.
    fn append(&mut self, record: &[u8]) -> Result<u64, StoreError> {
        let offset = self.end + self.gathered.len() as u64;
        self.gathered.extend_from_slice(record);
        if self.gathered.len() >= Self::GATHER {
            self.flush()?;
        }
        Ok(offset)
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if !self.gathered.is_empty() {
            self.file.write_at(self.end, &[&self.gathered]).map_err(StoreError::io(&self.path))?;
            self.end += self.gathered.len() as u64;
            self.gathered.clear();
        }
        Ok(())
    }
}

/// The fields that the master decides.
pub(super) fn to_index(record: &Record) -> IndexRecord {
    IndexRecord {
        uid: Some(record.uid),
        internaldate: Time::from_seconds(record.internal_date),
        size: record.size.into(),
        last_updated: Time::from_seconds(record.last_updated),
        system_flags: record.system_flags,
        internal_flags: record.internal_flags,
        user_flags: record.user_flags,
        savedate: Time::from_seconds(record.save_date),
        guid: record.guid,
        modseq: record.modseq,
        cid: record.cid,
        createdmodseq: record.created_modseq,
        ..IndexRecord::default()
    }
}

/// The start of the day of a time, in the server's time zone.
fn midnight(seconds: i64, options: &CacheOptions) -> i64 {
    const DAY: i64 = 24 * 60 * 60;
    let offset = (options.utc_offset)(seconds);
    (seconds + offset).div_euclid(DAY) * DAY - offset
}
