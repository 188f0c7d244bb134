//! IMAP nstrings: how text is written into the ENVELOPE, BODY, BODYSTRUCTURE and SUBJECT items.

use std::borrow::Cow;

use super::text;

/// From this many bytes on a string is written as a literal.
const LITERAL_FROM: usize = 1024;

/// Appends `NIL`, a quoted string, or a literal. Source: `message_write_nstring_map`, `imap/message.c`.
pub(super) fn write(out: &mut Vec<u8>, string: Option<&[u8]>) {
    let Some(string) = string else {
        out.extend_from_slice(b"NIL");
        return;
    };
    if string.len() >= LITERAL_FROM || string.iter().any(|&byte| NEEDS_LITERAL[usize::from(byte)]) {
        out.push(b'{');
        write_number(out, string.len() as u32);
        out.extend_from_slice(b"}\r\n");
        out.extend_from_slice(string);
    } else {
        out.push(b'"');
        out.extend_from_slice(string);
        out.push(b'"');
    }
}

/// Appends `number` in decimal.
pub(super) fn write_number(out: &mut Vec<u8>, number: u32) {
    let mut digits = [0; 10];
    let mut rest = number;
    let mut start = digits.len();
    while start > 0 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// The unfolded value of an uninterpreted header, `value` being the text from after the colon on.
///
/// Source: `message_parse_string`, `imap/message.c`.
pub(super) fn header_value(value: &[u8]) -> Cow<'_, [u8]> {
    let start = value.iter().position(|&byte| !text::is_fold(byte)).unwrap_or(value.len());
    let field = text::field(value, start);
    if memchr::memchr(b'\n', field).is_none() {
        return Cow::Borrowed(field);
    }
    let mut unfolded: Vec<u8> = Vec::with_capacity(field.len());
    for line in field.split_inclusive(|&byte| byte == b'\n') {
        unfolded.extend_from_slice(line);
        if unfolded.pop_if(|last| *last == b'\n').is_some() {
            unfolded.pop_if(|last| *last == b'\r');
        }
    }
    Cow::Owned(unfolded)
}

/// The bytes that no quoted string may hold.
const NEEDS_LITERAL: [bool; 256] = {
    let mut needs = [false; 256];
    let mut byte = 0;
    while byte < needs.len() {
        needs[byte] = byte >= 0x80 || matches!(byte as u8, 0 | b'\r' | b'\n' | b'"' | b'%' | b'\\');
        byte += 1;
    }
    needs
};

#[cfg(test)]
mod tests {
    use super::*;

    fn written(string: Option<&[u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, string);
        out
    }

    #[test]
    fn plain_text_is_quoted_and_the_rest_is_a_literal() {
        assert_eq!(written(None), b"NIL");
        assert_eq!(written(Some(b"")), b"\"\"");
        assert_eq!(written(Some(b"a b")), b"\"a b\"");
        assert_eq!(written(Some(b"100%")), b"{4}\r\n100%");
        assert_eq!(written(Some(&[b'x'; 1023])).len(), 1025);
        assert_eq!(written(Some(&[b'x'; 1024])).len(), 1024 + 8);
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 9, 10, 4_294_967_295] {
            let mut out = Vec::new();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }

    #[test]
    fn a_header_value_is_unfolded() {
        assert_eq!(&*header_value(b" \ta\r\n b\r\nX: y"), b"a b");
        assert_eq!(&*header_value(b"\r\nX: y"), b"");
        assert_eq!(&*header_value(b"\nX: y"), b"X: y");
        assert_eq!(&*header_value(b"a\r\r\n c\n\td"), b"a\r c\td");
    }
}
