//! A part's header block: where it ends, and which of its fields matter.

use super::boundary::Boundaries;
use super::cached_headers;
use super::text;

/// The header fields that the cache record is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Bcc,
    Cc,
    ContentDescription,
    ContentDisposition,
    ContentId,
    ContentLanguage,
    ContentLocation,
    ContentMd5,
    ContentTransferEncoding,
    ContentType,
    Date,
    From,
    InReplyTo,
    MessageId,
    ReplyTo,
    Sender,
    Subject,
    To,
}

/// A header block as it was read.
pub(super) struct Block {
    /// Its length without the boundary that may have ended it.
    pub size: u32,
    pub lines: u32,
    /// The text that holds header fields starts and ends here in the message.
    pub start: usize,
    pub text_end: usize,
    /// Where the content starts, or what comes after the boundary.
    pub end: usize,
    /// The size and the lines of the boundary that ended the block.
    pub boundary: Option<(u32, u32)>,
}

/// Reads the header block at `start`. Source: `message_parse_headers`, `imap/message.c`.
///
/// It ends after an empty line, at a boundary of an enclosing multipart, or at the end. An empty line is CRLF: bare newlines
/// end no header block. A NUL ends the text for all purposes but finding the end.
pub(super) fn read(message: &[u8], start: usize, boundaries: &mut Boundaries) -> Block {
    let mut at = start;
    let mut found = None;
    while at < message.len() {
        let line_start = at;
        at = memchr::memchr(b'\n', &message[at..]).map_or(message.len(), |end| at + end + 1);
        let line = &message[line_start..at];
        if line.starts_with(b"\r\n") {
            break;
        }
        if line.starts_with(b"--") {
            let line = text::c_str(line);
            if boundaries.ends_at(line) {
                found = Some((line_start, line.len() as u32));
                break;
            }
        }
    }
    let block = Block { size: 0, lines: 0, start, text_end: start, end: at, boundary: None };
    match found {
        None => block.with_text(message, at),
        Some((line_start, size)) => block.before_boundary(message, line_start, size),
    }
}

impl Block {
    fn with_text(mut self, message: &[u8], end: usize) -> Block {
        let text = text::c_str(&message[self.start..end]);
        self.text_end = self.start + text.len();
        self.size = text.len() as u32;
        self.lines = memchr::memchr_iter(b'\n', text).count() as u32;
        self
    }

    /// The boundary takes the two bytes before it with it, whatever they are.
    fn before_boundary(self, message: &[u8], line_start: usize, size: u32) -> Block {
        let end = self.end;
        let mut block = match line_start - self.start {
            0 => Block { boundary: Some((size, 1)), ..self },
            // The reference overwrites the newline that it puts before the block: no field is seen, and nothing is cut off.
            1 => Block { lines: u32::MAX, size: text::c_str(&message[self.start..end]).len() as u32, ..self },
            _ => self.with_text(message, line_start - 2),
        };
        block.boundary.get_or_insert((size.wrapping_add(2), 2));
        block
    }

    /// The fields that matter: what each is, and where its value starts in the message. A later one replaces an earlier one.
    ///
    /// `cached`, if given, receives the lines of the cached headers. Lines after the first `max_lines` are not looked at.
    pub(super) fn fields(
        &self,
        message: &[u8],
        max_lines: Option<u32>,
        fields: &mut Vec<(Field, usize)>,
        mut cached: Option<&mut Vec<u8>>,
    ) {
        let own = fields.len();
        let text = &message[self.start..self.text_end];
        if self.lines == u32::MAX {
            return;
        }
        let mut line_start = 0;
        for _ in 0..=max_lines.unwrap_or(u32::MAX) {
            let line_end = memchr::memchr(b'\n', &text[line_start..]).map_or(text.len(), |end| line_start + end);
            let line = &text[line_start..line_end];
            if !line.first().is_some_and(|&byte| text::is_fold(byte))
                && let Some(name) = name(line)
            {
                if let Some(cached) = cached.as_deref_mut()
                    && cached_headers::is_cached(name)
                {
                    cached.extend_from_slice(text::field(text, line_start));
                    cached.extend_from_slice(b"\r\n");
                }
                if let Some(field) = lookup(name) {
                    let value = (field, self.start + line_start + name.len() + 1);
                    match fields[own..].iter_mut().find(|(earlier, _)| *earlier == field) {
                        Some(earlier) => *earlier = value,
                        None => fields.push(value),
                    }
                }
            }
            line_start = line_end + 1;
            if line_start > text.len() {
                break;
            }
        }
    }
}

/// What is before the colon. Source: `message_header_lookup`, `imap/message.c`.
fn name(line: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr2(b':', b'\r', line)?;
    (line[end] == b':').then(|| &line[..end])
}

/// Source: `imap/rfc822_header.st`.
fn lookup(name: &[u8]) -> Option<Field> {
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    let field = match name.len() {
        2 if is(b"to") => Field::To,
        2 if is(b"cc") => Field::Cc,
        3 if is(b"bcc") => Field::Bcc,
        4 if is(b"from") => Field::From,
        4 if is(b"date") => Field::Date,
        6 if is(b"sender") => Field::Sender,
        7 if is(b"subject") => Field::Subject,
        8 if is(b"reply-to") => Field::ReplyTo,
        10 if is(b"message-id") => Field::MessageId,
        10 if is(b"content-id") => Field::ContentId,
        11 if is(b"in-reply-to") => Field::InReplyTo,
        11 if is(b"content-md5") => Field::ContentMd5,
        12 if is(b"content-type") => Field::ContentType,
        16 if is(b"content-language") => Field::ContentLanguage,
        16 if is(b"content-location") => Field::ContentLocation,
        19 if is(b"content-description") => Field::ContentDescription,
        19 if is(b"content-disposition") => Field::ContentDisposition,
        25 if is(b"content-transfer-encoding") => Field::ContentTransferEncoding,
        _ => return None,
    };
    Some(field)
}
