//! Bytes as the reference sees them: C strings, `<ctype.h>` in the C locale, and signed `char`.

/// The characters that end a MIME token. Source: `MIME_TSPECIALS`, `imap/message.h`.
const TSPECIALS: &[u8] = b"()<>@,;:\\\"/[]?=";

/// The byte at `i`, or the NUL that ends a C string.
#[inline]
pub(super) fn at(text: &[u8], i: usize) -> u8 {
    text.get(i).copied().unwrap_or(0)
}

/// `Uisspace`, `lib/util.h`.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether a folded line goes on: the bytes that may follow the newline.
#[inline]
pub(super) fn is_fold(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether `byte` cannot be part of a MIME token: a control, a special, or (as `char` is signed) 8-bit.
#[inline]
pub(super) fn ends_token(byte: u8) -> bool {
    !(b' '..0x80).contains(&byte) || TSPECIALS.contains(&byte)
}

/// Whether an extended parameter value must hex-encode `byte`. Source: `message_fold_params`, `imap/message.c`.
pub(super) fn needs_percent(byte: u8) -> bool {
    byte <= b' ' || byte >= 0x7f || matches!(byte, b'*' | b'\'' | b'%') || TSPECIALS.contains(&byte)
}

/// The part of `text` before its first NUL: what C string functions see.
pub(super) fn c_str(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}

/// Where the header field that starts at `start` ends: the index of its last newline, or `None` at the end of the text.
///
/// The first byte is never taken for the end, as in `message_parse_string` and its siblings: a value that begins
/// with a bare newline runs on into the next line.
pub(super) fn field_end(text: &[u8], start: usize) -> Option<usize> {
    let mut from = start;
    loop {
        let newline = from + 1 + memchr::memchr(b'\n', text.get(from + 1..)?)?;
        if !is_fold(at(text, newline + 1)) {
            return Some(newline);
        }
        from = newline;
    }
}

/// The field that starts at `start`, without its line end.
pub(super) fn field(text: &[u8], start: usize) -> &[u8] {
    let end = match field_end(text, start) {
        Some(newline) if newline > start && at(text, newline - 1) == b'\r' => newline - 1,
        Some(newline) => newline,
        None => text.len(),
    };
    text.get(start..end).unwrap_or_default()
}

/// Skips white space and comments. `None` is the end of the header field or of the text.
///
/// Source: `message_parse_rfc822space`, `imap/message.c`.
pub(super) fn skip_space(text: &[u8], mut i: usize) -> Option<usize> {
    loop {
        match at(text, i) {
            0 => return None,
            b'\n' if is_fold(at(text, i + 1)) => i += 1,
            b'\n' => return None,
            b'(' => i = skip_comment(text, i + 1)?,
            byte if is_space(byte) => i += 1,
            _ => return Some(i),
        }
    }
}

fn skip_comment(text: &[u8], mut i: usize) -> Option<usize> {
    let mut depth = 1usize;
    while depth > 0 {
        match at(text, i) {
            0 => return None,
            b'\n' => {
                i += 1;
                if !is_fold(at(text, i)) {
                    return None;
                }
            }
            b'\\' => {
                i += 1;
                if at(text, i) == 0 {
                    return None;
                }
            }
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        i += 1;
    }
    Some(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_ends_at_the_newline_that_no_white_space_follows() {
        assert_eq!(field(b"a\r\n b\r\nTo: c\r\n", 0), b"a\r\n b");
        assert_eq!(field(b"a\n\tb\nTo: c", 0), b"a\n\tb");
        assert_eq!(field(b"no end", 3), b"end");
        assert_eq!(field(b"", 0), b"");
        assert_eq!(field(b"x", 7), b"");
    }

    #[test]
    fn a_value_that_begins_with_a_bare_newline_swallows_the_next_line() {
        assert_eq!(field(b"\nTo: c\r\nX: y\r\n", 0), b"\nTo: c");
    }

    #[test]
    fn comments_nest_and_may_be_folded() {
        assert_eq!(skip_space(b" (a (b\\)) c)\r\n x", 0), Some(15));
        assert_eq!(skip_space(b" (a\r\nx", 0), None);
        assert_eq!(skip_space(b"  \r\nx", 0), None);
    }
}
