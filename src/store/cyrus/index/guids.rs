//! Records by GUID, in a walk over all of them that decodes only those that are wanted.

use super::{
    decode::RecordDamage,
    file::{IndexError, IndexFile},
    layout::Layout,
    types::IndexRecord,
};
use crate::types::Guid;

/// Records read by one call: 56 KiB of version 19.
const PAGE: u32 = 512;

/// A walk over the records of an index.
#[derive(Debug)]
pub struct ByGuid<'a> {
    index: &'a IndexFile,
    next: u32,
    page: Vec<u8>,
}

impl<'a> ByGuid<'a> {
    /// Begins with the first record.
    pub fn new(index: &'a IndexFile) -> ByGuid<'a> {
        ByGuid { index, next: 1, page: Vec::new() }
    }

    /// Those records of the next page whose GUID is wanted; `None` at the end.
    ///
    /// # Errors
    /// [`IndexError`] if one of them is damaged or the disk fails.
    pub fn next_page(&mut self, is_wanted: impl Fn(&Guid) -> bool) -> Result<Option<Vec<IndexRecord>>, IndexError> {
        let (first, header) = (self.next, self.index.header());
        if first > header.num_records {
            return Ok(None);
        }
        let version = header.minor_version;
        let layout = Layout::of(version)
            .ok_or(IndexError::Record { number: first, damage: RecordDamage::Version { version } })?;
        let count = PAGE.min(header.num_records - first + 1);
        let size = self.index.record_size();
        self.page.resize(count as usize * size, 0);
        self.index.read_records(first, &mut self.page)?;
        self.next = first.saturating_add(count);
        let of = |bytes: &[u8]| {
            bytes.get(layout.guid_at..).and_then(<[u8]>::first_chunk).map(|guid| Guid::from_bytes(*guid))
        };
        let records = (first..).zip(self.page.chunks_exact(size));
        let wanted = records.filter(|(_, bytes)| of(bytes).is_some_and(|guid| is_wanted(&guid)));
        wanted.map(|(number, bytes)| self.index.decode(number, bytes)).collect::<Result<_, _>>().map(Some)
    }
}
