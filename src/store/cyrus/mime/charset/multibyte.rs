//! Multi-byte character sets of East Asia, as ICU decodes them.
//!
//! A table in `tables/` is ICU's mapping, in 16-bit big-endian units:
//!
//! ```text
//! 1 unit       what a single undecodable byte becomes (U+FFFD or U+001A)
//! 256 units    what each single byte is
//! 2 bytes      the first and the last trail byte
//! rows         for each lead byte in ascending order, one unit for each of these trail bytes
//! ```
//!
//! A unit is a character, or one of [`ILLEGAL`], [`LEAD`] and [`UNASSIGNED`]. Three-byte EUC-JP has the second and the third byte
//! in a table of its own. Where an illegal sequence ends follows ICU's `ucnvmbcs.cpp` and `ucnv2022.cpp`: before the first byte
//! that could begin a character.

/// No character begins or goes on so.
const ILLEGAL: u16 = 0xffff;
/// More bytes follow.
const LEAD: u16 = 0xfffe;
/// Well formed, but no character.
const UNASSIGNED: u16 = 0xfffd;

const ESCAPE: u8 = 0x1b;

/// A multi-byte character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MultiByte {
    /// One or two bytes.
    Double(&'static [u8]),
    EucJp,
    Iso2022Jp,
}

impl MultiByte {
    /// The converter of this ICU name.
    pub(super) fn of(converter: &str) -> Option<MultiByte> {
        Some(match converter {
            "windows-936-2000" => MultiByte::Double(include_bytes!("tables/gbk.bin")),
            "windows-950-2000" => MultiByte::Double(include_bytes!("tables/big5.bin")),
            "windows-949-2000" => MultiByte::Double(include_bytes!("tables/windows-949.bin")),
            "ibm-943_P15A-2003" => MultiByte::Double(include_bytes!("tables/shift_jis.bin")),
            "ibm-970_P110_P110-2006_U2" => MultiByte::Double(include_bytes!("tables/euc-kr.bin")),
            "euc-jp-2007" => MultiByte::EucJp,
            "ISO_2022,locale=ja,version=0" => MultiByte::Iso2022Jp,
            _ => return None,
        })
    }

    /// Decodes all of `bytes`; what is cut off at their end is undecodable.
    pub(super) fn decode(self, bytes: &[u8], mut emit: impl FnMut(u16)) {
        match self {
            MultiByte::Double(table) => decode_table(bytes, Table(table), None, emit),
            MultiByte::EucJp => decode_table(bytes, Table(EUC_JP), Some(Table(EUC_JP_8F)), emit),
            MultiByte::Iso2022Jp => decode_iso_2022_jp(bytes, &mut emit),
        }
    }
}

const EUC_JP: &[u8] = include_bytes!("tables/euc-jp.bin");
const EUC_JP_8F: &[u8] = include_bytes!("tables/euc-jp-8f.bin");

#[derive(Clone, Copy)]
struct Table(&'static [u8]);

impl Table {
    fn unit(self, at: usize) -> u16 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(ILLEGAL, |unit| u16::from_be_bytes(*unit))
    }

    fn replacement(self) -> u16 {
        self.unit(0)
    }

    fn single(self, byte: u8) -> u16 {
        self.unit(2 + 2 * usize::from(byte))
    }

    fn double(self, lead: u8, trail: u8) -> u16 {
        const RANGE: usize = 2 + 2 * 256;
        let Some(&[first, last]) = self.0.get(RANGE..).and_then(|rest| rest.first_chunk()) else { return ILLEGAL };
        if self.single(lead) != LEAD || !(first..=last).contains(&trail) {
            return ILLEGAL;
        }
        let row = (0..lead).filter(|&other| self.single(other) == LEAD).count();
        let width = usize::from(last - first) + 1;
        self.unit(RANGE + 2 + 2 * (row * width + usize::from(trail - first)))
    }
}

/// `third`: the table of the second and the third byte, where there are three.
fn decode_table(bytes: &[u8], table: Table, third: Option<Table>, mut emit: impl FnMut(u16)) {
    let mut rest = bytes;
    while let Some((&lead, after)) = rest.split_first() {
        rest = after;
        match table.single(lead) {
            ILLEGAL | UNASSIGNED => emit(table.replacement()),
            LEAD => {
                let (unit, taken) = sequence(table, third, lead, rest);
                emit(unit);
                rest = rest.get(taken..).unwrap_or_default();
            }
            unit => emit(unit),
        }
    }
}

/// What the bytes after `lead` make of it, and how many of them it takes.
fn sequence(table: Table, third: Option<Table>, lead: u8, rest: &[u8]) -> (u16, usize) {
    let illegal = |bytes: &[u8]| {
        let taken = bytes.iter().take_while(|&&byte| table.single(byte) == ILLEGAL).count();
        (if taken == 0 { table.replacement() } else { UNASSIGNED }, taken)
    };
    let Some(&second) = rest.first() else { return (table.replacement(), 0) };
    match (table.double(lead, second), third, rest.get(1)) {
        (ILLEGAL, ..) => illegal(&rest[..1]),
        (LEAD, Some(third), Some(&last)) => match third.double(second, last) {
            ILLEGAL => illegal(&rest[..2]),
            unit => (unit, 2),
        },
        (LEAD, ..) => (UNASSIGNED, 1),
        (unit, ..) => (unit, 1),
    }
}

/// What ISO-2022-JP has switched to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Roman,
    Kana,
    Kanji,
}

/// The escape that `rest` begins with: its length, and what it switches to if ISO-2022-JP allows it.
fn escape(rest: &[u8]) -> Option<(usize, Option<Set>)> {
    Some(match rest {
        [b'(', b'B', ..] => (2, Some(Set::Ascii)),
        [b'(', b'H' | b'J', ..] => (2, Some(Set::Roman)),
        [b'(', b'I', ..] => (2, Some(Set::Kana)),
        [b'$', b'@' | b'B', ..] | [b'&', b'@', ..] => (2, Some(Set::Kanji)),
        [b'(', b'@' | b'A' | b'C'..=b'G' | b'K' | b'R', ..] => (2, None),
        [b'$', b'A', ..] | [b'.', b'A' | b'F', ..] | [b'%', b'B', ..] => (2, None),
        [b'$', b'(', b'@'..=b'E' | b'G'..=b'M', ..] => (3, None),
        [b'$', b')', b'A' | b'C' | b'E' | b'G', ..] => (3, None),
        [b'$', b'*', b'H', ..] | [b'$', b'+', b'I'..=b'M', ..] => (3, None),
        [b'%', b'/', b'@' | b'A' | b'C'..=b'F', ..] => (3, None),
        _ => return None,
    })
}

/// Whether an escape may have been cut off here.
fn may_be_escape(rest: &[u8]) -> bool {
    matches!(rest, b"" | b"(" | b"$" | b"&" | b"." | b"%" | b"$(" | b"$)" | b"$*" | b"$+" | b"%/")
}

fn decode_iso_2022_jp(bytes: &[u8], emit: &mut impl FnMut(u16)) {
    let mut set = Set::Ascii;
    let mut after_escape = false;
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != ESCAPE {
            after_escape = false;
            let taken = iso_2022_jp_character(byte, rest, &mut set, emit);
            rest = rest.get(taken..).unwrap_or_default();
            continue;
        }
        match escape(rest) {
            Some((length, Some(other))) => {
                // An escape right after another is an error, though it counts.
                if after_escape {
                    emit(UNASSIGNED);
                }
                (set, after_escape) = (other, !after_escape);
                rest = &rest[length..];
            }
            found => {
                emit(UNASSIGNED);
                after_escape = false;
                if may_be_escape(rest) {
                    return;
                }
                rest = &rest[found.map_or(0, |(length, _)| length)..];
            }
        }
    }
}

/// Decodes the character that begins with `byte` and says how many bytes of `rest` it takes.
fn iso_2022_jp_character(byte: u8, rest: &[u8], set: &mut Set, emit: &mut impl FnMut(u16)) -> usize {
    if matches!(byte, b'\r' | b'\n') && *set != Set::Roman {
        *set = Set::Ascii;
    }
    let unit = match (byte, *set) {
        (0x0e | 0x0f, _) => UNASSIGNED,
        (_, Set::Kanji) => {
            let (unit, taken) = kanji(byte, rest);
            emit(unit);
            return taken;
        }
        (b'\\', Set::Roman) => 0xa5,
        (b'~', Set::Roman) => 0x203e,
        (0x21..=0x5f, Set::Kana) => 0xff61 + u16::from(byte - 0x21),
        (..0x80, Set::Ascii | Set::Roman) => u16::from(byte),
        _ => UNASSIGNED,
    };
    emit(unit);
    0
}

fn kanji(lead: u8, rest: &[u8]) -> (u16, usize) {
    let graphic = 0x21..=0x7e;
    let Some(&trail) = rest.first() else { return (UNASSIGNED, 0) };
    if graphic.contains(&lead) && graphic.contains(&trail) {
        return match Table(EUC_JP).double(lead | 0x80, trail | 0x80) {
            ILLEGAL | LEAD => (UNASSIGNED, 1),
            unit => (unit, 1),
        };
    }
    let begins = graphic.contains(&trail) || matches!(trail, ESCAPE | 0x0e | 0x0f);
    (UNASSIGNED, usize::from(!begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(converter: &str, bytes: &[u8]) -> String {
        let mut units = Vec::new();
        MultiByte::of(converter).unwrap().decode(bytes, |unit| units.push(unit));
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn two_byte_sets() {
        assert_eq!(decoded("windows-936-2000", b"a\xc4\xe3\xba\xc3\x80"), "a你好€");
        assert_eq!(decoded("windows-950-2000", b"\xa4\xa4\xa4\xe5"), "中文");
        assert_eq!(decoded("windows-949-2000", b"\xc7\xd1\x81\x41"), "한갂");
        assert_eq!(decoded("ibm-970_P110_P110-2006_U2", b"\xc7\xd1\xb1\xdb"), "한글");
        assert_eq!(decoded("ibm-943_P15A-2003", b"\x93\xfa\xb1"), "日ｱ");
    }

    #[test]
    fn an_illegal_sequence_ends_before_what_may_begin_a_character() {
        assert_eq!(decoded("windows-936-2000", b"\xc4!\xc4\xff\xc4"), "\u{fffd}!\u{fffd}\u{f8f5}\u{fffd}");
    }

    #[test]
    fn euc_jp_has_three_bytes() {
        assert_eq!(decoded("euc-jp-2007", b"\xc6\xfc\x8e\xb1\x8f\xb0\xa1"), "日ｱ丂");
    }

    #[test]
    fn iso_2022_jp_switches() {
        let jp = |bytes| decoded("ISO_2022,locale=ja,version=0", bytes);
        assert_eq!(jp(b"a\x1b$B\x24\x22\x1b(Bb"), "aあb");
        assert_eq!(jp(b"\x1b(J\\~\x1b(I\x31"), "¥‾ｱ");
        assert_eq!(jp(b"\x1b$B\x24"), "\u{fffd}");
        assert_eq!(jp(b"\x1b$Ba\x1b(Bz"), "\u{fffd}z");
        assert_eq!(jp(b"\x1b$B\x24\r\n\x24\x22"), "\u{fffd}\n$\"");
        assert_eq!(jp(b"\x1b$B\x24\x22 \x24\x22\x24\x80"), "あ\u{fffd}あ\u{fffd}");
    }
}
