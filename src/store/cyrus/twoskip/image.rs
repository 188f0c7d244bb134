//! The file as a reader or writer sees it while it holds the lock: what is on the disk, under what is still to be written.
//!
//! Offsets and lengths from the file are checked against its size before anything is read or allocated by them.

use std::{
    cmp::Ordering,
    path::{Path, PathBuf},
};

use super::{
    decode, encode,
    format::{
        BLANK, DIRTY, DUMMY_OFFSET, FIRST_RECORD, HEADER_SIZE, Head, Header, Kind, MAX_HEAD, MAX_LEVEL, MIN_HEAD,
    },
    pages::Pages,
    pending::Pending,
};
use crate::store::cyrus::{
    db_error::{Damage, DbError},
    disk::DiskFile,
};

/// A transaction that is larger is written to the file before it commits.
const MAX_PENDING: usize = 1 << 20;
/// Bytes of a key that are compared at a time.
const KEY_PIECE: usize = 256;

/// A record and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Its head.
    pub head: Head,
}

/// The file under what is still to be written to it.
#[derive(Debug)]
pub struct Image {
    /// The open file; the holder of the image locks it.
    pub file: Box<dyn DiskFile>,
    /// The header, with the changes of the transaction; on the disk are those of the last [`Image::write_header`].
    pub header: Header,
    /// The end for readers: of the committed records, or of the transaction's.
    pub end: u64,
    path: PathBuf,
    pages: Pages,
    /// The inode and the header for which the pages are right.
    pages_of: Option<(u64, Header)>,
    pending: Pending,
}

impl Image {
    /// An image that has not been loaded yet.
    pub fn new(path: &Path, file: Box<dyn DiskFile>) -> Image {
        Image {
            file,
            header: Header::default(),
            end: 0,
            path: path.to_owned(),
            pages: Pages::default(),
            pages_of: None,
            pending: Pending::default(),
        }
    }

    /// Tells the image that its file was renamed.
    pub fn renamed(&mut self, path: &Path) {
        self.path = path.to_owned();
    }

    /// Looks at a file of this size anew and reads its header.
    pub fn load(&mut self, size: u64) -> Result<(), DbError> {
        self.forget_pages();
        self.read_header(size)
    }

    /// The same, under a shared lock. What was read before is kept if the header says that nothing was changed since: a
    /// change makes the file longer, or is a repack, which makes another file.
    pub fn look_again(&mut self, size: u64, inode: u64) -> Result<(), DbError> {
        let before = self.pages_of.take();
        self.read_header(size)?;
        let now = (inode, self.header);
        if before != Some(now) {
            self.forget_pages();
        }
        self.pages_of = Some(now);
        Ok(())
    }

    fn forget_pages(&mut self) {
        self.pages.clear();
        self.pages_of = None;
    }

    fn read_header(&mut self, size: u64) -> Result<(), DbError> {
        self.pending = Pending::none(size);
        let mut bytes = [0; HEADER_SIZE];
        let count = self.file.read_at(0, &mut bytes).map_err(|error| self.io(error))?;
        if count < HEADER_SIZE {
            return Err(self.damaged(0, Damage::PastEnd));
        }
        self.header = decode::header(&bytes).map_err(|damage| self.damaged(0, damage))?;
        self.end = self.header.current_size;
        Ok(())
    }

    /// Makes an empty database of an empty file (`opendb`).
    pub fn initialise(&mut self) -> Result<(), DbError> {
        let dummy = encode::head(&Head::new(Kind::Dummy, MAX_LEVEL as u8));
        let size = FIRST_RECORD;
        self.header = Header { generation: 1, records: 0, repack_size: size, current_size: size, flags: 0 };
        let header = encode::header(&self.header);
        self.file.write_at(0, &[&header, &dummy]).map_err(|error| self.io(error))?;
        self.sync()?;
        self.load(size)
    }

    /// Whether the last transaction ended, and left nothing behind (`db_is_clean`).
    pub fn is_clean(&self) -> bool {
        self.header.current_size == self.size() && !self.header.is_dirty()
    }

    /// Bytes that can be read.
    pub fn size(&self) -> u64 {
        self.pending.size()
    }

    /// The record before all others.
    pub fn dummy(&mut self) -> Result<Record, DbError> {
        let dummy = self.record(DUMMY_OFFSET)?;
        self.expect_kind(dummy, Kind::Dummy)
    }

    /// The record that a pointer of any level leads to, past a delete record; `None` at the end (`read_skipdelete`).
    pub fn follow(&mut self, offset: u64) -> Result<Option<Record>, DbError> {
        if offset == 0 {
            return Ok(None);
        }
        let mut record = self.record(offset)?;
        if record.head.kind == Kind::Delete {
            match record.head.target() {
                0 => return Ok(None),
                behind => record = self.record(behind)?,
            }
        }
        self.expect_kind(record, Kind::Record).map(Some)
    }

    /// The record at an offset, of whatever type; its key and value are not checked yet (`read_onerecord`).
    pub fn record(&mut self, offset: u64) -> Result<Record, DbError> {
        let head = match self.pending.head(offset) {
            Some(head) => head,
            None => self.read_head(offset)?,
        };
        Ok(Record { offset, head })
    }

    /// How a record's key compares to another: as `memcmp`, then the shorter first (`bsearch_ncompare_raw`).
    pub fn compare(&mut self, record: &Record, key: &[u8]) -> Result<Ordering, DbError> {
        let mut start = record.offset + record.head.head_len() as u64;
        let shared = key.len().min(usize::try_from(record.head.key_len).unwrap_or(usize::MAX));
        let mut buffer = [0; KEY_PIECE];
        for piece in key.get(..shared).unwrap_or(key).chunks(KEY_PIECE) {
            let there = buffer.get_mut(..piece.len()).expect("chunks are at most as long as asked for");
            self.read(record.offset, start, there)?;
            match (*there).cmp(piece) {
                Ordering::Equal => start += piece.len() as u64,
                order => return Ok(order),
            }
        }
        Ok(record.head.key_len.cmp(&(key.len() as u64)))
    }

    /// A record's key and value, if they pass their checksum (`check_tailcrc`).
    pub fn key_and_value(&mut self, record: &Record) -> Result<(Vec<u8>, Vec<u8>), DbError> {
        let mut key = self.buffer(record, record.head.tail_len())?;
        self.read(record.offset, record.offset + record.head.head_len() as u64, &mut key)?;
        if crc32fast::hash(&key) != record.head.tail_crc {
            return Err(self.damaged(record.offset, Damage::TailCrc));
        }
        let mut value = key.split_off(usize::try_from(record.head.key_len).unwrap_or(key.len()));
        value.truncate(usize::try_from(record.head.value_len).unwrap_or(value.len()));
        Ok((key, value))
    }

    /// A record's key, unchecked.
    pub fn key(&mut self, record: &Record) -> Result<Vec<u8>, DbError> {
        let mut key = self.buffer(record, Some(record.head.key_len))?;
        self.read(record.offset, record.offset + record.head.head_len() as u64, &mut key)?;
        Ok(key)
    }

    /// Whether a blank stands at an offset.
    pub fn is_blank(&mut self, offset: u64) -> Result<bool, DbError> {
        let mut bytes = [0; BLANK.len()];
        self.read(offset, offset, &mut bytes)?;
        Ok(bytes == *BLANK)
    }

    /// Appends a record; returns where (`write_record`). The head's lengths and checksum are set here.
    pub fn append(&mut self, mut head: Head, key: &[u8], value: &[u8]) -> Record {
        head.key_len = key.len() as u64;
        head.value_len = value.len() as u64;
        head.tail_crc = encode::tail_crc(key, value);
        let record = self.pending.append(head, key, value);
        self.end = self.size();
        record
    }

    /// Replaces the head of a record (`rewrite_record`).
    pub fn rewrite(&mut self, record: &Record) {
        self.pending.rewrite(record);
    }

    /// Whether there is anything to write.
    pub fn is_changed(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Writes to the file what a transaction has gathered, if that is much.
    pub fn bound_pending(&mut self) -> Result<(), DbError> {
        if self.pending.memory() <= MAX_PENDING {
            return Ok(());
        }
        if !self.header.is_dirty() {
            self.mark_dirty()?;
            self.sync()?;
        }
        self.write_pending()
    }

    /// Writes a header that says that what follows may not be complete. It must be durable before anything else is
    /// written.
    pub fn mark_dirty(&mut self) -> Result<(), DbError> {
        self.header.flags |= DIRTY;
        self.write_header()
    }

    /// Writes the gathered records and heads to the file.
    pub fn write_pending(&mut self) -> Result<(), DbError> {
        self.forget_pages();
        let written = self.pending.write_to(self.file.as_ref());
        written.map_err(|error| self.io(error))
    }

    /// Writes the header as it is.
    pub fn write_header(&mut self) -> Result<(), DbError> {
        self.forget_pages();
        let written = self.file.write_at(0, &[&encode::header(&self.header)]);
        written.map_err(|error| self.io(error))
    }

    /// Cuts the file, when nothing is pending.
    pub fn set_size(&mut self, size: u64) -> Result<(), DbError> {
        self.forget_pages();
        self.pending = Pending::none(size);
        self.file.set_size(size).map_err(|error| self.io(error))
    }

    /// Makes what was written durable.
    pub fn sync(&self) -> Result<(), DbError> {
        self.file.sync().map_err(|error| self.io(error))
    }

    /// The error for damage at an offset of this file.
    pub fn damaged(&self, offset: u64, damage: Damage) -> DbError {
        DbError::damaged(&self.path, offset, damage)
    }

    /// The error for a failed call on this file.
    pub fn io(&self, error: std::io::Error) -> DbError {
        DbError::io(&self.path, error)
    }

    /// The most records that the file has room for: who follows more pointers is led in a circle.
    pub fn max_records(&self) -> u64 {
        self.size() / MIN_HEAD as u64
    }

    fn expect_kind(&self, record: Record, kind: Kind) -> Result<Record, DbError> {
        let Record { offset, head } = record;
        match head.kind == kind {
            true => Ok(record),
            false => Err(self.damaged(offset, Damage::Record { kind: head.kind.byte(), level: head.level })),
        }
    }

    fn read_head(&mut self, offset: u64) -> Result<Head, DbError> {
        let mut buffer = [0; MAX_HEAD];
        let (start, more) = buffer.split_first_chunk_mut::<MIN_HEAD>().expect("a head is at least so long");
        self.read(offset, offset, start)?;
        let len = decode::whole_head_len(start).map_err(|damage| self.damaged(offset, damage))?;
        let more = more.get_mut(..len - MIN_HEAD).expect("no head is longer than MAX_HEAD");
        self.read(offset, offset + MIN_HEAD as u64, more)?;
        let bytes = buffer.get(..len).expect("no head is longer than MAX_HEAD");
        let head = decode::head(bytes).map_err(|damage| self.damaged(offset, damage))?;
        let end = head.record_len().and_then(|len| offset.checked_add(len));
        match end.is_some_and(|end| end <= self.size()) {
            true => Ok(head),
            false => Err(self.damaged(offset, Damage::PastEnd)),
        }
    }

    /// Memory for a part of a record, zeros.
    fn buffer(&self, record: &Record, len: Option<u64>) -> Result<Vec<u8>, DbError> {
        let len = len.and_then(|len| usize::try_from(len).ok());
        let len = len.ok_or_else(|| self.damaged(record.offset, Damage::PastEnd))?;
        // A record lies within the file; but that may be larger than memory.
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|error| self.io(error.into()))?;
        bytes.resize(len, 0);
        Ok(bytes)
    }

    /// Reads a part of the record at `record`; what reaches past the end is that record's damage.
    fn read(&mut self, record: u64, offset: u64, buffer: &mut [u8]) -> Result<(), DbError> {
        let written = self.pending.written();
        let complete = if offset >= written {
            self.pending.read(offset, buffer)
        } else if buffer.len() as u64 > written - offset {
            false
        } else {
            self.pages.read(self.file.as_ref(), offset, buffer).map_err(|error| self.io(error))?
        };
        match complete {
            true => Ok(()),
            false => Err(self.damaged(record, Damage::PastEnd)),
        }
    }
}
