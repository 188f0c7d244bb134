//! Bytes to headers and heads. What is returned has passed its checksum.

use super::format::{HEADER_SIZE, Head, Header, Kind, LONG_KEY, LONG_VALUE, MAGIC, MIN_HEAD, VERSION, head_len};
use crate::store::cyrus::db_error::Damage;

/// Reads the header (`read_header`).
///
/// # Errors
/// [`Damage::Magic`], [`Damage::Version`] or [`Damage::HeaderCrc`].
pub fn header(bytes: &[u8; HEADER_SIZE]) -> Result<Header, Damage> {
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(Damage::Magic)?;
    let version = u32_be(&mut rest)?;
    if version > VERSION {
        return Err(Damage::Version(version));
    }
    let header = Header {
        generation: u64_be(&mut rest)?,
        records: u64_be(&mut rest)?,
        repack_size: u64_be(&mut rest)?,
        current_size: u64_be(&mut rest)?,
        flags: u32_be(&mut rest)?,
    };
    match u32_be(&mut rest)? == crc_before(bytes, 4) {
        true => Ok(header),
        false => Err(Damage::HeaderCrc),
    }
}

/// How many bytes a head has that begins with these.
///
/// # Errors
/// [`Damage::Record`] if no head begins so.
pub fn whole_head_len(start: &[u8; MIN_HEAD]) -> Result<usize, Damage> {
    let [kind, level, k0, k1, v0, v1, v2, v3, ..] = *start;
    Kind::new(kind, level)?;
    let long_key = u16::from_be_bytes([k0, k1]) == LONG_KEY;
    let long_value = u32::from_be_bytes([v0, v1, v2, v3]) == LONG_VALUE;
    Ok(head_len(level, long_key, long_value))
}

/// Reads a head from exactly its bytes (`read_onerecord`).
///
/// # Errors
/// [`Damage::Record`], [`Damage::PastEnd`] or [`Damage::HeadCrc`].
pub fn head(bytes: &[u8]) -> Result<Head, Damage> {
    let mut rest = bytes;
    let [kind, level] = array(&mut rest)?;
    let short_key = u16::from_be_bytes(array(&mut rest)?);
    let short_value = u32_be(&mut rest)?;
    let mut head = Head::new(Kind::new(kind, level)?, level);
    head.key_len = match short_key {
        LONG_KEY => u64_be(&mut rest)?,
        _ => u64::from(short_key),
    };
    head.value_len = match short_value {
        LONG_VALUE => u64_be(&mut rest)?,
        _ => u64::from(short_value),
    };
    for pointer in head.pointers_mut() {
        *pointer = u64_be(&mut rest)?;
    }
    let head_crc = u32_be(&mut rest)?;
    head.tail_crc = u32_be(&mut rest)?;
    match rest.is_empty() && head_crc == crc_before(bytes, 8) {
        true => Ok(head),
        false => Err(Damage::HeadCrc),
    }
}

/// The CRC-32 of all but the last bytes.
fn crc_before(bytes: &[u8], last: usize) -> u32 {
    crc32fast::hash(bytes.get(..bytes.len().saturating_sub(last)).unwrap_or_default())
}

fn u32_be(rest: &mut &[u8]) -> Result<u32, Damage> {
    array(rest).map(u32::from_be_bytes)
}

fn u64_be(rest: &mut &[u8]) -> Result<u64, Damage> {
    array(rest).map(u64::from_be_bytes)
}

/// Takes the next bytes.
fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (bytes, behind) = rest.split_first_chunk().ok_or(Damage::PastEnd)?;
    *rest = behind;
    Ok(*bytes)
}
