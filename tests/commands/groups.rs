//! `USERGROUPS` of `APPLY MAILBOX` and of replies, since 3.12.

use crate::peer::{Spool, empty_mailbox, say, say_to_both};
use sync_server::{store::MemoryStore, types::Release};

fn with_groups(groups: &str) -> String {
    empty_mailbox("user.u1", "aa1").replace(" UIDVALIDITY", &format!(" USERGROUPS {groups} UIDVALIDITY"))
}

fn groups(heard: &str) -> Option<&str> {
    let (_, rest) = heard.split_once(" USERGROUPS ")?;
    rest.split_once(" UIDVALIDITY").map(|(groups, _)| groups)
}

#[test]
fn groups_are_the_masters() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    for (said, heard) in
        [("group:a", Some("group:a")), ("\"group:c\tgroup:b\tgroup:c\"", Some("\"group:b\tgroup:c\"")), ("\"\"", None)]
    {
        assert_eq!(say_to_both(&mut memory, &spool, &with_groups(said)), "OK success\r\n");
        // A master that says nothing of groups changes none.
        say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
        say_to_both(&mut memory, &spool, &empty_mailbox("user.u1.sub", "aa2"));
        for name in ["user.u1", "user.u1.sub"] {
            assert_eq!(groups(&say_to_both(&mut memory, &spool, &format!("GET MAILBOXES ({name})\r\n"))), heard);
        }
        say_to_both(&mut memory, &spool, &empty_mailbox("shared", "aa3"));
        assert_eq!(groups(&say_to_both(&mut memory, &spool, "GET MAILBOXES (shared)\r\n")), None);
    }
}

#[test]
fn names_that_could_break_a_key_are_refused() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    for bad in ["{3+}\r\na\x1eb", "{3+}\r\na\0b", &"g".repeat(501)] {
        let heard = say_to_both(&mut memory, &spool, &with_groups(bad));
        assert_eq!(heard, "NO IMAP_PROTOCOL_BAD_PARAMETERS APPLY USERGROUPS is not text\r\n");
    }
}

#[test]
fn releases_before_3_12_know_no_groups() {
    let spool = Spool::new();
    let mut store = spool.store(Release::V3_6);
    let said = with_groups("group:a") + "GET MAILBOXES (user.u1)\r\n";
    assert_eq!(groups(&say(&mut store, Release::V3_6, &said)), None);
    let list = std::fs::read(spool.path().join("conf/mailboxes.db")).unwrap();
    assert!(!list.windows(7).any(|part| part == b"group:a"));
}
