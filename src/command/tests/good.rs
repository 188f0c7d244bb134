//! Commands as masters write them.

use super::*;

#[test]
fn messages_are_nothing_but_a_list() {
    assert_applies("MESSAGE ()", Apply::Message);
}

#[test]
fn reserve() {
    let line = format!("RESERVE %(PARTITION default MBOXNAME (user.u1 user.u2) GUID ({GUID} {GUID}))");
    let mailboxes = vec![mailbox("user.u1"), mailbox("user.u2")];
    let expected = Apply::Reserve { partition: partition("default"), mailboxes, guids: vec![guid(); 2] };
    assert_applies(&line, expected);
    let nothing = Apply::Reserve { partition: partition("p"), mailboxes: Vec::new(), guids: Vec::new() };
    assert_applies("RESERVE %(PARTITION p MBOXNAME () GUID ())", nothing);
}

#[test]
fn expunge_sorts_its_uids() {
    let uids = [2, 5, 9].map(|uid| Uid::new(uid).unwrap()).to_vec();
    let expected = Apply::Expunge { mailbox: mailbox("user.u1"), uniqueid: uniqueid("abc"), uids };
    assert_applies("EXPUNGE %(MBOXNAME user.u1 UNIQUEID abc UID (9 2 5 2))", expected);
}

#[test]
fn unmailbox_and_its_local_form() {
    for line in ["UNMAILBOX user.u1", "LOCAL_UNMAILBOX user.u1", "unmailbox \"user.u1\"", "UNMAILBOX {7+}\r\nuser.u1"] {
        assert_applies(line, Apply::Unmailbox { mailbox: mailbox("user.u1"), meant: None });
    }
}

#[test]
fn unmailbox_may_say_which_mailbox_of_the_name_it_means() {
    let meant = |uidvalidity| Some(MailboxIdentity { uniqueid: UniqueId::parse(b"abc").unwrap(), uidvalidity });
    for (fields, meant) in [
        ("MBOXNAME user.u1", None),
        ("MBOXNAME user.u1 UNIQUEID abc", meant(None)),
        ("MBOXNAME user.u1 UNIQUEID abc UIDVALIDITY 13", meant(Some(13))),
        ("UIDVALIDITY 0 UNIQUEID abc MBOXNAME user.u1 LATER (1)", meant(None)),
    ] {
        let line = format!("UNMAILBOX %({fields})");
        assert_applies(&line, Apply::Unmailbox { mailbox: mailbox("user.u1"), meant });
    }
    assert_eq!(apply("UNMAILBOX %(UNIQUEID abc)").unwrap_err().to_string(), "MBOXNAME is missing");
    assert_eq!(
        apply("UNMAILBOX %(MBOXNAME user.u1 UNIQUEID ../x)").unwrap_err().to_string(),
        "UNIQUEID holds the byte 0x2e"
    );
    assert_eq!(
        apply("UNMAILBOX %(MBOXNAME user.u1 UNIQUEID abc UIDVALIDITY x)").unwrap_err().to_string(),
        "UIDVALIDITY is not a number in range"
    );
}

#[test]
fn unuser_of_nobody_is_told_apart() {
    assert_applies("UNUSER u1", Apply::Unuser { user: Some(user("u1")) });
    assert_applies("LOCAL_UNUSER u1@example.com", Apply::Unuser { user: Some(user("u1@example.com")) });
    for nobody in ["UNUSER NIL", "UNUSER \"\"", "UNUSER {0+}\r\n"] {
        assert_applies(nobody, Apply::Unuser { user: None });
    }
}

#[test]
fn rename_with_and_without_uidvalidity() {
    let renamed = |uidvalidity| {
        let (old, new) = (mailbox("user.u1"), mailbox("user.u2"));
        Apply::Rename(Rename { old, new, partition: partition("default"), uidvalidity })
    };
    let line = "RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u2 PARTITION default";
    assert_applies(&format!("{line} UIDVALIDITY 7)"), renamed(Some(7)));
    assert_applies(&format!("{line} UIDVALIDITY 0)"), renamed(None));
    assert_applies(&format!("{line})"), renamed(None));
    assert_applies(&format!("LOCAL_{line})"), renamed(None));
}

#[test]
fn subscriptions() {
    for (word, subscribed) in [("SUB", true), ("UNSUB", false), ("sub", true)] {
        let expected = Apply::Subscription { user: user("u1"), mailbox: mailbox("user.u1"), subscribed };
        assert_applies(&format!("{word} %(USERID u1 MBOXNAME user.u1)"), expected);
    }
}

#[test]
fn seen_with_and_without_uids() {
    for (text, uids) in [("1:3,7:*", "1:3,7:*"), ("\"\"", "")] {
        let seen = Seen { last_read: 5, last_uid: 7, last_change: 6, uids: uids.into() };
        let line = format!("SEEN %(USERID u1 UNIQUEID abc LASTREAD 5 LASTUID 7 LASTCHANGE 6 SEENUIDS {text})");
        assert_applies(&line, Apply::Seen { user: user("u1"), uniqueid: uniqueid("abc"), seen });
    }
}

#[test]
fn quota_in_every_spelling() {
    let limits =
        |storage, message, annotation_storage, mailbox| QuotaLimits { storage, message, annotation_storage, mailbox };
    for (text, expected) in [
        ("", limits(None, None, None, None)),
        ("LIMIT 100", limits(Some(100), None, None, None)),
        ("LIMIT 4294967295", limits(None, None, None, None)),
        ("LIMIT 0", limits(Some(0), None, None, None)),
        ("LIMIT 1 STORAGE 2", limits(Some(2), None, None, None)),
        ("LIMIT 1 X-ANNOTATION-STORAGE 3 X-NUM-FOLDERS 4", limits(Some(1), None, Some(3), Some(4))),
        ("LIMIT 1 MESSAGE 9 ANNOTATION-STORAGE 5 MAILBOX 6", limits(Some(1), Some(9), Some(5), Some(6))),
        ("X-NUM-FOLDERS 4 MAILBOX 6", limits(None, None, None, Some(6))),
    ] {
        let root = mailbox("user.u1");
        let expected = Apply::Quota { root, limits: expected, modseq: ModSeq(8) };
        assert_applies(&format!("QUOTA %(ROOT user.u1 {text} MODSEQ 8)"), expected);
    }
    let unsaid = Apply::Quota { root: mailbox("user.u1"), limits: QuotaLimits::default(), modseq: ModSeq(0) };
    assert_applies("QUOTA %(ROOT user.u1)", unsaid);
    assert_applies("UNQUOTA user.u1", Apply::Unquota { root: mailbox("user.u1") });
}

#[test]
fn annotations_of_mailboxes_and_of_the_server() {
    let annotation = |mailbox, value: &'static str| Apply::Annotation {
        mailbox,
        entry: "/comment".into(),
        user: "".into(),
        value: value.into(),
    };
    let line = "MBOXNAME user.u1 ENTRY /comment USERID \"\"";
    assert_applies(&format!("ANNOTATION %({line} VALUE x)"), annotation(Some(mailbox("user.u1")), "x"));
    assert_applies(&format!("ANNOTATION %({line} VALUE {{3+}}\r\na\0b)"), annotation(Some(mailbox("user.u1")), "a\0b"));
    assert_applies(&format!("UNANNOTATION %({line})"), annotation(Some(mailbox("user.u1")), ""));
    assert_applies("ANNOTATION %(MBOXNAME \"\" ENTRY /comment USERID \"\" VALUE x)", annotation(None, "x"));
}

#[test]
fn capabilities_and_force() {
    let names = vec!["SIEVE-MAILBOX".into(), "X".into()];
    assert_applies("CAPABILITIES (SIEVE-MAILBOX X)", Apply::Capabilities { names });
    assert_applies("CAPABILITIES (NIL)", Apply::Capabilities { names: Vec::new() });
    assert_applies("FORCE %()", Apply::Force);
}

#[test]
fn a_word_that_is_no_command_is_told_apart_from_a_bad_one() {
    assert!(matches!(apply("FROBNICATE %()"), Ok(None)));
    assert_eq!(get("FROBNICATE %()"), Ok(None));
}

#[test]
fn every_get() {
    for (line, expected) in [
        ("USER u1", Get::User(user("u1"))),
        ("USER u1@example.com", Get::User(user("u1@example.com"))),
        ("META u1", Get::Meta(user("u1"))),
        ("MAILBOXES (user.u1 {6+}\r\nshared)", Get::Mailboxes(vec![mailbox("user.u1"), mailbox("shared")])),
        ("MAILBOXES ()", Get::Mailboxes(Vec::new())),
        ("UNIQUEIDS (abc)", Get::UniqueIds(vec![uniqueid("abc")])),
        ("FULLMAILBOX user.u1", Get::FullMailbox(mailbox("user.u1"))),
        ("QUOTA user.u1", Get::Quota(mailbox("user.u1"))),
        ("ANNOTATION user.u1", Get::Annotation(Some(mailbox("user.u1")))),
        ("ANNOTATION \"\"", Get::Annotation(None)),
    ] {
        assert_eq!(get(line), Ok(Some(expected)), "{line}");
    }
    let fetch = format!("FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID abc GUID {GUID} UID 7)");
    let expected = Fetch {
        mailbox: mailbox("user.u1"),
        partition: partition("default"),
        uniqueid: uniqueid("abc"),
        guid: guid(),
        uid: Uid::new(7).unwrap(),
    };
    assert_eq!(get(&fetch), Ok(Some(Get::Fetch(expected))));
}

#[test]
fn names_that_no_mailbox_can_have_are_left_out_of_lists() {
    assert_eq!(get("MAILBOXES (../etc user.u1 a/b \"\")"), Ok(Some(Get::Mailboxes(vec![mailbox("user.u1")]))));
    assert_eq!(get("UNIQUEIDS (../.. abc)"), Ok(Some(Get::UniqueIds(vec![uniqueid("abc")]))));
}
