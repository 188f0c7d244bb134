//! Numbers with a meaning.

use std::{fmt, num::NonZeroU32};

/// An IMAP unique identifier: 1 to 4294967295.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(NonZeroU32);

impl Uid {
    /// The first that a mailbox gives.
    pub const MIN: Uid = Uid(NonZeroU32::MIN);

    /// The UID with this number; `None` for 0, which no message has.
    pub const fn new(number: u32) -> Option<Uid> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Uid(number)),
            None => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

/// A modification sequence number (RFC 7162); 0 stands for "none".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModSeq(pub u64);

impl fmt::Display for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ModSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModSeq({self})")
    }
}

/// The two checksums over a mailbox that master and replica compare (`struct synccrcs`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyncCrcs {
    /// Over the records: uid, modseq, dates, flags, GUID. Starts at 0.
    pub basic: u32,
    /// Over the annotations of the records. Starts at 12345678 (Cyrus 3.2 and later).
    pub annot: u32,
}

impl SyncCrcs {
    /// The checksums of an empty mailbox (`CRC_INIT_BASIC`, `CRC_INIT_ANNOT`).
    pub const EMPTY: SyncCrcs = SyncCrcs { basic: 0, annot: 12_345_678 };

    /// Whether two sides agree. 0 on either side means "do not check" (`mailbox_crceq`).
    pub fn agree(self, other: SyncCrcs) -> bool {
        let agree = |a: u32, b: u32| a == 0 || b == 0 || a == b;
        agree(self.basic, other.basic) && agree(self.annot, other.annot)
    }

    /// These checksums with another contribution added or taken away: both are an exclusive or.
    #[must_use]
    pub fn toggled(self, part: SyncCrcs) -> SyncCrcs {
        SyncCrcs { basic: self.basic ^ part.basic, annot: self.annot ^ part.annot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zero_checksum_on_either_side_is_not_compared() {
        let crcs = |basic, annot| SyncCrcs { basic, annot };
        assert!(crcs(0, 1).agree(crcs(7, 1)));
        assert!(crcs(7, 0).agree(crcs(7, 9)));
        assert!(!crcs(7, 1).agree(crcs(8, 1)));
        assert!(!crcs(7, 1).agree(crcs(7, 2)));
    }
}
