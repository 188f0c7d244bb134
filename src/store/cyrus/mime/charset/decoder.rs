//! Bytes of a character set to UTF-8, one stage of the decoding of encoded words.

use super::{Charset, Coding};

/// What could not be decoded.
const REPLACEMENT: u32 = 0xfffd;

/// Decodes what is put into it, in one character set after the other.
pub(super) struct Decoder {
    charset: Charset,
    /// The character being put together (UTF-8) and the bytes it lacks.
    codepoint: u32,
    missing: u8,
    /// Bytes that wait to be decoded together.
    pending: Vec<u8>,
    out: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(charset: Charset, out: Vec<u8>) -> Decoder {
        Decoder { charset, codepoint: 0, missing: 0, pending: Vec::new(), out }
    }

    /// The UTF-8 decoded so far. A character left incomplete is dropped.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.out
    }

    /// Ends a piece of input: what ICU decodes does not go on in the next one. Source: `icu_flush`, `lib/charset.c`.
    pub(super) fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        match self.charset.coding {
            Coding::MultiByte(set) => set.decode(&pending, |unit| self.emit(u32::from(unit))),
            _ => self.out.extend_from_slice(String::from_utf8_lossy(&pending).as_bytes()),
        }
    }

    /// Goes on in another character set; an incomplete character is dropped. Source: `convert_switch`, `lib/charset.c`.
    pub(super) fn switch(&mut self, charset: Charset) {
        self.flush();
        self.charset = charset;
        self.codepoint = 0;
        self.missing = 0;
    }

    pub(super) fn put(&mut self, byte: u8) {
        match self.charset.coding {
            Coding::Ascii => match byte {
                0 => {}
                1..0x80 => self.out.push(byte),
                0x80.. => self.emit(REPLACEMENT),
            },
            Coding::Utf8 => self.put_utf8(byte),
            Coding::IcuUtf8 | Coding::MultiByte(_) => self.pending.push(byte),
            Coding::Single(units) => {
                let unit = units.get(usize::from(byte) * 2..).and_then(|rest| rest.first_chunk());
                self.emit(unit.map_or(REPLACEMENT, |unit| u32::from(u16::from_be_bytes(*unit))));
            }
            Coding::Unsupported if byte < 0x80 => self.out.push(byte),
            Coding::Unsupported => self.emit(REPLACEMENT),
        }
    }

    /// A character that is known to be undecodable.
    pub(super) fn put_replacement(&mut self) {
        self.flush();
        self.emit(REPLACEMENT);
        self.codepoint = 0;
        self.missing = 0;
    }

    /// Source: `utf8_2uni`, `lib/charset.c`, which lets some overlong forms and surrogates through to `uni2utf8`.
    fn put_utf8(&mut self, byte: u8) {
        match byte {
            0x80..0xc0 if self.missing > 0 => {
                self.codepoint = self.codepoint << 6 | u32::from(byte & 0x3f);
                self.missing -= 1;
                if self.missing == 0 {
                    self.emit(self.codepoint);
                    self.codepoint = 0;
                }
            }
            0x80..0xc0 | 0xf8.. => self.put_replacement(),
            lead => {
                if self.missing > 0 {
                    self.emit(REPLACEMENT);
                }
                match lead {
                    0xc0 | 0xc1 | 0xf5..=0xf7 => self.put_replacement(),
                    0xf0.. => (self.missing, self.codepoint) = (3, u32::from(lead & 0x07)),
                    0xe0.. => (self.missing, self.codepoint) = (2, u32::from(lead & 0x0f)),
                    0xc0.. => (self.missing, self.codepoint) = (1, u32::from(lead & 0x1f)),
                    ascii => {
                        self.out.push(ascii);
                        (self.missing, self.codepoint) = (0, 0);
                    }
                }
            }
        }
    }

    fn emit(&mut self, codepoint: u32) {
        let character = char::from_u32(codepoint).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
