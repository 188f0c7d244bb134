//! The Date header as a time, for the index record's `sentdate` and `gmtime`.
//!
//! Source: `time_from_rfc5322` and `tokenise_str_and_create_tm`, `lib/times.c` (the same in 3.6 and 3.12). Its habits are
//! kept: fields out of range are normalised as `mktime` does, a wrong week day is ignored, an unknown zone is UTC.

/// The longest token. Source: `RFC5322_DATETIME_MAX`, `lib/times.h`.
const MAX_TOKEN: usize = 32;

/// The seconds of a day.
pub(super) const DAY: i64 = 86_400;

const MONTHS: [&[u8; 3]; 12] =
    [b"JAN", b"FEB", b"MAR", b"APR", b"MAY", b"JUN", b"JUL", b"AUG", b"SEP", b"OCT", b"NOV", b"DEC"];

/// The time in UTC seconds, or `None` if `date` is no date or lies before 1970.
pub(super) fn full(date: &[u8]) -> Option<i64> {
    let mut scanner = Scanner::new(date);
    let day = scanner.day()?;
    let (seconds, zone) = scanner.time_of_day()?;
    let time = day.checked_add(seconds)?;
    (time >= 0).then(|| time - zone)
}

/// Midnight of the day, in seconds since 1970 of a clock that shows local time; the header's time and zone are ignored.
pub(super) fn day_only(date: &[u8]) -> Option<i64> {
    Scanner::new(date).day()
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a [u8]) -> Self {
        Scanner { text, at: 0 }
    }

    /// `[day-name ","] day month year`, in seconds since 1970.
    fn day(&mut self) -> Option<i64> {
        self.skip_space();
        if self.current()?.is_ascii_alphabetic() {
            self.week_day()?;
        }
        let day = number(self.token().filter(|token| matches!(token.len(), 1 | 2))?)?;
        self.separator();
        let name = self.token()?;
        let month = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(*month))?;
        self.separator();
        let year = self.year()?;
        Some(seconds_of_day(year, month as i64, day))
    }

    fn week_day(&mut self) -> Option<()> {
        if self.token()?.len() != 3 || self.current() != Some(b',') {
            return None;
        }
        self.at += 1;
        self.skip_space();
        Some(())
    }

    fn year(&mut self) -> Option<i64> {
        let token = self.token()?;
        let year = number(token)?;
        match token.len() {
            2 if year < 70 => Some(year + 2000),
            2 => Some(year + 1900),
            _ => Some(year).filter(|year| *year >= 1900),
        }
    }

    /// `hour ":" minute [":" second] [zone]`: the seconds of the day and of the zone.
    fn time_of_day(&mut self) -> Option<(i64, i64)> {
        self.skip_space();
        let hour = self.two_digits()?;
        if !self.colon() {
            return None;
        }
        let minute = self.two_digits()?;
        let second = if self.colon() { self.two_digits()? } else { 0 };
        self.skip_space();
        Some((hour * 3600 + minute * 60 + second, self.zone() * 60))
    }

    fn two_digits(&mut self) -> Option<i64> {
        number(self.token().filter(|token| matches!(token.len(), 1 | 2))?)
    }

    fn colon(&mut self) -> bool {
        let found = matches!(self.current(), Some(b':' | b'.'));
        self.at += usize::from(found);
        found
    }

    /// The zone in minutes east of UTC. Source: `compute_tzoffset`.
    fn zone(&mut self) -> i64 {
        let sign = self.current();
        if matches!(sign, Some(b'+' | b'-')) {
            self.at += 1;
        }
        // A token that runs into the end of the text counts, one that would start there does not.
        match self.token() {
            Some(&[letter]) => military(letter),
            Some(&[first, middle, last]) => american(first, middle, last),
            Some(digits @ &[a, b, c, d]) if digits.iter().all(u8::is_ascii_digit) => {
                let [a, b, c, d] = [a, b, c, d].map(|digit| i64::from(digit - b'0'));
                let minutes = (a * 10 + b) * 60 + c * 10 + d;
                if sign == Some(b'+') { minutes } else { -minutes }
            }
            _ => 0,
        }
    }

    /// A run of letters and digits, possibly empty; `None` at the end of the text, and before a byte 0xff, which as a signed
    /// `char` is the reference's end of buffer.
    fn token(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().take(MAX_TOKEN).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        self.at += length;
        (rest.get(length) != Some(&0xff)).then_some(&rest[..length])
    }

    /// Between day, month and year: one byte, whatever it is, and white space after it.
    fn separator(&mut self) {
        if self.at < self.text.len() {
            self.at += 1;
        }
        self.skip_space();
    }

    fn skip_space(&mut self) {
        while self.current().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn current(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

/// The number that `digits` spell; `None` without digits or with anything else among them. It wraps as the reference's `int`.
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let wrapped = digits.iter().fold(0i32, |n, byte| n.wrapping_mul(10).wrapping_add(i32::from(byte - b'0')));
    Some(i64::from(wrapped))
}

/// One-letter zones, with the reference's arithmetic on lower-case letters.
fn military(letter: u8) -> i64 {
    let raw = i64::from(letter);
    match letter.to_ascii_uppercase() {
        b'A'..=b'I' | b'0'..=b'9' => (raw - i64::from(b'A') + 1) * 60,
        b'K'..=b'M' => (raw - i64::from(b'A')) * 60,
        b'N'..=b'Y' => (i64::from(b'M') - raw) * 60,
        _ => 0,
    }
}

/// EST, PDT and their kind.
fn american(first: u8, middle: u8, last: u8) -> i64 {
    const REGIONS: &[u8] = b"BHYPMCEA";
    let region = REGIONS.iter().position(|&region| region == first.to_ascii_uppercase());
    let (Some(region), b'T') = (region, last.to_ascii_uppercase()) else { return 0 };
    let standard = (region as i64 - 11) * 60;
    match middle.to_ascii_uppercase() {
        b'D' => standard + 60,
        b'S' => standard,
        _ => 0,
    }
}

/// Seconds from 1970 to the day in the proleptic Gregorian calendar; `day` may lie outside its month.
fn seconds_of_day(year: i64, month: i64, day: i64) -> i64 {
    let shifted = year - i64::from(month < 2);
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 10) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468 + day - 1) * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_mail_programs_write_them() {
        let time = 1_780_308_000;
        for date in [
            "Mon, 01 Jun 2026 10:00:00 +0000",
            "Mon, 1 Jun 2026 10:00 GMT",
            "1-Jun-26 06:00:00 EDT",
            "1 jun 2026 12.00.00 +0200",
            "Xyz,1 Jun 2026 10:00:00",
        ] {
            assert_eq!(full(date.as_bytes()), Some(time), "{date}");
            assert_eq!(day_only(date.as_bytes()), Some(time - 36_000), "{date}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for date in ["", " ", "today", "Monday, 1 Jun 2026 10:00", "32x Jun 2026", "1 Foo 2026", "1 Jun 1899"] {
            assert_eq!(day_only(date.as_bytes()), None, "{date}");
        }
    }

    #[test]
    fn fields_out_of_range_are_normalised() {
        assert_eq!(day_only(b"31 Feb 2026"), day_only(b"3 Mar 2026"));
        assert_eq!(full(b"1 Jun 2026 24:60:60 +0000"), full(b"2 Jun 2026 01:01:00 +0000"));
    }
}
