//! A small cache of a file's pages, for as long as a lock is held.

use std::io;

use crate::store::cyrus::disk::DiskFile;

/// Bytes of a page.
const PAGE: usize = 4096;
/// Pages kept: what the upper levels of a search, a walk and its values touch. At most 1 MiB.
const SLOTS: usize = 256;

/// A small cache of a file's pages: page `n` is kept in slot `n` modulo [`SLOTS`].
#[derive(Default, Debug)]
pub struct Pages(Vec<Page>);

#[derive(Default, Debug)]
struct Page {
    number: u64,
    /// Empty: nothing is kept here.
    bytes: Vec<u8>,
}

impl Pages {
    /// Forgets what was read.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Reads at an offset; whether the file was long enough.
    pub fn read(&mut self, file: &dyn DiskFile, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<bool> {
        if buffer.len() >= PAGE {
            return Ok(file.read_at(offset, buffer)? == buffer.len());
        }
        while !buffer.is_empty() {
            let page = self.page(file, offset / PAGE as u64)?;
            let known = page.get((offset % PAGE as u64) as usize..).unwrap_or_default();
            let count = known.len().min(buffer.len());
            let (now, rest) = buffer.split_at_mut(count);
            now.copy_from_slice(known.get(..count).unwrap_or_default());
            if count == 0 {
                return Ok(false);
            }
            offset += count as u64;
            buffer = rest;
        }
        Ok(true)
    }

    /// A page, shorter at the end of the file.
    fn page(&mut self, file: &dyn DiskFile, number: u64) -> io::Result<&[u8]> {
        self.0.resize_with(SLOTS, Page::default);
        let slot = self.0.get_mut((number % SLOTS as u64) as usize).expect("there are SLOTS slots");
        if slot.bytes.is_empty() || slot.number != number {
            slot.number = number;
            slot.bytes.resize(PAGE, 0);
            let count = file.read_at(number.saturating_mul(PAGE as u64), &mut slot.bytes);
            slot.bytes.truncate(*count.as_ref().unwrap_or(&0));
            count?;
        }
        Ok(&slot.bytes)
    }
}
