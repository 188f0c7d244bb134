//! What a mailbox holds and which state its list entry is in.

use std::fmt;

/// What a mailbox holds (`mbtype_isa`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MailboxKind {
    /// `e`: mail
    #[default]
    Email,
    /// `n`: netnews, no longer made
    Netnews,
    /// `b`: a WebDAV collection
    Collection,
    /// `c`: a CalDAV calendar
    Calendar,
    /// `a`: a CardDAV address book
    Addressbook,
    /// `j`: JMAP notifications
    JmapNotify,
    /// `s`: JMAP mail submissions
    JmapSubmission,
    /// `p`: JMAP push subscriptions
    JmapPushSubscription,
    /// `f`: Sieve scripts
    Sieve,
}

/// A mailbox's kind and the flags of its entry in mailboxes.db, written as letters (`MBOXTYPE`, `T`).
///
/// Source: `mboxlist_mbtype_to_string`, `mboxlist_string_to_mbtype`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MailboxType {
    /// What it holds.
    pub kind: MailboxKind,
    /// `d`: the entry is a tombstone.
    pub deleted: bool,
    /// `m`: being moved to another server.
    pub moving: bool,
    /// `r`: lives on another server.
    pub remote: bool,
    /// `z`: reserved while being made.
    pub reserved: bool,
    /// `i`: a place holder above a mailbox, without files.
    pub intermediate: bool,
    /// `l`: its files lie under directories by name, not by unique id.
    pub legacy_dirs: bool,
}

const KINDS: [(u8, MailboxKind); 9] = [
    (b'e', MailboxKind::Email),
    (b'n', MailboxKind::Netnews),
    (b'b', MailboxKind::Collection),
    (b'c', MailboxKind::Calendar),
    (b'a', MailboxKind::Addressbook),
    (b'j', MailboxKind::JmapNotify),
    (b's', MailboxKind::JmapSubmission),
    (b'p', MailboxKind::JmapPushSubscription),
    (b'f', MailboxKind::Sieve),
];

impl MailboxType {
    /// An ordinary mail mailbox.
    pub const EMAIL: MailboxType = MailboxType {
        kind: MailboxKind::Email,
        deleted: false,
        moving: false,
        remote: false,
        reserved: false,
        intermediate: false,
        legacy_dirs: false,
    };

    /// Reads the letters; `None` where one is unknown. No letters mean mail.
    pub fn from_letters(letters: &[u8]) -> Option<MailboxType> {
        let mut found = MailboxType::EMAIL;
        for letter in letters {
            match letter {
                b'd' => found.deleted = true,
                b'm' => found.moving = true,
                b'r' => found.remote = true,
                b'z' => found.reserved = true,
                b'i' => found.intermediate = true,
                b'l' => found.legacy_dirs = true,
                kind => found.kind = KINDS.iter().find(|(l, _)| l == kind)?.1,
            }
        }
        Some(found)
    }

    /// The type as it goes over the wire: where the files lie is this server's own affair (`mbtypes_sync`).
    #[must_use]
    pub fn for_sync(self) -> MailboxType {
        MailboxType { legacy_dirs: false, ..self }
    }

    /// Whether the entry has no mailbox behind it: an intermediate folder or a tombstone.
    pub fn is_entry_only(self) -> bool {
        self.intermediate || self.deleted
    }
}

impl fmt::Display for MailboxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        let kind = KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or(b'e', |(letter, _)| *letter);
        f.write_char(char::from(kind))?;
        let flags = [
            (self.deleted, 'd'),
            (self.moving, 'm'),
            (self.remote, 'r'),
            (self.reserved, 'z'),
            (self.intermediate, 'i'),
            (self.legacy_dirs, 'l'),
        ];
        flags.iter().filter(|(set, _)| *set).try_for_each(|(_, letter)| f.write_char(*letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_read_and_written_back() {
        for letters in ["e", "c", "f", "ed", "ei", "el", "edmrzil"] {
            assert_eq!(MailboxType::from_letters(letters.as_bytes()).unwrap().to_string(), letters);
        }
        assert_eq!(MailboxType::from_letters(b""), Some(MailboxType::EMAIL));
        assert_eq!(MailboxType::from_letters(b"i").unwrap().to_string(), "ei");
        assert_eq!(MailboxType::from_letters(b"x"), None);
    }
}
