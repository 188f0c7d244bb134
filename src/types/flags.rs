//! Message flags and mailbox options.

use super::names::InvalidName;
use std::fmt;

/// How many user flags a mailbox can name (`MAX_USER_FLAGS`).
pub const MAX_USER_FLAGS: usize = 128;

/// A user flag's bit for each of the 128 names in the mailbox header; bit `n` is bit `n % 32` of word `n / 32`.
pub type UserFlags = [u32; MAX_USER_FLAGS / 32];

/// The flags of a record that IMAP defines, as the low bits of the index record's flag word (`FLAG_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SystemFlags(pub u32);

impl SystemFlags {
    /// `\Answered`
    pub const ANSWERED: u32 = 1 << 0;
    /// `\Flagged`
    pub const FLAGGED: u32 = 1 << 1;
    /// `\Deleted`
    pub const DELETED: u32 = 1 << 2;
    /// `\Draft`
    pub const DRAFT: u32 = 1 << 3;
    /// `\Seen`
    pub const SEEN: u32 = 1 << 4;
    /// All of them.
    pub const ALL: u32 = 0b11111;

    /// Whether this flag is set.
    pub fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

/// The flags of a record that only Cyrus knows, as the high bits of the index record's flag word (`FLAG_INTERNAL_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct InternalFlags(pub u32);

impl InternalFlags {
    /// Snoozed until a date.
    pub const SNOOZED: u32 = 1 << 26;
    /// Its conversation was split.
    pub const SPLIT_CONVERSATION: u32 = 1 << 27;
    /// To be looked at by the next clean-up.
    pub const NEEDS_CLEANUP: u32 = 1 << 28;
    /// The message lies on the archive partition.
    pub const ARCHIVED: u32 = 1 << 29;
    /// The message file is gone.
    pub const UNLINKED: u32 = 1 << 30;
    /// Expunged: gone for IMAP, kept for replication and undelete.
    pub const EXPUNGED: u32 = 1 << 31;

    /// Whether this flag is set.
    pub fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

/// The mailbox options that replicate (`OPTIONS`), as the bits of the index header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MailboxOptions(pub u32);

impl MailboxOptions {
    /// `P`: `OPT_POP3_NEW_UIDL`
    pub const POP3_NEW_UIDL: u32 = 1 << 0;
    /// `S`: `OPT_IMAP_SHAREDSEEN`
    pub const SHARED_SEEN: u32 = 1 << 2;
    /// `D`: `OPT_IMAP_DUPDELIVER`
    pub const DUPDELIVER: u32 = 1 << 3;
    /// `A`: `OPT_IMAP_HAS_ALARMS`
    pub const HAS_ALARMS: u32 = 1 << 4;
    /// What replicates (`MAILBOX_OPTIONS_MASK`); all other bits are this server's own.
    pub const SYNCED: u32 = Self::POP3_NEW_UIDL | Self::SHARED_SEEN | Self::DUPDELIVER | Self::HAS_ALARMS;

    const LETTERS: [(u32, char); 4] =
        [(Self::POP3_NEW_UIDL, 'P'), (Self::SHARED_SEEN, 'S'), (Self::DUPDELIVER, 'D'), (Self::HAS_ALARMS, 'A')];

    /// Reads option letters; unknown ones are passed over (`sync_parse_options`).
    pub fn from_letters(letters: &[u8]) -> MailboxOptions {
        let bit =
            |letter: &u8| Self::LETTERS.iter().find(|(_, l)| *l == char::from(*letter)).map_or(0, |(bit, _)| *bit);
        MailboxOptions(letters.iter().map(bit).fold(0, |all, bit| all | bit))
    }

    /// The options as a mailbox shows them: one without messages gives new POP3 UIDLs (`mailbox_buf_to_index_header`).
    pub(crate) fn of_mailbox_with(self, messages: bool) -> MailboxOptions {
        if messages { self } else { MailboxOptions(self.0 | Self::POP3_NEW_UIDL) }
    }

    /// Whether this option is set.
    pub fn has(self, option: u32) -> bool {
        self.0 & option != 0
    }
}

impl fmt::Display for MailboxOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        Self::LETTERS.iter().filter(|(bit, _)| self.has(*bit)).try_for_each(|(_, letter)| f.write_char(*letter))
    }
}

/// The name of a user flag: a keyword of 1 to 4096 bytes that may stand unquoted in a list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagName(Box<str>);

impl FlagName {
    /// Longest name taken: what the reference compares by (`crc_basic` copies 4096 bytes, the last a NUL).
    const MAX_LENGTH: usize = 4095;

    /// Parses a keyword.
    ///
    /// # Errors
    /// [`InvalidName`] where it is empty, too long, or holds a space, a control or an 8-bit character, or one that ends or
    /// quotes an atom.
    pub fn parse(name: &[u8]) -> Result<FlagName, InvalidName> {
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if name.len() > Self::MAX_LENGTH {
            return Err(InvalidName::TooLong { length: name.len(), limit: Self::MAX_LENGTH });
        }
        if let Some(byte) = name.iter().find(|byte| !byte.is_ascii_graphic() || b"(){}%*\"\\]".contains(byte)) {
            return Err(InvalidName::Character { byte: *byte });
        }
        let text = std::str::from_utf8(name).map_err(|_| InvalidName::Character { byte: 0x80 })?;
        Ok(FlagName(text.into()))
    }

    /// The name as it was given; two names that differ in case only are the same flag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this names the same flag: case does not count.
    pub fn same_flag(&self, other: &FlagName) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for FlagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for FlagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_written_in_the_order_of_their_bits() {
        assert_eq!(MailboxOptions::from_letters(b"DxP").to_string(), "PD");
        assert_eq!(MailboxOptions::from_letters(b"").to_string(), "");
    }

    #[test]
    fn flag_names_are_atoms() {
        assert!(FlagName::parse(b"$Label1").unwrap().same_flag(&FlagName::parse(b"$label1").unwrap()));
        for bad in [&b""[..], b"a b", b"a(", b"\\Seen", b"a\"", b"\x80", b"a\r"] {
            assert!(FlagName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
