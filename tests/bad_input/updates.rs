//! Updates that can be read and still cannot be.

use crate::{
    common::messages::{Fields, guid, mailbox, record, records},
    replica::{NEW, ONE, TWO, u1},
    row::{Bad, bad, bad_parameters},
};

pub fn bad_updates() -> Vec<Bad> {
    let apply = |fields: Fields| format!("APPLY MAILBOX {fields}");
    let of = |list: &[Fields]| u1().with("LAST_UID", 9).with("RECORD", records(list));
    let not_ascending = bad_parameters("APPLY", "UID does not ascend");
    let checksum = "NO IMAP_SYNC_CHECKSUM Checksum Failure\r\n";
    let changed = "NO IMAP_SYNC_CHANGED Changed since last sync\r\n";
    let moved = "NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid\r\n";
    let nonexistent = "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n";
    let missing = "NO IMAP_MESSAGE_MISSING Message was not uploaded\r\n";
    let badtype = "NO IMAP_MAILBOX_BADTYPE Mailbox has an invalid type\r\n";
    let impossible = "NO IMAP_PROTOCOL_BAD_PARAMETERS \r\n";
    let new_message = || record(7, NEW);
    let flags: Vec<String> = (0..129).map(|number| format!("f{number}")).collect();
    vec![
        bad("a record whose message was never uploaded", apply(of(&[new_message()])), missing),
        bad(
            "the same in a new mailbox",
            apply(of(&[new_message()]).with("MBOXNAME", "user.u3").with("UNIQUEID", "u3u3")),
            missing,
        ),
        bad("uids out of order", apply(of(&[record(3, TWO), record(1, ONE)])), &*not_ascending),
        bad("a uid twice", apply(of(&[record(1, ONE), record(1, ONE)])), &*not_ascending),
        bad("a uid of 0", apply(of(&[record(0, ONE)])), bad_parameters("APPLY", "UID is not a number in range")),
        bad(
            "a uid above LAST_UID",
            apply(of(&[new_message()]).with("LAST_UID", 6)),
            bad_parameters("APPLY", "LAST_UID is too low"),
        ),
        bad("a size of 0", apply(of(&[new_message().with("SIZE", 0)])), impossible),
        bad("a GUID of zeros", apply(of(&[new_message().with("GUID", "0".repeat(40))])), impossible),
        bad("another message under a uid", apply(of(&[record(1, TWO)])), checksum),
        bad("a uid that was given and is gone", apply(of(&[record(2, ONE)])), checksum),
        bad("a record older than ours", apply(of(&[record(1, ONE).with("MODSEQ", 4)])), checksum),
        bad("a modseq below ours", apply(u1().with("HIGHESTMODSEQ", 9)), checksum),
        bad("a UIDVALIDITY below ours", apply(u1().with("UIDVALIDITY", 1)), checksum),
        bad("a LAST_UID below ours", apply(u1().with("LAST_UID", 2).with("RECORD", "()")), checksum),
        bad("a state that is not ours", apply(u1().with("SINCE_MODSEQ", 9)), changed),
        bad(
            "a change to a mailbox that is not here",
            apply(mailbox("user.u3", "u3u3").with("SINCE_MODSEQ", 9)),
            changed,
        ),
        bad("another unique id", apply(u1().with("UNIQUEID", "other")), moved),
        bad("a unique id that another mailbox has", apply(mailbox("user.u3", "u1u1u1")), moved),
        bad("another type", apply(u1().with("MBOXTYPE", "c")), badtype),
        bad("a type that is none", apply(u1().with("MBOXTYPE", "x")), bad_parameters("APPLY", "MBOXTYPE is not known")),
        bad(
            "129 flags",
            apply(of(&[record(1, ONE).with("FLAGS", format!("({})", flags.join(" ")))])),
            bad_parameters("APPLY", "FLAGS is not known"),
        ),
        bad(
            "an access control list with a line end",
            apply(u1().with("ACL", "{3+}\r\na\nb")),
            bad_parameters("APPLY", "ACL is not text"),
        ),
        bad(
            "an annotation with a NUL in its name",
            apply(u1().with("ANNOTATIONS", "(%(ENTRY {3+}\r\na\0b USERID \"\" MODSEQ 1 VALUE x))")),
            bad_parameters("APPLY", "ENTRY is not text"),
        ),
        bad("EXPUNGE of no mailbox", "APPLY EXPUNGE %(MBOXNAME user.u3 UNIQUEID u1u1u1 UID (1))", nonexistent),
        bad("EXPUNGE of another mailbox", "APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID other UID (1))", moved),
        bad("UNMAILBOX of no mailbox", "APPLY UNMAILBOX user.u3", nonexistent),
        bad(
            "RENAME of no mailbox",
            "APPLY RENAME %(OLDMBOXNAME user.u3 NEWMBOXNAME user.u4 PARTITION default)",
            nonexistent,
        ),
        bad(
            "RENAME onto a mailbox",
            "APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u2 PARTITION default)",
            "NO IMAP_MAILBOX_EXISTS Mailbox already exists\r\n",
        ),
        bad("FULLMAILBOX of no mailbox", "GET FULLMAILBOX user.u3", nonexistent),
        bad(
            "FETCH of no message",
            format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID u1u1u1 GUID {} UID 2)", guid(ONE)),
            nonexistent,
        ),
        bad(
            "FETCH of another message",
            format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID u1u1u1 GUID {} UID 3)", guid(ONE)),
            "* MESSAGE NIL\r\nOK success\r\n",
        ),
        bad(
            "SEENUIDS that are none",
            "APPLY SEEN %(USERID u1 UNIQUEID abc LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS {3+}\r\n1\n2)",
            bad_parameters("APPLY", "SEENUIDS is not text"),
        ),
    ]
}
