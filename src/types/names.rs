//! Names that become parts of paths and keys: checked once, here.
//!
//! A peer's mailbox, user, partition or unique id ends up in a file's path or a database's key on a Cyrus server. Each type
//! allows what Cyrus itself can have made and nothing that could leave a directory: no separators, no control bytes, no
//! components of dots only, no excessive length.

use std::fmt;

/// Why a name was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidName {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// More bytes than Cyrus can store.
    #[error("has {length} bytes, more than {limit}")]
    TooLong {
        /// Bytes in the name.
        length: usize,
        /// Bytes that a name of this kind may have.
        limit: usize,
    },
    /// A byte that a name of this kind never holds.
    #[error("holds the byte {byte:#04x}")]
    Character {
        /// The byte.
        byte: u8,
    },
    /// A part between two separators is empty or consists of dots.
    #[error("has an empty part")]
    EmptyPart,
}

fn checked(name: &[u8], limit: usize, allowed: impl Fn(u8) -> bool) -> Result<Box<str>, InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > limit {
        return Err(InvalidName::TooLong { length: name.len(), limit });
    }
    if let Some(byte) = name.iter().find(|byte| !allowed(**byte)) {
        return Err(InvalidName::Character { byte: *byte });
    }
    // Every allow-list below is a subset of ASCII.
    Ok(name.iter().map(|byte| char::from(*byte)).collect::<String>().into())
}

macro_rules! name_type {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name's bytes.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

/// A mailbox's internal name: `user.u1.Sub folder`, `shared.news`, `example.com!user.u1`, `DELETED.user.u1.65A0B1C2`.
///
/// Parts are separated by `.`; a literal dot in a part is written `^`. Source: `imap/mboxname.c`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Box<str>);
name_type!(MailboxName);

impl MailboxName {
    /// Bytes in a name (`MAX_MAILBOX_NAME`).
    pub const MAX_LENGTH: usize = 510;

    /// Parses an internal name.
    ///
    /// # Errors
    /// [`InvalidName`] for what Cyrus cannot have made: control or 8-bit bytes, `/`, empty parts, or excessive length.
    pub fn parse(name: &[u8]) -> Result<MailboxName, InvalidName> {
        let text = checked(name, Self::MAX_LENGTH, |byte| matches!(byte, b' '..=b'~') && byte != b'/')?;
        let (domain, local) = text.split_once('!').unwrap_or(("x", &text));
        if domain.is_empty() || domain.starts_with('.') || domain.contains("..") || local.contains('!') {
            return Err(InvalidName::EmptyPart);
        }
        if local.split('.').any(str::is_empty) {
            return Err(InvalidName::EmptyPart);
        }
        Ok(MailboxName(text))
    }

    /// The virtual domain before `!`, if there is one.
    pub fn domain(&self) -> Option<&str> {
        self.0.split_once('!').map(|(domain, _)| domain)
    }

    /// The name without its domain.
    pub fn local_part(&self) -> &str {
        self.0.split_once('!').map_or(&self.0, |(_, local)| local)
    }

    /// The user whose mailbox this is, INBOX or below, deleted ones included (`mboxname_to_userid`); `None` for shared ones.
    pub fn owner(&self) -> Option<UserId> {
        let mut parts = self.local_part().split('.').peekable();
        if parts.peek() == Some(&"DELETED") {
            parts.next();
        }
        if parts.next() != Some("user") {
            return None;
        }
        let local = parts.next()?.replace('^', ".");
        let name = self.domain().map_or(local.clone(), |domain| format!("{local}@{domain}"));
        UserId::parse(name.as_bytes()).ok()
    }

    /// Whether this is `user.NAME` itself (`mboxname_isusermailbox(name, 1)`).
    pub fn is_inbox(&self) -> bool {
        let mut parts = self.local_part().split('.');
        parts.next() == Some("user") && parts.next().is_some() && parts.next().is_none()
    }

    /// Whether it lies in the tree of deleted mailboxes that `delete_mode: delayed` keeps (`DELETED.`).
    pub fn is_deleted(&self) -> bool {
        self.local_part().starts_with("DELETED.")
    }
}

/// A user: `u1`, `jane.doe`, `u1@example.com`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<str>);
name_type!(UserId);

impl UserId {
    /// Bytes in a user name: what fits in a mailbox name.
    pub const MAX_LENGTH: usize = 500;

    /// Parses a user name.
    ///
    /// # Errors
    /// [`InvalidName`] for separators, control or 8-bit bytes, dots only, or excessive length.
    pub fn parse(name: &[u8]) -> Result<UserId, InvalidName> {
        let text = checked(name, Self::MAX_LENGTH, |byte| matches!(byte, b' '..=b'~') && !b"/!%*\"\\".contains(&byte))?;
        if text.split('@').any(|part| part.bytes().all(|byte| byte == b'.')) || text.split('@').count() > 2 {
            return Err(InvalidName::EmptyPart);
        }
        Ok(UserId(text))
    }

    /// The user's INBOX, as an internal name.
    ///
    /// # Errors
    /// [`InvalidName`] where the user's name is too long for a mailbox's.
    pub fn inbox(&self) -> Result<MailboxName, InvalidName> {
        let (local, domain) = self.0.split_once('@').map_or((&*self.0, None), |(local, domain)| (local, Some(domain)));
        let local = local.replace('.', "^");
        let name = domain.map_or_else(|| format!("user.{local}"), |domain| format!("{domain}!user.{local}"));
        MailboxName::parse(name.as_bytes())
    }
}

/// A partition's name, as in `partition-NAME` of imapd.conf.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(Box<str>);
name_type!(Partition);

impl Partition {
    /// Bytes in a partition's name: more than any configuration uses.
    pub const MAX_LENGTH: usize = 64;

    /// Parses a partition's name: letters, digits, `-` and `_`, as imapd.conf allows.
    ///
    /// # Errors
    /// [`InvalidName`] for anything else.
    pub fn parse(name: &[u8]) -> Result<Partition, InvalidName> {
        checked(name, Self::MAX_LENGTH, |byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)).map(Partition)
    }
}

/// A mailbox's unique id: 24 lower-case letters and digits, a UUID, or the 16 hexadecimal digits of old releases.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UniqueId(Box<str>);
name_type!(UniqueId);

impl UniqueId {
    /// Bytes in a unique id: more than any release makes.
    pub const MAX_LENGTH: usize = 64;
    /// The `uuid/` layout and the lock files name directories after the first two characters.
    const MIN_LENGTH: usize = 2;

    /// Parses a unique id: letters, digits and `-`.
    ///
    /// # Errors
    /// [`InvalidName`] for anything else, or fewer than two bytes.
    pub fn parse(name: &[u8]) -> Result<UniqueId, InvalidName> {
        let text = checked(name, Self::MAX_LENGTH, |byte| byte.is_ascii_alphanumeric() || byte == b'-')?;
        if text.len() < Self::MIN_LENGTH {
            return Err(InvalidName::EmptyPart);
        }
        Ok(UniqueId(text))
    }
}

/// A Sieve script's name: part of a file's name, in UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptName(Box<str>);
name_type!(ScriptName);

impl ScriptName {
    /// Bytes in a name: what leaves room for `.bc.NEW` in a file's.
    pub const MAX_LENGTH: usize = 248;

    /// Parses a script's name.
    ///
    /// # Errors
    /// [`InvalidName`] for `/`, control bytes, space at an end, what is not UTF-8, or excessive length.
    pub fn parse(name: &[u8]) -> Result<ScriptName, InvalidName> {
        if name.is_empty() {
            return Err(InvalidName::Empty);
        }
        if name.len() > Self::MAX_LENGTH {
            return Err(InvalidName::TooLong { length: name.len(), limit: Self::MAX_LENGTH });
        }
        let text = std::str::from_utf8(name).map_err(|error| InvalidName::Character {
            byte: name.get(error.valid_up_to()).copied().unwrap_or_default(),
        })?;
        if let Some(byte) = text.bytes().find(|byte| *byte == b'/' || byte.is_ascii_control()) {
            return Err(InvalidName::Character { byte });
        }
        // Space at the ends does not last in a message's header.
        if text.trim() != text { Err(InvalidName::EmptyPart) } else { Ok(ScriptName(text.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailbox_names_that_cyrus_makes_are_taken() {
        for name in [
            "user.u1",
            "user.u1.Sub folder",
            "shared",
            "a.b.c",
            "example.com!user.u1",
            "user.u1.#calendars",
            "user.j^doe.&AOQ-",
        ] {
            assert_eq!(MailboxName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_could_leave_a_directory_are_refused() {
        let long = "a".repeat(511);
        for name in
            ["", ".", "..", "a..b", ".a", "a.", "a/b", "../x", "a\0", "a\nb", "\u{e4}", "!a", "..!a", "a!b!c", &long]
        {
            assert!(MailboxName::parse(name.as_bytes()).is_err(), "{name:?}");
        }
        for name in ["", ".", "..", "a/b", "a@b@c", "@", "..@x", "a\0"] {
            assert!(UserId::parse(name.as_bytes()).is_err(), "{name:?}");
        }
        for name in ["", ".", "..", "a/b", "a.b", "a b"] {
            assert!(Partition::parse(name.as_bytes()).is_err(), "{name:?}");
            assert!(UniqueId::parse(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(UniqueId::parse(b"a").is_err());
    }

    #[test]
    fn owners_and_inboxes_correspond() {
        for (mailbox, user) in [
            ("user.u1", Some("u1")),
            ("user.u1.a.b", Some("u1")),
            ("user.jane^doe", Some("jane.doe")),
            ("example.com!user.u1", Some("u1@example.com")),
            ("DELETED.user.u1.65A0B1C2", Some("u1")),
            ("shared.news", None),
            ("user", None),
        ] {
            let name = MailboxName::parse(mailbox.as_bytes()).unwrap();
            assert_eq!(name.owner().as_ref().map(UserId::as_str), user, "{mailbox}");
            if name.is_inbox() {
                assert_eq!(name.owner().unwrap().inbox().unwrap(), name);
            }
        }
    }
}
