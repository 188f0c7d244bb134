//! What was found in messages when they were staged and all of their bytes were at hand, for the commit that takes them.
//!
//! ```text
//! sync./PID/cache    entries   one after the other
//! entry              4 bytes   CRC-32 of all that follows
//!                    4 bytes   size of the message
//!                    4 bytes   size of its header
//!                    4 bytes   CRC-32 of the cache record
//!                    8 bytes   sentdate
//!                    8 bytes   gmtime
//!                              the cache record
//! ```
//!
//! Numbers are big endian. What is not much stays in memory; there is a file only of more, which has a name
//! only where it cannot be without. Nothing but time depends on it: a message whose entry is gone, or was taken before, is
//! parsed again.

use super::super::{
    disk::{Disk, DiskFile, Mode, in_place_of},
    mime::{CacheRelease, ParsedMessage},
};
use crate::types::Guid;
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

/// Bytes that are gathered before they are written, and that are read at once.
const PAGE: usize = 64 * 1024;
/// Entries at most: what is held of them is about half a megabyte.
const MOST: usize = 14 * 1024;
/// Bytes of the file at most.
const LARGEST: usize = 64 << 20;
/// The bytes of an entry before the cache record.
const FIELDS: usize = 32;

/// Where an entry is, were all of them in the file.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u32,
    length: u32,
}

/// What was found in messages.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    places: HashMap<Guid, Place>,
    file: Option<(Option<PathBuf>, Box<dyn DiskFile>)>,
    /// Bytes in the file that entries are in; what is gathered follows them.
    written: usize,
    gathered: Vec<u8>,
    /// What was read last, and from where.
    page: (usize, Vec<u8>),
}

impl Parsed {
    /// Keeps what was found in a message, unless there is much already. A file that is yet to be made has no name and is on the
    /// partition with this root, or has this path.
    pub(super) fn keep(&mut self, disk: &dyn Disk, root: &Path, path: &Path, found: &ParsedMessage) {
        if self.places.is_empty() {
            self.restart();
        }
        let (offset, length) = (self.written + self.gathered.len(), FIELDS + found.cache.len());
        if length > PAGE || offset + length > LARGEST || self.places.len() >= MOST {
            return;
        }
        self.places.insert(found.guid, Place { offset: offset as u32, length: length as u32 });
        encode(&mut self.gathered, found);
        if self.gathered.len() >= PAGE && self.write(disk, root, path).is_err() {
            self.places.clear();
        }
    }

    /// What was found in a message; it is not kept any longer.
    pub(super) fn take(&mut self, guid: Guid, release: CacheRelease) -> Option<ParsedMessage> {
        let Place { offset, length } = self.places.remove(&guid)?;
        decode(self.bytes(offset as usize, length as usize)?, guid, release)
    }

    /// Forgets everything; the file, if there is one with a name, is the caller's to remove.
    pub(super) fn end(&mut self) -> Option<PathBuf> {
        std::mem::take(self).file.and_then(|(path, _)| path)
    }

    /// What is in the file is of no use any more, and is written over.
    fn restart(&mut self) {
        self.written = 0;
        self.gathered.clear();
        self.page.1.clear();
    }

    fn write(&mut self, disk: &dyn Disk, root: &Path, path: &Path) -> io::Result<()> {
        let made = match self.file.take() {
            Some(made) => made,
            None => make(disk, root, path)?,
        };
        let (_, file) = self.file.insert(made);
        file.write_at(self.written as u64, &[&self.gathered])?;
        self.written += self.gathered.len();
        self.gathered.clear();
        Ok(())
    }

    fn bytes(&mut self, offset: usize, length: usize) -> Option<&[u8]> {
        if let Some(from) = offset.checked_sub(self.written) {
            return self.gathered.get(from..from + length);
        }
        let is_read = offset >= self.page.0 && offset + length <= self.page.0 + self.page.1.len();
        if !is_read {
            self.read(offset)?;
        }
        let from = offset - self.page.0;
        self.page.1.get(from..from + length)
    }

    fn read(&mut self, offset: usize) -> Option<()> {
        let (start, bytes) = &mut self.page;
        *start = offset;
        bytes.resize(PAGE.min(self.written - offset), 0);
        let (_, file) = self.file.as_ref()?;
        let read = file.read_at(offset as u64, bytes).unwrap_or(0);
        bytes.truncate(read);
        Some(())
    }
}

fn make(disk: &dyn Disk, root: &Path, path: &Path) -> io::Result<(Option<PathBuf>, Box<dyn DiskFile>)> {
    if let Ok(file) = disk.open_unnamed(root) {
        return Ok((None, file));
    }
    Ok((Some(path.to_owned()), in_place_of(disk, path, || disk.open(path, Mode::CreateNew))?))
}

fn encode(out: &mut Vec<u8>, found: &ParsedMessage) {
    let start = out.len();
    for number in [0, found.size, found.header_size, found.cache_crc] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for time in [found.sent_date, found.gm_time] {
        out.extend_from_slice(&time.to_be_bytes());
    }
    out.extend_from_slice(&found.cache);
    let (crc, covered) = out[start..].split_at_mut(4);
    crc.copy_from_slice(&crc32fast::hash(covered).to_be_bytes());
}

/// `None` if these are not the bytes that were written.
fn decode(entry: &[u8], guid: Guid, release: CacheRelease) -> Option<ParsedMessage> {
    let (crc, covered) = entry.split_first_chunk()?;
    if crc32fast::hash(covered) != u32::from_be_bytes(*crc) {
        return None;
    }
    let (size, rest) = covered.split_first_chunk()?;
    let (header_size, rest) = rest.split_first_chunk()?;
    let (cache_crc, rest) = rest.split_first_chunk()?;
    let (sent_date, rest) = rest.split_first_chunk()?;
    let (gm_time, cache) = rest.split_first_chunk()?;
    Some(ParsedMessage {
        guid,
        size: u32::from_be_bytes(*size),
        header_size: u32::from_be_bytes(*header_size),
        sent_date: i64::from_be_bytes(*sent_date),
        gm_time: i64::from_be_bytes(*gm_time),
        cache: cache.to_vec(),
        cache_version: release.cache_version(),
        cache_crc: u32::from_be_bytes(*cache_crc),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::{RealDisk, testing::TestDir},
        mime::{CacheOptions, parse},
    };
    use std::fs;

    const RELEASE: CacheRelease = CacheRelease::V3_12;

    fn message(number: usize) -> ParsedMessage {
        let text = format!("Date: Mon, 5 Jun 1950 10:22:58 +0200\r\nSubject: {number}\r\n\r\ntext of {number}\r\n");
        parse(text.as_bytes(), &CacheOptions::new(RELEASE))
    }

    /// Keeps one where files need names.
    fn keep(parsed: &mut Parsed, path: &Path, number: usize) {
        parsed.keep(&RealDisk, &path.with_file_name("nowhere"), path, &message(number));
    }

    fn kept(dir: &TestDir, count: usize) -> Parsed {
        let mut parsed = Parsed::default();
        (0..count).for_each(|number| keep(&mut parsed, &dir.path("cache"), number));
        parsed
    }

    fn takes(parsed: &mut Parsed, number: usize) -> bool {
        let expected = message(number);
        let found = parsed.take(expected.guid, RELEASE);
        assert!(found.as_ref().is_none_or(|found| *found == expected));
        found.is_some()
    }

    #[test]
    fn what_is_kept_is_taken_once_in_any_order() {
        let dir = TestDir::new("parsed");
        for count in [3, 3000] {
            let mut parsed = kept(&dir, count);
            for number in (0..count).step_by(2).chain((0..count).filter(|number| number % 2 == 1).rev()) {
                assert!(takes(&mut parsed, number), "{number} of {count}");
                assert!(!takes(&mut parsed, number));
            }
        }
    }

    #[test]
    fn there_is_a_file_only_of_much_and_the_caller_removes_it() {
        let dir = TestDir::new("parsed-file");
        assert_eq!(kept(&dir, 3).end(), None);
        assert_eq!(kept(&dir, 3000).end(), Some(dir.path("cache")));
    }

    #[test]
    fn the_file_has_no_name_where_that_can_be() {
        let dir = TestDir::new("parsed-unnamed");
        let mut parsed = Parsed::default();
        (0..3000).for_each(|number| parsed.keep(&RealDisk, &dir.path(""), &dir.path("cache"), &message(number)));
        assert_eq!(fs::read_dir(dir.path("")).unwrap().count(), 0);
        (0..3000).for_each(|number| assert!(takes(&mut parsed, number)));
        assert_eq!(parsed.end(), None);
    }

    #[test]
    fn a_file_of_entries_that_were_taken_is_written_over() {
        let dir = TestDir::new("parsed-again");
        let mut parsed = kept(&dir, 1000);
        (0..1000).for_each(|number| assert!(takes(&mut parsed, number)));
        let size = fs::metadata(dir.path("cache")).unwrap().len();
        (1000..2000).for_each(|number| keep(&mut parsed, &dir.path("cache"), number));
        assert!(fs::metadata(dir.path("cache")).unwrap().len() < size + PAGE as u64);
        (1000..2000).for_each(|number| assert!(takes(&mut parsed, number)));
    }

    #[test]
    fn so_many_entries_are_kept_and_no_more() {
        let dir = TestDir::new("parsed-most");
        let mut parsed = kept(&dir, MOST + 2);
        assert!(takes(&mut parsed, MOST - 1) && !takes(&mut parsed, MOST));
    }

    #[test]
    fn a_damaged_file_is_passed_over() {
        let dir = TestDir::new("parsed-damaged");
        let mut parsed = kept(&dir, 1000);
        let mut bytes = fs::read(dir.path("cache")).unwrap();
        bytes.truncate(bytes.len() / 2);
        bytes[FIELDS + 100] ^= 1;
        fs::write(dir.path("cache"), bytes).unwrap();
        let taken: Vec<bool> = (0..1000).map(|number| takes(&mut parsed, number)).collect();
        assert!(!taken[0] && taken[1] && taken[999]);
        assert!(taken.iter().filter(|taken| !**taken).count() > 10);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_done_without() {
        let dir = TestDir::new("parsed-nowhere");
        let mut parsed = Parsed::default();
        (0..1000).for_each(|number| keep(&mut parsed, &dir.path("no/cache"), number));
        let taken = (0..1000).filter(|number| takes(&mut parsed, *number)).count();
        assert!(taken < 100);
        assert_eq!(parsed.end(), None);
    }
}
