//! Sieve scripts as Cyrus keeps them since 3.6: messages in a mailbox of their own (`#sieve`) below the user's INBOX.
//!
//! | header | says |
//! |---|---|
//! | `Subject` | the script's name as it is |
//! | `Message-ID` | the SHA-1 of the script, at the server |
//! | `Content-Disposition` | `filename`: the script's id, which stays when it is replaced, and `.sieve` |
//!
//! A name that is not plain ASCII goes through the reference as an RFC 2047 word, which nothing decodes: the word becomes the
//! name, on the master and on the wire too. Here every name stays what it is.
//!
//! The body is the script. The message of the active script is `\Flagged`. Source: `store_script` of `imap/sieve_db.c`.

use crate::types::{Guid, ScriptName};
use bytes::Bytes;

/// Behind a script's id in its file name (`SIEVE_EXTENSION`).
const EXTENSION: &str = ".sieve";
/// Bytes of an id; those that are made have 24 or 36.
const MAX_ID: usize = 255;

/// Bytes of a script's message, of which one is in memory at a time. Longer ones are no scripts: Cyrus takes 32 KiB unless
/// `sieve_maxscriptsize` says otherwise.
pub const MAX_MESSAGE: u32 = 4 << 20;

/// A script and what its message says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Its id: names it whatever it is called.
    pub id: String,
    /// What it is called.
    pub name: ScriptName,
    /// The script.
    pub content: Bytes,
}

/// What is to be known of a script without what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: ScriptName,
    /// The SHA-1 of the script.
    pub guid: Guid,
}

impl Script {
    /// The SHA-1 of what it says.
    pub fn guid(&self) -> Guid {
        Guid::of(&self.content)
    }

    /// All but what it says.
    pub fn into_summary(self) -> Summary {
        Summary { guid: self.guid(), id: self.id, name: self.name }
    }
}

/// Who makes the message of a script, and when.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// The user, without or with a domain.
    pub user: &'a str,
    /// The server's name.
    pub server: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// The message of a script.
pub fn message(script: &Script, maker: Maker<'_>) -> Bytes {
    let Maker { user, server, now } = maker;
    let from = if user.contains('@') { format!("<{user}>") } else { format!("<{user}@{server}>") };
    let head = format!(
        "From: {from}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: <{}@{server}>\r\n\
         Content-Type: application/sieve; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Disposition: attachment;\r\n\tfilename=\"{}{EXTENSION}\"\r\nMIME-Version: 1.0\r\n\r\n",
        script.name,
        date(now),
        script.guid(),
        script.content.len(),
        script.id
    );
    [head.as_bytes(), &script.content].concat().into()
}

/// Reads the message of a script; `None` where it is none.
pub fn parse(message: &Bytes) -> Option<Script> {
    let end = memchr::memmem::find(message, b"\r\n\r\n")?;
    let head = std::str::from_utf8(message.get(..end)?).ok()?;
    let head = head.replace("\r\n\t", " ").replace("\r\n ", " ");
    let field = |name: &str| {
        let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    let (_, file) = field("Content-Disposition")?.split_once("filename=\"")?;
    let id = file.split('"').next()?.strip_suffix(EXTENSION).filter(|id| !id.is_empty() && id.len() <= MAX_ID)?;
    let name = ScriptName::parse(field("Subject")?.as_bytes()).ok()?;
    Some(Script { id: id.to_owned(), name, content: message.slice(end + 4..) })
}

/// A time as in a message's `Date`, in UTC.
fn date(seconds: i64) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let weekday = WEEKDAYS.get(days.rem_euclid(7) as usize).copied().unwrap_or_default();
    // Years that begin in March, in eras of 400 years: their days follow one rule.
    let shifted = days.saturating_add(719_468);
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, (month + 2) % 12);
    let year = era * 400 + year + i64::from(month < 2);
    let name = MONTHS.get(month as usize).copied().unwrap_or_default();
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{weekday}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAKER: Maker<'_> = Maker { user: "u1", server: "replica.example.org", now: 1_700_000_000 };

    fn script(name: &str) -> Script {
        let name = ScriptName::parse(name.as_bytes()).unwrap();
        Script { id: "abc".to_owned(), name, content: Bytes::from_static(b"keep;\r\n") }
    }

    #[test]
    fn a_message_has_the_headers_of_the_reference() {
        let message = message(&script("plain name"), MAKER);
        let expected = "From: <u1@replica.example.org>\r\nSubject: plain name\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n\
            Message-ID: <b2dd3f554458b386d6bff783949208105c5fab1c@replica.example.org>\r\n\
            Content-Type: application/sieve; charset=utf-8\r\nContent-Length: 7\r\n\
            Content-Disposition: attachment;\r\n\tfilename=\"abc.sieve\"\r\nMIME-Version: 1.0\r\n\r\nkeep;\r\n";
        assert_eq!(String::from_utf8_lossy(&message), expected);
    }

    #[test]
    fn every_name_is_read_back() {
        for name in ["a", "a b", "gr\u{fc}n \u{4e2d}", "=?UTF-8?Q?gr=C3=BCn?=", "a: b"] {
            let script = script(name);
            assert_eq!(parse(&message(&script, MAKER)), Some(script), "{name}");
        }
    }

    #[test]
    fn other_messages_are_no_scripts() {
        let good = message(&script("a"), MAKER);
        for cut in 0..good.len() - 7 {
            assert_eq!(parse(&good.slice(..cut)), None);
        }
        let text = String::from_utf8(good.to_vec()).unwrap();
        for (part, bad) in
            [("Subject: a", "Subject: a/b"), ("Subject:", "X:"), ("abc.sieve", ".sieve"), ("filename", "x")]
        {
            assert_eq!(parse(&Bytes::from(text.replace(part, bad))), None, "{bad}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
        ] {
            assert_eq!(date(seconds), text);
        }
    }
}
