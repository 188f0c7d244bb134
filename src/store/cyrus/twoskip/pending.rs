//! What a transaction has gathered and not written yet: records behind the end of the file, and new heads of older ones.

use std::{collections::BTreeMap, io};

use super::{encode, format::Head, image::Record};
use crate::store::cyrus::disk::DiskFile;

/// What a transaction has gathered and not written yet.
#[derive(Default, Debug)]
pub struct Pending {
    /// Bytes in the file.
    written: u64,
    /// Bytes that follow them.
    tail: Vec<u8>,
    /// Heads that replace those in the file, by offset.
    heads: BTreeMap<u64, Head>,
}

impl Pending {
    /// Nothing, for a file of this size.
    pub fn none(written: u64) -> Pending {
        Pending { written, ..Pending::default() }
    }

    /// Bytes in the file.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that the file has once this is written.
    pub fn size(&self) -> u64 {
        self.written + self.tail.len() as u64
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.tail.is_empty() && self.heads.is_empty()
    }

    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.tail.len() + self.heads.len() * size_of::<(u64, Head)>()
    }

    /// Appends a record, behind the blanks that it needs.
    pub fn append(&mut self, head: Head, key: &[u8], value: &[u8]) -> Record {
        let bytes = encode::head(&head);
        encode::blanks(self.size(), bytes.len(), &mut self.tail);
        let record = Record { offset: self.size(), head };
        for part in [&bytes, key, value, encode::padding(key, value)] {
            self.tail.extend_from_slice(part);
        }
        record
    }

    /// Replaces the head of a record.
    pub fn rewrite(&mut self, record: &Record) {
        let bytes = encode::head(&record.head);
        match self.part(record.offset, bytes.len()) {
            Some(part) => part.copy_from_slice(&bytes),
            None => drop(self.heads.insert(record.offset, record.head)),
        }
    }

    /// The new head of a record in the file.
    pub fn head(&self, offset: u64) -> Option<Head> {
        self.heads.get(&offset).copied()
    }

    /// Reads from behind the end of the file; whether there was as much.
    pub fn read(&mut self, offset: u64, buffer: &mut [u8]) -> bool {
        let part = self.part(offset, buffer.len());
        part.map(|part| buffer.copy_from_slice(part)).is_some()
    }

    /// Writes everything.
    pub fn write_to(&mut self, file: &dyn DiskFile) -> io::Result<()> {
        if !self.tail.is_empty() {
            file.write_at(self.written, &[&self.tail])?;
        }
        for (offset, head) in &self.heads {
            file.write_at(*offset, &[&encode::head(head)])?;
        }
        *self = Pending::none(self.size());
        Ok(())
    }

    /// A part of the tail, by its offset in the file.
    fn part(&mut self, offset: u64, len: usize) -> Option<&mut [u8]> {
        let start = usize::try_from(offset.checked_sub(self.written)?).ok()?;
        self.tail.get_mut(start..start.checked_add(len)?)
    }
}
