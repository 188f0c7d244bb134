//! Answers at the edges, where a real 3.6.1 and 3.12.3 were asked too (`tests/real/replies`).

use crate::peer::{Spool, empty_mailbox, say_to_both};
use sync_server::store::MemoryStore;

const OK: &str = "OK success\r\n";
const NONEXISTENT: &str = "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n";

#[test]
fn a_mailbox_without_messages_gives_new_pop3_uidls() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let made = empty_mailbox("user.u1", "aa").replace("OPTIONS P", "OPTIONS S");
    assert_eq!(say_to_both(&mut memory, &spool, &made), OK);
    let told = say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1)\r\n");
    assert!(told.contains(" OPTIONS PS "), "{told}");
}

#[test]
fn a_mailbox_of_an_old_master_is_listed_as_made_when_it_came() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let made = empty_mailbox("user.u1", "aa").replace("CREATEDMODSEQ 1 ", "");
    assert_eq!(say_to_both(&mut memory, &spool, &made), OK);
    let list = std::fs::read(spool.path().join("conf/mailboxes.db")).unwrap();
    let listed = b"%(T e I aa P default V 1700000000 C 4 F 1 M ";
    assert!(list.windows(listed.len()).any(|part| part == listed), "{}", list.escape_ascii());
    let told = say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1)\r\n");
    assert!(!told.contains("CREATEDMODSEQ"), "{told}");
}

#[test]
fn a_uidvalidity_of_zero_makes_no_mailbox() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let bad = empty_mailbox("user.u1", "aa").replace("UIDVALIDITY 1700000000", "UIDVALIDITY 0");
    let refused = "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &bad), refused);
    assert_eq!(say_to_both(&mut memory, &spool, &format!("APPLY FORCE %()\r\n{bad}")), format!("{OK}{refused}"));
    assert_eq!(say_to_both(&mut memory, &spool, "GET FULLMAILBOX user.u1\r\n"), NONEXISTENT);
}

#[test]
fn what_is_not_there_has_no_annotations_and_no_messages() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    assert_eq!(say_to_both(&mut memory, &spool, "GET ANNOTATION user.u1\r\n"), NONEXISTENT);
    assert_eq!(say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa")), OK);
    let guid = "a".repeat(40);
    for partition in ["default", "nowhere"] {
        let fetch = format!("GET FETCH %(MBOXNAME user.u1 PARTITION {partition} UNIQUEID aa GUID {guid} UID 1)\r\n");
        assert_eq!(say_to_both(&mut memory, &spool, &fetch), NONEXISTENT, "{partition}");
    }
}

#[test]
fn a_subscription_that_is_not_there_ends_without_a_file() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNSUB %(USERID u1 MBOXNAME user.u1)\r\n"), OK);
    assert!(spool.files("conf").iter().all(|file| !file.ends_with("sub")), "{:?}", spool.files("conf"));
}
