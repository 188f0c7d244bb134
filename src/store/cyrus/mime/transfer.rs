//! Content-Transfer-Encodings: which there are, their decoding, and the SHA-1 of what they decode to.

use sha1::{Digest, Sha1};

use crate::types::Guid;

use super::text::at;

/// A line of quoted-printable longer than this is decoded in pieces of this length. Source: `qp2byte`, `lib/charset.c`.
const MAX_LINE: usize = 999;

/// Decoded bytes are hashed in blocks of at least this size.
const BLOCK: usize = 8192;

/// How content is encoded, with its number in the SECTION item. Source: `ENCODING_*`, `lib/charset.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    None = 0,
    QuotedPrintable = 1,
    Base64 = 2,
    Unknown = 255,
}

impl Encoding {
    /// The encoding of this name in upper case. Source: `message_parse_charset`, `imap/message.c`.
    pub(super) fn of(name: Option<&[u8]>) -> Encoding {
        match name {
            None | Some(b"7BIT" | b"8BIT" | b"BINARY") => Encoding::None,
            Some(b"QUOTED-PRINTABLE") => Encoding::QuotedPrintable,
            Some(b"BASE64") => Encoding::Base64,
            Some(_) => Encoding::Unknown,
        }
    }
}

/// The SHA-1 and the length of decoded content; all zeros for an unknown encoding.
///
/// Source: `body_add_content_guid`, `imap/message.c`, and `charset_decode_sha1`, `lib/charset.c`.
pub(super) fn digest(content: &[u8], encoding: Encoding) -> (Guid, u32) {
    let mut hasher = Hasher { sha1: Sha1::new(), pending: Vec::new(), length: 0 };
    match encoding {
        Encoding::None => return (Guid::of(content), content.len() as u32),
        Encoding::QuotedPrintable => quoted_printable(content, false, &mut hasher),
        Encoding::Base64 => Base64::default().decode(content, &mut hasher),
        Encoding::Unknown => return (Guid::NULL, 0),
    }
    hasher.finish()
}

/// Where decoded bytes go.
pub(super) trait Sink {
    fn put(&mut self, byte: u8);

    fn put_all(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.put(byte));
    }
}

struct Hasher {
    sha1: Sha1,
    pending: Vec<u8>,
    length: usize,
}

impl Hasher {
    fn flush(&mut self) {
        self.sha1.update(&self.pending);
        self.length += self.pending.len();
        self.pending.clear();
    }

    fn finish(mut self) -> (Guid, u32) {
        self.flush();
        (Guid::from_bytes(self.sha1.finalize().into()), self.length as u32)
    }
}

impl Sink for Hasher {
    #[inline]
    fn put(&mut self, byte: u8) {
        self.pending.push(byte);
    }

    #[inline]
    fn put_all(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= BLOCK {
            self.flush();
        }
    }
}

/// Decodes quoted-printable, or RFC 2047's Q encoding. Source: `qp2byte` and `qp_flushline`, `lib/charset.c`.
///
/// White space at a line's end goes away, line ends become CRLF, what is no escape stays as it is.
pub(super) fn quoted_printable(content: &[u8], header: bool, out: &mut impl Sink) {
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        let ended = line.ends_with(b"\n");
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() < MAX_LINE && memchr::memchr(b'\r', text).is_none() {
            quoted_line(text, header, ended, out);
            continue;
        }
        let text: Vec<u8> = text.iter().copied().filter(|&byte| byte != b'\r').collect();
        let pieces = text.chunks_exact(MAX_LINE);
        let rest = pieces.remainder();
        pieces.for_each(|piece| quoted_line(piece, header, false, out));
        quoted_line(rest, header, ended, out);
    }
}

fn quoted_line(line: &[u8], header: bool, ended: bool, out: &mut impl Sink) {
    let length = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    let mut rest = &line[..length];
    while let Some(special) = rest.iter().position(|&byte| byte == b'=' || header && byte == b'_') {
        let (plain, from) = rest.split_at(special);
        out.put_all(plain);
        rest = &from[1..];
        match (from[0], rest.is_empty()) {
            (b'_', _) => out.put(b' '),
            // A soft line break.
            (_, true) => return,
            _ => match (hex(at(rest, 0)), hex(at(rest, 1))) {
                (Some(high), Some(low)) => {
                    out.put(high << 4 | low);
                    rest = &rest[2..];
                }
                _ => out.put(b'='),
            },
        }
    }
    out.put_all(rest);
    if ended {
        out.put_all(b"\r\n");
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// A base64 decoder that keeps its state from one piece to the next. Source: `b64_2byte`, `lib/charset.c`.
///
/// What is not of the alphabet is ignored; `=` starts over.
#[derive(Default)]
pub(super) struct Base64 {
    /// The bits of the digits so far and how many digits there are, 0 to 3.
    bits: u32,
    digits: u8,
}

impl Base64 {
    pub(super) fn decode(&mut self, content: &[u8], out: &mut impl Sink) {
        let mut rest = content;
        loop {
            if self.digits == 0 {
                rest = quads(rest, out);
            }
            let Some((&byte, after)) = rest.split_first() else { return };
            rest = after;
            match DIGITS[usize::from(byte)] {
                PADDING => self.digits = 0,
                IGNORED => {}
                digit => self.put(u32::from(digit), out),
            }
        }
    }

    fn put(&mut self, digit: u32, out: &mut impl Sink) {
        self.bits = self.bits << 6 | digit;
        // The second digit completes a byte, and so do the third and the fourth.
        match self.digits {
            1 => out.put((self.bits >> 4) as u8),
            2 => out.put((self.bits >> 2) as u8),
            3 => out.put(self.bits as u8),
            _ => {}
        }
        self.digits = (self.digits + 1) % 4;
    }
}

/// Decodes groups of four digits and returns the rest, which does not start with one.
fn quads<'a>(mut content: &'a [u8], out: &mut impl Sink) -> &'a [u8] {
    loop {
        let mut decoded = [0; 3 * 64];
        let mut groups = 0;
        for (group, place) in content.chunks_exact(4).zip(decoded.chunks_exact_mut(3)) {
            let [a, b, c, d] =
                [group[0], group[1], group[2], group[3]].map(|byte| u32::from(DIGITS[usize::from(byte)]));
            if a | b | c | d >= u32::from(PADDING) {
                break;
            }
            let [_, x, y, z] = (a << 18 | b << 12 | c << 6 | d).to_be_bytes();
            place.copy_from_slice(&[x, y, z]);
            groups += 1;
        }
        if groups == 0 {
            return content;
        }
        out.put_all(&decoded[..groups * 3]);
        content = &content[groups * 4..];
    }
}

const PADDING: u8 = 0x40;
const IGNORED: u8 = 0x80;

/// The value of each base64 digit.
const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [IGNORED; 256];
    let mut value = 0;
    while value < alphabet.len() {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits[b'=' as usize] = PADDING;
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    struct Collect(Vec<u8>);

    impl Sink for Collect {
        fn put(&mut self, byte: u8) {
            self.0.push(byte);
        }
    }

    fn quoted(text: &str) -> Vec<u8> {
        let mut out = Collect(Vec::new());
        quoted_printable(text.as_bytes(), false, &mut out);
        out.0
    }

    fn base64(pieces: &[&str]) -> Vec<u8> {
        let (mut decoder, mut out) = (Base64::default(), Collect(Vec::new()));
        pieces.iter().for_each(|piece| decoder.decode(piece.as_bytes(), &mut out));
        out.0
    }

    #[test]
    fn quoted_printable_as_the_reference_decodes_it() {
        assert_eq!(quoted("a=3D=C3=A9_ \t\nb=\r\nc"), "a=é_\r\nbc".as_bytes());
        assert_eq!(quoted("=4 =ZZ=\r\n"), b"=4 =ZZ");
        assert_eq!(quoted(&"x ".repeat(600)).len(), 1199);
    }

    #[test]
    fn base64_ignores_what_is_foreign_and_starts_over_after_padding() {
        assert_eq!(base64(&["YW Jj\r\nZA==ZQ="]), b"abcde");
        assert_eq!(base64(&["YW", "Jj"]), b"abc");
        assert_eq!(base64(&["Y!W#J$j"]), b"abc");
    }
}
