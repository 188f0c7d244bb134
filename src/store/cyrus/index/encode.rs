//! Header and record to bytes.

use super::{
    decode::{LARGEST_HEADER, low_word},
    layout::{InHeader, InRecord, Layout, Slot, Width},
    types::{IndexHeader, IndexRecord, Time, options},
};
use crate::types::Uid;

/// Encodes a header, sum and the bytes up to `start_offset` included; `None` if its version is not known.
///
/// Options that are never stored are dropped, and so are fields that the version does not have.
pub fn encode_header(header: &IndexHeader) -> Option<Vec<u8>> {
    let layout = Layout::of(header.minor_version)?;
    let start = usize::try_from(header.start_offset).ok()?.clamp(layout.header_size, LARGEST_HEADER);
    let mut bytes = vec![0; start];
    for slot in layout.header_slots() {
        write_slot(&mut bytes, slot, in_header(header, slot.field))?;
    }
    finish(&mut bytes, layout.header_size, layout.has_sums)?;
    Some(bytes)
}

/// Encodes a record, sum included, into the first of these bytes and zeros the others; `None` if the version is not known
/// or a record has no room there.
///
/// Numbers lose the high bits that the version has no room for, as in the reference: times keep 32 bits of seconds up to
/// version 19, sizes 32 bits.
pub fn encode_record(record: &IndexRecord, minor_version: u32, bytes: &mut [u8]) -> Option<()> {
    let layout = Layout::of(minor_version)?;
    bytes.fill(0);
    bytes.get_mut(layout.guid_at..)?.first_chunk_mut().map(|guid| *guid = *record.guid.as_bytes())?;
    for (nth, word) in record.user_flags.iter().enumerate() {
        write(bytes, layout.user_flags_at + 4 * nth, Width::Word, Value::from(*word))?;
    }
    for slot in layout.record_slots() {
        write_slot(bytes, slot, in_record(record, slot.field))?;
    }
    finish(bytes, layout.record_size, layout.has_sums)
}

/// Puts the sum of the bytes before into the last four.
fn finish(bytes: &mut [u8], size: usize, has_sums: bool) -> Option<()> {
    if has_sums {
        let (summed, sum) = bytes.get_mut(..size)?.split_last_chunk_mut()?;
        *sum = crc32fast::hash(summed).to_be_bytes();
    }
    Some(())
}

/// A number or a time.
#[derive(Clone, Copy)]
enum Value {
    Number(u64),
    Time(Time),
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Value {
        Value::Time(time)
    }
}

fn write_slot<F>(bytes: &mut [u8], slot: &Slot<F>, value: Value) -> Option<()> {
    write(bytes, slot.at, slot.width, value)
}

fn write(bytes: &mut [u8], at: usize, width: Width, value: Value) -> Option<()> {
    const BILLION: u64 = 1_000_000_000;
    let number = match (value, width) {
        (Value::Number(number), _) => number,
        (Value::Time(time), Width::Nanoseconds) => {
            time.seconds.cast_unsigned().wrapping_mul(BILLION).wrapping_add(time.nanoseconds.into())
        }
        (Value::Time(time), _) => time.seconds.cast_unsigned(),
    };
    let bytes = bytes.get_mut(at..)?;
    match width {
        Width::Word | Width::Seconds => *bytes.first_chunk_mut()? = low_word(number).to_be_bytes(),
        Width::Long | Width::Nanoseconds => *bytes.first_chunk_mut()? = number.to_be_bytes(),
    }
    Some(())
}

fn in_header(header: &IndexHeader, field: InHeader) -> Value {
    use InHeader as H;
    match field {
        H::Generation => header.generation.into(),
        H::Format => header.format.into(),
        H::MinorVersion => header.minor_version.into(),
        H::StartOffset => header.start_offset.into(),
        H::RecordSize => header.record_size.into(),
        H::NumRecords => header.num_records.into(),
        H::LastAppenddate => header.last_appenddate.into(),
        H::LastUid => header.last_uid.into(),
        H::QuotaMailboxUsed => header.quota_mailbox_used.into(),
        H::Pop3LastLogin => header.pop3_last_login.into(),
        H::Uidvalidity => header.uidvalidity.into(),
        H::Deleted => header.deleted.into(),
        H::Answered => header.answered.into(),
        H::Flagged => header.flagged.into(),
        H::Exists => header.exists.into(),
        H::Options => (header.options.0 & options::VALID).into(),
        H::LeakedCache => header.leaked_cache.into(),
        H::Highestmodseq => header.highestmodseq.0.into(),
        H::Deletedmodseq => header.deletedmodseq.0.into(),
        H::FirstExpunged => header.first_expunged.into(),
        H::LastRepackTime => header.last_repack_time.into(),
        H::HeaderFileCrc => header.header_file_crc.into(),
        H::SyncCrcBasic => header.sync_crcs.basic.into(),
        H::Recentuid => header.recentuid.into(),
        H::Recenttime => header.recenttime.into(),
        H::Pop3ShowAfter => header.pop3_show_after.into(),
        H::QuotaAnnotUsed => header.quota_annot_used.into(),
        H::SyncCrcAnnot => header.sync_crcs.annot.into(),
        H::Unseen => header.unseen.into(),
        H::Createdmodseq => header.createdmodseq.0.into(),
        H::QuotaDeletedUsed => header.quota_deleted_used.into(),
        H::QuotaExpungedUsed => header.quota_expunged_used.into(),
        H::ChangesEpoch => header.changes_epoch.into(),
    }
}

fn in_record(record: &IndexRecord, field: InRecord) -> Value {
    use InRecord as R;
    match field {
        R::Uid => record.uid.map_or(0, Uid::get).into(),
        R::Internaldate => record.internaldate.into(),
        R::Sentdate => record.sentdate.into(),
        R::Size => record.size.into(),
        R::HeaderSize => record.header_size.into(),
        R::Gmtime => record.gmtime.into(),
        R::CacheOffset => low_word(record.cache_offset).into(),
        R::LastUpdated => record.last_updated.into(),
        R::Flags => (record.system_flags.0 | record.internal_flags.0).into(),
        R::Savedate => record.savedate.into(),
        // The high half extends the offset.
        R::CacheVersion => (u32::from(record.cache_version) | low_word(record.cache_offset >> 32) << 16).into(),
        R::Modseq => record.modseq.0.into(),
        R::Cid => record.cid.into(),
        R::Createdmodseq => record.createdmodseq.0.into(),
        R::Basecid => record.basecid.into(),
        R::CacheCrc => record.cache_crc.into(),
    }
}
