//! Cache records, as they stand in `cyrus.cache`.
//!
//! ```text
//! cyrus.cache    4 bytes   generation number, big endian, the same as in cyrus.index
//!                records   one after the other; the index record has each one's offset and CRC-32
//! record         10 items  ENVELOPE BODYSTRUCTURE BODY SECTION HEADERS FROM TO CC BCC SUBJECT
//! item           4 bytes   length, big endian
//!                length    bytes
//!                0 to 3    NULs, so that the next item starts at a multiple of 4
//! ```
//!
//! A record's length is nowhere written: it ends with its tenth item. Source: `message_write_cache` and
//! `message_write_xdrstring`, `imap/message.c`; `mailbox_cacherecord` and `cache_parserecord`, `imap/mailbox.c` (3.6 and 3.12).

/// The bytes before the first record of a cache file.
pub const GENERATION_SIZE: usize = 4;

/// The number of items in a record. Source: `NUM_CACHE_FIELDS`, `imap/mailbox.h`.
pub const ITEM_COUNT: usize = 10;

/// The bytes of an item's length, and what items are padded to.
const UNIT: usize = 4;

/// Most records are smaller than this, so that they are put together without moving them.
const TYPICAL_SIZE: usize = 4096;

/// The items of a record, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheItem {
    /// The IMAP ENVELOPE.
    Envelope,
    /// The IMAP BODYSTRUCTURE.
    BodyStructure,
    /// The IMAP BODY.
    Body,
    /// Where the parts are.
    Section,
    /// The header fields that clients ask for.
    Headers,
    /// The senders, for searching.
    From,
    /// The recipients, for searching.
    To,
    /// The recipients of copies, for searching.
    Cc,
    /// The recipients of blind copies, for searching.
    Bcc,
    /// The subject, for searching.
    Subject,
}

/// A record that is being put together, item by item in their order.
#[derive(Debug)]
pub(super) struct CacheRecord {
    bytes: Vec<u8>,
    next: usize,
}

impl CacheRecord {
    pub(super) fn new() -> CacheRecord {
        CacheRecord { bytes: Vec::with_capacity(TYPICAL_SIZE), next: 0 }
    }

    /// Appends the next item, which `write` appends the bytes of.
    pub(super) fn item(&mut self, item: CacheItem, write: impl FnOnce(&mut Vec<u8>)) {
        debug_assert_eq!(item as usize, self.next, "items come in their order");
        self.next += 1;
        let start = self.bytes.len() + UNIT;
        self.bytes.resize(start, 0);
        write(&mut self.bytes);
        let length = self.bytes.len() - start;
        self.bytes[start - UNIT..start].copy_from_slice(&(length as u32).to_be_bytes());
        self.bytes.resize(start + length.next_multiple_of(UNIT), 0);
    }

    /// The record's bytes.
    pub(super) fn finish(self) -> Vec<u8> {
        debug_assert_eq!(self.next, ITEM_COUNT, "a record has all items");
        self.bytes
    }
}

/// The items of the record that `bytes` start with, and the record's length; `None` if the bytes end before the record.
pub fn split(bytes: &[u8]) -> Option<([&[u8]; ITEM_COUNT], usize)> {
    let mut items = [&bytes[..0]; ITEM_COUNT];
    let mut rest = bytes;
    for item in &mut items {
        let (length, from) = rest.split_first_chunk()?;
        let length = u32::from_be_bytes(*length) as usize;
        *item = from.get(..length)?;
        rest = from.get(length.next_multiple_of(UNIT)..)?;
    }
    Some((items, bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Vec<u8> {
        let mut record = CacheRecord::new();
        record.item(CacheItem::Envelope, |out| out.extend_from_slice(b"(NIL)"));
        for item in [CacheItem::BodyStructure, CacheItem::Body, CacheItem::Section, CacheItem::Headers, CacheItem::From]
        {
            record.item(item, |_| {});
        }
        for item in [CacheItem::To, CacheItem::Cc, CacheItem::Bcc, CacheItem::Subject] {
            record.item(item, |out| out.extend_from_slice(b"abcd"));
        }
        record.finish()
    }

    #[test]
    fn items_are_padded_to_four_bytes() {
        let record = record();
        assert_eq!(record[..12], *b"\0\0\0\x05(NIL)\0\0\0");
        assert_eq!(record.len(), 12 + 5 * 4 + 4 * 8);
    }

    #[test]
    fn a_record_is_split_into_its_items() {
        let mut bytes = record();
        let length = bytes.len();
        bytes.extend_from_slice(b"next");
        let (items, found) = split(&bytes).unwrap();
        assert_eq!(found, length);
        assert_eq!(items[0], b"(NIL)");
        assert_eq!(items[9], b"abcd");
    }

    #[test]
    fn a_torn_record_is_none() {
        let record = record();
        for end in 0..record.len() {
            assert_eq!(split(&record[..end]), None, "{end}");
        }
        assert_eq!(split(&[0xff; 64]), None);
    }
}
