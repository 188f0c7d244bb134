//! RFC 2047 encoding, for the parameters of a Content-Type that was one encoded word itself.
//!
//! Source: `charset_encode_mimeheader`, `lib/charset.c`.

use super::super::text::at;

const OPEN: &[u8] = b"=?UTF-8?Q?";
const NEXT: &[u8] = b"?=\r\n =?UTF-8?Q?";

/// The longest encoded line. Source: `ENCODED_MAX_LINE_LEN`.
const MAX_LINE: usize = 72;

/// `value`, which holds 8-bit bytes, as one or more encoded words in UTF-8.
pub(crate) fn header(value: &[u8]) -> Vec<u8> {
    let mut out = OPEN.to_vec();
    let mut column = OPEN.len();
    let mut i = 0;
    while let Some(&byte) = value.get(i) {
        // A character's bytes stay in one word.
        let needed = match byte {
            0xc0..0xe0 => 3,
            0xe0..0xf0 => 6,
            0xf0..0xf8 => 9,
            _ => 0,
        };
        if column + needed >= MAX_LINE {
            out.extend_from_slice(NEXT);
            column = 11;
        }
        i += 1;
        match byte {
            b'\r' if at(value, i) == b'\n' => {
                i += 1;
                if i < value.len() {
                    i += usize::from(matches!(at(value, i), b' ' | b'\t'));
                    out.extend_from_slice(NEXT);
                    column = 12;
                }
            }
            b' ' => {
                out.push(b'_');
                column += 1;
            }
            b'!'..=b'~' if !matches!(byte, b'=' | b'?' | b'_') => {
                out.push(byte);
                column += 1;
            }
            _ => {
                out.extend_from_slice(format!("={byte:02X}").as_bytes());
                column += 3;
            }
        }
    }
    out.extend_from_slice(b"?=");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_between_characters() {
        assert_eq!(header("é b".as_bytes()), b"=?UTF-8?Q?=C3=A9_b?=");
        let long = header("é".repeat(20).as_bytes());
        assert_eq!(long.windows(4).filter(|w| w == b"?=\r\n").count(), 1);
    }
}
