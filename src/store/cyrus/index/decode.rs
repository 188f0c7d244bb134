//! Bytes to header and record.

use super::{
    layout::{InHeader, InRecord, Layout, Slot, Width},
    types::{IndexHeader, IndexRecord, Time},
};
use crate::types::{Guid, InternalFlags, ModSeq, SystemFlags, Uid};

/// Bytes with which any header can be decoded.
pub const LARGEST_HEADER: usize = 192;

/// Why a header was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderDamage {
    /// The file ends within the header.
    #[error("header has {found} bytes, not {needed}")]
    Short {
        /// Bytes there.
        found: usize,
        /// Bytes of a header.
        needed: usize,
    },
    /// The version is unknown, or older than 2.3.
    #[error("version {version} is not known")]
    Version {
        /// The version.
        version: u32,
    },
    /// The header's bytes do not have their sum.
    #[error("header has CRC {computed:#010x}, not {stored:#010x}")]
    Checksum {
        /// As the header says.
        stored: u32,
        /// As its bytes say.
        computed: u32,
    },
    /// Records cannot begin there or be that long.
    #[error("records begin at {start_offset} and have {record_size} bytes, which version {version} cannot have")]
    Geometry {
        /// The version.
        version: u32,
        /// The byte at which records begin.
        start_offset: u32,
        /// Bytes of a record.
        record_size: u32,
    },
}

/// Why a record was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RecordDamage {
    /// There are fewer bytes than a record has.
    #[error("has {found} bytes, not {needed}")]
    Short {
        /// Bytes there.
        found: usize,
        /// Bytes of a record.
        needed: usize,
    },
    /// The version is unknown.
    #[error("version {version} is not known")]
    Version {
        /// The version.
        version: u32,
    },
    /// The record's bytes do not have their sum.
    #[error("has CRC {computed:#010x}, not {stored:#010x}")]
    Checksum {
        /// As the record says.
        stored: u32,
        /// As its bytes say.
        computed: u32,
    },
}

/// Decodes a header from the first bytes of a file, exactly as it is stored ([`IndexHeader::fill_in`] does the rest).
///
/// Give it [`LARGEST_HEADER`] bytes, or all if the file is shorter.
///
/// # Errors
/// [`HeaderDamage`] says what is wrong with it.
pub fn decode_header(bytes: &[u8]) -> Result<IndexHeader, HeaderDamage> {
    const VERSION_END: usize = 12;
    let short = |needed| HeaderDamage::Short { found: bytes.len(), needed };
    let version = read(bytes, 8, Width::Word).ok_or(short(VERSION_END))?.0;
    let version = u32::try_from(version).unwrap_or(u32::MAX);
    let layout = Layout::of(version).ok_or(HeaderDamage::Version { version })?;
    let bytes = bytes.get(..layout.header_size).ok_or(short(layout.header_size))?;
    if layout.has_sums {
        check_sum(bytes).map_err(|(stored, computed)| HeaderDamage::Checksum { stored, computed })?;
    }
    let mut header = IndexHeader::ZERO;
    for slot in layout.header_slots() {
        let (number, time) = read_slot(bytes, slot).ok_or(short(layout.header_size))?;
        set_in_header(&mut header, slot.field, number, time);
    }
    check_geometry(&header, &layout)?;
    Ok(header)
}

/// Decodes a record of a file of this version. Bytes behind the record are passed over.
///
/// # Errors
/// [`RecordDamage`] says what is wrong with it.
pub fn decode_record(bytes: &[u8], minor_version: u32) -> Result<IndexRecord, RecordDamage> {
    let layout = Layout::of(minor_version).ok_or(RecordDamage::Version { version: minor_version })?;
    let short = RecordDamage::Short { found: bytes.len(), needed: layout.record_size };
    let bytes = bytes.get(..layout.record_size).ok_or(short)?;
    if layout.has_sums {
        check_sum(bytes).map_err(|(stored, computed)| RecordDamage::Checksum { stored, computed })?;
    }
    let mut record = IndexRecord::default();
    let guid = bytes.get(layout.guid_at..).and_then(<[u8]>::first_chunk).ok_or(short)?;
    record.guid = Guid::from_bytes(*guid);
    for (nth, word) in record.user_flags.iter_mut().enumerate() {
        let (number, _) = read(bytes, layout.user_flags_at + 4 * nth, Width::Word).ok_or(short)?;
        *word = low_word(number);
    }
    for slot in layout.record_slots() {
        let (number, time) = read_slot(bytes, slot).ok_or(short)?;
        set_in_record(&mut record, slot.field, number, time);
    }
    Ok(record)
}

/// `start_offset` and `record_size` leave room for what the version has, and no more than any version could want.
fn check_geometry(header: &IndexHeader, layout: &Layout) -> Result<(), HeaderDamage> {
    const LONGEST_RECORD: usize = 512;
    let &IndexHeader { minor_version: version, start_offset, record_size, .. } = header;
    let start = usize::try_from(start_offset).unwrap_or(usize::MAX);
    let size = usize::try_from(record_size).unwrap_or(usize::MAX);
    let fits = (layout.header_size..=LARGEST_HEADER).contains(&start);
    if fits && (layout.record_size..=LONGEST_RECORD).contains(&size) {
        return Ok(());
    }
    Err(HeaderDamage::Geometry { version, start_offset, record_size })
}

/// Compares the sum in the last four bytes with that of the bytes before; both where they differ.
fn check_sum(bytes: &[u8]) -> Result<(), (u32, u32)> {
    let (summed, stored) = bytes.split_last_chunk().unwrap_or((bytes, &[0; 4]));
    let (stored, computed) = (u32::from_be_bytes(*stored), crc32fast::hash(summed));
    if stored == computed { Ok(()) } else { Err((stored, computed)) }
}

fn read_slot<F>(bytes: &[u8], slot: &Slot<F>) -> Option<(u64, Time)> {
    read(bytes, slot.at, slot.width)
}

/// The number at this place, and the time that it is where it is one.
fn read(bytes: &[u8], at: usize, width: Width) -> Option<(u64, Time)> {
    const BILLION: u64 = 1_000_000_000;
    let bytes = bytes.get(at..)?;
    let number = match width {
        Width::Word | Width::Seconds => u64::from(u32::from_be_bytes(*bytes.first_chunk()?)),
        Width::Long | Width::Nanoseconds => u64::from_be_bytes(*bytes.first_chunk()?),
    };
    let (seconds, nanoseconds) = match width {
        Width::Nanoseconds => (number / BILLION, number % BILLION),
        _ => (number, 0),
    };
    let time = Time { seconds: seconds.cast_signed(), nanoseconds: low_word(nanoseconds) };
    Some((number, time))
}

/// The low 32 bits.
pub(super) fn low_word(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}

fn set_in_header(header: &mut IndexHeader, field: InHeader, number: u64, time: Time) {
    use InHeader as H;
    let word = low_word(number);
    match field {
        H::Generation => header.generation = word,
        H::Format => header.format = word,
        H::MinorVersion => header.minor_version = word,
        H::StartOffset => header.start_offset = word,
        H::RecordSize => header.record_size = word,
        H::NumRecords => header.num_records = word,
        H::LastAppenddate => header.last_appenddate = time,
        H::LastUid => header.last_uid = word,
        H::QuotaMailboxUsed => header.quota_mailbox_used = number,
        H::Pop3LastLogin => header.pop3_last_login = time,
        H::Uidvalidity => header.uidvalidity = word,
        H::Deleted => header.deleted = word,
        H::Answered => header.answered = word,
        H::Flagged => header.flagged = word,
        H::Exists => header.exists = word,
        H::Options => header.options.0 = word,
        H::LeakedCache => header.leaked_cache = word,
        H::Highestmodseq => header.highestmodseq = ModSeq(number),
        H::Deletedmodseq => header.deletedmodseq = ModSeq(number),
        H::FirstExpunged => header.first_expunged = time,
        H::LastRepackTime => header.last_repack_time = time,
        H::HeaderFileCrc => header.header_file_crc = word,
        H::SyncCrcBasic => header.sync_crcs.basic = word,
        H::Recentuid => header.recentuid = word,
        H::Recenttime => header.recenttime = time,
        H::Pop3ShowAfter => header.pop3_show_after = time,
        H::QuotaAnnotUsed => header.quota_annot_used = number,
        H::SyncCrcAnnot => header.sync_crcs.annot = word,
        H::Unseen => header.unseen = word,
        H::Createdmodseq => header.createdmodseq = ModSeq(number),
        H::QuotaDeletedUsed => header.quota_deleted_used = number,
        H::QuotaExpungedUsed => header.quota_expunged_used = number,
        H::ChangesEpoch => header.changes_epoch = time,
    }
}

fn set_in_record(record: &mut IndexRecord, field: InRecord, number: u64, time: Time) {
    use InRecord as R;
    /// `mailbox_buf_to_index_record`: the flag word is cut in two.
    const SYSTEM: u32 = 0x0000_ffff;
    let word = low_word(number);
    match field {
        R::Uid => record.uid = Uid::new(word),
        R::Internaldate => record.internaldate = time,
        R::Sentdate => record.sentdate = time,
        R::Size => record.size = number,
        R::HeaderSize => record.header_size = word,
        R::Gmtime => record.gmtime = time,
        R::CacheOffset => record.cache_offset |= number,
        R::LastUpdated => record.last_updated = time,
        R::Flags => {
            record.system_flags = SystemFlags(word & SYSTEM);
            record.internal_flags = InternalFlags(word & !SYSTEM);
        }
        R::Savedate => record.savedate = time,
        R::CacheVersion => {
            record.cache_version = (word & 0xffff) as u16;
            // The high half extends the offset.
            record.cache_offset |= u64::from(word >> 16) << 32;
        }
        R::Modseq => record.modseq = ModSeq(number),
        R::Cid => record.cid = number,
        R::Createdmodseq => record.createdmodseq = ModSeq(number),
        R::Basecid => record.basecid = number,
        R::CacheCrc => record.cache_crc = word,
    }
}
