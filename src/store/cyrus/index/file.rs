//! An open `cyrus.index`: records by number, by UID and in order; nothing is scanned on opening.
//!
//! Only the header says what is in the file: bytes behind `start_offset + num_records * record_size` are leftovers of a
//! change that never got its header, and the next one overwrites them. So a change writes its records first and the header
//! last: until then the file reads as before, but for records rewritten in place. The reference writes in that order, too
//! (`mailbox_commit`), with one `fsync` behind both.

use super::{
    decode::{HeaderDamage, LARGEST_HEADER, RecordDamage, decode_header, decode_record},
    encode::{encode_header, encode_record},
    types::{IndexHeader, IndexRecord},
};
use crate::{store::cyrus::disk::DiskFile, types::Uid};
use std::io;

/// Records read or written by one call at most: 56 KiB of version 19.
const PAGE: u32 = 512;

/// Below this many candidates, a search reads all of them at once: about 4 KiB.
const LAST_CANDIDATES: u32 = 32;

/// Why an index could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The header is damaged.
    #[error("cyrus.index: {0}")]
    Header(#[from] HeaderDamage),
    /// The file is shorter than its header says.
    #[error("cyrus.index: has {size} bytes, but {records} records end at {needed}")]
    Truncated {
        /// Bytes in the file.
        size: u64,
        /// Records, as the header says.
        records: u32,
        /// The byte at which the last of them ends.
        needed: u64,
    },
    /// A record is damaged.
    #[error("cyrus.index: record {number} {damage}")]
    Record {
        /// Its number, from 1 on.
        number: u32,
        /// What is wrong with it.
        damage: RecordDamage,
    },
    /// There is no such record.
    #[error("cyrus.index: record {number} asked for, of {records}")]
    NoRecord {
        /// The number asked for.
        number: u32,
        /// Records in the file.
        records: u32,
    },
    /// The disk failed.
    #[error("cyrus.index: {0}")]
    Io(#[from] io::Error),
}

/// An open `cyrus.index` and its header as it was read last.
///
/// Hold a lock on [`IndexFile::file`] while using it, and [`IndexFile::reload`] after taking one.
#[derive(Debug)]
pub struct IndexFile {
    file: Box<dyn DiskFile>,
    header: IndexHeader,
    /// The highest number that was written and that the header may not count yet.
    written: u32,
}

impl IndexFile {
    /// Reads the header and checks it against the file's size: one read and one look at the size.
    ///
    /// # Errors
    /// [`IndexError`] if the header is damaged, the file too short, or the disk fails.
    pub fn open(file: Box<dyn DiskFile>) -> Result<IndexFile, IndexError> {
        let size = file.metadata()?.size;
        IndexFile::open_sized(file, size)
    }

    /// The same for a file whose size is known, since its lock was taken.
    ///
    /// # Errors
    /// As for [`IndexFile::open`].
    pub fn open_sized(file: Box<dyn DiskFile>, size: u64) -> Result<IndexFile, IndexError> {
        let header = read_header(&*file, size)?;
        Ok(IndexFile { file, header, written: 0 })
    }

    /// Writes the header of a new index: the file must be empty.
    ///
    /// # Errors
    /// [`IndexError`] if the version is not known or the disk fails.
    pub fn create(file: Box<dyn DiskFile>, header: IndexHeader) -> Result<IndexFile, IndexError> {
        let mut index = IndexFile { file, header, written: 0 };
        index.write_header(header)?;
        Ok(index)
    }

    /// Reads the header again: another process may have changed the file.
    ///
    /// # Errors
    /// As for [`IndexFile::open`]; the header then stays as it was.
    pub fn reload(&mut self) -> Result<(), IndexError> {
        self.header = read_header(&*self.file, self.file.metadata()?.size)?;
        self.written = 0;
        Ok(())
    }

    /// The header, exactly as stored.
    pub fn header(&self) -> &IndexHeader {
        &self.header
    }

    /// The file, for its locks, its inode and to make it durable.
    pub fn file(&self) -> &dyn DiskFile {
        &*self.file
    }

    /// The record with this number, from 1 on: one read.
    ///
    /// # Errors
    /// [`IndexError`] if there is none, it is damaged, or the disk fails.
    pub fn record(&self, number: u32) -> Result<IndexRecord, IndexError> {
        let mut bytes = [0; 512];
        let size = self.record_size().min(bytes.len());
        let bytes = bytes.get_mut(..size).unwrap_or_default();
        self.read_records(number, bytes)?;
        self.decode(number, bytes)
    }

    /// Looks a UID up by halving: about log2(records) - 4 reads, each of one record or of a few KiB.
    ///
    /// # Errors
    /// [`IndexError`] if a record on the way is damaged or the disk fails.
    pub fn find(&self, uid: Uid) -> Result<Found, IndexError> {
        // Records below `low` have lower UIDs, those from `high` on higher ones.
        let (mut low, mut high) = (1, self.header.num_records.saturating_add(1));
        while high - low > LAST_CANDIDATES {
            let middle = low + (high - low) / 2;
            let Some((number, record)) = self.last_with_uid(low, middle)? else {
                low = middle + 1;
                continue;
            };
            match record.uid.cmp(&Some(uid)) {
                std::cmp::Ordering::Equal => return Ok(Found::Record(number, record)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = number,
            }
        }
        for found in self.records(low).take_while(|found| !matches!(found, Ok((number, _)) if *number >= high)) {
            let (number, record) = found?;
            match record.uid {
                Some(found) if found == uid => return Ok(Found::Record(number, record)),
                Some(found) if found > uid => return Ok(Found::Before(number)),
                _ => {}
            }
        }
        Ok(Found::Before(high))
    }

    /// The records from this number on, in order, read in pages of 512. Ends after the first error.
    pub fn records(&self, from: u32) -> Records<'_> {
        Records { index: self, next: from.max(1), page: Vec::new(), page_start: 0, failed: false }
    }

    /// Writes records at their numbers, neighbours together. The numbers may go on where the file ends; the header does not
    /// count them before [`IndexFile::write_header`] says so.
    ///
    /// # Errors
    /// [`IndexError::NoRecord`] where numbers do not ascend or leave a gap at the end; nothing is written then. Otherwise
    /// if the disk fails: some may be written.
    pub fn write_records(&mut self, changes: &[(u32, IndexRecord)]) -> Result<(), IndexError> {
        self.check_numbers(changes)?;
        let pages = changes.chunk_by(|(before, _), (after, _)| *after == before.saturating_add(1));
        for page in pages.flat_map(|run| run.chunks(PAGE as usize)) {
            let Some((first, _)) = page.first() else { continue };
            let size = self.record_size();
            let mut bytes = vec![0; page.len() * size];
            for ((_, record), bytes) in page.iter().zip(bytes.chunks_exact_mut(size)) {
                let version = self.header.minor_version;
                encode_record(record, version, bytes).ok_or(HeaderDamage::Version { version })?;
            }
            self.file.write_at(self.header.offset_of(*first), &[&bytes])?;
        }
        self.written = changes.last().map_or(0, |(number, _)| *number).max(self.written);
        Ok(())
    }

    /// Writes the header: what was written before now counts. Neither is durable before the file is synced.
    ///
    /// # Errors
    /// [`IndexError`] if the version is not known or the disk fails.
    pub fn write_header(&mut self, header: IndexHeader) -> Result<(), IndexError> {
        let bytes = encode_header(&header).ok_or(HeaderDamage::Version { version: header.minor_version })?;
        self.file.write_at(0, &[&bytes])?;
        self.header = header;
        Ok(())
    }

    /// Ascending, and without a gap behind the last record there is.
    fn check_numbers(&self, changes: &[(u32, IndexRecord)]) -> Result<(), IndexError> {
        let mut before = 0;
        for (number, _) in changes {
            if *number <= before || *number > self.header.num_records.max(self.written).max(before).saturating_add(1) {
                return Err(IndexError::NoRecord { number: *number, records: self.header.num_records });
            }
            before = *number;
        }
        Ok(())
    }

    /// The last record from `low` to `number` that has a UID: `reconstruct` leaves some without.
    fn last_with_uid(&self, low: u32, number: u32) -> Result<Option<(u32, IndexRecord)>, IndexError> {
        for number in (low..=number).rev() {
            let record = self.record(number)?;
            if record.uid.is_some() {
                return Ok(Some((number, record)));
            }
        }
        Ok(None)
    }

    pub(super) fn record_size(&self) -> usize {
        // Checked when the header was decoded: at most 512.
        self.header.record_size as usize
    }

    pub(super) fn read_records(&self, first: u32, bytes: &mut [u8]) -> Result<(), IndexError> {
        let records = self.header.num_records;
        if first == 0 || first > records {
            return Err(IndexError::NoRecord { number: first, records });
        }
        let needed = bytes.len();
        let found = self.file.read_at(self.header.offset_of(first), bytes)?;
        if found < needed {
            let whole = u32::try_from(found / self.record_size().max(1)).unwrap_or(0);
            let number = first.saturating_add(whole);
            return Err(IndexError::Record { number, damage: RecordDamage::Short { found, needed } });
        }
        Ok(())
    }

    pub(super) fn decode(&self, number: u32, bytes: &[u8]) -> Result<IndexRecord, IndexError> {
        decode_record(bytes, self.header.minor_version).map_err(|damage| IndexError::Record { number, damage })
    }
}

/// Where a UID is, or would be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// The record with this number has it.
    Record(u32, IndexRecord),
    /// None has it; the record with this number, or the end of the file, is the first behind it.
    Before(u32),
}

/// Records in order: see [`IndexFile::records`].
#[derive(Debug)]
pub struct Records<'a> {
    index: &'a IndexFile,
    next: u32,
    page: Vec<u8>,
    page_start: u32,
    failed: bool,
}

impl Iterator for Records<'_> {
    type Item = Result<(u32, IndexRecord), IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next > self.index.header.num_records {
            return None;
        }
        let found = self.read_next();
        self.failed = found.is_err();
        self.next = self.next.saturating_add(1);
        Some(found)
    }
}

impl Records<'_> {
    fn read_next(&mut self) -> Result<(u32, IndexRecord), IndexError> {
        let size = self.index.record_size();
        let in_page = |records: &Records<'_>| (records.next.wrapping_sub(records.page_start)) as usize * size;
        if self.page.get(in_page(self)..).is_none_or(<[u8]>::is_empty) {
            self.read_page(size)?;
        }
        let bytes = self.page.get(in_page(self)..).unwrap_or_default();
        let bytes = bytes.get(..size).unwrap_or(bytes);
        Ok((self.next, self.index.decode(self.next, bytes)?))
    }

    /// Reads small pages first: a search wants only a few records.
    fn read_page(&mut self, size: usize) -> Result<(), IndexError> {
        let left = self.index.header.num_records - self.next + 1;
        let wanted = if self.page.is_empty() { LAST_CANDIDATES } else { PAGE };
        self.page.clear();
        self.page.resize(left.min(wanted) as usize * size, 0);
        self.page_start = self.next;
        self.index.read_records(self.next, &mut self.page)
    }
}

fn read_header(file: &dyn DiskFile, size: u64) -> Result<IndexHeader, IndexError> {
    let mut bytes = [0; LARGEST_HEADER];
    let read = file.read_at(0, &mut bytes)?;
    let header = decode_header(bytes.get(..read).unwrap_or(&bytes))?;
    let needed = header.offset_of(header.num_records.saturating_add(1));
    if header.num_records == u32::MAX || size < needed {
        return Err(IndexError::Truncated { size, records: header.num_records, needed });
    }
    Ok(header)
}
