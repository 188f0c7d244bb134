//! Message GUIDs: the SHA-1 of a message's bytes.

use sha1::{Digest, Sha1};
use std::fmt;

/// The GUID of a message: the SHA-1 of its bytes, or all zeros where it is unknown.
///
/// Source: `imap/message_guid.c`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid([u8; 20]);

impl Guid {
    /// The GUID that stands for "not known".
    pub const NULL: Guid = Guid([0; 20]);

    /// The GUID of a message, or of a part of one: the SHA-1 of its bytes.
    pub fn of(message: &[u8]) -> Guid {
        Guid(Sha1::digest(message).into())
    }

    /// The GUID with these 20 bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Guid {
        Guid(bytes)
    }

    /// Reads exactly 40 hexadecimal digits of either case.
    pub fn from_hex(text: &[u8]) -> Option<Guid> {
        let digits: &[u8; 40] = text.try_into().ok()?;
        let (mut bytes, mut all) = ([0; 20], 0);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let (high, low) = (HEX_DIGITS[usize::from(pair[0])], HEX_DIGITS[usize::from(pair[1])]);
            all |= high | low;
            *byte = high << 4 | low & 0xf;
        }
        (all != NO_DIGIT).then_some(Guid(bytes))
    }

    /// The 20 bytes of the sum.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Whether this is [`Guid::NULL`].
    pub fn is_null(&self) -> bool {
        *self == Guid::NULL
    }

    /// The 40 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> [u8; 40] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }
}

/// What stands for all other bytes.
const NO_DIGIT: u8 = 0xff;

/// What each byte means as a hexadecimal digit.
const HEX_DIGITS: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit] as usize] = digit as u8;
        table[b"0123456789ABCDEF"[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_hex()).unwrap_or_default())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_in_both_cases_and_written_in_lower_case() {
        let guid = Guid::from_hex(b"785EC164963ae873b54bdd771f152e4332bab92a").unwrap();
        assert_eq!(guid.to_string(), "785ec164963ae873b54bdd771f152e4332bab92a");
        assert_eq!(&guid.to_hex()[..], guid.to_string().as_bytes());
    }

    #[test]
    fn anything_but_forty_digits_is_refused() {
        for text in
            ["", "785ec1", "785ec164963ae873b54bdd771f152e4332bab92g", "785ec164963ae873b54bdd771f152e4332bab92a0"]
        {
            assert_eq!(Guid::from_hex(text.as_bytes()), None, "{text}");
        }
    }
}
