//! The BODYSTRUCTURE and BODY items.
//!
//! Source: `message_write_body`, `imap/message.c`. A stack of what is left to write stands for the reference's recursion.

use super::CacheOptions;
use super::envelope::{self, Addresses};
use super::headers::Field;
use super::media::{self, Media};
use super::nstring::{self, write_number};
use super::params::Param;
use super::structure::{Kind, Part, PartId, Structure};

/// What is left to write.
enum Step {
    Part(PartId),
    EndMultipart(PartId),
    EndMessage(PartId),
}

/// Appends the structure of the whole message; BODYSTRUCTURE if `extended`, else BODY.
pub(super) fn write(out: &mut Vec<u8>, structure: &Structure<'_>, options: &CacheOptions, extended: bool) {
    let mut writer = Writer { out, structure, options, extended, left: vec![Step::Part(0)] };
    while let Some(step) = writer.left.pop() {
        match step {
            Step::Part(id) => writer.part(id),
            Step::EndMultipart(id) => writer.end_multipart(structure.part(id)),
            Step::EndMessage(id) => writer.end_message(structure.part(id)),
        }
    }
}

struct Writer<'a, 'm> {
    out: &'a mut Vec<u8>,
    structure: &'a Structure<'m>,
    options: &'a CacheOptions,
    extended: bool,
    left: Vec<Step>,
}

impl Writer<'_, '_> {
    fn part(&mut self, id: PartId) {
        let structure = self.structure;
        let part = structure.part(id);
        match part.kind(self.options) {
            // A multipart without parts is shown as an empty text.
            Kind::Multipart if part.count == 0 => {
                self.basics(&Part::default());
                self.text_lines(&Part::default());
            }
            Kind::Multipart => {
                self.out.push(b'(');
                self.left.push(Step::EndMultipart(id));
                let first = self.left.len();
                self.left.extend(structure.children(id).map(Step::Part));
                self.left[first..].reverse();
            }
            Kind::Message => self.message(id, part),
            Kind::Text => {
                self.basics(part);
                self.text_lines(part);
            }
            Kind::Other => {
                self.basics(part);
                self.end(part);
            }
        }
    }

    fn message(&mut self, id: PartId, part: &Part) {
        self.basics(part);
        let Some(child) = part.first_child else { return self.end(part) };
        let inner = self.structure.part(child);
        let addresses = Addresses::of(self.structure, inner, self.options);
        self.out.push(b' ');
        envelope::write(self.out, self.structure, inner, &addresses);
        self.out.push(b' ');
        self.left.extend([Step::EndMessage(id), Step::Part(child)]);
    }

    fn end_message(&mut self, part: &Part) {
        self.text_lines(part);
    }

    fn text_lines(&mut self, part: &Part) {
        self.out.push(b' ');
        write_number(self.out, part.content_lines);
        self.end(part);
    }

    fn end_multipart(&mut self, part: &Part) {
        let Some(media) = &part.media else { return };
        self.out.push(b' ');
        nstring::write(self.out, Some(&media.subtype));
        if self.extended {
            self.out.push(b' ');
            self.params(&media.params);
            self.common_extension(part);
        }
        self.out.push(b')');
    }

    /// Type, parameters, id, description, encoding and size, after the parenthesis.
    fn basics(&mut self, part: &Part) {
        let default = Media::text_plain;
        let media = part.media.as_deref();
        let owned;
        let media = match media {
            Some(media) => media,
            None => {
                owned = default();
                &owned
            }
        };
        self.out.push(b'(');
        nstring::write(self.out, Some(&media.kind));
        self.out.push(b' ');
        nstring::write(self.out, Some(&media.subtype));
        self.out.push(b' ');
        self.params(&media.params);
        self.field(part, Field::ContentId);
        self.field(part, Field::ContentDescription);
        self.out.push(b' ');
        let encoding = self.structure.encoding(part);
        nstring::write(self.out, Some(encoding.as_deref().unwrap_or(b"7BIT")));
        self.out.push(b' ');
        write_number(self.out, part.content_size);
    }

    fn end(&mut self, part: &Part) {
        if self.extended {
            self.field(part, Field::ContentMd5);
            self.common_extension(part);
        }
        self.out.push(b')');
    }

    /// Disposition, language and location.
    fn common_extension(&mut self, part: &Part) {
        self.out.push(b' ');
        match self.structure.value(part, Field::ContentDisposition).and_then(media::disposition) {
            None => self.out.extend_from_slice(b"NIL"),
            Some(disposition) => {
                self.out.push(b'(');
                nstring::write(self.out, Some(&disposition.kind));
                self.out.push(b' ');
                self.params(&disposition.params);
                self.out.push(b')');
            }
        }
        self.out.push(b' ');
        let languages = self.structure.value(part, Field::ContentLanguage).map(media::languages);
        let languages = languages.unwrap_or_default();
        self.list(languages.iter().map(Vec::as_slice));
        self.field(part, Field::ContentLocation);
    }

    fn params(&mut self, params: &[Param]) {
        self.list(params.iter().flat_map(|param| [param.attribute.as_slice(), &param.value]));
    }

    /// A parenthesised list of strings; NIL if there is none.
    fn list<'s>(&mut self, strings: impl Iterator<Item = &'s [u8]>) {
        let start = self.out.len();
        for string in strings {
            self.out.push(b' ');
            nstring::write(self.out, Some(string));
        }
        match self.out.get_mut(start) {
            None => self.out.extend_from_slice(b"NIL"),
            Some(first) => {
                *first = b'(';
                self.out.push(b')');
            }
        }
    }

    fn field(&mut self, part: &Part, field: Field) {
        self.out.push(b' ');
        let value = self.structure.value(part, field).map(nstring::header_value);
        nstring::write(self.out, value.as_deref());
    }
}
