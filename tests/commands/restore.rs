//! `RESTORE MAILBOX`

use crate::peer::{Spool, empty_mailbox, say_to_both};
use sync_server::store::MemoryStore;

const OK: &str = "OK success\r\n";
/// `A: a`, an empty line, `x`; and its GUID.
const MESSAGE: &str = "A: a\r\n\r\nx\r\n";
const GUID: &str = "f5135784da45a50a1a5540a20abd5bd78d9ff312";

fn upload() -> String {
    format!("APPLY MESSAGE (%{{default {GUID} {}}}\r\n{MESSAGE})\r\n", MESSAGE.len())
}

fn record(uid: u32, modseq: u32, flags: &str) -> String {
    format!(
        "%(UID {uid} MODSEQ {modseq} LAST_UPDATED 1700000000 FLAGS ({flags}) INTERNALDATE 1690000000 SIZE {} GUID {GUID})",
        MESSAGE.len()
    )
}

/// Uid and modseq of each record of a reply.
fn numbers(heard: &str) -> Vec<(u32, u32)> {
    let number = |text: &str| text.split(' ').next().unwrap().parse().unwrap();
    let records = heard.split("%(UID ").skip(1);
    records.map(|record| (number(record), number(record.split_once(" MODSEQ ").unwrap().1))).collect()
}

const KEPT: &str =
    "UNIQUEID aa1 HIGHESTMODSEQ 40 UIDVALIDITY 1600000000 PARTITION default ACL \"u1\tlrs\t\" OPTIONS PS";

#[test]
fn a_new_mailbox_is_what_it_was() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let records = [record(5, 9, "\\Seen"), record(7, 41, "Foo"), record(3, 8, ""), record(50, 0, "")].join(" ");
    let annotation = "ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 3 VALUE hello))";
    let restore = format!(
        "RESTORE LOCAL_MAILBOX %(MBOXNAME user.u1 {KEPT} {annotation} CREATEDMODSEQ 2 FOLDERMODSEQ 7 RECORD ({records}))\r\n"
    );
    assert_eq!(say_to_both(&mut memory, &spool, &(upload() + &restore)), OK.repeat(2));
    let heard = say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1)\r\nGET ANNOTATION user.u1\r\n");
    for field in ["UNIQUEID aa1 ", " LAST_UID 50 ", " HIGHESTMODSEQ 42 ", " UIDVALIDITY 1600000000 ", " OPTIONS PS "] {
        assert!(heard.contains(field), "{field}: {heard}");
    }
    assert!(
        heard.contains(" CREATEDMODSEQ 2 FOLDERMODSEQ 7 ") && heard.contains(" ENTRY /comment USERID \"\" VALUE hello")
    );
    let heard = crate::peer::say(&mut memory, Default::default(), "GET FULLMAILBOX user.u1\r\n");
    // What is free is kept; a modseq above the mailbox's, or none, is not.
    assert_eq!(numbers(&heard), [(5, 9), (7, 41), (8, 8), (50, 42)]);
    assert_eq!(spool.files("spool/uuid/a/a/aa1").iter().filter(|file| file.ends_with('.')).count(), 4);
}

#[test]
fn a_mailbox_that_is_there_gets_new_numbers() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
    let restore = format!(
        "RESTORE MAILBOX %(MBOXNAME user.u1 UNIQUEID bb1 HIGHESTMODSEQ 90 UIDVALIDITY 7 ACL \"\" RECORD ({} {}))\r\n",
        record(9, 1, "Foo"),
        record(3, 1, "")
    );
    assert_eq!(say_to_both(&mut memory, &spool, &(upload() + &restore)), OK.repeat(2));
    let heard = say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1)\r\n");
    for field in ["UNIQUEID aa1 ", " LAST_UID 2 ", " HIGHESTMODSEQ 6 ", " UIDVALIDITY 1700000000 ", "ACL \"u1\tlrsw"] {
        assert!(heard.contains(field), "{field}: {heard}");
    }
    let heard = crate::peer::say(&mut memory, Default::default(), "GET FULLMAILBOX user.u1\r\n");
    assert_eq!(numbers(&heard), [(1, 5), (2, 6)]);
}

#[test]
fn a_mailbox_that_nobody_described_gets_what_is_above_it() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let lines = empty_mailbox("user.u1", "aa1")
        + "RESTORE MAILBOX %(MBOXNAME user.u1.a.b RECORD ())\r\nRESTORE MAILBOX %(MBOXNAME user.u2 RECORD ())\r\n"
        + "RESTORE MAILBOX %(MBOXNAME shared RECORD ())\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &lines), OK.repeat(4));
    for (name, acl) in [("user.u1.a.b", "u1\tlrswip"), ("user.u2", "u2\tlrswip"), ("shared", "anyone\tlrs\t")] {
        let heard = crate::peer::say(&mut memory, Default::default(), &format!("GET MAILBOXES ({name})\r\n"));
        assert!(heard.contains(&format!("PARTITION default ACL \"{acl}")) && heard.contains(" OPTIONS P "), "{heard}");
    }
}

#[test]
fn what_cannot_be_restored_leaves_nothing() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
    for (what, reply) in [
        ("MBOXNAME user.u1.a PARTITION default RECORD (RECORD1)", "IMAP_MESSAGE_MISSING "),
        ("MBOXNAME user.u1.a UNIQUEID aa1 HIGHESTMODSEQ 4 UIDVALIDITY 7 RECORD ()", "IMAP_MAILBOX_MOVED "),
        ("MBOXNAME user.u1 MBOXTYPE c RECORD ()", "IMAP_MAILBOX_BADTYPE "),
        ("MBOXNAME user.u1.a MBOXTYPE i RECORD ()", "IMAP_PROTOCOL_BAD_PARAMETERS RESTORE MBOXTYPE is not known"),
        ("MBOXNAME ../a RECORD ()", "IMAP_PROTOCOL_BAD_PARAMETERS RESTORE MBOXNAME holds the byte 0x2f"),
        ("MBOXNAME user.u1.a", "IMAP_PROTOCOL_BAD_PARAMETERS RESTORE RECORD is missing"),
    ] {
        let line = format!("RESTORE MAILBOX %({})\r\n", what.replace("RECORD1", &record(1, 1, "")));
        let heard = say_to_both(&mut memory, &spool, &line);
        assert!(heard.starts_with(&format!("NO {reply}")), "{line}: {heard}");
    }
    assert_eq!(say_to_both(&mut memory, &spool, "RESTORE FOO %()\r\n"), "NO IMAP_PROTOCOL_ERROR Protocol error\r\n");
    assert_eq!(say_to_both(&mut memory, &spool, "GET MAILBOXES (user.u1.a)\r\n"), OK);
    assert_eq!(
        spool.files("spool/uuid"),
        ["a", "a/a", "a/a/aa1"]
            .iter()
            .map(|f| (*f).to_owned())
            .chain(["cyrus.annotations", "cyrus.header", "cyrus.index"].iter().map(|f| format!("a/a/aa1/{f}")))
            .collect::<Vec<_>>()
    );
}
