//! Reverse ACLs: for each user, the mailboxes of others that the user may look up or read, so that listing them needs no look at
//! all mailboxes.
//!
//! | key | value |
//! |---|---|
//! | `AS` 0x1e | empty; there as long as the others are kept |
//! | `AU` 0x1e user 0x1e name | empty; the mailbox is another user's |
//! | `AS` 0x1e user 0x1e name | empty; the mailbox is nobody's |
//!
//! A user here is whatever an ACL names: a group, `anyone`, somebody without rights (`-jane`). Administrators have none.
//! `ctl_cyrusdb -r` makes all of them, or removes them, when Cyrus is started (`reverseacls`): they are kept where that was done,
//! whatever the option says by now.
//!
//! Source: `mboxlist_update_racl`, `mboxlist_racl_key`, `mboxlist_set_racls` of `imap/mboxlist.c`; the same in 3.6.1 and 3.12.3.

use super::{ListError, MailboxEntry, key::to_db_name};
use crate::{
    store::cyrus::{options::CyrusOptions, table::WriteTable},
    types::MailboxName,
};

const SEPARATOR: u8 = 0x1e;
const KEPT: &[u8] = b"AS\x1e";

/// Writes what differs between the ACLs of an entry that changes, goes or comes.
pub(super) fn update(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    name: &MailboxName,
    old: Option<&MailboxEntry>,
    new: Option<&MailboxEntry>,
) -> Result<(), ListError> {
    let (old, new) = (readers(old), readers(new));
    if old == new || table.fetch(KEPT)?.is_none() {
        return Ok(());
    }
    let owner = name.owner();
    let is_listed = |user: &&[u8]| {
        let is_owner = owner.as_ref().is_some_and(|owner| owner.as_bytes() == *user);
        !is_owner && !options.admins.iter().any(|admin| admin.as_bytes() == *user)
    };
    let key = |user: &[u8]| {
        let kind = if owner.is_some() { b'U' } else { b'S' };
        [&[b'A', kind, SEPARATOR][..], user, &[SEPARATOR], &to_db_name(options, name)].concat()
    };
    for user in old.iter().filter(|user| !new.contains(user)).copied().filter(is_listed) {
        table.delete(&key(user))?;
    }
    for user in new.iter().filter(|user| !old.contains(user)).copied().filter(is_listed) {
        table.store(&key(user), b"")?;
    }
    Ok(())
}

/// Whom an entry's ACL gives a right to look it up or to read it.
fn readers(entry: Option<&MailboxEntry>) -> Vec<&[u8]> {
    let acl = entry.filter(|entry| !entry.mailbox_type.deleted).and_then(|entry| entry.acl.as_deref());
    let mut words = acl.unwrap_or_default().split(|byte| *byte == b'\t').filter(|word| !word.is_empty());
    let mut readers = Vec::new();
    while let (Some(user), Some(rights)) = (words.next(), words.next()) {
        if rights.iter().any(|right| b"lr".contains(right)) {
            readers.push(user);
        }
    }
    readers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::cyrus::table::testing::Map, types::MailboxType};

    fn entry(name: &str, acl: &str) -> MailboxEntry {
        let name = MailboxName::parse(name.as_bytes()).unwrap();
        MailboxEntry { acl: Some(acl.into()), ..MailboxEntry::new(name, MailboxType::EMAIL) }
    }

    /// What is kept after an entry had each of these ACLs in turn.
    fn kept(name: &str, acls: &[&str]) -> Vec<String> {
        let options = CyrusOptions { admins: vec!["cyrus".to_owned()], ..CyrusOptions::new("/conf") };
        let mut table = Map::from([(KEPT.to_vec(), Vec::new())]);
        let mut before = None;
        for acl in acls {
            let after = Some(entry(name, acl)).filter(|_| !acl.is_empty());
            let of = entry(name, "").name;
            update(&mut table, &options, &of, before.as_ref(), after.as_ref()).unwrap();
            before = after;
        }
        table.keys().skip(1).map(|key| key.escape_ascii().to_string()).collect()
    }

    #[test]
    fn whoever_may_see_a_mailbox_is_listed_but_for_its_owner_and_administrators() {
        let acl = "u1\tlrswipkxtecda\tu2\tlrs\tcyrus\tl\tu3\tp\tgroup:staff\tr\tanyone\tl\t-u4\tl\t";
        let listed = ["-u4", "anyone", "group:staff", "u2"];
        let of = |kind, name| listed.map(|user| format!("A{kind}\\x1e{user}\\x1e{name}"));
        assert_eq!(kept("user.u1.a", &[acl]), of('U', "user\\x1fu1\\x1fa"));
        let shared = [of('S', "shared").as_slice(), &["AS\\x1eu1\\x1eshared".to_owned()]].concat();
        let mut all = kept("shared", &[acl]);
        all.sort();
        let mut expected = shared.to_vec();
        expected.sort();
        assert_eq!(all, expected);
    }

    #[test]
    fn whoever_may_not_any_more_goes() {
        assert_eq!(
            kept("shared", &["u1\tlr\tu2\tl\t", "u1\tlr\tu2\tp\tu3\tr\t"]),
            ["AS\\x1eu1\\x1eshared", "AS\\x1eu3\\x1eshared"]
        );
        assert_eq!(kept("shared", &["u1\tlr\t", ""]), [""; 0]);
    }

    #[test]
    fn nothing_is_written_where_none_are_kept() {
        let mut table = Map::new();
        let new = entry("shared", "u1\tlr\t");
        update(&mut table, &CyrusOptions::new("/conf"), &new.name, None, Some(&new)).unwrap();
        assert!(table.is_empty());
    }
}
