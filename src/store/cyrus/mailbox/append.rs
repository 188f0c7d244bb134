//! New records: the message gets its name in the mailbox, its cache record is made, and its index record follows.
//!
//! Source: `sync_append_copyfile` of `imap/sync_support.c`, `mailbox_append_index_record` of `imap/mailbox.c`.

use super::{
    super::{
        cache::GENERATION_SIZE,
        cached::CachedReader,
        disk::{DiskFile, Mode, in_place_of},
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
    cache: CacheFile,
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
        let cache = CacheFile::open(spool, mailbox)?;
        let (options, elsewhere) = (spool.options.cache.clone(), CachedReader::default());
        Ok(Appender { spool, staging, options, cache, elsewhere, unsynced })
    }

    /// Puts a message in its place and makes its index record. Nothing refers to either yet.
    pub(super) fn append(&mut self, mailbox: &OpenMailbox, record: &Record) -> Result<IndexRecord, StoreError> {
        let mut new = to_index(record);
        if record.internal_flags.has(InternalFlags::UNLINKED) {
            self.complete_dates(&mut new);
            return Ok(new);
        }
        let parsed = self.place_message(mailbox, record)?;
        new.size = parsed.size.into();
        new.header_size = parsed.header_size;
        new.sentdate = Time::from_seconds(parsed.sent_date);
        new.gmtime = Time::from_seconds(parsed.gm_time);
        self.complete_dates(&mut new);
        new.cache_offset = self.cache.append(&parsed.cache)?;
        new.cache_version = u16::try_from(parsed.cache_version).unwrap_or(u16::MAX);
        new.cache_crc = parsed.cache_crc;
        Ok(new)
    }

    fn complete_dates(&self, record: &mut IndexRecord) {
        counts::complete_dates(record, Time::from_seconds(now()), |date| midnight(date, &self.options));
    }

    fn place_message(&mut self, mailbox: &OpenMailbox, record: &Record) -> Result<ParsedMessage, StoreError> {
        let known = self.known(record);
        let (options, disk) = (&self.spool.options, self.spool.disk.as_ref());
        let staged = self.staging.message(options, &mailbox.place.partition, record.guid)?;
        let staged = staged.ok_or(Refusal::MessageMissing)?;
        let parsed = known.map_or_else(|| self.parse(&staged, record), Ok)?;
        let path = options.message_file(&mailbox.place, record.uid)?;
        // A file of this name is the leftover of a change that was never committed: uids are not given twice.
        let placed = in_place_of(disk, &path, || staged.place(disk, &path, record.internal_date));
        placed.map_err(StoreError::io(&path))?;
        self.unsynced.file(&path);
        Ok(parsed)
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

    /// Writes what is left in memory of the cache file.
    pub(super) fn finish(mut self) -> Result<(), StoreError> {
        self.unsynced.file(&self.cache.path);
        self.cache.flush()
    }
}

/// The end of `cyrus.cache`, where records are gathered and written together.
struct CacheFile {
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
    fn open(spool: &Spool, mailbox: &OpenMailbox) -> Result<CacheFile, StoreError> {
        let path = spool.options.meta_file(&mailbox.place, MetaFile::Cache)?;
        let file = spool.disk.open(&path, Mode::Create).map_err(StoreError::io(&path))?;
        let size = file.metadata().map_err(StoreError::io(&path))?.size;
        let mut cache = CacheFile { file, path, end: size, gathered: Vec::new() };
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
