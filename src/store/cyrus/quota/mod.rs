//! Quota roots: what may be used under a mailbox's name, and what is used.
//!
//! | `quota_db` | key | value |
//! |---|---|---|
//! | `quotalegacy` | the file of the root | the value below and a line end |
//! | any other | the root's name | the value below |
//!
//! The value is `%(S (used [limit]) M (…) AS (…) NF (…) [SCAN %(MBOX name S used M … AS … NF …)] MODSEQ n)`: storage,
//! messages, annotation storage, folders. Used storage is in bytes, its limits in units of 1024. No limit: unlimited.
//! `SCAN` is there while `quota -f` runs. Before 2.5 it was `used limit [M used limit]` with `-1` for unlimited, in a
//! file with a line end behind the first number. A file is replaced by one written beside it, under a lock on the one that
//! is replaced. Source: `quota_parseval`, `quota_write`, `quota_findroot` (imap/quota_db.c), lib/cyrusdb_quotalegacy.c,
//! `mboxlist_setquotas`; 3.6.1 and 3.12.3 write the same.

mod file;
mod value;

#[cfg(test)]
mod tests;

pub use file::{QuotaFile, read};
pub use value::{Amounts, Quota, QuotaScan, RESOURCES, Resource};

use super::{
    db_error::DbError,
    options::{CyrusOptions, VirtualDomains},
    table::{ReadTable, WriteTable},
};
use crate::types::{InvalidName, MailboxName};
use std::fmt;

/// The name of a quota root: a mailbox's name, or a domain and `!` for a whole domain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct QuotaRoot(Box<str>);

impl QuotaRoot {
    /// Parses a root's name; none may hold `*`, `%` or `?` (`mboxlist_setquotas`).
    ///
    /// # Errors
    /// [`InvalidName`]
    pub fn parse(name: &[u8]) -> Result<QuotaRoot, InvalidName> {
        if let Some(byte) = name.iter().find(|byte| b"*%?".contains(byte)) {
            return Err(InvalidName::Character { byte: *byte });
        }
        // A domain's root is checked as a mailbox in that domain.
        let as_mailbox = if name.ends_with(b"!") { [name, b"x"].concat() } else { name.to_vec() };
        let checked = MailboxName::parse(&as_mailbox)?;
        let length = checked.as_str().len() - (as_mailbox.len() - name.len());
        checked.as_str().get(..length).map(|root| QuotaRoot(root.into())).ok_or(InvalidName::Empty)
    }

    /// Whether a mailbox stays with the root it has when this one is made above it: because that is the same, or below
    /// (`mailbox_changequotaroot`).
    pub fn leaves_alone(&self, current: &QuotaRoot) -> bool {
        let rest = current.0.strip_prefix(&*self.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a user's, so that its modseq comes from the user's counters.
    pub fn mailbox(&self) -> Option<MailboxName> {
        MailboxName::parse(self.0.as_bytes()).ok()
    }
}

impl fmt::Display for QuotaRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roots that a mailbox may belong to, nearest first: itself, what it is below, its domain (`quota_findroot`). It
/// belongs to the first that exists.
pub fn root_candidates(options: &CyrusOptions, mailbox: &MailboxName) -> Vec<QuotaRoot> {
    let name = mailbox.as_str();
    let ends =
        name.match_indices('.').map(|(end, _)| end).filter(|end| *end >= name.len() - mailbox.local_part().len());
    let mut ends: Vec<usize> = ends.chain([name.len()]).collect();
    ends.reverse();
    if options.virtual_domains != VirtualDomains::Off
        && let Some(domain) = mailbox.domain()
    {
        ends.push(domain.len() + 1);
    }
    let prefixes = ends.into_iter().filter_map(|end| name.get(..end));
    prefixes.filter_map(|prefix| QuotaRoot::parse(prefix.as_bytes()).ok()).collect()
}

/// A root's limits and use, where `quota_db` is not `quotalegacy`; `None` where there is no such root.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn find(table: &mut impl ReadTable, root: &QuotaRoot) -> Result<Option<Quota>, DbError> {
    Ok(table.fetch(root.as_str().as_bytes())?.and_then(|value| Quota::decode(&value)))
}

/// Sets a root's limits and use, where `quota_db` is not `quotalegacy`.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn set(table: &mut impl WriteTable, root: &QuotaRoot, quota: &Quota) -> Result<(), DbError> {
    table.store(root.as_str().as_bytes(), &quota.encode())
}

/// Takes a root away, where `quota_db` is not `quotalegacy`.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn remove(table: &mut impl WriteTable, root: &QuotaRoot) -> Result<(), DbError> {
    table.delete(root.as_str().as_bytes())
}
