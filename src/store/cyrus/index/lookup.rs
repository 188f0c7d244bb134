//! Looking up many UIDs, best in ascending order: neighbours are read together, in pages that grow while they are of use.

use super::{
    file::{Found, IndexError, IndexFile},
    types::IndexRecord,
};
use crate::types::Uid;
use std::cmp::Ordering;

/// Records of the first page behind one that was found: about 4 KiB.
const FIRST_PAGE: u32 = 32;

/// Records of a page at most: 56 KiB of version 19.
const LARGEST_PAGE: u32 = 512;

/// A series of searches.
#[derive(Debug)]
pub struct Lookup<'a> {
    index: &'a IndexFile,
    page: Vec<u8>,
    /// The number of the page's first record; with an empty page, of the one that follows what was found last. 0: none yet.
    first: u32,
    /// The number of the record to try first.
    next: u32,
    /// Records to read with the next page.
    wanted: u32,
}

/// What a page says of a UID.
enum InPage {
    Found(u32, IndexRecord),
    /// No record has it: there are lower ones before its place and higher ones behind.
    Missing,
    /// It may be in a later page.
    Behind,
    /// It may be in an earlier page.
    Before,
}

impl<'a> Lookup<'a> {
    /// Begins a series.
    pub fn new(index: &'a IndexFile) -> Lookup<'a> {
        Lookup { index, page: Vec::new(), first: 0, next: 0, wanted: FIRST_PAGE }
    }

    /// The record with a UID, and its number.
    ///
    /// # Errors
    /// [`IndexError`] if a record on the way is damaged or the disk fails.
    pub fn find(&mut self, uid: Uid) -> Result<Option<(u32, IndexRecord)>, IndexError> {
        let mut answer = self.search_page(uid)?;
        if matches!(answer, InPage::Behind) && self.turn()? {
            answer = self.search_page(uid)?;
        }
        match answer {
            InPage::Found(number, record) => {
                self.next = number.saturating_add(1);
                Ok(Some((number, record)))
            }
            InPage::Missing => Ok(None),
            InPage::Behind | InPage::Before => self.jump(uid),
        }
    }

    /// Looks among all records.
    fn jump(&mut self, uid: Uid) -> Result<Option<(u32, IndexRecord)>, IndexError> {
        self.page.clear();
        self.wanted = FIRST_PAGE;
        let (next, found) = match self.index.find(uid)? {
            Found::Record(number, record) => (number.saturating_add(1), Some((number, record))),
            Found::Before(number) => (number, None),
        };
        (self.first, self.next) = (next, next);
        Ok(found)
    }

    /// Reads the next page; whether there is one.
    fn turn(&mut self) -> Result<bool, IndexError> {
        let (first, end) = (self.end(), self.index.header().num_records.saturating_add(1));
        if self.first == 0 || first >= end {
            return Ok(false);
        }
        let count = self.wanted.min(end - first);
        self.page.clear();
        self.page.resize(count as usize * self.index.record_size(), 0);
        self.index.read_records(first, &mut self.page)?;
        (self.first, self.next) = (first, first);
        self.wanted = (self.wanted * 2).min(LARGEST_PAGE);
        Ok(true)
    }

    fn search_page(&self, uid: Uid) -> Result<InPage, IndexError> {
        let (mut low, mut high) = (self.first, self.end());
        let (mut is_above, mut is_below) = (false, false);
        let mut middle = if (low..high).contains(&self.next) { self.next } else { low + (high - low) / 2 };
        while low < high {
            let found = self.last_with_uid(low, middle)?;
            match found.map(|(number, record)| (number, record, record.uid.cmp(&Some(uid)))) {
                Some((number, record, Ordering::Equal)) => return Ok(InPage::Found(number, record)),
                Some((number, _, Ordering::Greater)) => (high, is_below) = (number, true),
                Some((_, _, Ordering::Less)) => (low, is_above) = (middle + 1, true),
                None => low = middle + 1,
            }
            middle = low + (high - low) / 2;
        }
        Ok(match (is_above, is_below) {
            (true, true) => InPage::Missing,
            (_, false) => InPage::Behind,
            (false, true) => InPage::Before,
        })
    }

    /// The last record of the page from `low` to `number` that has a UID.
    fn last_with_uid(&self, low: u32, number: u32) -> Result<Option<(u32, IndexRecord)>, IndexError> {
        let size = self.index.record_size();
        for number in (low..=number).rev() {
            let bytes = self.page.get((number - self.first) as usize * size..).unwrap_or_default();
            let record = self.index.decode(number, bytes)?;
            if record.uid.is_some() {
                return Ok(Some((number, record)));
            }
        }
        Ok(None)
    }

    /// The number behind the page's last record.
    fn end(&self) -> u32 {
        let count = self.page.len() / self.index.record_size().max(1);
        self.first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX))
    }
}
