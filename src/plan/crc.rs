//! The checksums by which master and replica tell whether their mailboxes agree: `SYNC_CRC` and `SYNC_CRC_ANNOT`.
//!
//! Both are an exclusive or of CRC-32 sums, one or more for each record, so a change takes the old contribution out and
//! puts the new one in ([`SyncCrcs::toggled`](crate::types::SyncCrcs::toggled)) whatever the size of the mailbox:
//!
//! | sum | starts at | of each record | text summed |
//! |---|---|---|---|
//! | basic | 0 | [`basic`] | `uid modseq last_updated (flags) internaldate guid`; `flags` is the exclusive or of [`flag`] |
//! | annot | 12345678 | [`virtual_annotations`] and an [`annotation`] for each stored one | `uid entry userid value` |
//!
//! An expunged record contributes 0 to both, and annotations of the mailbox itself count in neither. Dates are seconds,
//! numbers decimal without padding, the GUID lower-case hexadecimal. Source: `crc_basic`, `crc_annot`, `crc_virtannot`,
//! `mailbox_is_virtannot` in `imap/mailbox.c`, the same in 3.6.1 and 3.12.3; version 20 from 3.13.

use crate::types::{FlagName, Guid, MAX_USER_FLAGS, ModSeq, SystemFlags, UserFlags};
use crc32fast::Hasher;

/// Where the annotations live that index records carry themselves (`IMAP_ANNOT_NS`).
const NAMESPACE: &[u8] = b"/vendor/cmu/cyrus-imapd/";

/// What of a record goes into the checksum of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordFacts {
    /// The message's UID.
    pub uid: u32,
    /// Its modification sequence number.
    pub modseq: ModSeq,
    /// When the record changed last, in seconds since 1970.
    pub last_updated: i64,
    /// IMAP's INTERNALDATE, in seconds since 1970.
    pub internaldate: i64,
    /// The flags that IMAP defines.
    pub system_flags: SystemFlags,
    /// The exclusive or of [`flag`] over the user flags that are set: [`FlagCrcs::of`], or a fold over their names.
    pub user_flags: u32,
    /// The message's GUID.
    pub guid: Guid,
    /// Whether the record is expunged.
    pub expunged: bool,
}

/// A record's part of the checksum of records (`crc_basic`).
pub fn basic(record: &RecordFacts) -> u32 {
    if record.expunged {
        return 0;
    }
    let flags = record.user_flags ^ system_flags(record.system_flags);
    let mut line = Line::default();
    line.number(record.uid.into()).text(b" ").number(record.modseq.0).text(b" ").signed(record.last_updated);
    line.text(b" (").number(flags.into()).text(b") ").signed(record.internaldate).text(b" ");
    line.text(&record.guid.to_hex()).sum()
}

/// A user flag's part of the flags' checksum; case does not count.
pub fn flag(name: &[u8]) -> u32 {
    /// Longer names are cut: the reference copies them into a buffer of 4096 bytes, the last of them a NUL.
    const LONGEST: usize = 4095;
    let mut sum = Hasher::new();
    let mut lower = [0; 64];
    for part in name.get(..LONGEST).unwrap_or(name).chunks(lower.len()) {
        for (to, from) in lower.iter_mut().zip(part) {
            *to = from.to_ascii_lowercase();
        }
        sum.update(lower.get(..part.len()).unwrap_or(&[]));
    }
    sum.finalize()
}

/// [`flag`] of each of the 128 names in a mailbox header, 0 where there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlagCrcs([u32; MAX_USER_FLAGS]);

impl FlagCrcs {
    /// The table for a mailbox without user flags.
    pub const NONE: FlagCrcs = FlagCrcs([0; MAX_USER_FLAGS]);

    /// The table for these names, the first of them bit 0; `None` is a number without a name. Names past the 128th are
    /// passed over: no record can have them.
    pub fn new<'a>(names: impl IntoIterator<Item = Option<&'a [u8]>>) -> FlagCrcs {
        let mut table = FlagCrcs::NONE;
        for (sum, name) in table.0.iter_mut().zip(names) {
            *sum = name.map_or(0, flag);
        }
        table
    }

    /// The table for a mailbox's user flags.
    pub fn named(flags: &[Option<FlagName>]) -> FlagCrcs {
        FlagCrcs::new(flags.iter().map(|name| name.as_ref().map(|name| name.as_str().as_bytes())))
    }

    /// The exclusive or over the flags that are set. A bit without a name counts for nothing.
    pub fn of(&self, set: &UserFlags) -> u32 {
        let words = self.0.chunks_exact(32).zip(set);
        words.filter(|(_, bits)| **bits != 0).fold(0, |all, (sums, bits)| {
            sums.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).fold(all, |all, (_, sum)| all ^ sum)
        })
    }
}

/// A stored annotation's part of the checksum of annotations (`crc_annot`).
///
/// `userid` is empty for the shared value. Annotations that [`is_virtual`] are not stored: count them with
/// [`virtual_annotations`].
pub fn annotation(uid: u32, entry: &[u8], userid: &[u8], value: &[u8]) -> u32 {
    let mut sum = Hasher::new();
    sum.update(Line::default().number(uid.into()).bytes());
    [entry, userid, value].iter().for_each(|text| {
        sum.update(b" ");
        sum.update(text);
    });
    sum.finalize()
}

/// What of a record counts as an annotation, though the record itself carries it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VirtualFacts {
    /// The message's UID.
    pub uid: u32,
    /// Its conversation; 0 for none.
    pub cid: u64,
    /// When it was saved in this mailbox, in seconds since 1970; 0 for unknown.
    pub savedate: i64,
    /// The modification sequence number that it was made with; 0 for unknown.
    pub createdmodseq: ModSeq,
    /// The nanoseconds of its INTERNALDATE; 0 for unknown. From version 20 on.
    pub internaldate_nanoseconds: u32,
    /// The conversation that its own was split off; 0 for none. From version 20 on.
    pub basecid: u64,
    /// Whether the record is expunged.
    pub expunged: bool,
}

/// A record's own part of the checksum of annotations, in a mailbox with this index version (`crc_virtannot`).
///
/// A conversation is written without leading zeros up to version 19 and with them in version 20 (`CONV_FMT` of 3.13).
pub fn virtual_annotations(record: &VirtualFacts, minor_version: u32) -> u32 {
    if record.expunged {
        return 0;
    }
    let one = |since: u32, unset: bool, name: &[u8], value: fn(&mut Line, &VirtualFacts)| {
        if unset || minor_version < since {
            return 0;
        }
        let mut line = Line::default();
        line.number(record.uid.into()).text(b" ").text(NAMESPACE).text(name).text(b"  ");
        value(&mut line, record);
        line.sum()
    };
    let thrid: fn(&mut Line, &VirtualFacts) = match minor_version {
        20.. => |line, of| line.conversation(of.cid, LONGEST_HEX),
        _ => |line, of| line.conversation(of.cid, 1),
    };
    one(13, record.cid == 0, b"thrid", thrid)
        ^ one(15, record.savedate == 0, b"savedate", |line, of| {
            line.signed(of.savedate);
        })
        ^ one(16, record.createdmodseq.0 == 0, b"createdmodseq", |line, of| {
            line.number(of.createdmodseq.0);
        })
        ^ one(20, record.internaldate_nanoseconds == 0, b"internaldate.nsec", |line, of| {
            line.number(of.internaldate_nanoseconds.into());
        })
        ^ one(20, record.basecid == 0, b"basethrid", |line, of| line.conversation(of.basecid, LONGEST_HEX))
}

/// Whether records of a mailbox with this index version carry this annotation themselves (`mailbox_is_virtannot`).
pub fn is_virtual(entry: &[u8], minor_version: u32) -> bool {
    match entry.strip_prefix(NAMESPACE) {
        Some(b"thrid") => minor_version >= 13,
        Some(b"savedate") => minor_version >= 15,
        Some(b"createdmodseq") => minor_version >= 16,
        Some(b"internaldate.nsec" | b"basethrid") => minor_version >= 20,
        _ => false,
    }
}

/// The exclusive or of the sums of the names in lower case.
fn system_flags(set: SystemFlags) -> u32 {
    SYSTEM_FLAGS.iter().filter(|(bit, ..)| set.has(*bit)).fold(0, |all, (_, _, sum)| all ^ sum)
}

/// Each flag's name and the sum of that.
const SYSTEM_FLAGS: [(u32, &[u8], u32); 5] = [
    (SystemFlags::DELETED, b"\\deleted", 0x11fc_a8ad),
    (SystemFlags::ANSWERED, b"\\answered", 0x7a3b_f34d),
    (SystemFlags::FLAGGED, b"\\flagged", 0xed95_f95f),
    (SystemFlags::DRAFT, b"\\draft", 0x4ad0_08a6),
    (SystemFlags::SEEN, b"\\seen", 0xbed7_00d3),
];

/// Digits of the largest number of 64 bits.
const LONGEST_DECIMAL: usize = 20;

/// The same in hexadecimal.
const LONGEST_HEX: usize = 16;

/// A text that is summed at once; nothing is allocated.
struct Line {
    bytes: [u8; Line::LONGEST],
    length: usize,
}

impl Default for Line {
    fn default() -> Line {
        Line { bytes: [0; Line::LONGEST], length: 0 }
    }
}

impl Line {
    /// Five numbers with signs, a GUID and the characters between; the others are shorter.
    const LONGEST: usize = 5 * (LONGEST_DECIMAL + 1) + 40 + 8;

    fn text(&mut self, text: &[u8]) -> &mut Line {
        let end = self.length + text.len();
        debug_assert!(end <= Line::LONGEST, "all lines are this short");
        if let Some(to) = self.bytes.get_mut(self.length..end) {
            to.copy_from_slice(text);
            self.length = end;
        }
        self
    }

    fn number(&mut self, number: u64) -> &mut Line {
        self.digits(number, 10, 1)
    }

    fn signed(&mut self, number: i64) -> &mut Line {
        let sign: &[u8] = if number < 0 { b"-" } else { b"" };
        self.text(sign).number(number.unsigned_abs())
    }

    fn conversation(&mut self, id: u64, least: usize) {
        self.digits(id, 16, least);
    }

    /// With zeros in front, so that there are at least so many digits.
    fn digits(&mut self, mut number: u64, base: u64, least: usize) -> &mut Line {
        let (mut digits, mut start) = ([b'0'; LONGEST_DECIMAL], LONGEST_DECIMAL);
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            if number == 0 && LONGEST_DECIMAL - start >= least {
                break;
            }
            *digit = b"0123456789abcdef"[(number % base) as usize];
            number /= base;
            start = at;
        }
        self.text(&digits[start..])
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn sum(&self) -> u32 {
        crc32fast::hash(self.bytes())
    }
}

#[cfg(test)]
mod tests;
