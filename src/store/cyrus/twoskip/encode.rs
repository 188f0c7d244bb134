//! Headers and heads to bytes.

use super::format::{BLANK, BLOCK, HEADER_SIZE, Head, Header, LONG_KEY, LONG_VALUE, MAGIC, VERSION};

/// Writes the header (`write_header`).
pub fn header(header: &Header) -> [u8; HEADER_SIZE] {
    let mut bytes = Vec::with_capacity(HEADER_SIZE);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    for number in [header.generation, header.records, header.repack_size, header.current_size] {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes.extend_from_slice(&header.flags.to_be_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.try_into().expect("the fields of the header add up to its size")
}

/// Writes a head (`prepare_record`).
pub fn head(head: &Head) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(head.head_len());
    let short_key = u16::try_from(head.key_len).unwrap_or(LONG_KEY);
    let short_value = u32::try_from(head.value_len).unwrap_or(LONG_VALUE);
    bytes.extend_from_slice(&[head.kind.byte(), head.level]);
    bytes.extend_from_slice(&short_key.to_be_bytes());
    bytes.extend_from_slice(&short_value.to_be_bytes());
    if short_key == LONG_KEY {
        bytes.extend_from_slice(&head.key_len.to_be_bytes());
    }
    if short_value == LONG_VALUE {
        bytes.extend_from_slice(&head.value_len.to_be_bytes());
    }
    for pointer in head.pointers() {
        bytes.extend_from_slice(&pointer.to_be_bytes());
    }
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&head.tail_crc.to_be_bytes());
    bytes
}

/// Appends the blanks that stand in front of a head at this offset (`add_padding`).
pub fn blanks(offset: u64, head_len: usize, bytes: &mut Vec<u8>) {
    // The first 8 bytes of a head never change and the last 8 may: neither edge has to lie inside the block.
    let crosses = |start: u64| (start + 8) % BLOCK > (start - 8 + head_len as u64) % BLOCK;
    let mut start = offset;
    while crosses(start) {
        bytes.extend_from_slice(BLANK);
        start += 8;
    }
}

/// The zeros between the value and the end of the record.
pub fn padding(key: &[u8], value: &[u8]) -> &'static [u8] {
    let len = key.len() + value.len();
    const ZEROS: &[u8] = &[0; 7];
    ZEROS.get(..len.next_multiple_of(8) - len).unwrap_or_default()
}

/// The CRC-32 of key, value and padding.
pub fn tail_crc(key: &[u8], value: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in [key, value, padding(key, value)] {
        crc.update(part);
    }
    crc.finalize()
}
