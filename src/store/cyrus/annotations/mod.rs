//! `annotations.db` and each mailbox's `cyrus.annotations`.
//!
//! | file | on | key |
//! |---|---|---|
//! | `annotations.db` | the server | NUL entry NUL user NUL |
//! | `annotations.db` | a mailbox | uniqueid NUL entry NUL user NUL |
//! | `cyrus.annotations` | a message | uid in decimal digits NUL entry NUL user NUL |
//!
//! The user is empty for a value that all share, and `[.OwNeR.]` for the mailbox's owner.
//!
//! | offset | bytes | value |
//! |---|---|---|
//! | 0 | 4 | length n, big-endian |
//! | 4 | 4 | 0: the length is written as an 8-byte `long` whose first half holds it |
//! | 8 | n + 1 | the bytes, NUL |
//! | 9 + n | 11 | `text/plain` NUL, for old releases |
//! | 20 + n | 8 | 0, for old releases |
//! | 28 + n | 8 | modseq, big-endian |
//! | 36 + n | 1 | flags: 1 = deleted |
//!
//! A message's annotation that is deleted stays as a tombstone with its modseq; any other one goes. Source: `make_key`,
//! `make_entry`, `split_attribs`, `write_entry` (imap/annotate.c); 3.6.1 and 3.12.3 write the same.

mod rules;
mod value;

#[cfg(test)]
mod tests;

pub use rules::{Refused, Store, check_store};
pub use value::{AnnotationValue, Damaged};

use super::{
    db_error::DbError,
    table::{ReadTable, WriteTable},
};
use crate::types::{MailboxName, ModSeq, Uid, UniqueId, UserId};

/// What an annotation is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The server; in `annotations.db`.
    Server,
    /// A mailbox; in `annotations.db`. The name tells who the owner is.
    Mailbox(UniqueId, MailboxName),
    /// A message; in the `cyrus.annotations` of the mailbox with this name.
    Message(Uid, MailboxName),
}

/// Whose value of an entry it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Whose {
    /// Everybody's.
    Shared,
    /// One user's own.
    User(UserId),
}

/// An annotation as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Annotation {
    /// The message, in `cyrus.annotations`.
    pub uid: Option<Uid>,
    /// The entry: `/comment`.
    pub entry: Vec<u8>,
    /// Whose value it is.
    pub whose: Whose,
    /// The value, with its modseq.
    pub value: AnnotationValue,
}

/// What a write changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Written {
    /// Nothing: the value was the same already. Its modseq stays, whatever it is.
    Unchanged,
    /// The value; what was there before is empty if there was none.
    Changed {
        /// The bytes before: what the checksum and the quota lose.
        before: Vec<u8>,
    },
}

/// What can go wrong with annotations.
#[derive(Debug, thiserror::Error)]
pub enum AnnotationError {
    /// The file.
    #[error(transparent)]
    Db(#[from] DbError),
    /// An entry name with a NUL, or so long that the reference would cut it off.
    #[error("an annotation's name has {length} bytes or a NUL")]
    Name {
        /// Bytes in the name.
        length: usize,
    },
    /// A value that the format cannot hold.
    #[error("an annotation of {length} bytes is too long")]
    TooLong {
        /// Bytes in the value.
        length: usize,
    },
}

const OWNER: &[u8] = b"[.OwNeR.]";
/// Bytes in a key that every release reads (`MAX_MAILBOX_PATH`).
const MAX_KEY: usize = 4095;

/// One annotation's value; `None` if there is none or a tombstone.
///
/// # Errors
/// [`AnnotationError`]
pub fn find(
    table: &mut impl ReadTable,
    target: &Target,
    entry: &[u8],
    whose: &Whose,
) -> Result<Option<AnnotationValue>, AnnotationError> {
    let value = table.fetch(&key(target, entry, whose)?)?;
    Ok(value.and_then(|value| AnnotationValue::decode(&value).ok()).filter(|value| !value.bytes.is_empty()))
}

/// All annotations of a target, in the order of their keys. Tombstones are among them, with an empty value; a caller that
/// does not want them leaves those out. Records that cannot be read are passed over.
///
/// # Errors
/// [`AnnotationError`]
pub fn list(table: &mut impl ReadTable, target: &Target) -> Result<Vec<Annotation>, AnnotationError> {
    let prefix = prefix(target);
    let mut found = Vec::new();
    let mut key = prefix.clone();
    while let Some((next, value)) = table.next_after(&key)?.filter(|(next, _)| next.starts_with(&prefix)) {
        found.extend(split(target, &next, &value));
        key = next;
    }
    Ok(found)
}

/// Gives an annotation a value; an empty one deletes it (`annotate_state_writemdata`, `write_entry`). `modseq` is kept
/// with it; mailbox and server annotations have 0, or the one that came over the wire.
///
/// # Errors
/// [`AnnotationError`]
pub fn write(
    table: &mut impl WriteTable,
    target: &Target,
    entry: &[u8],
    whose: &Whose,
    value: &[u8],
    modseq: ModSeq,
) -> Result<Written, AnnotationError> {
    let key = key(target, entry, whose)?;
    let old = table.fetch(&key)?;
    // A record that cannot be read is written over.
    let before = old.and_then(|old| AnnotationValue::decode(&old).ok()).map_or_else(Vec::new, |old| old.bytes);
    if before == value {
        return Ok(Written::Unchanged);
    }
    let is_message = matches!(target, Target::Message(..));
    if value.is_empty() && !is_message {
        table.delete(&key)?;
    } else {
        let value = AnnotationValue { bytes: value.to_vec(), modseq };
        table.store(&key, &value.encode().ok_or(AnnotationError::TooLong { length: value.bytes.len() })?)?;
    }
    Ok(Written::Changed { before })
}

/// Takes away all annotations of a target, tombstones too: of a message that is gone (`annotate_msg_cleanup`), of a mailbox
/// that is deleted (`annotate_delete_mailbox`).
///
/// # Errors
/// [`AnnotationError`]
pub fn remove_all(table: &mut impl WriteTable, target: &Target) -> Result<(), AnnotationError> {
    remove_prefix(table, &prefix(target))
}

/// Takes away every user's value of one entry; a mailbox that is renamed loses its `displayname` so
/// (`annotate_rename_mailbox`).
///
/// # Errors
/// [`AnnotationError`]
pub fn remove_entry(table: &mut impl WriteTable, target: &Target, entry: &[u8]) -> Result<(), AnnotationError> {
    remove_prefix(table, &[&prefix(target)[..], entry, b"\0"].concat())
}

fn remove_prefix(table: &mut impl WriteTable, prefix: &[u8]) -> Result<(), AnnotationError> {
    while let Some((key, _)) = table.next_after(prefix)?.filter(|(key, _)| key.starts_with(prefix)) {
        table.delete(&key)?;
    }
    Ok(())
}

/// What the keys of a target begin with.
fn prefix(target: &Target) -> Vec<u8> {
    let mut prefix = match target {
        Target::Server => Vec::new(),
        Target::Mailbox(id, _) => id.as_bytes().to_vec(),
        Target::Message(uid, _) => uid.to_string().into_bytes(),
    };
    prefix.push(0);
    prefix
}

fn owner(target: &Target) -> Option<UserId> {
    match target {
        Target::Server => None,
        Target::Mailbox(_, name) | Target::Message(_, name) => name.owner(),
    }
}

fn key(target: &Target, entry: &[u8], whose: &Whose) -> Result<Vec<u8>, AnnotationError> {
    let user = match whose {
        Whose::Shared => b"",
        Whose::User(user) if owner(target).as_ref() == Some(user) => OWNER,
        Whose::User(user) => user.as_bytes(),
    };
    let key = [&prefix(target)[..], entry, b"\0", user, b"\0"].concat();
    if entry.contains(&0) || key.len() > MAX_KEY {
        return Err(AnnotationError::Name { length: entry.len() });
    }
    Ok(key)
}

fn split(target: &Target, key: &[u8], value: &[u8]) -> Option<Annotation> {
    let rest = key.strip_prefix(&prefix(target)[..])?;
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let (entry, user) = (parts.next()?, parts.next()?);
    let whose = match user {
        b"" => Whose::Shared,
        OWNER => Whose::User(owner(target)?),
        user => Whose::User(UserId::parse(user).ok()?),
    };
    let uid = match target {
        Target::Message(uid, _) => Some(*uid),
        _ => None,
    };
    Some(Annotation { uid, entry: entry.to_vec(), whose, value: AnnotationValue::decode(value).ok()? })
}
