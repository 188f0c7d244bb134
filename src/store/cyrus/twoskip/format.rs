//! The bytes of a twoskip file (lib/cyrusdb_twoskip.c; the same in 3.6 and 3.12). All numbers are big-endian.
//!
//! ```text
//! header, 64 bytes                           record, at least 24 bytes, after the header one behind the other
//!   0  20  magic                               0  1  type: '=' dummy, '+' record, '-' delete, '$' commit
//!  20   4  version, 1                          1  1  level L: dummy 31, record 1 to 31, delete and commit 0
//!  24   8  generation, +1 at each repack       2  2  key length;   65535: see below
//!  32   8  number of live records              4  4  value length; 4294967295: see below
//!  40   8  repack size: where the records         8  key length,   only if the two bytes above are all ones
//!          of the last repack ended               8  value length, only if the four bytes above are all ones
//!  48   8  current size: the file's size          8  × (L+1)  next: offsets of following records, 0 is none
//!          at the last commit                     4  CRC-32 of all of the above
//!  56   4  flags: 1 is dirty                      4  CRC-32 of all of the below
//!  60   4  CRC-32 of all of the above                key, value, zeros up to a multiple of 8
//! ```
//!
//! The dummy is the first record, at 64, and precedes every key. next\[0\] and next\[1\] both belong to level 0, next\[i+1\]
//! to level i. Of the two, a writer changes the older one, and then that one again, until it commits: so what was
//! committed can always be followed, whatever else reached the disk. Readers follow the higher one below the end.
//!
//! A replaced record stays where it is and nothing points to it any more. In place of a deleted one, level 0 leads
//! to a delete record, whose only pointer leads on. A commit record ends each transaction; its only pointer is the
//! offset where the transaction starts. Before a record whose head would cross a block of 512 bytes, blanks of 8 bytes
//! fill the block, so that a changed head is written whole or not at all.

use crate::store::cyrus::db_error::Damage;

/// How a file begins.
pub const MAGIC: &[u8; 20] = b"\xa1\x02\x8b\x0dtwoskip file\0\0\0\0";
/// The version that this module reads and writes.
pub const VERSION: u32 = 1;
/// Bytes of the header.
pub const HEADER_SIZE: usize = 64;
/// Flag of the header: a transaction may have left something behind the current size.
pub const DIRTY: u32 = 1;

/// The levels that a record can be on, counted from 0.
pub const MAX_LEVEL: usize = 31;
/// Where the dummy is.
pub const DUMMY_OFFSET: u64 = HEADER_SIZE as u64;
/// Where the first record behind the dummy is: the size of an empty database.
pub const FIRST_RECORD: u64 = DUMMY_OFFSET + 8 + 8 * (MAX_LEVEL as u64 + 1) + 8;
/// Bytes of the smallest head: one pointer.
pub const MIN_HEAD: usize = 8 + 8 + 8;
/// Bytes of the largest head: long key, long value, all pointers.
pub const MAX_HEAD: usize = 8 + 8 + 8 + 8 * (MAX_LEVEL + 1) + 8;
/// Fills a block in front of a head that would cross its end.
pub const BLANK: &[u8; 8] = b" BLANK\x07\xa0";
/// What heads do not cross.
pub const BLOCK: u64 = 512;
/// The key length that says that the length follows.
pub const LONG_KEY: u16 = u16::MAX;
/// The value length that says that the length follows.
pub const LONG_VALUE: u32 = u32::MAX;

/// The header.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Header {
    /// Rises when the file is rewritten and offsets become invalid.
    pub generation: u64,
    /// Live records.
    pub records: u64,
    /// Where the records of the last repack ended.
    pub repack_size: u64,
    /// The size of the file at the last commit.
    pub current_size: u64,
    /// [`DIRTY`] or 0; other bits are kept.
    pub flags: u32,
}

impl Header {
    /// Whether a transaction was begun and not ended.
    pub fn is_dirty(&self) -> bool {
        self.flags & DIRTY != 0
    }
}

/// The type of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Where every search begins.
    Dummy,
    /// A key and its value.
    Record,
    /// Stands on level 0 for a record that was deleted.
    Delete,
    /// The end of a transaction.
    Commit,
}

impl Kind {
    /// The type with this byte and level.
    pub fn new(byte: u8, level: u8) -> Result<Kind, Damage> {
        match (byte, usize::from(level)) {
            (b'=', MAX_LEVEL) => Ok(Kind::Dummy),
            (b'+', 1..=MAX_LEVEL) => Ok(Kind::Record),
            (b'-', 0) => Ok(Kind::Delete),
            (b'$', 0) => Ok(Kind::Commit),
            _ => Err(Damage::Record { kind: byte, level }),
        }
    }

    /// Its byte.
    pub fn byte(self) -> u8 {
        match self {
            Kind::Dummy => b'=',
            Kind::Record => b'+',
            Kind::Delete => b'-',
            Kind::Commit => b'$',
        }
    }
}

/// What stands in front of a record's key and value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The type.
    pub kind: Kind,
    /// The number of levels that the record is on: 0 to 31.
    pub level: u8,
    /// Bytes of the key.
    pub key_len: u64,
    /// Bytes of the value.
    pub value_len: u64,
    /// The CRC-32 of key, value and padding.
    pub tail_crc: u32,
    /// `level + 1` offsets; zeros behind them.
    next: [u64; MAX_LEVEL + 1],
}

impl Head {
    /// A head without key, value and pointers.
    pub const fn new(kind: Kind, level: u8) -> Head {
        Head { kind, level, key_len: 0, value_len: 0, tail_crc: 0, next: [0; MAX_LEVEL + 1] }
    }

    /// The head of a delete or commit record.
    pub fn pointing(kind: Kind, offset: u64) -> Head {
        let mut head = Head::new(kind, 0);
        head.next[0] = offset;
        head
    }

    /// Where a delete or commit record points.
    pub fn target(&self) -> u64 {
        self.next[0]
    }

    /// The pointers as they are in the file.
    pub fn pointers(&self) -> &[u64] {
        self.next.get(..=usize::from(self.level)).unwrap_or(&self.next)
    }

    /// The pointers as they are in the file.
    pub fn pointers_mut(&mut self) -> &mut [u64] {
        match usize::from(self.level) {
            level @ 0..MAX_LEVEL => &mut self.next[..=level],
            _ => &mut self.next,
        }
    }

    /// The offset that follows on a level, from 0, for a reader to whom the file ends at `end`; 0 for none (`_getloc`).
    pub fn next(&self, level: usize, end: u64) -> u64 {
        let [first, second, ..] = self.next;
        match level {
            0 if first >= end => second,
            0 if second >= end => first,
            0 => first.max(second),
            _ => self.pointers().get(level + 1).copied().unwrap_or(0),
        }
    }

    /// Lets a level, from 0, lead to an offset, in a file that ended at `committed` before the transaction (`_setloc`).
    /// A level that the record is not on is left alone.
    pub fn set_next(&mut self, level: usize, offset: u64, committed: u64) {
        let [first, second, ..] = self.next;
        let slot = match level {
            0 if first >= committed => 0,
            0 if second >= committed => 1,
            0 if second > first => 0,
            0 => 1,
            _ => level + 1,
        };
        if let Some(pointer) = self.pointers_mut().get_mut(slot) {
            *pointer = offset;
        }
    }

    /// Bytes of the head.
    pub fn head_len(&self) -> usize {
        let long_key = self.key_len >= u64::from(LONG_KEY);
        let long_value = self.value_len >= u64::from(LONG_VALUE);
        head_len(self.level, long_key, long_value)
    }

    /// Bytes of key, value and padding; `None` if that is more than a file can have.
    pub fn tail_len(&self) -> Option<u64> {
        self.key_len.checked_add(self.value_len)?.checked_next_multiple_of(8)
    }

    /// Bytes of the record; `None` if that is more than a file can have.
    pub fn record_len(&self) -> Option<u64> {
        self.tail_len()?.checked_add(self.head_len() as u64)
    }
}

/// Bytes of a head.
pub fn head_len(level: u8, long_key: bool, long_value: bool) -> usize {
    8 + 8 * usize::from(long_key) + 8 * usize::from(long_value) + 8 * (usize::from(level) + 1) + 8
}
