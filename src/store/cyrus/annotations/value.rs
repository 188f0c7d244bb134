//! The value of an annotation's record.

use crate::types::ModSeq;

/// An annotation's bytes and its modseq.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AnnotationValue {
    /// The bytes; empty for a tombstone.
    pub bytes: Vec<u8>,
    /// The modseq of the last change; 0: not known.
    pub modseq: ModSeq,
}

/// The record is shorter than it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an annotation's record of {length} bytes is too short")]
pub struct Damaged {
    /// Bytes in the record.
    pub length: usize,
}

/// What stands between the bytes and the modseq.
const FILLER: &[u8] = b"\0text/plain\0\0\0\0\0\0\0\0\0";
const DELETED: u8 = 1;

impl AnnotationValue {
    /// Reads a record's value (`split_attribs`). Old releases end it behind the bytes or before the flags.
    ///
    /// # Errors
    /// [`Damaged`]
    pub fn decode(record: &[u8]) -> Result<AnnotationValue, Damaged> {
        split(record).ok_or(Damaged { length: record.len() })
    }

    /// The record's value; `None` for more bytes than its length can say.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let length = u32::try_from(self.bytes.len()).ok()?;
        let mut record = Vec::with_capacity(8 + self.bytes.len() + FILLER.len() + 9);
        record.extend(length.to_be_bytes());
        record.extend([0; 4]);
        record.extend(&self.bytes);
        record.extend(FILLER);
        record.extend(self.modseq.0.to_be_bytes());
        record.push(if self.bytes.is_empty() { DELETED } else { 0 });
        Some(record)
    }
}

fn split(record: &[u8]) -> Option<AnnotationValue> {
    let (length, rest) = record.split_first_chunk::<4>()?;
    let (_, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (bytes, rest) = rest.split_at_checked(length)?;
    let value = AnnotationValue { bytes: bytes.to_vec(), modseq: ModSeq(0) };
    // Behind the bytes: NUL, the content type to its NUL, 8 bytes.
    let Some(rest) = rest.get(1..).filter(|rest| !rest.is_empty()) else { return Some(value) };
    let content_type = rest.iter().position(|byte| *byte == 0)?;
    let rest = rest.get(content_type + 1 + 8..)?;
    let Some((modseq, rest)) = rest.split_first_chunk::<8>() else { return Some(value) };
    let deleted = rest.first().is_some_and(|flags| flags & DELETED != 0);
    let bytes = if deleted { Vec::new() } else { value.bytes };
    Some(AnnotationValue { bytes, modseq: ModSeq(u64::from_be_bytes(*modseq)) })
}
