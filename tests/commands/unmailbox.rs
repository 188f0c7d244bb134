//! `APPLY UNMAILBOX`

use crate::peer::{Spool, empty_mailbox, say_to_both};
use sync_server::store::MemoryStore;

const OK: &str = "OK success\r\n";

fn is_there(memory: &mut MemoryStore, spool: &Spool) -> bool {
    say_to_both(memory, spool, "GET MAILBOXES (user.u1)\r\n").contains("UNIQUEID aa1 ")
}

#[test]
fn a_name_alone_means_whatever_mailbox_has_it() {
    for command in ["UNMAILBOX", "LOCAL_UNMAILBOX"] {
        let (mut memory, spool) = (MemoryStore::new(), Spool::new());
        say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
        assert!(is_there(&mut memory, &spool));
        assert_eq!(say_to_both(&mut memory, &spool, &format!("APPLY {command} user.u1\r\n")), OK);
        assert!(!is_there(&mut memory, &spool));
    }
}

#[test]
fn a_mailbox_that_has_taken_the_name_since_is_left_alone() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
    for other in ["UNIQUEID bb1", "UNIQUEID bb1 UIDVALIDITY 1700000000", "UNIQUEID aa1 UIDVALIDITY 1600000000"] {
        let line = format!("APPLY UNMAILBOX %(MBOXNAME user.u1 {other})\r\n");
        let heard = say_to_both(&mut memory, &spool, &line);
        assert_eq!(heard, "NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid\r\n", "{line}");
    }
    assert!(is_there(&mut memory, &spool));
    let line = "APPLY UNMAILBOX %(MBOXNAME user.u1 UNIQUEID aa1 UIDVALIDITY 1700000000)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, line), OK);
    assert!(!is_there(&mut memory, &spool));
}

#[test]
fn no_mailbox_is_no_such_mailbox_whichever_is_meant() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    for line in ["user.u1", "%(MBOXNAME user.u1 UNIQUEID aa1)"] {
        let heard = say_to_both(&mut memory, &spool, &format!("APPLY UNMAILBOX {line}\r\n"));
        assert_eq!(heard, "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n");
    }
}
