//! What Cyrus makes of a message's bytes: the parsed fields of the index record, and the cache record.
//!
//! [`parse`] is `message_parse_mapped` and `message_create_record` of `imap/message.c`, byte for byte, for any bytes at all. Reading
//! order: `structure` finds the parts, using `headers` and `boundary`; `media`, `params` and `address` read the
//! fields' values; `envelope`, `bodystructure`, `section` and `search` write the items that [`super::cache`] puts
//! together; `transfer` and `charset` decode.
//!
//! Where the reference would crash or read past its buffers, and where its cost would be quadratic, this differs:
//! - messages nested in messages by the thousands have a content GUID of zeros, and without `boundary_limit` there still is one
//!   (see `structure`);
//! - 8-bit bytes in a Date, which the reference looks up outside of its tables, are neither letters nor digits;
//! - an empty header value at the very end of the text, and a comment that ends in a backslash there (3.6), are just empty;
//! - in a Content-Type that is an RFC 2047 word itself, a parameter value that looks like an address is encoded like any other;
//! - encoded words in a few character sets that mail hardly uses (EBCDIC, UTF-7, UTF-16, GB 18030, Big5-HKSCS, ISO-2022-KR, …)
//!   decode to U+FFFD where they are not ASCII, see `charset`.

mod address;
mod bodystructure;
mod boundary;
mod cached_headers;
mod charset;
mod date;
mod envelope;
mod headers;
mod media;
mod nstring;
mod params;
mod search;
mod section;
mod structure;
mod text;
mod transfer;

#[cfg(test)]
mod tests;

use crate::types::Guid;

use super::cache::{CacheItem, CacheRecord};
use envelope::Addresses;
use headers::Field;
use structure::Structure;

/// Whose habits to follow: what the cache record holds changed with its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheRelease {
    /// Cache version 11, as 3.6 writes it.
    V3_6,
    /// Cache version 13, as 3.12 writes it.
    V3_12,
}

impl CacheRelease {
    /// The version that goes into the index record. Source: `MAILBOX_CACHE_MINOR_VERSION`, `imap/mailbox.h`.
    pub const fn cache_version(self) -> u32 {
        match self {
            CacheRelease::V3_6 => 11,
            CacheRelease::V3_12 => 13,
        }
    }

    /// Whether message/global is taken for a message, as message/rfc822 is.
    fn has_message_global(self) -> bool {
        self >= CacheRelease::V3_12
    }

    /// Whether a Content-Type that does not parse means application/octet-stream.
    fn rejects_content_types(self) -> bool {
        self >= CacheRelease::V3_12
    }

    /// Whether the Content-Transfer-Encoding of messages within messages counts.
    fn decodes_messages(self) -> bool {
        self >= CacheRelease::V3_12
    }

    fn has_eight_bit_domains(self) -> bool {
        self >= CacheRelease::V3_12
    }
}

/// What of the configuration changes a cache record.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// The release to write like.
    pub release: CacheRelease,
    /// `maxheaderlines`: header lines after this many are not looked at; `None` for no limit.
    pub max_header_lines: Option<u32>,
    /// `boundary_limit`: how many multiparts may nest; `None` for 10,000, past which the reference runs out of stack.
    pub boundary_limit: Option<usize>,
    /// `rfc2046_strict`.
    pub strict_boundaries: bool,
    /// `rfc2047_utf8`.
    pub utf8_headers: bool,
    /// Seconds east of UTC of the server's time zone at a time in seconds since 1970. Only the sent date depends on it.
    pub utc_offset: fn(i64) -> i64,
}

impl CacheOptions {
    /// The defaults of imapd.conf, and a server in UTC.
    pub fn new(release: CacheRelease) -> CacheOptions {
        CacheOptions {
            release,
            max_header_lines: Some(1000),
            boundary_limit: Some(1000),
            strict_boundaries: false,
            utf8_headers: false,
            utc_offset: |_| 0,
        }
    }

    /// The time at which the server's clock shows `local`, as `mktime` finds it.
    fn utc_of_local(&self, local: i64) -> i64 {
        let about = local.saturating_sub((self.utc_offset)(local));
        local.saturating_sub((self.utc_offset)(about))
    }
}

/// What a message's bytes say about its index and cache records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedMessage {
    /// The SHA-1 of the bytes.
    pub guid: Guid,
    /// The number of bytes, modulo 2^32 as in the index record.
    pub size: u32,
    /// The bytes of the header block with the empty line after it.
    pub header_size: u32,
    /// `sentdate`: midnight, in the server's time zone, of the day in the Date header, in seconds since 1970; 0 without one.
    pub sent_date: i64,
    /// `gmtime`: the time in the Date header in seconds since 1970; 0 without one. May be negative close to 1970.
    pub gm_time: i64,
    /// The cache record, see [`super::cache`].
    pub cache: Vec<u8>,
    /// The version of the cache record.
    pub cache_version: u32,
    /// The CRC-32 of the cache record.
    pub cache_crc: u32,
}

impl ParsedMessage {
    /// The `sentdate` and `gmtime` of an index record with this internal date, which stands in for a missing Date header.
    ///
    /// Source: `mailbox_append_index_record`, `imap/mailbox.c`.
    pub fn index_dates(&self, internal_date: i64, options: &CacheOptions) -> (i64, i64) {
        let gm_time = if self.gm_time == 0 { internal_date } else { self.gm_time };
        if self.sent_date != 0 {
            return (self.sent_date, gm_time);
        }
        let local = internal_date.saturating_add((options.utc_offset)(internal_date));
        (options.utc_of_local(local - local.rem_euclid(date::DAY)), gm_time)
    }
}

/// Parses a message. Never fails: every sequence of bytes is some message.
pub fn parse(message: &[u8], options: &CacheOptions) -> ParsedMessage {
    parse_known(message, Guid::of(message), options)
}

/// Parses a message whose SHA-1 is known.
pub fn parse_known(message: &[u8], guid: Guid, options: &CacheOptions) -> ParsedMessage {
    let structure = Structure::parse(message, options);
    let root = structure.part(0);
    let date = structure.value(root, Field::Date).map(nstring::header_value);
    let cache = cache_record(&structure, options);
    ParsedMessage {
        guid,
        size: message.len() as u32,
        header_size: root.header_size,
        sent_date: date.as_deref().map_or(0, |date| sent_date(date, options)),
        gm_time: date.as_deref().and_then(date::full).unwrap_or(0),
        cache_version: options.release.cache_version(),
        cache_crc: crc32fast::hash(&cache),
        cache,
    }
}

/// Source: `message_write_cache`, `imap/message.c`.
fn cache_record(structure: &Structure<'_>, options: &CacheOptions) -> Vec<u8> {
    let root = structure.part(0);
    let addresses = Addresses::of(structure, root, options);
    let utf8 = options.utf8_headers;
    let mut record = CacheRecord::new();
    record.item(CacheItem::Envelope, |out| envelope::write(out, structure, root, &addresses));
    record.item(CacheItem::BodyStructure, |out| bodystructure::write(out, structure, options, true));
    record.item(CacheItem::Body, |out| bodystructure::write(out, structure, options, false));
    record.item(CacheItem::Section, |out| section::write(out, structure, options));
    record.item(CacheItem::Headers, |out| out.extend_from_slice(&structure.cached_headers));
    let lists = [
        (CacheItem::From, &addresses.from),
        (CacheItem::To, &addresses.to),
        (CacheItem::Cc, &addresses.cc),
        (CacheItem::Bcc, &addresses.bcc),
    ];
    for (item, list) in lists {
        record.item(item, |out| search::write_addresses(out, list.as_deref().unwrap_or_default(), utf8));
    }
    record.item(CacheItem::Subject, |out| search::write_subject(out, structure.value(root, Field::Subject), utf8));
    record.finish()
}

fn sent_date(date: &[u8], options: &CacheOptions) -> i64 {
    let midnight = date::day_only(date).map(|local| options.utc_of_local(local));
    midnight.filter(|time| *time >= 0).unwrap_or(0)
}
