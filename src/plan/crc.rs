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
use std::fmt::{self, Write};

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
    let mut text = Summed(Hasher::new());
    text.print(format_args!(
        "{} {} {} ({flags}) {} ",
        record.uid, record.modseq, record.last_updated, record.internaldate
    ));
    text.bytes(&record.guid.to_hex());
    text.0.finalize()
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
    let mut text = Summed(Hasher::new());
    text.print(format_args!("{uid} "));
    text.bytes(entry);
    text.bytes(b" ");
    text.bytes(userid);
    text.bytes(b" ");
    text.bytes(value);
    text.0.finalize()
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
    let one = |since: u32, unset: bool, name: &str, value: fmt::Arguments<'_>| {
        if unset || minor_version < since {
            return 0;
        }
        let mut text = Summed(Hasher::new());
        text.print(format_args!("{} ", record.uid));
        text.bytes(NAMESPACE);
        text.print(format_args!("{name}  {value}"));
        text.0.finalize()
    };
    let (cid, nanoseconds) = (record.cid, record.internaldate_nanoseconds);
    let thrid = match minor_version {
        20.. => one(13, cid == 0, "thrid", format_args!("{cid:016x}")),
        _ => one(13, cid == 0, "thrid", format_args!("{cid:x}")),
    };
    thrid
        ^ one(15, record.savedate == 0, "savedate", format_args!("{}", record.savedate))
        ^ one(16, record.createdmodseq.0 == 0, "createdmodseq", format_args!("{}", record.createdmodseq))
        ^ one(20, nanoseconds == 0, "internaldate.nsec", format_args!("{nanoseconds}"))
        ^ one(20, record.basecid == 0, "basethrid", format_args!("{:016x}", record.basecid))
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

fn system_flags(set: SystemFlags) -> u32 {
    const NAMES: [(u32, &[u8]); 5] = [
        (SystemFlags::DELETED, b"\\deleted"),
        (SystemFlags::ANSWERED, b"\\answered"),
        (SystemFlags::FLAGGED, b"\\flagged"),
        (SystemFlags::DRAFT, b"\\draft"),
        (SystemFlags::SEEN, b"\\seen"),
    ];
    NAMES.iter().filter(|(bit, _)| set.has(*bit)).fold(0, |all, (_, name)| all ^ crc32fast::hash(name))
}

/// Sums what is printed instead of keeping it: nothing is allocated.
struct Summed(Hasher);

impl Summed {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn print(&mut self, text: fmt::Arguments<'_>) {
        self.write_fmt(text).expect("write_str below never fails, nor does printing a number");
    }
}

impl Write for Summed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
