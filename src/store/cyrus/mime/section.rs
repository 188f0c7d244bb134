//! The SECTION item: where each part's header and content are, for `FETCH BODY[section]`.
//!
//! For every container, and at the top for the message as one, all 32-bit big endian:
//!
//! ```text
//! count + 1    the parts of a multipart; 1 for the body of a message that is none; 0 alone for a leaf
//! then count + 1 times, the container itself first (a multipart within a multipart: 0, -1, 0, -1):
//!   header offset, header size, content offset, content size
//!   16 bits      length of the charset's name with its NULs, a multiple of 4; 0 if there is none
//!   16 bits      the transfer encoding (0x00ff unknown, 0xffff with length 0: neither applies)
//!   name         padded with NULs to that length
//!   20 bytes     SHA-1 of the decoded content
//!   decoded size, lines
//! then the same for each part within
//! ```
//!
//! Source: `message_write_section` and `message_write_charset`, `imap/message.c`.

use super::CacheOptions;
use super::charset::Charset;
use super::structure::{Kind, Part, PartId, Structure};
use super::transfer::Encoding;

/// Stands where neither charset nor encoding applies. Source: `message_write_nocharset`.
const NO_CHARSET: u32 = 0x0000_ffff;

/// What is left to write.
enum Step {
    /// A message whose body is this part.
    Message(PartId),
    Part(PartId),
}

/// Appends the section item of the whole message.
pub(super) fn write(out: &mut Vec<u8>, structure: &Structure<'_>, options: &CacheOptions) {
    let mut writer = Writer { out, structure, options };
    let mut left = vec![Step::Message(0)];
    while let Some(step) = left.pop() {
        let id = match step {
            Step::Part(id) if structure.part(id).kind(options) == Kind::Message => {
                left.extend(structure.part(id).first_child.map(Step::Message));
                continue;
            }
            Step::Message(id) => {
                if structure.part(id).count == 0 {
                    writer.single(structure.part(id));
                    left.push(Step::Part(id));
                    continue;
                }
                writer.message_head(structure.part(id));
                id
            }
            Step::Part(id) if structure.part(id).count == 0 => {
                writer.number(0);
                continue;
            }
            Step::Part(id) => {
                writer.multipart_head(structure.part(id));
                id
            }
        };
        let of_message = matches!(step, Step::Message(_));
        structure.children(id).for_each(|child| writer.child(structure.part(child), of_message));
        let first = left.len();
        left.extend(structure.children(id).map(Step::Part));
        left[first..].reverse();
    }
}

struct Writer<'a, 'm> {
    out: &'a mut Vec<u8>,
    structure: &'a Structure<'m>,
    options: &'a CacheOptions,
}

impl Writer<'_, '_> {
    /// A message whose body is a multipart with parts.
    fn message_head(&mut self, body: &Part) {
        self.number(body.count.wrapping_add(1));
        self.extent(body, body.content_size);
        self.no_charset(Some(body));
    }

    /// A message whose body is no multipart, or one without parts.
    fn single(&mut self, body: &Part) {
        self.number(2);
        self.extent(body, body.content_size);
        self.no_charset(Some(body));
        if body.kind(self.options) == Kind::Multipart {
            self.extent(body, 0);
            self.no_charset(None);
        } else {
            self.extent(body, body.content_size);
            self.charset(body);
        }
    }

    /// A multipart that is not the body of a message has no part 0.
    fn multipart_head(&mut self, part: &Part) {
        self.number(part.count.wrapping_add(1));
        [0, u32::MAX, 0, u32::MAX].into_iter().for_each(|number| self.number(number));
        self.no_charset(None);
    }

    /// A part of a multipart; one without parts of its own counts as an empty text.
    fn child(&mut self, part: &Part, of_message: bool) {
        let empty = part.count == 0 && part.kind(self.options) == Kind::Multipart;
        self.extent(part, if empty { 0 } else { part.content_size });
        match empty && !of_message {
            true => self.no_charset(Some(part)),
            false => self.charset(part),
        }
    }

    fn extent(&mut self, part: &Part, content_size: u32) {
        self.number(part.header_offset);
        self.number(part.header_size);
        self.number(part.content_offset);
        self.number(content_size);
    }

    fn charset(&mut self, part: &Part) {
        let (charset, encoding) = self.charset_and_encoding(part);
        // The name ends in one NUL at least.
        let length = charset.as_ref().map_or(0, |name| (name.len() / 4 + 1) * 4);
        let length = if length > 0xffff { 0 } else { length };
        self.number((length as u32) << 16 | encoding as u32);
        let end = self.out.len() + length;
        self.out.extend_from_slice(charset.filter(|_| length > 0).unwrap_or_default());
        self.out.resize(end, 0);
        self.content(Some(part));
    }

    fn no_charset(&mut self, part: Option<&Part>) {
        self.number(NO_CHARSET);
        self.content(part);
    }

    fn content(&mut self, part: Option<&Part>) {
        let empty = Part::default();
        let part = part.unwrap_or(&empty);
        self.out.extend_from_slice(part.content_guid.as_bytes());
        self.number(part.decoded_size);
        self.number(part.content_lines);
    }

    /// Source: `message_parse_charset`: text has the last charset parameter that is known, or US-ASCII, and so have messages
    /// other than whole ones; the rest has none.
    fn charset_and_encoding<'p>(&self, part: &'p Part) -> (Option<&'p [u8]>, Encoding) {
        const DEFAULT: &[u8] = b"us-ascii";
        let encoding = || Encoding::of(self.structure.encoding(part).as_deref());
        let Some(media) = &part.media else { return (Some(DEFAULT), encoding()) };
        if media.is_text() {
            let names = media.params.iter().filter(|param| param.attribute == b"CHARSET" && !param.value.is_empty());
            let known = names.rev().map(|param| param.value.as_slice()).find(|name| Charset::lookup(name).is_some());
            return (Some(known.unwrap_or(DEFAULT)), encoding());
        }
        if media.kind != b"MESSAGE" {
            return (None, encoding());
        }
        let whole = part.kind(self.options) == Kind::Message;
        let encoding = if self.options.release.decodes_messages() { encoding() } else { Encoding::None };
        ((!whole).then_some(DEFAULT), encoding)
    }

    fn number(&mut self, number: u32) {
        self.out.extend_from_slice(&number.to_be_bytes());
    }
}
