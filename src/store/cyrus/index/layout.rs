//! Where each field lies, for every version of `cyrus.index` from 10 to 20.
//!
//! Everything is big-endian. A file is one header and then `num_records` records in ascending order of UID; the header
//! says at which byte records begin and how long each is. CRC-32 sums of all bytes before them end both.
//!
//! | version | header | record | first made by | what it added |
//! |---|---|---|---|---|
//! | 10 | 96 | 88 | 2.3 | GUID; no sums yet |
//! | 12 | 128 | 96 | 2.4 | `exists`, `deletedmodseq`, sync CRC, the owner's seen state; sums |
//! | 13 | 128 | 104 | 2.5 | cid, annotations' sync CRC and usage, `pop3_show_after` |
//! | 14 | 160 | 104 | 3.1 | `unseen` |
//! | 15 | 160 | 104 | 3.1 | savedate, in place of `content_lines` |
//! | 16 | 160 | 112 | 3.2 | createdmodseq of mailbox and record |
//! | 17 | 160 | 112 | 3.4 | `changes_epoch` |
//! | 18 | 160 | 112 | 3.9 | usage of deleted and expunged messages |
//! | 19 | 160 | 112 | 3.10 | 64-bit fields of the header moved to multiples of 8 |
//! | 20 | 192 | 144 | 3.13 | times in nanoseconds, 64-bit sizes, basecid |
//!
//! Version 11 was never released; those before 10 are refused. Sources: `OFFSET_*` and `PRE19_OFFSET_*` in
//! `imap/mailbox.h` of 3.12.3 (3.6.1 knows up to 17) and `imap/index_file.c` of 3.13. The tables below are the byte
//! tables: offset, width, field, and the versions that have it there.

use std::ops::RangeInclusive;

/// The lowest index version that is read.
pub const OLDEST: u32 = 10;
/// The highest index version that is read.
pub const NEWEST: u32 = 20;

/// How a field is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Width {
    /// 32 bits.
    Word,
    /// 64 bits.
    Long,
    /// A time as 32 bits of seconds since 1970.
    Seconds,
    /// A time as 64 bits of nanoseconds since 1970.
    Nanoseconds,
}

/// A field of the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InHeader {
    Generation,
    Format,
    MinorVersion,
    StartOffset,
    RecordSize,
    NumRecords,
    LastAppenddate,
    LastUid,
    QuotaMailboxUsed,
    Pop3LastLogin,
    Uidvalidity,
    Deleted,
    Answered,
    Flagged,
    Exists,
    Options,
    LeakedCache,
    Highestmodseq,
    Deletedmodseq,
    FirstExpunged,
    LastRepackTime,
    HeaderFileCrc,
    SyncCrcBasic,
    Recentuid,
    Recenttime,
    Pop3ShowAfter,
    QuotaAnnotUsed,
    SyncCrcAnnot,
    Unseen,
    Createdmodseq,
    QuotaDeletedUsed,
    QuotaExpungedUsed,
    ChangesEpoch,
}

/// A field of a record, but for the GUID and the user flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum InRecord {
    Uid,
    Internaldate,
    Sentdate,
    Size,
    HeaderSize,
    Gmtime,
    CacheOffset,
    LastUpdated,
    Flags,
    Savedate,
    CacheVersion,
    Modseq,
    Cid,
    Createdmodseq,
    Basecid,
    CacheCrc,
}

/// A field at its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<F> {
    pub(super) at: usize,
    pub(super) width: Width,
    pub(super) field: F,
    since: u32,
    until: u32,
}

/// How files of one version are laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    version: u32,
    /// Bytes of a header, its sum included.
    pub(super) header_size: usize,
    /// Bytes of a record, its sum included.
    pub(super) record_size: usize,
    /// Whether sums end the header and each record.
    pub(super) has_sums: bool,
    /// Where a record's GUID begins; the same in all versions.
    pub(super) guid_at: usize,
    /// Where the 128 bits of user flags begin.
    pub(super) user_flags_at: usize,
    header: &'static [Slot<InHeader>],
    record: &'static [Slot<InRecord>],
}

impl Layout {
    /// The layout of a version; `None` if it is not known.
    pub(super) fn of(version: u32) -> Option<Layout> {
        let (header_size, record_size) = match version {
            10 => (96, 88),
            12 => (128, 96),
            13 => (128, 104),
            14 | 15 => (160, 104),
            16..=19 => (160, 112),
            20 => (192, 144),
            _ => return None,
        };
        let header = match version {
            20.. => V20_HEADER,
            19 => V19_HEADER,
            _ => PRE19_HEADER,
        };
        let (record, user_flags_at) = if version >= 20 { (V20_RECORD, 40) } else { (PRE20_RECORD, 36) };
        let has_sums = version >= 12;
        Some(Layout { version, header_size, record_size, has_sums, guid_at: 60, user_flags_at, header, record })
    }

    /// The fields of a header.
    pub(super) fn header_slots(&self) -> impl Iterator<Item = &'static Slot<InHeader>> + use<> {
        let version = self.version;
        self.header.iter().filter(move |slot| slot.is_in(version))
    }

    /// The fields of a record.
    pub(super) fn record_slots(&self) -> impl Iterator<Item = &'static Slot<InRecord>> + use<> {
        let version = self.version;
        self.record.iter().filter(move |slot| slot.is_in(version))
    }
}

impl<F> Slot<F> {
    fn is_in(&self, version: u32) -> bool {
        (self.since..=self.until).contains(&version)
    }
}

const ALL: RangeInclusive<u32> = OLDEST..=NEWEST;
const SINCE_12: RangeInclusive<u32> = 12..=NEWEST;
const SINCE_13: RangeInclusive<u32> = 13..=NEWEST;

const fn slot<F: Copy>(at: usize, width: Width, field: F, versions: RangeInclusive<u32>) -> Slot<F> {
    Slot { at, width, field, since: *versions.start(), until: *versions.end() }
}

use {InHeader as H, InRecord as R, Width::*};

const PRE19_HEADER: &[Slot<InHeader>] = &[
    slot(0, Word, H::Generation, ALL),
    slot(4, Word, H::Format, ALL),
    slot(8, Word, H::MinorVersion, ALL),
    slot(12, Word, H::StartOffset, ALL),
    slot(16, Word, H::RecordSize, ALL),
    slot(20, Word, H::NumRecords, ALL),
    slot(24, Seconds, H::LastAppenddate, ALL),
    slot(28, Word, H::LastUid, ALL),
    slot(32, Long, H::QuotaMailboxUsed, ALL),
    slot(40, Seconds, H::Pop3LastLogin, ALL),
    slot(44, Word, H::Uidvalidity, ALL),
    slot(48, Word, H::Deleted, ALL),
    slot(52, Word, H::Answered, ALL),
    slot(56, Word, H::Flagged, ALL),
    slot(60, Word, H::Options, ALL),
    slot(64, Word, H::LeakedCache, ALL),
    slot(68, Long, H::Highestmodseq, ALL),
    slot(76, Long, H::Deletedmodseq, SINCE_12),
    slot(84, Word, H::Exists, SINCE_12),
    slot(88, Seconds, H::FirstExpunged, SINCE_12),
    slot(92, Seconds, H::LastRepackTime, SINCE_12),
    slot(96, Word, H::HeaderFileCrc, SINCE_12),
    slot(100, Word, H::SyncCrcBasic, SINCE_12),
    slot(104, Word, H::Recentuid, SINCE_12),
    slot(108, Seconds, H::Recenttime, SINCE_12),
    slot(112, Seconds, H::Pop3ShowAfter, SINCE_13),
    slot(116, Word, H::QuotaAnnotUsed, SINCE_13),
    slot(120, Word, H::SyncCrcAnnot, SINCE_13),
    slot(124, Word, H::Unseen, 14..=NEWEST),
    slot(128, Long, H::Createdmodseq, 16..=NEWEST),
    slot(136, Seconds, H::ChangesEpoch, 17..=NEWEST),
    slot(140, Long, H::QuotaDeletedUsed, 18..=NEWEST),
    slot(148, Long, H::QuotaExpungedUsed, 18..=NEWEST),
];

const V19_HEADER: &[Slot<InHeader>] = &[
    slot(0, Word, H::Generation, ALL),
    slot(4, Word, H::Format, ALL),
    slot(8, Word, H::MinorVersion, ALL),
    slot(12, Word, H::StartOffset, ALL),
    slot(16, Word, H::RecordSize, ALL),
    slot(20, Word, H::NumRecords, ALL),
    slot(24, Seconds, H::LastAppenddate, ALL),
    slot(28, Word, H::LastUid, ALL),
    slot(32, Long, H::QuotaMailboxUsed, ALL),
    slot(40, Seconds, H::Pop3LastLogin, ALL),
    slot(44, Word, H::Uidvalidity, ALL),
    slot(48, Word, H::Deleted, ALL),
    slot(52, Word, H::Answered, ALL),
    slot(56, Word, H::Flagged, ALL),
    slot(60, Word, H::Exists, ALL),
    slot(64, Word, H::Options, ALL),
    slot(68, Word, H::LeakedCache, ALL),
    slot(72, Long, H::Highestmodseq, ALL),
    slot(80, Long, H::Deletedmodseq, ALL),
    slot(88, Seconds, H::FirstExpunged, ALL),
    slot(92, Seconds, H::LastRepackTime, ALL),
    slot(96, Word, H::HeaderFileCrc, ALL),
    slot(100, Word, H::SyncCrcBasic, ALL),
    slot(104, Word, H::Recentuid, ALL),
    slot(108, Seconds, H::Recenttime, ALL),
    slot(112, Seconds, H::Pop3ShowAfter, ALL),
    slot(116, Word, H::QuotaAnnotUsed, ALL),
    slot(120, Word, H::SyncCrcAnnot, ALL),
    slot(124, Word, H::Unseen, ALL),
    slot(128, Long, H::Createdmodseq, ALL),
    slot(136, Long, H::QuotaDeletedUsed, ALL),
    slot(144, Long, H::QuotaExpungedUsed, ALL),
    slot(152, Seconds, H::ChangesEpoch, ALL),
];

const V20_HEADER: &[Slot<InHeader>] = &[
    slot(0, Word, H::Generation, ALL),
    slot(4, Word, H::Format, ALL),
    slot(8, Word, H::MinorVersion, ALL),
    slot(12, Word, H::StartOffset, ALL),
    slot(16, Word, H::RecordSize, ALL),
    slot(20, Word, H::NumRecords, ALL),
    slot(24, Nanoseconds, H::LastAppenddate, ALL),
    slot(32, Long, H::QuotaMailboxUsed, ALL),
    slot(40, Nanoseconds, H::Pop3LastLogin, ALL),
    slot(48, Word, H::Deleted, ALL),
    slot(52, Word, H::Answered, ALL),
    slot(56, Word, H::Flagged, ALL),
    slot(60, Word, H::Exists, ALL),
    slot(64, Word, H::Options, ALL),
    slot(68, Word, H::LeakedCache, ALL),
    slot(72, Long, H::Highestmodseq, ALL),
    slot(80, Long, H::Deletedmodseq, ALL),
    slot(88, Word, H::LastUid, ALL),
    slot(92, Word, H::Uidvalidity, ALL),
    slot(96, Word, H::HeaderFileCrc, ALL),
    slot(100, Word, H::SyncCrcBasic, ALL),
    slot(104, Nanoseconds, H::Recenttime, ALL),
    slot(112, Nanoseconds, H::Pop3ShowAfter, ALL),
    slot(120, Word, H::SyncCrcAnnot, ALL),
    slot(124, Word, H::Unseen, ALL),
    slot(128, Long, H::Createdmodseq, ALL),
    slot(136, Long, H::QuotaDeletedUsed, ALL),
    slot(144, Long, H::QuotaExpungedUsed, ALL),
    slot(152, Long, H::QuotaAnnotUsed, ALL),
    slot(160, Nanoseconds, H::ChangesEpoch, ALL),
    slot(168, Nanoseconds, H::FirstExpunged, ALL),
    slot(176, Nanoseconds, H::LastRepackTime, ALL),
    slot(184, Word, H::Recentuid, ALL),
];

const PRE20_RECORD: &[Slot<InRecord>] = &[
    slot(0, Word, R::Uid, ALL),
    slot(4, Seconds, R::Internaldate, ALL),
    slot(8, Seconds, R::Sentdate, ALL),
    slot(12, Word, R::Size, ALL),
    slot(16, Word, R::HeaderSize, ALL),
    slot(20, Seconds, R::Gmtime, SINCE_12),
    // Version 10 had `content_offset` there, which always equalled the header's size.
    slot(20, Word, R::HeaderSize, 10..=10),
    slot(24, Word, R::CacheOffset, ALL),
    slot(28, Seconds, R::LastUpdated, ALL),
    slot(32, Word, R::Flags, ALL),
    // 36: 16 bytes of user flags
    slot(52, Seconds, R::Savedate, 15..=NEWEST),
    slot(56, Word, R::CacheVersion, ALL),
    // 60: 20 bytes of GUID
    slot(80, Long, R::Modseq, ALL),
    slot(88, Word, R::CacheCrc, 12..=12),
    slot(88, Long, R::Cid, SINCE_13),
    slot(96, Word, R::CacheCrc, 13..=15),
    slot(96, Long, R::Createdmodseq, 16..=NEWEST),
    slot(104, Word, R::CacheCrc, 16..=NEWEST),
];

const V20_RECORD: &[Slot<InRecord>] = &[
    slot(0, Word, R::Uid, ALL),
    slot(4, Word, R::CacheOffset, ALL),
    slot(8, Nanoseconds, R::Internaldate, ALL),
    slot(16, Nanoseconds, R::Sentdate, ALL),
    slot(24, Long, R::Size, ALL),
    slot(32, Word, R::HeaderSize, ALL),
    slot(36, Word, R::Flags, ALL),
    // 40: 16 bytes of user flags
    slot(56, Word, R::CacheVersion, ALL),
    // 60: 20 bytes of GUID
    slot(80, Long, R::Modseq, ALL),
    slot(88, Long, R::Cid, ALL),
    slot(96, Long, R::Createdmodseq, ALL),
    slot(104, Nanoseconds, R::Gmtime, ALL),
    slot(112, Nanoseconds, R::LastUpdated, ALL),
    slot(120, Nanoseconds, R::Savedate, ALL),
    slot(128, Long, R::Basecid, ALL),
    slot(136, Word, R::CacheCrc, ALL),
];
