//! `USER.seen`: which messages a user has read in the mailboxes of others.
//!
//! | key | value |
//! |---|---|
//! | uniqueid | `1 LASTREAD LASTUID LASTCHANGE SEENUIDS` |
//!
//! Times are in seconds since 1970. `SEENUIDS` is an IMAP sequence; it may be empty, and then the value ends in a space.
//! Source: `imap/seen_db.c`; the same in 3.6.1 and 3.12.3.

use super::{
    db_error::DbError,
    table::{ReadTable, WriteTable},
};
use crate::types::UniqueId;

/// What a user has read of a mailbox (`struct seendata`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SeenState {
    /// When the mailbox was last opened, in seconds since 1970.
    pub last_read: i64,
    /// The highest UID then.
    pub last_uid: u32,
    /// When the set last changed, in seconds since 1970.
    pub last_change: i64,
    /// The UIDs read, as an IMAP sequence.
    pub uids: String,
}

impl SeenState {
    const VERSION: &'static str = "1";

    /// Reads a value; `None` for one that no release writes (the reference aborts on those).
    pub fn decode(value: &[u8]) -> Option<SeenState> {
        let mut fields = std::str::from_utf8(value).ok()?.splitn(5, ' ');
        if fields.next()? != Self::VERSION {
            return None;
        }
        let last_read = fields.next()?.parse().ok()?;
        let last_uid = fields.next()?.parse().ok()?;
        let last_change = fields.next()?.parse().ok()?;
        let uids = fields.next().unwrap_or_default().trim_start();
        // A damaged sequence counts as an empty one (`seen_readit`).
        let uids = if is_sequence(uids) { uids.to_owned() } else { String::new() };
        Some(SeenState { last_read, last_uid, last_change, uids })
    }

    /// The value.
    pub fn encode(&self) -> Vec<u8> {
        let SeenState { last_read, last_uid, last_change, uids } = self;
        format!("{} {last_read} {last_uid} {last_change} {uids}", Self::VERSION).into_bytes()
    }
}

/// A user's state of one mailbox.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn find(table: &mut impl ReadTable, mailbox: &UniqueId) -> Result<Option<SeenState>, DbError> {
    Ok(table.fetch(mailbox.as_bytes())?.and_then(|value| SeenState::decode(&value)))
}

/// A user's states of at most `limit` mailboxes, in the order of their unique ids, from the one above `after` on. Records
/// that cannot be read are passed over.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn page(
    table: &mut impl ReadTable,
    after: Option<&UniqueId>,
    limit: usize,
) -> Result<Vec<(UniqueId, SeenState)>, DbError> {
    let mut page = Vec::new();
    let mut key = after.map_or_else(Vec::new, |after| after.as_bytes().to_vec());
    while page.len() < limit {
        let Some((found, value)) = table.next_after(&key)? else { break };
        page.extend(UniqueId::parse(&found).ok().zip(SeenState::decode(&value)));
        key = found;
    }
    Ok(page)
}

/// Sets a user's state of one mailbox.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn set(table: &mut impl WriteTable, mailbox: &UniqueId, state: &SeenState) -> Result<(), DbError> {
    table.store(mailbox.as_bytes(), &state.encode())
}

/// Forgets a user's state of one mailbox.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn forget(table: &mut impl WriteTable, mailbox: &UniqueId) -> Result<(), DbError> {
    table.delete(mailbox.as_bytes())
}

/// Whether a text is a sequence of UIDs or nothing (`imparse_issequence`).
pub fn is_sequence(text: &str) -> bool {
    let is_number = |part: &str| part == "*" || !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_range = |range: &str| match range.split_once(':') {
        Some((first, last)) => is_number(first) && is_number(last),
        None => is_number(range),
    };
    text.is_empty() || text.split(',').all(is_range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::table::testing::{Map, golden};

    const GOLDEN: &str = include_str!("../../../tests/golden/mboxlist/3.12.3-by-id.txt");
    const FILE: &str = "conf/user/uuid/a/b/abcdefghijklmnopqrstuvw1/seen.db";

    #[test]
    fn what_cyrus_wrote_is_read_and_written_back() {
        let mut table = golden(GOLDEN, FILE);
        assert_eq!(table.len(), 2);
        for (uniqueid, state) in page(&mut table.clone(), None, 9).unwrap() {
            assert_eq!(table.fetch(uniqueid.as_bytes()).unwrap().unwrap(), state.encode());
        }
        let mailbox = UniqueId::parse(b"abcdefghijklmnopqrstuvw6").unwrap();
        let state = find(&mut table, &mailbox).unwrap().unwrap();
        assert_eq!((state.last_uid, &*state.uids), (5, "1:3,5"));
    }

    #[test]
    fn states_are_set_paged_through_and_forgotten() {
        let mut table = Map::new();
        let ids: Vec<UniqueId> = [&b"aa"[..], b"bb", b"cc"].map(|id| UniqueId::parse(id).unwrap()).into();
        for id in &ids {
            set(&mut table, id, &SeenState::default()).unwrap();
        }
        assert_eq!(page(&mut table, None, 2).unwrap().len(), 2);
        assert_eq!(page(&mut table, ids.get(1), 2).unwrap(), [(ids[2].clone(), SeenState::default())]);
        forget(&mut table, &ids[2]).unwrap();
        assert_eq!(find(&mut table, &ids[2]).unwrap(), None);
    }

    #[test]
    fn damaged_values_are_no_states() {
        for value in [&b""[..], b"2 0 0 0 ", b"1", b"1 x 0 0 ", b"1 0 -1 0 ", b"\xff", b"1 0 4294967296 0 "] {
            assert_eq!(SeenState::decode(value), None, "{}", value.escape_ascii());
        }
        assert_eq!(SeenState::decode(b"1 0 0 0 1:x").unwrap().uids, "");
        for (text, expected) in
            [("1", true), ("1:*,7", true), ("", true), ("1,", false), (":", false), ("1:2:3", false)]
        {
            assert_eq!(is_sequence(text), expected, "{text}");
        }
    }
}
