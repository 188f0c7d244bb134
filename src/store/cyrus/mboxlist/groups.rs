//! Groups of users: which groups a user is in, kept for `auth_mech: mboxgroups` since 3.12.
//!
//! Each membership has two records, without values: `UG` user 0x1e group, and `UG` group 0x1e user.
//!
//! Source: `mboxlist_set_usergroup`, `mboxlist_lookup_usergroups` of `imap/mboxlist.c`.

use crate::{
    store::cyrus::{
        db_error::DbError,
        table::{ReadTable, WriteTable},
    },
    types::UserId,
};

/// Between the two names of a key (`ACL_RECORDSEP_CHAR`).
const NAME_END: u8 = 0x1e;

fn key(first: &[u8], second: &[u8]) -> Vec<u8> {
    [b"UG", first, &[NAME_END], second].concat()
}

/// The groups that a user is in, in the order of their names.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn groups_of(table: &mut impl ReadTable, user: &UserId) -> Result<Vec<Vec<u8>>, DbError> {
    let prefix = key(user.as_bytes(), b"");
    let (mut groups, mut after) = (Vec::new(), prefix.clone());
    while let Some((found, _)) = table.next_after(&after)? {
        let Some(group) = found.strip_prefix(&prefix[..]) else { break };
        groups.push(group.to_vec());
        after = found;
    }
    Ok(groups)
}

/// Makes these the groups that a user is in, and no others.
///
/// # Errors
/// [`DbError`] of the file behind.
pub fn set_groups<T: AsRef<[u8]>>(table: &mut impl WriteTable, user: &UserId, groups: &[T]) -> Result<(), DbError> {
    let old = groups_of(table, user)?;
    for group in groups.iter().map(T::as_ref).filter(|group| !old.iter().any(|old| old == group)) {
        table.store(&key(user.as_bytes(), group), b"")?;
        table.store(&key(group, user.as_bytes()), b"")?;
    }
    for group in old.iter().filter(|old| !groups.iter().any(|group| group.as_ref() == old.as_slice())) {
        table.delete(&key(user.as_bytes(), group))?;
        table.delete(&key(group, user.as_bytes()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::table::testing::Map;

    #[test]
    fn groups_are_found_from_either_side() {
        let (u1, u12) = (UserId::parse(b"u1").unwrap(), UserId::parse(b"u12").unwrap());
        let mut table = Map::new();
        set_groups(&mut table, &u1, &["group:b", "group:a"]).unwrap();
        set_groups(&mut table, &u12, &["group:a"]).unwrap();
        assert_eq!(groups_of(&mut table, &u1).unwrap(), [b"group:a", b"group:b"]);
        set_groups(&mut table, &u1, &["group:a", "group:c"]).unwrap();
        let keys = ["UGgroup:a\x1eu1", "UGgroup:a\x1eu12", "UGgroup:c\x1eu1", "UGu12\x1egroup:a", "UGu1\x1egroup:a"];
        let keys = keys.iter().copied().chain(["UGu1\x1egroup:c"]);
        let mut expected: Vec<&[u8]> = keys.map(str::as_bytes).collect();
        expected.sort();
        assert_eq!(table.keys().collect::<Vec<_>>(), expected);
        assert!(table.values().all(Vec::is_empty));
    }
}
