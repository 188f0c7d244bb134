//! A journal to bytes.

use super::{
    super::{
        error::StoreError,
        index::{encode_header, encode_record},
        paths::{MailboxDirectory, MailboxPlace},
        recorded::Put,
    },
    Database, IndexChange, Journal,
    file::Write,
};
use crate::ops::Refusal;

/// What the file begins with.
pub(super) const MAGIC: &[u8; 8] = b"csyncjr1";
/// Bytes in front of the entries.
pub(super) const HEAD: usize = 32;

/// The bytes in front of entries of this length and sum.
pub(super) fn head(length: u64, number: u64, sum: u32) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &length.to_be_bytes(), &number.to_be_bytes(), &sum.to_be_bytes()].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// Encodes the entries one by one: of many records, not all are held in memory twice.
pub(super) fn entries(journal: &Journal, write: &mut Write<'_>) -> Result<(), StoreError> {
    for name in &journal.names {
        write(&Entry::new(b'N').string(name.as_bytes()).0)?;
    }
    write(&Entry::new(b'P').place(&journal.place).0)?;
    if let Some(header) = &journal.header {
        write(&Entry::new(b'H').string(&header.before).string(&header.after).0)?;
    }
    for quota in &journal.quotas {
        let entry = Entry::new(b'Q').string(quota.root.as_str().as_bytes());
        write(&entry.string(&quota.before.encode()).string(&quota.after.encode()).0)?;
    }
    for (database, Put { key, before, after }) in &journal.puts {
        write(&Entry::new(b'D').byte(letter(*database)).string(key).optional(before).optional(after).0)?;
    }
    if let Some(index) = &journal.index {
        write_index(index, write)?;
    }
    if let Some(place) = &journal.gone {
        write(&Entry::new(b'G').place(place).0)?;
    }
    if let Some(name) = &journal.sieve {
        write(&Entry::new(b'S').string(name.as_bytes()).0)?;
    }
    Ok(())
}

fn write_index(index: &IndexChange, write: &mut Write<'_>) -> Result<(), StoreError> {
    let [before, after] = [&index.before, &index.after].map(|header| encode_header(header).ok_or(Refusal::BadFormat));
    write(&Entry::new(b'I').string(&before?).string(&after?).0)?;
    let mut bytes = vec![0; index.after.record_size as usize];
    for (number, record) in &index.records {
        encode_record(record, index.after.minor_version, &mut bytes).ok_or(Refusal::BadFormat)?;
        write(&Entry::new(b'R').number(*number).string(&bytes).0)?;
    }
    Ok(())
}

/// What stands for a database.
pub(super) fn letter(database: Database) -> u8 {
    match database {
        Database::List => b'L',
        Database::Annotations => b'A',
        Database::OfMessages => b'M',
    }
}

/// A letter, and fields.
pub(super) struct Entry(Vec<u8>);

impl Entry {
    pub(super) fn new(letter: u8) -> Entry {
        Entry(vec![letter])
    }

    pub(super) fn byte(mut self, byte: u8) -> Entry {
        self.0.push(byte);
        self
    }

    pub(super) fn number(mut self, number: u32) -> Entry {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Strings are values of databases and small files: far below 4 GiB, and a longer one is cut and found damaged.
    pub(super) fn string(self, bytes: &[u8]) -> Entry {
        let mut entry = self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        entry.0.extend_from_slice(bytes);
        entry
    }

    pub(super) fn optional(self, bytes: &Option<Vec<u8>>) -> Entry {
        match bytes {
            Some(bytes) => self.byte(1).string(bytes),
            None => self.byte(0),
        }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn place(self, place: &MailboxPlace) -> Entry {
        let entry = self.string(place.partition.as_str().as_bytes());
        match &place.directory {
            MailboxDirectory::ById(id) => entry.byte(0).string(id.as_bytes()),
            MailboxDirectory::ByName(name) => entry.byte(1).string(name.as_bytes()),
        }
    }
}
