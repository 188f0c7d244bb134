//! Character sets: which names are known, and how encoded words and extended parameters become UTF-8.
//!
//! The reference knows US-ASCII and UTF-8 itself and leaves the rest to ICU; a name counts as known if ICU opens it. `aliases.txt`
//! holds Cyrus's own aliases and canonical names (`lib/charset/aliases.txt`, the same in 3.6 and 3.12). The other data was
//! generated from ICU 72, under the Unicode License: `names.txt` has ICU's names without punctuation and the converter that
//! each opens, `single.txt` and `single.bin` the single-byte converters and their 256 UTF-16 code units each, big endian,
//! U+FFFD where nothing is, and `tables/` what [`multibyte`] describes.

mod decoder;
mod multibyte;
pub(super) mod percent;
pub(super) mod reencode;
pub(super) mod words;

use multibyte::MultiByte;

const ALIASES: &str = include_str!("aliases.txt");
const ICU_NAMES: &str = include_str!("names.txt");
const SINGLE_NAMES: &str = include_str!("single.txt");
const SINGLE_UNITS: &[u8] = include_bytes!("single.bin");

/// The bytes of one table in `single.bin`.
const TABLE_SIZE: usize = 512;

/// ICU opens no longer names. Source: `UCNV_MAX_CONVERTER_NAME_LENGTH`, ICU's `ucnv.h`.
const MAX_NAME: usize = 59;

/// A known character set. Equal ones have the same canonical name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Charset {
    canonical: &'static str,
    pub(self) coding: Coding,
}

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Ascii,
    Utf8,
    /// ICU's own UTF-8, under names that Cyrus does not know as UTF-8 (`utf_8`, `x-utf-8`).
    IcuUtf8,
    /// A table of `single.bin`.
    Single(&'static [u8]),
    MultiByte(MultiByte),
    /// Known by name only: every byte that is not ASCII decodes to U+FFFD.
    Unsupported,
}

impl Charset {
    pub(super) const ASCII: Charset = Charset { canonical: "us-ascii", coding: Coding::Ascii };
    pub(super) const UTF_8: Charset = Charset { canonical: "utf-8", coding: Coding::Utf8 };

    /// The character set of this name. Source: `charset_lookupname`, `lib/charset.c`.
    pub(super) fn lookup(name: &[u8]) -> Option<Charset> {
        if name.eq_ignore_ascii_case(b"utf-8") {
            return Some(Charset::UTF_8);
        }
        if name.eq_ignore_ascii_case(b"us-ascii") {
            return Some(Charset::ASCII);
        }
        let lower = name.to_ascii_lowercase();
        match find_line(ALIASES, &lower) {
            Some("utf-8") => Some(Charset::UTF_8),
            Some("us-ascii") => Some(Charset::ASCII),
            Some(canonical) => icu(canonical.as_bytes()).map(|icu| Charset { canonical, ..icu }),
            None => icu(name),
        }
    }
}

/// The converter that ICU opens for `name`. Source: `ucnv_io_getConverterName`, ICU's `ucnv_io.cpp`.
fn icu(name: &[u8]) -> Option<Charset> {
    let name = name.split(|&byte| byte == b',').next().unwrap_or_default();
    if name.len() > MAX_NAME {
        return None;
    }
    let found = find_line(ICU_NAMES, &stripped(name));
    let canonical = found.or_else(|| find_line(ICU_NAMES, &stripped(name.strip_prefix(b"x-")?)))?;
    if canonical == "UTF-8" {
        return Some(Charset { canonical, coding: Coding::IcuUtf8 });
    }
    if let Some(multi_byte) = MultiByte::of(canonical) {
        return Some(Charset { canonical, coding: Coding::MultiByte(multi_byte) });
    }
    let table = SINGLE_NAMES.lines().position(|single| single == canonical);
    let units = table.and_then(|place| SINGLE_UNITS.chunks_exact(TABLE_SIZE).nth(place));
    Some(Charset { canonical, coding: units.map_or(Coding::Unsupported, Coding::Single) })
}

/// A name as ICU compares it: lower-case letters and digits, without leading zeros of numbers.
///
/// Source: `ucnv_io_stripASCIIForCompare`, ICU's `ucnv_io.cpp`.
fn stripped(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut after_digit = false;
    for (i, &byte) in name.iter().enumerate() {
        match byte {
            b'0' if !after_digit && name.get(i + 1).is_some_and(u8::is_ascii_digit) => {}
            b'0' => out.push(byte),
            b'1'..=b'9' => {
                after_digit = true;
                out.push(byte);
            }
            byte if byte.is_ascii_alphabetic() => {
                after_digit = false;
                out.push(byte.to_ascii_lowercase());
            }
            _ => after_digit = false,
        }
    }
    out
}

/// What stands after `key` in the sorted lines of `table`.
fn find_line(table: &'static str, key: &[u8]) -> Option<&'static str> {
    let mut rest = table;
    while !rest.is_empty() {
        let middle = rest.as_bytes()[..rest.len() / 2].iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
        let (before, from) = rest.split_at(middle);
        let (line, after) = from.split_once('\n')?;
        let (name, value) = line.split_once(' ')?;
        rest = match key.cmp(name.as_bytes()) {
            std::cmp::Ordering::Equal => return Some(value),
            std::cmp::Ordering::Less => before,
            std::cmp::Ordering::Greater => after,
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(name: &str) -> Option<&'static str> {
        Charset::lookup(name.as_bytes()).map(|charset| charset.canonical)
    }

    #[test]
    fn aliases_come_before_icu_names() {
        assert_eq!(canonical("UTF8"), Some("utf-8"));
        assert_eq!(canonical("ISO-8859-1"), Some("windows-1252"));
        assert_eq!(canonical("Windows-1252"), Some("windows-1252"));
        assert_eq!(canonical("cp_01253"), Some("ibm-5349_P100-1998"));
        assert_eq!(canonical("x-utf-16"), Some("UTF-16"));
        assert_eq!(canonical("nonsense"), None);
        assert_eq!(canonical(""), None);
    }

    #[test]
    fn every_name_is_found() {
        for table in [ALIASES, ICU_NAMES] {
            for (name, value) in table.lines().filter_map(|line| line.split_once(' ')) {
                assert_eq!(find_line(table, name.as_bytes()), Some(value), "{name}");
            }
        }
        assert_eq!(SINGLE_UNITS.len(), SINGLE_NAMES.lines().count() * TABLE_SIZE);
    }
}
