//! A message's parts: where each one's header and content are.
//!
//! Source: `message_parse_body`, `message_parse_multipart` and `message_parse_content`, `imap/message.c`. The reference recurses;
//! here an explicit stack holds the containers that are open, so nesting costs no stack. Sizes and offsets are 32-bit and
//! wrap, as there.

use crate::types::Guid;

use super::CacheOptions;
use super::boundary::Boundaries;
use super::charset::percent;
use super::headers::{self, Field};
use super::media::{self, Media};
use super::text;
use super::transfer::{self, Encoding};

/// What may be hashed for messages within messages, as a multiple of the message's size and beyond it in bytes. Each one's content
/// GUID is a sum over all that is within it, so that deep nesting would cost the square of the size. (The reference pays
/// that, until it runs out of stack.) Past this bound the outer ones' content GUIDs are zeros.
const HASHED_SIZES: usize = 16;
const HASHED_BYTES: usize = 64 << 20;

/// The limit on nested multiparts where the configuration sets none: about what the reference's stack holds.
const BOUNDARY_LIMIT: usize = 10_000;

/// The place of a part in [`Structure::parts`].
pub(super) type PartId = usize;

/// The parts of a message; the first is the message itself.
pub(super) struct Structure<'m> {
    pub message: &'m [u8],
    pub parts: Vec<Part>,
    /// The fields of all parts, each part's together.
    fields: Vec<(Field, usize)>,
    /// The HEADERS item.
    pub cached_headers: Vec<u8>,
}

/// A part: `struct body` of `imap/message.h`.
#[derive(Default)]
pub(super) struct Part {
    pub media: Option<Box<Media>>,
    pub header_offset: u32,
    pub header_size: u32,
    pub header_lines: u32,
    pub content_offset: u32,
    pub content_size: u32,
    pub content_lines: u32,
    boundary_size: u32,
    boundary_lines: u32,
    pub content_guid: Guid,
    pub decoded_size: u32,
    /// The parts of a multipart, or the message within a message.
    pub first_child: Option<PartId>,
    pub next_sibling: Option<PartId>,
    /// Only multiparts count their parts.
    pub count: u32,
    fields: (usize, usize),
    text_end: usize,
}

/// What kind of part it is, to those who walk the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Multipart,
    Message,
    Text,
    Other,
}

impl<'m> Structure<'m> {
    pub(super) fn parse(message: &'m [u8], options: &CacheOptions) -> Structure<'m> {
        let structure = Structure { message, parts: Vec::new(), fields: Vec::new(), cached_headers: Vec::new() };
        let boundaries = Boundaries::new(options.strict_boundaries);
        let hashable = message.len().saturating_mul(HASHED_SIZES).saturating_add(HASHED_BYTES);
        let mut parser = Parser { structure, options, boundaries, at: 0, open: Vec::new(), hashable };
        parser.run();
        parser.structure
    }

    pub(super) fn part(&self, id: PartId) -> &Part {
        &self.parts[id]
    }

    /// The parts right within `id`.
    pub(super) fn children(&self, id: PartId) -> impl Iterator<Item = PartId> {
        std::iter::successors(self.part(id).first_child, |&child| self.part(child).next_sibling)
    }

    /// The value of a field of the part: the text from after the colon to the end of the header block.
    pub(super) fn value(&self, part: &Part, field: Field) -> Option<&'m [u8]> {
        let fields = &self.fields[part.fields.0..part.fields.1];
        let (_, start) = fields.iter().find(|(found, _)| *found == field)?;
        self.message.get(*start..part.text_end)
    }

    pub(super) fn encoding(&self, part: &Part) -> Option<Vec<u8>> {
        media::encoding(self.value(part, Field::ContentTransferEncoding)?)
    }
}

impl Part {
    pub(super) fn kind(&self, options: &CacheOptions) -> Kind {
        let Some(media) = &self.media else { return Kind::Text };
        match (media.kind.as_slice(), media.subtype.as_slice()) {
            (b"MULTIPART", _) => Kind::Multipart,
            (b"TEXT", _) => Kind::Text,
            (b"MESSAGE", b"RFC822") => Kind::Message,
            (b"MESSAGE", b"GLOBAL") if options.release.has_message_global() => Kind::Message,
            _ => Kind::Other,
        }
    }
}

struct Parser<'m, 'o> {
    structure: Structure<'m>,
    options: &'o CacheOptions,
    boundaries: Boundaries,
    at: usize,
    open: Vec<Open>,
    /// The bytes that may still be hashed for messages within messages.
    hashable: usize,
}

/// A container that is being read.
enum Open {
    Message { part: PartId, start: usize, child: Option<PartId> },
    Multipart(Multipart),
}

struct Multipart {
    part: PartId,
    depth: usize,
    preamble: Content,
    last: Option<PartId>,
    digest: bool,
}

/// The extent of a content, and of the boundary that ended it.
#[derive(Default)]
struct Content {
    size: u32,
    lines: u32,
    boundary_size: u32,
    boundary_lines: u32,
}

impl Parser<'_, '_> {
    fn run(&mut self) {
        self.part(false);
        while let Some(open) = self.open.pop() {
            match open {
                Open::Message { part, start, child: None } => {
                    let child = self.structure.parts.len();
                    self.structure.parts[part].first_child = Some(child);
                    self.open.push(Open::Message { part, start, child: Some(child) });
                    self.part(false);
                }
                Open::Message { part, start, child: Some(child) } => self.end_message(part, start, child),
                Open::Multipart(multipart) => self.next_part(multipart),
            }
        }
    }

    /// Reads a part's header, and its content unless it is a container, which is opened. Source: `message_parse_body`.
    fn part(&mut self, in_digest: bool) {
        let (id, saw_boundary) = self.header(in_digest);
        match self.structure.parts[id].kind(self.options) {
            Kind::Message if saw_boundary => self.empty_message(id),
            Kind::Message => self.open.push(Open::Message { part: id, start: self.at, child: None }),
            _ if saw_boundary => {}
            Kind::Multipart => self.open_multipart(id),
            Kind::Text | Kind::Other => self.leaf(id),
        }
    }

    fn header(&mut self, in_digest: bool) -> (PartId, bool) {
        let structure = &mut self.structure;
        let id = structure.parts.len();
        let block = headers::read(structure.message, self.at, &mut self.boundaries);
        self.at = block.end;
        let first_field = structure.fields.len();
        let cached = (id == 0).then_some(&mut structure.cached_headers);
        block.fields(structure.message, self.options.max_header_lines, &mut structure.fields, cached);
        let mut part = Part {
            header_offset: block.start as u32,
            header_size: block.size,
            header_lines: block.lines,
            content_offset: block.end as u32,
            fields: (first_field, structure.fields.len()),
            text_end: block.text_end,
            ..Part::default()
        };
        (part.boundary_size, part.boundary_lines) = block.boundary.unwrap_or_default();
        let value = structure.value(&part, Field::ContentType);
        let media = value.and_then(|value| media::content_type(value, self.options.release.rejects_content_types()));
        part.media = media.or_else(|| in_digest.then(Media::message_rfc822)).map(Box::new);
        structure.parts.push(part);
        (id, block.boundary.is_some())
    }

    fn leaf(&mut self, id: PartId) {
        let start = self.at;
        let content = self.content();
        let size = content.size as usize;
        let part = &mut self.structure.parts[id];
        (part.content_size, part.content_lines) = (content.size, content.lines);
        (part.boundary_size, part.boundary_lines) = (content.boundary_size, content.boundary_lines);
        self.digest(id, start, size);
    }

    fn digest(&mut self, id: PartId, start: usize, size: usize) {
        let structure = &mut self.structure;
        let content = structure.message.get(start..start.saturating_add(size)).unwrap_or_default();
        let part = &structure.parts[id];
        let is_message = part.media.as_ref().is_some_and(|media| media.kind == b"MESSAGE");
        let encoding = match is_message && !self.options.release.decodes_messages() {
            true => Encoding::None,
            false => Encoding::of(structure.encoding(part).as_deref()),
        };
        let part = &mut structure.parts[id];
        (part.content_guid, part.decoded_size) = transfer::digest(content, encoding);
    }

    /// A message whose header a boundary ended: within it is an empty text.
    fn empty_message(&mut self, id: PartId) {
        self.structure.parts[id].first_child = Some(self.structure.parts.len());
        self.structure.parts.push(Part::default());
    }

    fn end_message(&mut self, id: PartId, start: usize, child: PartId) {
        let [part, inner] = self.pair(id, child);
        part.content_size = inner.header_size.wrapping_add(inner.content_size);
        part.content_lines = inner.header_lines.wrapping_add(inner.content_lines);
        (part.boundary_size, part.boundary_lines) = (inner.boundary_size, inner.boundary_lines);
        let size = part.content_size as usize;
        if let Some(left) = self.hashable.checked_sub(size) {
            self.hashable = left;
            self.digest(id, start, size);
        }
    }

    /// A container and a part within it, which comes after it.
    fn pair(&mut self, outer: PartId, inner: PartId) -> [&mut Part; 2] {
        let (before, from) = self.structure.parts.split_at_mut(inner);
        [&mut before[outer], &mut from[0]]
    }

    /// Source: the first half of `message_parse_multipart`.
    fn open_multipart(&mut self, id: PartId) {
        let Some(media) = &self.structure.parts[id].media else { return };
        let digest = media.subtype == b"DIGEST";
        let param = media.params.iter().find(|param| matches!(param.attribute.as_slice(), b"BOUNDARY" | b"BOUNDARY*"));
        let Some(param) = param else { return self.leaf(id) };
        let extended = param.attribute.ends_with(b"*");
        let decoded = extended.then(|| percent::decode(&param.value)).flatten();
        let boundary = decoded.map_or_else(|| param.value.clone(), |decoded| text::c_str(&decoded).to_vec());
        self.boundaries.open(boundary);
        let depth = self.boundaries.depth();
        let preamble = self.content();
        self.open.push(Open::Multipart(Multipart { part: id, depth, preamble, last: None, digest }));
    }

    /// Reads the next part of a multipart, or ends it.
    fn next_part(&mut self, mut multipart: Multipart) {
        let parts = &mut self.structure.parts;
        if let Some(last) = multipart.last
            && self.at == self.structure.message.len()
            && parts[last].boundary_size == 0
        {
            self.boundaries.close_all();
        }
        let depth = self.boundaries.depth();
        if depth != multipart.depth || depth >= self.options.boundary_limit.unwrap_or(BOUNDARY_LIMIT) {
            return self.end_multipart(&multipart);
        }
        let child = parts.len();
        match multipart.last {
            Some(last) => parts[last].next_sibling = Some(child),
            None => parts[multipart.part].first_child = Some(child),
        }
        parts[multipart.part].count += 1;
        multipart.last = Some(child);
        let digest = multipart.digest;
        self.open.push(Open::Multipart(multipart));
        self.part(digest);
    }

    /// Source: the second half of `message_parse_multipart`.
    fn end_multipart(&mut self, multipart: &Multipart) {
        let mut total =
            Content { size: multipart.preamble.size, lines: multipart.preamble.lines, ..Content::default() };
        let mut epilogue = Content::default();
        // The boundary of an enclosing multipart that ended this one belongs to this one, not to what is within it.
        let mut enclosing = (0, 0);
        let preamble = &multipart.preamble;
        if self.boundaries.depth() + 1 == multipart.depth {
            epilogue = self.content();
            total.add(preamble.boundary_size, preamble.boundary_lines);
        } else if let Some(last) = multipart.last {
            let last = &mut self.structure.parts[last];
            enclosing = (last.boundary_size, last.boundary_lines);
            (last.boundary_size, last.boundary_lines) = (0, 0);
            total.add(preamble.boundary_size, preamble.boundary_lines);
        } else {
            enclosing = (preamble.boundary_size, preamble.boundary_lines);
        }
        let mut child = self.structure.parts[multipart.part].first_child;
        while let Some(id) = child {
            let part = &self.structure.parts[id];
            total.add(part.header_size, part.header_lines);
            total.add(part.content_size, part.content_lines);
            total.add(part.boundary_size, part.boundary_lines);
            child = part.next_sibling;
        }
        total.add(epilogue.size, epilogue.lines);
        let part = &mut self.structure.parts[multipart.part];
        (part.content_size, part.content_lines) = (total.size, total.lines);
        part.boundary_size = enclosing.0.wrapping_add(epilogue.boundary_size);
        part.boundary_lines = enclosing.1.wrapping_add(epilogue.boundary_lines);
    }

    /// Reads content up to and including a boundary, or to the end. Source: `message_parse_content`.
    fn content(&mut self) -> Content {
        let rest = &self.structure.message[self.at..];
        let (end, boundary) = match self.boundaries.depth() {
            0 => (rest.len(), 0),
            _ => find_boundary(rest, &mut self.boundaries).unwrap_or((rest.len(), 0)),
        };
        self.at += end + boundary;
        let mut content = Content { size: end as u32, ..Content::default() };
        content.lines = memchr::memchr_iter(b'\n', &rest[..end]).count() as u32;
        if boundary > 0 {
            (content.boundary_size, content.boundary_lines) = (boundary as u32, 1);
            // The line end before a boundary is part of the boundary.
            if content.lines > 0 {
                content.lines -= 1;
                content.boundary_lines += 1;
            }
            if content.size > 1 {
                content.size -= 2;
                content.boundary_size = content.boundary_size.wrapping_add(2);
            }
        }
        content
    }
}

impl Content {
    fn add(&mut self, size: u32, lines: u32) {
        self.size = self.size.wrapping_add(size);
        self.lines = self.lines.wrapping_add(lines);
    }
}

/// Where in `content` a line starts that is a boundary, and how long that line is.
fn find_boundary(content: &[u8], boundaries: &mut Boundaries) -> Option<(usize, usize)> {
    let line_at = |start: usize| {
        let rest = &content[start..];
        memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[..=end])
    };
    if content.starts_with(b"--") && boundaries.ends_at(line_at(0)) {
        return Some((0, line_at(0).len()));
    }
    memchr::memmem::find_iter(content, b"\n--").find_map(|newline| {
        let line = line_at(newline + 1);
        boundaries.ends_at(line).then_some((newline + 1, line.len()))
    })
}
