//! RFC 2047 encoded words, decoded to UTF-8 as the reference does.
//!
//! Source: `mimeheader_cat` and `charset_parse_mimeheader`, `lib/charset.c` (the same in 3.6 and 3.12).

use super::super::text::{at, is_space};
use super::super::transfer::{self, Base64, Sink};
use super::Charset;
use super::decoder::Decoder;

/// `text` with its encoded words decoded. `utf8`: text outside of words is UTF-8 and not US-ASCII (`rfc2047_utf8`).
///
/// Bytes that cannot be decoded become U+FFFD. The result may hold NULs, which end it for C.
pub(crate) fn decode(text: &[u8], utf8: bool) -> Vec<u8> {
    if text.iter().all(|byte| matches!(byte, 1..=b'\x0c' | b'\x0e'..=b'<' | b'>'..0x80)) {
        // Neither words nor folds nor anything to decode.
        return text.to_vec();
    }
    let outside = if utf8 { Charset::UTF_8 } else { Charset::ASCII };
    let mut decoder = Decoder::new(outside, Vec::with_capacity(text.len()));
    let mut unfold = Unfold::default();
    let mut last: Option<Running> = None;
    // Up to here the text is decoded.
    let mut done = 0;
    let mut from = 0;
    let mut after_word = false;
    while let Some(found) = next_word(text, from) {
        let Word { start, charset, quoted, content, end } = found;
        let between = &text[done..start];
        if !(after_word && between.iter().all(|&byte| is_space(byte))) {
            decoder.switch(outside);
            unfold.put_all(&mut decoder, between);
            last = None;
        }
        match Charset::lookup(charset) {
            None => {
                decoder.put_replacement();
                decoder.switch(outside);
                last = None;
            }
            Some(charset) => {
                if !last.as_ref().is_some_and(|last| last.charset == charset && last.quoted == quoted) {
                    decoder.switch(charset);
                    last = Some(Running { charset, quoted, base64: Base64::default() });
                }
                match &mut last {
                    Some(running) if !quoted => running.base64.decode(content, &mut decoder),
                    _ => transfer::quoted_printable(content, true, &mut decoder),
                }
                decoder.flush();
            }
        }
        (done, from, after_word) = (end, end, true);
    }
    if done < text.len() {
        decoder.switch(outside);
        unfold.put_all(&mut decoder, &text[done..]);
    }
    decoder.finish()
}

/// The transfer decoding of the words so far, which the next word of the same kind goes on with.
struct Running {
    charset: Charset,
    quoted: bool,
    base64: Base64,
}

impl Sink for Decoder {
    fn put(&mut self, byte: u8) {
        Decoder::put(self, byte);
    }
}

struct Word<'a> {
    start: usize,
    charset: &'a [u8],
    quoted: bool,
    content: &'a [u8],
    end: usize,
}

/// The next encoded word at or after `from`.
fn next_word(text: &[u8], mut from: usize) -> Option<Word<'_>> {
    loop {
        let equals = from + memchr::memchr(b'=', text.get(from..)?)?;
        from = match word(text, equals) {
            Ok(word) => return Some(word),
            Err(retry) => retry,
        };
    }
}

/// The encoded word at `start`, or where to look for the next one.
fn word(text: &[u8], start: usize) -> Result<Word<'_>, usize> {
    let mut i = start + 1;
    if at(text, i) != b'?' {
        return Err(i);
    }
    i += 1;
    let charset_start = i;
    while !matches!(at(text, i), 0 | b'=' | b'?') {
        i += 1;
    }
    if at(text, i) != b'?' {
        return Err(i);
    }
    let charset = &text[charset_start..i];
    let charset = charset.split(|&byte| byte == b'*').next().unwrap_or_default();
    let quoted = match at(text, i + 1) {
        b'b' | b'B' => false,
        b'q' | b'Q' => true,
        _ => return Err(i),
    };
    if at(text, i + 2) != b'?' {
        return Err(i);
    }
    let content = i + 3;
    let mut end = content;
    loop {
        match at(text, end) {
            0 | b'?' => break,
            b'=' if at(text, end + 1) == b'?' && at(text, end + 2) != b'=' => break,
            _ => end += 1,
        }
    }
    if at(text, end) != b'?' || at(text, end + 1) != b'=' {
        return Err(end);
    }
    Ok(Word { start, charset, quoted, content: &text[content..end], end: end + 2 })
}

/// Takes the CRLF out of CRLF + white space; the state outlives an encoded word. Source: `unfold2uni`.
#[derive(Default)]
enum Unfold {
    #[default]
    Text,
    Cr,
    CrLf,
}

impl Unfold {
    fn put_all(&mut self, out: &mut Decoder, text: &[u8]) {
        for &byte in text {
            self.put(out, byte);
        }
    }

    fn put(&mut self, out: &mut Decoder, byte: u8) {
        match (&self, byte) {
            (Unfold::Text, b'\r') => *self = Unfold::Cr,
            (Unfold::Text, _) => out.put(byte),
            (Unfold::Cr, b'\n') => *self = Unfold::CrLf,
            (Unfold::Cr, _) => {
                out.put(b'\r');
                out.put(byte);
                *self = Unfold::Text;
            }
            (Unfold::CrLf, _) => {
                if !matches!(byte, b' ' | b'\t') {
                    out.put(b'\r');
                    out.put(b'\n');
                }
                out.put(byte);
                *self = Unfold::Text;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> String {
        String::from_utf8(decode(text.as_bytes(), false)).unwrap()
    }

    #[test]
    fn encoded_words() {
        assert_eq!(decoded("=?utf-8?q?a_=C3=A9?= b"), "a é b");
        assert_eq!(decoded("=?UTF-8*en?B?w6k=?= =?utf-8?b?w6k=?="), "éé");
        assert_eq!(decoded("=?iso-8859-1?q?=E9=80?="), "é€");
        assert_eq!(decoded("a =?utf-8?q?b?= \r\n =?utf-8?q?c?= d"), "a bc d");
    }

    #[test]
    fn a_character_may_be_split_between_words_of_one_kind() {
        assert_eq!(decoded("=?utf-8?q?=C3?= =?utf-8?q?=A9?="), "é");
        assert_eq!(decoded("=?utf-8?q?=C3?= =?utf-8?b?qQ==?="), "\u{fffd}");
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in ["=?utf-8?x?a?=", "=?utf-8?q?a", "=?utf-8", "a=b", "=?=?"] {
            assert_eq!(decoded(text), text);
        }
        assert_eq!(decoded("=?nonsense?q?a?= b"), "\u{fffd} b");
        assert_eq!(String::from_utf8(decode(b"\xe9", false)).unwrap(), "\u{fffd}");
        assert_eq!(String::from_utf8(decode("é".as_bytes(), true)).unwrap(), "é");
    }
}
