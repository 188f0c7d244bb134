//! `USER.sub`: the mailboxes that a user has subscribed to.
//!
//! | key | value |
//! |---|---|
//! | 0x1f `VER` 0x1f | `2` (3.4 to 3.10) or `3` (3.12 and later) |
//! | `N` name | nothing |
//!
//! Names are written as in [`mboxlist`](super::mboxlist), but the user's own INBOX and what is below it begins with `INBOX`.
//! In version 2 every name that begins like the user's INBOX does, so that `u1` has `user.u12.x` as `INBOX2` 0x1f `x`. A file
//! without version, of releases before 3.4, has internal names for keys. A file keeps its version when it is changed: 3.12
//! rewrites an older one when it opens it. Source: `mboxlist_changesub`, `mboxlist_dbname_to_key`, `mboxlist_opensubs`,
//! `mboxlist_upgrade_subs_work` of 3.6.1 and 3.12.3.

use super::{
    db_error::DbError,
    mboxlist::{from_db_name, to_db_name},
    options::{CyrusOptions, Release},
    table::{ReadTable, WriteTable},
};
use crate::types::{InvalidName, MailboxName, UserId};

const VERSION_KEY: &[u8] = b"\x1fVER\x1f";
const INBOX: &[u8] = b"INBOX";
const PART_END: u8 = 0x1f;

/// How a file writes names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Version {
    InternalNames,
    V2,
    V3,
}

/// What can go wrong with subscriptions.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// The file.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The file was written by a later release.
    #[error("subscriptions have the unknown version {}", version.escape_ascii())]
    UnknownVersion {
        /// What stands in the version record.
        version: Vec<u8>,
    },
    /// The user has no INBOX name.
    #[error("the user's INBOX {0}")]
    User(#[from] InvalidName),
}

/// All mailboxes that a user has subscribed to, in the order of the keys (`mboxlist_sublist`). Keys that are no mailbox's
/// are passed over.
///
/// # Errors
/// [`SubscriptionError`]
pub fn list(
    table: &mut impl ReadTable,
    options: &CyrusOptions,
    user: &UserId,
) -> Result<Vec<MailboxName>, SubscriptionError> {
    let version = version(table)?.unwrap_or(Version::V3);
    let inbox = to_db_name(options, &user.inbox()?);
    Ok(table.all()?.iter().filter_map(|(key, _)| name_of(version, &inbox, key)).collect())
}

/// Adds a mailbox, whether it exists or not. Returns whether it was not there yet.
///
/// # Errors
/// [`SubscriptionError`]
pub fn subscribe(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    user: &UserId,
    name: &MailboxName,
) -> Result<bool, SubscriptionError> {
    let version = match version(table)? {
        Some(version) => version,
        None => begin(table, options)?,
    };
    let key = key_of(version, options, user, name)?;
    let is_new = table.fetch(&key)?.is_none();
    table.store(&key, b"")?;
    Ok(is_new)
}

/// Takes a mailbox away. Returns whether it was there.
///
/// # Errors
/// [`SubscriptionError`]
pub fn unsubscribe(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    user: &UserId,
    name: &MailboxName,
) -> Result<bool, SubscriptionError> {
    let Some(version) = version(table)? else { return Ok(false) };
    let key = key_of(version, options, user, name)?;
    let was_there = table.fetch(&key)?.is_some();
    table.delete(&key)?;
    Ok(was_there)
}

/// The version of a file; `None`: it is empty.
fn version(table: &mut impl ReadTable) -> Result<Option<Version>, SubscriptionError> {
    match table.fetch(VERSION_KEY)?.as_deref() {
        Some(b"2") => Ok(Some(Version::V2)),
        Some(b"3") => Ok(Some(Version::V3)),
        Some(version) => Err(SubscriptionError::UnknownVersion { version: version.to_vec() }),
        None => Ok(table.next_after(b"")?.map(|_| Version::InternalNames)),
    }
}

fn begin(table: &mut impl WriteTable, options: &CyrusOptions) -> Result<Version, SubscriptionError> {
    let (version, number): (_, &[u8]) =
        if options.release < Release::V3_12 { (Version::V2, b"2") } else { (Version::V3, b"3") };
    table.store(VERSION_KEY, number)?;
    Ok(version)
}

fn key_of(
    version: Version,
    options: &CyrusOptions,
    user: &UserId,
    name: &MailboxName,
) -> Result<Vec<u8>, SubscriptionError> {
    if version == Version::InternalNames {
        return Ok(name.as_bytes().to_vec());
    }
    let db_name = to_db_name(options, name);
    let inbox = to_db_name(options, &user.inbox()?);
    let rest = db_name.strip_prefix(&inbox[..]).filter(|rest| version == Version::V2 || is_below(rest));
    Ok(match rest {
        Some(rest) => [b"N", INBOX, rest].concat(),
        None => [b"N", &db_name[..]].concat(),
    })
}

fn name_of(version: Version, inbox: &[u8], key: &[u8]) -> Option<MailboxName> {
    if version == Version::InternalNames {
        return MailboxName::parse(key).ok();
    }
    let db_name = key.strip_prefix(b"N")?;
    let rest = db_name.strip_prefix(INBOX).filter(|rest| version == Version::V2 || is_below(rest));
    match rest {
        Some(rest) => from_db_name(&[inbox, rest].concat()).ok(),
        None => from_db_name(db_name).ok(),
    }
}

fn is_below(rest: &[u8]) -> bool {
    rest.is_empty() || rest.first() == Some(&PART_END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::table::testing::{Map, golden_lines, unescaped};

    const OLD: &str = include_str!("../../../tests/golden/mboxlist/3.6.1-by-id.txt");
    const NEW: &str = include_str!("../../../tests/golden/mboxlist/3.12.3-by-id.txt");
    const FILE: &str = "conf/user/uuid/a/b/abcdefghijklmnopqrstuvw1/sub.db";

    fn options(release: Release) -> CyrusOptions {
        CyrusOptions { release, ..CyrusOptions::new("/conf") }
    }

    fn user() -> UserId {
        UserId::parse(b"u1").unwrap()
    }

    fn name(name: &str) -> MailboxName {
        MailboxName::parse(name.as_bytes()).unwrap()
    }

    /// A dump of a flat file has one line, with escaped line ends and tabs.
    fn flat(text: &str) -> Map {
        let bytes = unescaped(golden_lines(text, FILE)[0]);
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| line.split_at(line.iter().position(|byte| *byte == b'\t').unwrap()))
            .map(|(k, v)| (k.to_vec(), v[1..].to_vec()))
            .collect()
    }

    #[test]
    fn both_releases_files_come_out_the_same() {
        for (golden, release) in [(OLD, Release::V3_6), (NEW, Release::V3_12)] {
            let options = options(release);
            let mut table = Map::new();
            for mailbox in ["user.u1.a", "user.u1", "user.u12.x", "user.jane^doe.x", "no.such"] {
                assert!(subscribe(&mut table, &options, &user(), &name(mailbox)).unwrap());
            }
            assert!(unsubscribe(&mut table, &options, &user(), &name("no.such")).unwrap());
            assert!(!unsubscribe(&mut table, &options, &user(), &name("no.such")).unwrap());
            assert_eq!(table, flat(golden), "{release:?}");
            let mut names = list(&mut table, &options, &user()).unwrap();
            names.sort();
            assert_eq!(names, ["user.jane^doe.x", "user.u1", "user.u1.a", "user.u12.x"].map(name));
        }
    }

    #[test]
    fn a_file_keeps_its_version() {
        let mut old = flat(OLD);
        assert!(!subscribe(&mut old, &options(Release::V3_12), &user(), &name("user.u12.x")).unwrap());
        assert_eq!(old, flat(OLD));
        let mut oldest = Map::from([(b"user.u1".to_vec(), Vec::new())]);
        subscribe(&mut oldest, &options(Release::V3_12), &user(), &name("shared.news")).unwrap();
        assert_eq!(oldest.keys().collect::<Vec<_>>(), [b"shared.news".as_slice(), b"user.u1"]);
    }

    #[test]
    fn a_later_version_is_refused() {
        let mut table = Map::from([(VERSION_KEY.to_vec(), b"4".to_vec())]);
        let error = list(&mut table, &options(Release::V3_12), &user()).unwrap_err();
        assert_eq!(error.to_string(), "subscriptions have the unknown version 4");
    }

    #[test]
    fn nothing_is_taken_from_a_file_that_is_not_there() {
        let mut table = Map::new();
        assert!(!unsubscribe(&mut table, &options(Release::V3_12), &user(), &name("a")).unwrap());
        assert!(table.is_empty());
    }
}
