//! `APPLY UNUSER`

use crate::peer::{Spool, empty_mailbox, say, say_to_both};
use sync_server::{store::MemoryStore, types::Release};

const OK: &str = "OK success\r\n";

/// Two users with a folder, a quota root each, subscriptions and a seen state.
fn users() -> String {
    let mut lines = String::new();
    for (user, id) in [("u1", "aa"), ("u12", "bb")] {
        lines += &empty_mailbox(&format!("user.{user}"), &format!("{id}1"));
        lines += &empty_mailbox(&format!("user.{user}.a.b"), &format!("{id}2"));
        for below in ["", ".a"] {
            lines += &format!("APPLY QUOTA %(ROOT user.{user}{below} LIMIT 100 MODSEQ 2)\r\n");
        }
        lines += &format!("APPLY SUB %(USERID {user} MBOXNAME user.{user}.a.b)\r\n");
        let seen = "LASTREAD 5 LASTUID 0 LASTCHANGE 5 SEENUIDS \"\"";
        lines += &format!("APPLY SEEN %(USERID {user} UNIQUEID cc {seen})\r\n");
    }
    lines
}

#[test]
fn all_of_the_user_goes_and_nothing_of_others() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let lines = users();
    assert_eq!(say_to_both(&mut memory, &spool, &lines), OK.repeat(lines.matches("\r\n").count()));
    let other = say_to_both(&mut memory, &spool, "GET USER u12\r\n");
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNUSER u1\r\n"), OK);
    let gone = "GET QUOTA user.u1\r\nGET QUOTA user.u1.a\r\nGET META u1\r\nGET MAILBOXES (user.u1 user.u1.a.b)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, gone), OK.repeat(4));
    assert_eq!(say_to_both(&mut memory, &spool, "GET USER u12\r\n"), other);
    assert!(spool.files("spool").iter().all(|file| !file.contains("aa")), "{:?}", spool.files("spool"));
    assert!(spool.files("conf/user").iter().all(|file| !file.contains("aa1")), "{:?}", spool.files("conf/user"));
    assert_eq!(spool.files("conf/quota"), ["u", "u/user.u12", "u/user.u12.a"]);
}

#[test]
fn the_user_may_be_gone_already() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let lines = users();
    say_to_both(&mut memory, &spool, &lines);
    assert_eq!(
        say_to_both(&mut memory, &spool, "APPLY UNUSER u1\r\nAPPLY UNUSER u1\r\nAPPLY LOCAL_UNUSER u1\r\n"),
        OK.repeat(3)
    );
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNUSER nobody\r\n"), OK);
    // What was removed can come back.
    assert_eq!(say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1")), OK);
}

#[test]
fn subscriptions_end_with_a_user_who_never_had_a_mailbox() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let subscribe = "APPLY SUB %(USERID u1 MBOXNAME user.u2.a)\r\nAPPLY SUB %(USERID u1 MBOXNAME user.u1)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, subscribe), OK.repeat(2));
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNUSER u1\r\nGET META u1\r\n"), OK.repeat(2));
}

#[test]
fn nobody_is_removed_without_a_name() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &users());
    let before = say_to_both(&mut memory, &spool, "GET USER u1\r\n");
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNUSER \"\"\r\nAPPLY UNUSER NIL\r\n"), OK.repeat(2));
    for line in
        ["APPLY UNUSER ..\r\n", "APPLY UNUSER ../u1\r\n", "APPLY UNUSER (u1)\r\n", "APPLY UNUSER {4+}\r\nu1\0x\r\n"]
    {
        let heard = say_to_both(&mut memory, &spool, line);
        assert!(heard.starts_with("NO IMAP_PROTOCOL_BAD_PARAMETERS APPLY UNUSER "), "{line}: {heard}");
    }
    assert_eq!(say_to_both(&mut memory, &spool, "GET USER u1\r\n"), before);
}

/// 3.6.1 removes a user's mailboxes as if a client had asked: each tombstone has a modseq of its own.
#[test]
fn tombstones_of_3_6_have_a_modseq_above_the_mailboxs() {
    let spool = Spool::new();
    let mut store = spool.store(Release::V3_6);
    say(&mut store, Release::V3_6, &users());
    assert_eq!(say(&mut store, Release::V3_6, "APPLY UNUSER u1\r\n"), OK);
    let list = std::fs::read(spool.path().join("conf/mailboxes.db")).unwrap();
    let tombstone = b"%(T ed I aa1 V 1700000000 C 1 F 5 M ";
    assert!(list.windows(tombstone.len()).any(|part| part == tombstone), "{}", list.escape_ascii());
}
