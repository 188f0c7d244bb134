//! Content-Type, Content-Disposition, Content-Transfer-Encoding and Content-Language.

use super::charset::{self, reencode};
use super::params::{self, Param};
use super::text::{self, at, ends_token, is_space, skip_space};

/// A content type, or a disposition (whose `subtype` is empty).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Media {
    pub kind: Vec<u8>,
    pub subtype: Vec<u8>,
    pub params: Vec<Param>,
}

impl Media {
    /// What a part without a usable Content-Type is. Source: `DEFAULT_CONTENT_TYPE`, `imap/message.c`.
    pub(super) fn text_plain() -> Media {
        let charset = Param { attribute: b"CHARSET".to_vec(), value: b"us-ascii".to_vec() };
        Media { kind: b"TEXT".to_vec(), subtype: b"PLAIN".to_vec(), params: vec![charset] }
    }

    /// What a part of a multipart/digest without a usable Content-Type is.
    pub(super) fn message_rfc822() -> Media {
        Media { kind: b"MESSAGE".to_vec(), subtype: b"RFC822".to_vec(), params: Vec::new() }
    }

    /// What 3.12 takes a Content-Type for that does not parse; in lower case, as there.
    fn octet_stream() -> Media {
        Media { kind: b"application".to_vec(), subtype: b"octet-stream".to_vec(), params: Vec::new() }
    }

    pub(super) fn is_text(&self) -> bool {
        self.kind == b"TEXT"
    }
}

/// The content type in a Content-Type header's `value`; `None` means the default.
///
/// `reject`: what does not parse is an octet stream (3.12) and not the default (3.6).
///
/// Source: `message_parse_type`, `imap/message.c`.
pub(super) fn content_type(value: &[u8], reject: bool) -> Option<Media> {
    let start = skip_space(value, 0)?;
    let unusable = || reject.then(Media::octet_stream);
    if at(value, start) == b'=' && at(value, start + 1) == b'?' && value.len() > start + 2 {
        // Old macOS Mail encodes the whole value as RFC 2047 words. The rest of the header block is decoded along with it.
        let decoded = charset::words::decode(&value[start..], false);
        return typed(text::c_str(&decoded), 0).map(with_encoded_values).or_else(unusable);
    }
    typed(value, start).or_else(unusable)
}

/// The disposition in a Content-Disposition header's `value`. Source: `message_parse_disposition`, `imap/message.c`.
pub(super) fn disposition(value: &[u8]) -> Option<Media> {
    let start = skip_space(value, 0)?;
    let end = token_end(value, start, b';')?;
    let after = skip_space(value, end);
    let kind = value[start..end].to_ascii_uppercase();
    Some(Media { kind, subtype: Vec::new(), params: params_after(value, after)? })
}

/// The encoding in a Content-Transfer-Encoding header's `value`, in upper case.
///
/// Source: `message_parse_encoding`, `imap/message.c`.
pub(super) fn encoding(value: &[u8]) -> Option<Vec<u8>> {
    let start = skip_space(value, 0)?;
    let end = token_end(value, start, b'(')?;
    skip_space(value, end).is_none().then(|| value[start..end].to_ascii_uppercase())
}

/// The tags in a Content-Language header's `value`, in upper case. Source: `message_parse_language`, `imap/message.c`.
pub(super) fn languages(value: &[u8]) -> Vec<Vec<u8>> {
    let mut tags = Vec::new();
    let mut next = skip_space(value, 0);
    while let Some(start) = next {
        let mut end = start;
        while !matches!(at(value, end), 0 | b',' | b'(') && !is_space(at(value, end)) {
            if at(value, end) != b'-' && !at(value, end).is_ascii_alphabetic() {
                return tags;
            }
            end += 1;
        }
        let after = skip_space(value, end);
        if after.is_some_and(|i| at(value, i) != b',') {
            return tags;
        }
        tags.push(value[start..end].to_ascii_uppercase());
        next = after.and_then(|i| skip_space(value, i + 1));
    }
    tags
}

fn typed(value: &[u8], start: usize) -> Option<Media> {
    let end = token_end(value, start, b'/')?;
    let slash = skip_space(value, end).filter(|&i| at(value, i) == b'/')?;
    let kind = value[start..end].to_ascii_uppercase();
    let start = skip_space(value, slash + 1)?;
    let end = token_end(value, start, b';')?;
    let after = skip_space(value, end);
    let subtype = value[start..end].to_ascii_uppercase();
    Some(Media { kind, subtype, params: params_after(value, after)? })
}

/// The parameters after a `;` at `after`; `None` if something else is there.
fn params_after(value: &[u8], after: Option<usize>) -> Option<Vec<Param>> {
    match after {
        None => Some(Vec::new()),
        Some(i) if at(value, i) == b';' => Some(params::parse(value, i + 1)),
        Some(_) => None,
    }
}

/// Where the token at `start` ends: at white space, a comment or `stop`; `None` if it holds what a token cannot hold.
fn token_end(value: &[u8], start: usize, stop: u8) -> Option<usize> {
    let mut end = start;
    loop {
        match at(value, end) {
            0 | b'(' => return Some(end),
            byte if byte == stop || is_space(byte) => return Some(end),
            byte if ends_token(byte) => return None,
            _ => end += 1,
        }
    }
}

/// Encodes 8-bit parameter values as RFC 2047 words again.
fn with_encoded_values(mut media: Media) -> Media {
    for param in &mut media.params {
        let extended = param.attribute.is_empty() || param.attribute.ends_with(b"*");
        if !extended && !param.value.is_ascii() {
            param.value = reencode::header(&param.value);
        }
    }
    media
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(value: &[u8], reject: bool) -> Option<(Vec<u8>, Vec<u8>)> {
        content_type(value, reject).map(|media| (media.kind, media.subtype))
    }

    #[test]
    fn a_content_type() {
        let html = Some((b"TEXT".to_vec(), b"HTML".to_vec()));
        assert_eq!(kinds(b" text/html\r\n", true), html);
        assert_eq!(kinds(b" (x) text (y) / (z) html (a) ; b=c", true), html);
        assert_eq!(kinds(b"\r\n", true), None);
    }

    #[test]
    fn what_does_not_parse_is_an_octet_stream_or_the_default() {
        for value in [&b"text"[..], b"text/", b"te xt/html", b"text/html,x"] {
            assert_eq!(kinds(value, true), Some((b"application".to_vec(), b"octet-stream".to_vec())));
            assert_eq!(kinds(value, false), None);
        }
    }

    #[test]
    fn languages_and_encodings() {
        assert_eq!(languages(b" en, de-AT (x),\r\n fr\r\n"), [b"EN".to_vec(), b"DE-AT".to_vec(), b"FR".to_vec()]);
        assert_eq!(encoding(b" base64 (x)\r\n"), Some(b"BASE64".to_vec()));
        assert_eq!(encoding(b" base64 x\r\n"), None);
    }
}
