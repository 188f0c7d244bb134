//! Every command with good fields, and with each field missing, NIL or wrong; every reply's bytes.

use super::*;
use crate::{
    dlist::{Builder, Event, Item, Value, Writer},
    ops::{
        AnnotatedRecord, Annotation, ListedEntry, MailboxIdentity, MailboxState, Quota, QuotaLimits, Record, Seen,
        SeenEntry, SyncedHeader,
    },
    types::{
        FlagName, Guid, InternalFlags, InvalidName, MailboxName, MailboxOptions, MailboxType, ModSeq, Partition,
        Release, SyncCrcs, SystemFlags, Uid, UniqueId, UserFlags, UserId,
    },
    wire::{FileRef, LiteralForm, Scanner, WireLimits},
};
use bytes::Bytes;

const GUID: &str = "785ec164963ae873b54bdd771f152e4332bab92a";

/// What a client's line says behind its command word.
fn item(line: &str) -> Item {
    let mut scanner = Scanner::new(WireLimits::default());
    let mut builder = Builder::new(1 << 20, |_, _| false);
    let mut input = Bytes::from(format!("X {line}\r\n"));
    scanner.next(&mut input);
    loop {
        let token = scanner.next(&mut input).unwrap_or_else(|| panic!("{line} is no line"));
        if let Event::Done(item) = builder.push(token).unwrap_or_else(|error| panic!("{line}: {error}")) {
            return item;
        }
    }
}

fn value(text: &str) -> Value {
    item(&format!("V {text}")).value
}

fn apply(line: &str) -> Result<Option<Apply>, BadField> {
    let Item { name, value } = item(line);
    Apply::decode(&name, &value, Vec::new(), FlagNames::default())
}

fn get(line: &str) -> Result<Option<Get>, BadField> {
    let Item { name, value } = item(line);
    Get::decode(&name, &value)
}

fn mailbox(name: &str) -> MailboxName {
    MailboxName::parse(name.as_bytes()).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::parse(name.as_bytes()).unwrap()
}

fn uniqueid(id: &str) -> UniqueId {
    UniqueId::parse(id.as_bytes()).unwrap()
}

fn partition(name: &str) -> Partition {
    Partition::parse(name.as_bytes()).unwrap()
}

fn guid() -> Guid {
    Guid::from_hex(GUID.as_bytes()).unwrap()
}

#[track_caller]
fn assert_applies(line: &str, expected: Apply) {
    assert_eq!(format!("{:?}", apply(line)), format!("{:?}", Ok::<_, BadField>(Some(expected))), "{line}");
}

mod good {
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
        for line in
            ["UNMAILBOX user.u1", "LOCAL_UNMAILBOX user.u1", "unmailbox \"user.u1\"", "UNMAILBOX {7+}\r\nuser.u1"]
        {
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
        let limits = |storage, message, annotation_storage, mailbox| QuotaLimits {
            storage,
            message,
            annotation_storage,
            mailbox,
        };
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
        assert_applies(
            &format!("ANNOTATION %({line} VALUE {{3+}}\r\na\0b)"),
            annotation(Some(mailbox("user.u1")), "a\0b"),
        );
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
}

/// What a field holds, and so what it must not hold.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Mailbox,
    UniqueId,
    Partition,
    User,
    /// Text without control bytes.
    Line,
    /// Any text.
    Text,
    Number32,
    Number64,
    /// A number as of 1.
    Uid,
    Guid,
    List,
}
use Kind::{Number32, Number64, Text};

/// Each command: its fields, a good value and the kind of each; those in the second list may be missing.
type Table =
    (&'static str, &'static [(&'static str, &'static str, Kind)], &'static [(&'static str, &'static str, Kind)]);

const APPLY: &[Table] = &[
    (
        "RESERVE",
        &[("PARTITION", "p", Kind::Partition), ("MBOXNAME", "()", Kind::List), ("GUID", "()", Kind::List)],
        &[],
    ),
    (
        "EXPUNGE",
        &[("MBOXNAME", "m", Kind::Mailbox), ("UNIQUEID", "abc", Kind::UniqueId), ("UID", "(1)", Kind::List)],
        &[],
    ),
    (
        "RENAME",
        &[
            ("OLDMBOXNAME", "m", Kind::Mailbox),
            ("NEWMBOXNAME", "n", Kind::Mailbox),
            ("PARTITION", "p", Kind::Partition),
        ],
        &[("UIDVALIDITY", "1", Number32)],
    ),
    ("SUB", &[("USERID", "u", Kind::User), ("MBOXNAME", "m", Kind::Mailbox)], &[]),
    ("UNSUB", &[("USERID", "u", Kind::User), ("MBOXNAME", "m", Kind::Mailbox)], &[]),
    (
        "SEEN",
        &[
            ("USERID", "u", Kind::User),
            ("UNIQUEID", "abc", Kind::UniqueId),
            ("LASTREAD", "1", Number64),
            ("LASTUID", "1", Number32),
            ("LASTCHANGE", "1", Number64),
            ("SEENUIDS", "1:2", Kind::Line),
        ],
        &[],
    ),
    (
        "QUOTA",
        &[("ROOT", "m", Kind::Mailbox)],
        &[
            ("STORAGE", "1", Number32),
            ("MESSAGE", "1", Number32),
            ("ANNOTATION-STORAGE", "1", Number32),
            ("MAILBOX", "1", Number32),
            ("MODSEQ", "1", Number64),
        ],
    ),
    (
        "ANNOTATION",
        &[
            ("MBOXNAME", "m", Kind::Mailbox),
            ("ENTRY", "/a", Kind::Line),
            ("USERID", "u", Kind::Line),
            ("VALUE", "v", Text),
        ],
        &[],
    ),
    (
        "UNANNOTATION",
        &[("MBOXNAME", "m", Kind::Mailbox), ("ENTRY", "/a", Kind::Line), ("USERID", "u", Kind::Line)],
        &[],
    ),
    (
        "MAILBOX",
        &[
            ("UNIQUEID", "abc", Kind::UniqueId),
            ("MBOXNAME", "m", Kind::Mailbox),
            ("LAST_UID", "1", Number32),
            ("HIGHESTMODSEQ", "1", Number64),
            ("RECENTUID", "1", Number32),
            ("RECENTTIME", "1", Number64),
            ("LAST_APPENDDATE", "1", Number64),
            ("POP3_LAST_LOGIN", "1", Number64),
            ("UIDVALIDITY", "1", Number32),
            ("PARTITION", "p", Kind::Partition),
            ("ACL", "\"u\tlrs\t\"", Text),
            ("OPTIONS", "P", Text),
            ("RECORD", "()", Kind::List),
        ],
        &[
            ("SYNC_CRC", "1", Number32),
            ("SYNC_CRC_ANNOT", "1", Number32),
            ("POP3_SHOW_AFTER", "1", Number64),
            ("CREATEDMODSEQ", "1", Number64),
            ("FOLDERMODSEQ", "1", Number64),
            ("SINCE_MODSEQ", "1", Number64),
            ("SINCE_CRC", "1", Number32),
            ("SINCE_CRC_ANNOT", "1", Number32),
            ("ANNOTATIONS", "()", Kind::List),
        ],
    ),
];

const GET: &[Table] = &[(
    "FETCH",
    &[
        ("MBOXNAME", "m", Kind::Mailbox),
        ("PARTITION", "p", Kind::Partition),
        ("UNIQUEID", "abc", Kind::UniqueId),
        ("GUID", GUID, Kind::Guid),
        ("UID", "1", Kind::Uid),
    ],
    &[],
)];

const RECORD: Table = (
    "RECORD",
    &[
        ("UID", "1", Kind::Uid),
        ("MODSEQ", "1", Number64),
        ("LAST_UPDATED", "1", Number64),
        ("FLAGS", "()", Kind::List),
        ("INTERNALDATE", "1", Number64),
        ("SIZE", "1", Number32),
        ("GUID", GUID, Kind::Guid),
    ],
    &[("ANNOTATIONS", "()", Kind::List)],
);

/// Values that no field of this kind may have.
fn bad_values(kind: Kind) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    let long = |length: usize| "a".repeat(length);
    let mut values = texts(&["%()"]);
    if kind != Kind::List {
        values.push("(a)".to_owned());
    }
    values.extend(match kind {
        Kind::Mailbox => {
            let mut names =
                texts(&[".", "..", "a..b", ".a", "a.", "a/b", "../../etc/passwd", "\"a\tb\"", "{3+}\r\na\0b"]);
            names.extend(["{3+}\r\na\nb".into(), "\u{e4}".into(), "!a".into(), "a!b!c".into(), long(511)]);
            names
        }
        Kind::UniqueId => {
            let mut ids = texts(&["\"\"", ".", "..", "a", "../x", "a/b", "a.b", "\"a b\"", "{3+}\r\na\0b"]);
            ids.push(long(65));
            ids
        }
        Kind::Partition => {
            let mut names = texts(&["\"\"", ".", "..", "../x", "a/b", "a.b", "\"a b\"", "{3+}\r\na\0b"]);
            names.push(long(65));
            names
        }
        Kind::User => {
            let mut names = texts(&["\"\"", ".", "..", "a/b", "a@b@c", "@", "..@x", "a%b", "a*", "{3+}\r\na\0b"]);
            names.push(long(501));
            names
        }
        Kind::Line => texts(&["\"a\tb\"", "{3+}\r\na\0b", "{3+}\r\na\nb", &long(1025)]),
        Text => Vec::new(),
        Kind::Number32 => {
            texts(&["x", "-1", "1.5", "+1", "0x1", "\"\"", "\"1 \"", "\\1", "4294967296", "18446744073709551616"])
        }
        Kind::Number64 => texts(&["x", "-1", "1.5", "+1", "\"\"", "\" 1\"", "18446744073709551616", &"9".repeat(100)]),
        Kind::Uid => texts(&["0", "x", "-1", "\"\"", "4294967296"]),
        Kind::Guid => texts(&["0", "\"\"", &GUID[1..], &format!("{GUID}0"), &GUID.replace('7', "g"), &"\\".repeat(40)]),
        Kind::List => texts(&["a", "\"\"", "{0+}\r\n"]),
    });
    values
}

fn line(command: &str, fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name} {value}")).collect();
    format!("{command} %({})", fields.join(" "))
}

/// Tries a command good, with each field missing, NIL, and with each bad value.
fn try_all((command, needed, optional): &Table, decode: impl Fn(&str) -> Result<(), BadField>) {
    let good = || needed.iter().chain(*optional).map(|(name, value, _)| (*name, value.to_string()));
    let without = |left_out: &'static str| line(command, good().filter(|(name, _)| *name != left_out));
    let with = |changed: &'static str, value: &str| {
        line(command, good().map(|(name, good)| (name, if name == changed { value.to_owned() } else { good })))
    };
    assert_eq!(decode(&line(command, good())), Ok(()), "{command}");
    for (name, ..) in *needed {
        assert_eq!(decode(&without(name)), Err(BadField::new(name, Problem::Missing)), "{command} without {name}");
    }
    for (name, ..) in *optional {
        assert_eq!(decode(&without(name)), Ok(()), "{command} without {name}");
    }
    for (name, _, kind) in needed.iter().chain(*optional) {
        for bad in [vec!["NIL".to_owned()], bad_values(*kind)].concat() {
            let outcome = decode(&with(name, &bad));
            assert_eq!(outcome.map_err(|bad| bad.field), Err(*name), "{}", with(name, &bad).escape_debug());
        }
    }
    for bad in ["NIL", "a", "()", "\"\""] {
        let problem = Err(Problem::NotFields);
        assert_eq!(decode(&format!("{command} {bad}")).map_err(|bad| bad.problem), problem, "{command} {bad}");
    }
}

#[test]
fn every_field_of_every_apply_is_checked() {
    for table in APPLY {
        try_all(table, |line| apply(line).map(|command| assert!(command.is_some())));
    }
}

#[test]
fn every_field_of_get_fetch_is_checked() {
    for table in GET {
        try_all(table, |line| get(line).map(|command| assert!(command.is_some())));
    }
}

#[test]
fn every_field_of_a_record_is_checked() {
    try_all(&RECORD, |line| decode_record(&item(line).value, &mut FlagNames::default()).map(|_| ()));
}

#[test]
fn values_that_are_names_are_checked() {
    for (command, kind) in [
        ("USER", Kind::User),
        ("META", Kind::User),
        ("FULLMAILBOX", Kind::Mailbox),
        ("QUOTA", Kind::Mailbox),
        ("ANNOTATION", Kind::Mailbox),
    ] {
        for bad in [vec!["NIL".to_owned()], bad_values(kind)].concat() {
            assert!(get(&format!("{command} {bad}")).is_err(), "GET {command} {}", bad.escape_debug());
        }
    }
    for bad in bad_values(Kind::User).into_iter().filter(|bad| bad != "\"\"") {
        assert!(apply(&format!("UNUSER {bad}")).is_err(), "APPLY UNUSER {}", bad.escape_debug());
    }
    for command in ["UNMAILBOX", "UNQUOTA"] {
        for bad in [vec!["NIL".to_owned(), "\"\"".to_owned()], bad_values(Kind::Mailbox)].concat() {
            assert!(apply(&format!("{command} {bad}")).is_err(), "APPLY {command} {}", bad.escape_debug());
        }
    }
}

#[test]
fn elements_of_lists_are_checked() {
    for (line, field) in [
        ("RESERVE %(PARTITION p MBOXNAME (NIL) GUID ())".to_owned(), "MBOXNAME"),
        ("RESERVE %(PARTITION p MBOXNAME (a/b) GUID ())".to_owned(), "MBOXNAME"),
        ("RESERVE %(PARTITION p MBOXNAME (()) GUID ())".to_owned(), "MBOXNAME"),
        ("RESERVE %(PARTITION p MBOXNAME () GUID (NIL))".to_owned(), "GUID"),
        (format!("RESERVE %(PARTITION p MBOXNAME () GUID ({GUID} 12))"), "GUID"),
        ("EXPUNGE %(MBOXNAME m UNIQUEID abc UID (NIL))".to_owned(), "UID"),
        ("EXPUNGE %(MBOXNAME m UNIQUEID abc UID (1 0))".to_owned(), "UID"),
        ("EXPUNGE %(MBOXNAME m UNIQUEID abc UID (4294967296))".to_owned(), "UID"),
        ("EXPUNGE %(MBOXNAME m UNIQUEID abc UID (%(A B)))".to_owned(), "UID"),
        ("CAPABILITIES (())".to_owned(), "CAPABILITIES"),
        ("CAPABILITIES NIL".to_owned(), "CAPABILITIES"),
        ("MESSAGE NIL".to_owned(), "MESSAGE"),
        ("MESSAGE %()".to_owned(), "MESSAGE"),
    ] {
        assert_eq!(apply(&line).map(|_| ()).map_err(|bad| bad.field), Err(field), "{line}");
    }
    for line in
        ["MAILBOXES (NIL)", "MAILBOXES (())", "MAILBOXES NIL", "MAILBOXES a", "UNIQUEIDS %()", "UNIQUEIDS (NIL)"]
    {
        assert!(get(line).is_err(), "{line}");
    }
}

#[test]
fn the_old_name_of_a_limit_is_checked_where_it_counts() {
    for bad in [vec!["NIL".to_owned()], bad_values(Number32)].concat() {
        let line = format!("QUOTA %(ROOT m LIMIT {bad})");
        assert_eq!(apply(&line).map(|_| ()).map_err(|bad| bad.field), Err("LIMIT"), "{line}");
    }
}

#[test]
fn an_annotation_has_an_entry() {
    let bad = apply("ANNOTATION %(MBOXNAME m ENTRY \"\" USERID u VALUE v)").map(|_| ());
    assert_eq!(bad, Err(BadField::new("ENTRY", Problem::NotText)));
}

#[test]
fn seen_uids_are_a_sequence_set() {
    let line = "SEEN %(USERID u UNIQUEID abc LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS \"1 2\")";
    assert_eq!(apply(line).map(|_| ()), Err(BadField::new("SEENUIDS", Problem::NotText)));
}

mod mailboxes {
    use super::*;

    fn update(change: impl Fn(&mut Vec<(&'static str, String)>)) -> Result<MailboxUpdate, BadField> {
        let (_, needed, _) = APPLY.last().unwrap();
        let mut fields: Vec<_> = needed.iter().map(|(name, value, _)| (*name, value.to_string())).collect();
        change(&mut fields);
        match apply(&line("MAILBOX", fields.into_iter()))? {
            Some(Apply::Mailbox(update)) => Ok(*update),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_an_old_master_does_not_say_is_nothing() {
        let update = update(|_| ()).unwrap();
        assert_eq!(update.mailbox_type, MailboxType::EMAIL);
        assert_eq!(update.crcs, SyncCrcs { basic: 0, annot: 0 });
        assert_eq!((update.header.created_modseq, update.header.folder_modseq), (ModSeq(0), ModSeq(1)));
        assert_eq!((update.header.pop3_show_after, update.since), (0, None));
        assert_eq!((update.annotations, update.user_flags), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_folder_modseq_of_zero_is_the_highest_modseq() {
        let update = update(|fields| fields.push(("FOLDERMODSEQ", "0".into()))).unwrap();
        assert_eq!(update.header.folder_modseq, update.header.highest_modseq);
    }

    #[test]
    fn since_needs_a_modseq() {
        let crcs = |fields: &mut Vec<_>| fields.push(("SINCE_CRC", "7".to_owned()));
        assert_eq!(update(crcs).unwrap().since, None);
        let all = update(|fields| {
            crcs(fields);
            fields.push(("SINCE_MODSEQ", "3".into()));
        });
        assert_eq!(all.unwrap().since, Some((ModSeq(3), SyncCrcs { basic: 7, annot: 0 })));
    }

    #[test]
    fn user_flags_that_are_no_names_are_passed_over() {
        let update = update(|fields| fields.push(("USERFLAGS", "($A NIL \"b c\" \\Seen Z)".into()))).unwrap();
        let names: Vec<_> = update.user_flags.iter().map(FlagName::as_str).collect();
        assert_eq!(names, ["$A", "Z"]);
    }

    #[test]
    fn the_groups_of_a_user_are_joined_by_tabs() {
        let groups =
            |text: &str| update(|fields| fields.push(("USERGROUPS", text.to_owned()))).map(|update| update.user_groups);
        let names = |names: &[&'static str]| Ok(Some(names.iter().map(|name| Bytes::from(*name)).collect()));
        assert_eq!(update(|_| ()).unwrap().user_groups, None);
        assert_eq!(groups("NIL"), Ok(None));
        assert_eq!(groups("\"\""), names(&[]));
        assert_eq!(groups("group:a"), names(&["group:a"]));
        assert_eq!(groups("\"b\ta\t\tb\t\""), names(&["a", "b"]));
        for bad in ["{3+}\r\na\0b", "{3+}\r\na\nb", &"g".repeat(501)] {
            assert_eq!(groups(bad), Err(BadField::new("USERGROUPS", Problem::NotText)), "{}", bad.escape_debug());
        }
    }

    #[test]
    fn an_access_control_list_holds_no_control_bytes_but_tabs() {
        let with_line_end = |fields: &mut Vec<(&str, String)>| fields[10].1 = "{3+}\r\na\nb".into();
        assert_eq!(update(with_line_end).unwrap_err(), BadField::new("ACL", Problem::NotText));
    }

    #[test]
    fn intermediate_folders_and_tombstones_need_only_their_names() {
        for (letters, expected) in [("i", "ei"), ("ed", "ed"), ("di", "edi")] {
            let line = format!("MAILBOX %(UNIQUEID abc MBOXNAME m HIGHESTMODSEQ 9 CREATEDMODSEQ 2 MBOXTYPE {letters})");
            let Ok(Some(Apply::MailboxEntry(entry))) = apply(&line) else { panic!("{line}") };
            assert_eq!(entry.mailbox_type.to_string(), expected);
            assert_eq!((entry.created_modseq, entry.folder_modseq), (ModSeq(2), ModSeq(9)));
        }
    }

    #[test]
    fn other_states_of_an_entry_are_not_known() {
        for letters in ["r", "z", "m", "x", "ex", "(e)"] {
            let with_type = |fields: &mut Vec<_>| fields.push(("MBOXTYPE", letters.to_owned()));
            assert_eq!(update(with_type).unwrap_err().field, "MBOXTYPE", "{letters}");
        }
        let legacy = update(|fields| fields.push(("MBOXTYPE", "el".into()))).unwrap();
        assert_eq!(legacy.mailbox_type, MailboxType::EMAIL);
    }

    #[test]
    fn no_record_is_above_the_highest_uid() {
        let records = |uid| {
            let (_, fields, _) = RECORD;
            let fields = fields.iter().map(|(name, value, _)| (*name, value.to_string()));
            let mut record = decode_record(&item(&line("R", fields)).value, &mut FlagNames::default()).unwrap();
            record.record.uid = Uid::new(uid).unwrap();
            vec![record]
        };
        let (_, needed, _) = APPLY.last().unwrap();
        let fields = needed.iter().map(|(name, value, _)| (*name, value.to_string()));
        let Item { name, value } = item(&line("MAILBOX", fields));
        let decode = |uid| Apply::decode(&name, &value, records(uid), FlagNames::default()).map(|_| ());
        assert_eq!(decode(1), Ok(()));
        assert_eq!(decode(2), Err(BadField::new("LAST_UID", Problem::TooLow)));
    }
}

mod records {
    use super::*;

    fn decode(flags: &str, annotations: &str, names: &mut FlagNames) -> Result<AnnotatedRecord, BadField> {
        let text = format!(
            "%(UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS {flags} INTERNALDATE 10 SIZE 11 GUID {GUID} ANNOTATIONS {annotations})"
        );
        decode_record(&value(&text), names)
    }

    fn of_flags(flags: &str) -> Result<Record, BadField> {
        decode(flags, "()", &mut FlagNames::default()).map(|record| record.record)
    }

    fn of_annotations(annotations: &str) -> Result<AnnotatedRecord, BadField> {
        decode("()", annotations, &mut FlagNames::default())
    }

    fn annotation(entry: &str, value: &str) -> String {
        format!("%(ENTRY {entry} USERID \"\" MODSEQ 3 VALUE {value})")
    }

    #[test]
    fn dates_before_1970_are_numbers_close_to_2_to_the_64() {
        let text = format!(
            "%(UID 7 MODSEQ 8 LAST_UPDATED 18446744073709551615 FLAGS () INTERNALDATE 18446744073709551614 SIZE 11 GUID {GUID})"
        );
        let record = decode_record(&value(&text), &mut FlagNames::default()).unwrap().record;
        assert_eq!((record.last_updated, record.internal_date), (-1, -2));
    }

    #[test]
    fn system_flags_in_either_case_and_unknown_ones_passed_over() {
        let record = of_flags("(\\Seen \\ANSWERED \\flagged \\Deleted \\Draft \\Recent \\Unheard)").unwrap();
        assert_eq!(record.system_flags, SystemFlags(SystemFlags::ALL));
        assert_eq!(record.internal_flags, InternalFlags(0));
        assert!(of_flags("(\\Expunged)").unwrap().is_expunged());
    }

    #[test]
    fn user_flags_get_their_places_in_the_order_of_first_use() {
        let mut names = FlagNames::default();
        let first = decode("($A Todo)", "()", &mut names).unwrap().record.user_flags;
        let second = decode("(todo Z)", "()", &mut names).unwrap().record.user_flags;
        assert_eq!((first, second), ([0b11, 0, 0, 0], [0b110, 0, 0, 0]));
        let names: Vec<_> = names.names().iter().map(FlagName::as_str).collect();
        assert_eq!(names, ["$A", "Todo", "Z"]);
    }

    #[test]
    fn at_most_128_user_flags_are_named() {
        let flags = |count: usize| {
            let flags: Vec<_> = (0..count).map(|number| format!("f{number}")).collect();
            format!("({})", flags.join(" "))
        };
        assert_eq!(of_flags(&flags(128)).unwrap().user_flags, [u32::MAX; 4]);
        assert_eq!(of_flags(&flags(129)), Err(BadField::new("FLAGS", Problem::Unknown)));
    }

    #[test]
    fn flags_that_are_no_names_are_refused() {
        let long = format!("({})", "a".repeat(4096));
        let bad = [
            "(NIL)",
            "(())",
            "(\"\")",
            "(\"a b\")",
            "(\u{e4})",
            "({3+}\r\na\0b)",
            "({3+}\r\na\nb)",
            "(\"a/b)\")",
            &long,
        ];
        for flags in bad {
            assert_eq!(of_flags(flags).map_err(|bad| bad.field), Err("FLAGS"), "{}", flags.escape_debug());
        }
    }

    #[test]
    fn annotations_that_are_fields_of_the_record() {
        let ours = |name: &str, value: &str| annotation(&format!("/vendor/cmu/cyrus-imapd/{name}"), value);
        let all = [ours("thrid", "00000000000000ff"), ours("savedate", "5"), ours("createdmodseq", "6")].join(" ");
        let decoded = of_annotations(&format!("({all})")).unwrap();
        let Record { cid, save_date, created_modseq, .. } = decoded.record;
        assert_eq!((cid, save_date, created_modseq), (255, 5, ModSeq(6)));
        assert_eq!(decoded.annotations(), []);
        for name in ["thrid", "savedate", "createdmodseq"] {
            for bad in ["\"\"", "x!", "-1", "99999999999999999999999999"] {
                let Record { cid, save_date, created_modseq, .. } =
                    of_annotations(&format!("({})", ours(name, bad))).unwrap().record;
                assert_eq!((cid, save_date, created_modseq), (0, 0, ModSeq(0)), "{name} {bad}");
            }
        }
    }

    #[test]
    fn annotations_are_sorted_and_those_without_a_value_left_out() {
        let list = [annotation("/b", "2"), annotation("/a", "1"), annotation("/c", "\"\""), annotation("/b", "3")];
        let decoded = of_annotations(&format!("({})", list.join(" "))).unwrap();
        let kept: Vec<_> = decoded.annotations().iter().map(|one| (&one.entry[..], &one.value[..])).collect();
        assert_eq!(kept, [(&b"/a"[..], &b"1"[..]), (b"/b", b"2")]);
    }

    #[test]
    fn masters_before_3_2_send_neither_user_nor_modseq() {
        let decoded = of_annotations("(%(ENTRY /comment VALUE x))").unwrap();
        let expected = Annotation { entry: "/comment".into(), user: "".into(), value: "x".into(), modseq: ModSeq(0) };
        assert_eq!(decoded.annotations(), [expected]);
    }

    #[test]
    fn bad_annotations_are_refused() {
        let long = annotation(&"a".repeat(1025), "x");
        for (annotations, field) in [
            ("(NIL)", "ANNOTATIONS"),
            ("(a)", "ANNOTATIONS"),
            ("(())", "ANNOTATIONS"),
            ("(%(VALUE x))", "ENTRY"),
            ("(%(ENTRY NIL VALUE x))", "ENTRY"),
            ("(%(ENTRY \"\" VALUE x))", "ENTRY"),
            ("(%(ENTRY {3+}\r\na\0b VALUE x))", "ENTRY"),
            ("(%(ENTRY (a) VALUE x))", "ENTRY"),
            ("(%(ENTRY /a))", "VALUE"),
            ("(%(ENTRY /a VALUE NIL))", "VALUE"),
            ("(%(ENTRY /a VALUE ()))", "VALUE"),
            ("(%(ENTRY /a USERID (u) VALUE x))", "USERID"),
            ("(%(ENTRY /a USERID {3+}\r\na\0b VALUE x))", "USERID"),
            ("(%(ENTRY /a MODSEQ x VALUE x))", "MODSEQ"),
            ("(%(ENTRY /a MODSEQ NIL VALUE x))", "MODSEQ"),
            (&format!("({long})"), "ENTRY"),
        ] {
            let outcome = of_annotations(annotations).map(|_| ()).map_err(|bad| bad.field);
            assert_eq!(outcome, Err(field), "{}", annotations.escape_debug());
        }
    }
}

#[test]
fn problems_read_as_sentences() {
    let text = |field, problem| BadField { field, problem }.to_string();
    assert_eq!(text("UID", Problem::Missing), "UID is missing");
    assert_eq!(text("UID", Problem::NotANumber), "UID is not a number in range");
    assert_eq!(text("UID", Problem::NotAscending), "UID does not ascend");
    let too_long = InvalidName::TooLong { length: 511, limit: 510 };
    assert_eq!(text("MBOXNAME", Problem::NotAName(too_long)), "MBOXNAME has 511 bytes, more than 510");
    assert_eq!(text("MBOXNAME", Problem::NotAName(InvalidName::Character { byte: 0 })), "MBOXNAME holds the byte 0x00");
}

mod replies {
    use super::*;

    fn printed(print: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::new(LiteralForm::Plain);
        print(&mut writer);
        String::from_utf8(writer.take().to_vec()).unwrap()
    }

    fn state() -> MailboxState {
        MailboxState {
            name: mailbox("user.u1"),
            uniqueid: uniqueid("z03vbx4vbu4mamzavst3d9me"),
            mailbox_type: MailboxType::EMAIL,
            partition: partition("default"),
            quota_root: None,
            header: SyncedHeader {
                acl: "u1\tlrs\t".into(),
                options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL | MailboxOptions::SHARED_SEEN),
                uidvalidity: 13,
                last_uid: 5,
                highest_modseq: ModSeq(10),
                created_modseq: ModSeq(0),
                folder_modseq: ModSeq(0),
                recent_uid: 4,
                recent_time: 1,
                last_append_date: 2,
                pop3_last_login: 3,
                pop3_show_after: 0,
            },
            crcs: SyncCrcs::EMPTY,
            user_flags: Vec::new(),
            annotations: Vec::new(),
            index_version: 19,
            racl_modseq: ModSeq(0),
            user_groups: Vec::new(),
        }
    }

    const BARE: &str = "UNIQUEID z03vbx4vbu4mamzavst3d9me MBOXNAME user.u1 SYNC_CRC 0 SYNC_CRC_ANNOT 12345678 LAST_UID 5 \
        HIGHESTMODSEQ 10 RECENTUID 4 RECENTTIME 1 LAST_APPENDDATE 2 POP3_LAST_LOGIN 3 POP3_SHOW_AFTER 0 UIDVALIDITY 13 \
        PARTITION default ACL \"u1\tlrs\t\" OPTIONS PS";

    #[test]
    fn a_mailbox_names_its_user_flags_since_3_12() {
        for (release, user_flags) in [
            (Release::V3_6, ""),
            (Release::V3_8, ""),
            (Release::V3_10, ""),
            (Release::V3_12, " USERFLAGS ()"),
            (Release::V3_13, " USERFLAGS ()"),
        ] {
            let printed = printed(|out| reply::mailbox(out, &state(), release));
            assert_eq!(printed, format!("* MAILBOX %({BARE}{user_flags})\r\n"), "{release:?}");
        }
    }

    #[test]
    fn a_mailbox_with_everything() {
        let mut state = state();
        state.mailbox_type = MailboxType::from_letters(b"cl").unwrap();
        state.racl_modseq = ModSeq(21);
        state.quota_root = Some(mailbox("user.u1"));
        (state.header.created_modseq, state.header.folder_modseq) = (ModSeq(22), ModSeq(23));
        let (entry, value) = ("/comment".into(), "a \"b\"".into());
        state.annotations = vec![Annotation { entry, user: "".into(), value, modseq: ModSeq(24) }];
        let flag = |name: &[u8]| Some(FlagName::parse(name).unwrap());
        state.user_flags = vec![flag(b"$A"), None, flag(b"NIL")];
        state.header.acl = "".into();
        state.header.pop3_last_login = -1;
        let expected = "* MAILBOX %(UNIQUEID z03vbx4vbu4mamzavst3d9me MBOXNAME user.u1 MBOXTYPE c SYNC_CRC 0 \
            SYNC_CRC_ANNOT 12345678 LAST_UID 5 HIGHESTMODSEQ 10 RECENTUID 4 RECENTTIME 1 LAST_APPENDDATE 2 \
            POP3_LAST_LOGIN 18446744073709551615 POP3_SHOW_AFTER 0 RACLMODSEQ 21 UIDVALIDITY 13 PARTITION default ACL \"\" \
            OPTIONS PS QUOTAROOT user.u1 CREATEDMODSEQ 22 FOLDERMODSEQ 23 \
            ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 24 VALUE {5}\r\na \"b\")) USERFLAGS ($A NIL))\r\n";
        assert_eq!(printed(|out| reply::mailbox(out, &state, Release::V3_12)), expected);
    }

    fn record() -> AnnotatedRecord {
        let record = Record {
            uid: Uid::new(7).unwrap(),
            modseq: ModSeq(8),
            last_updated: 9,
            internal_date: 10,
            save_date: 0,
            created_modseq: ModSeq(0),
            cid: 0,
            size: 11,
            guid: guid(),
            system_flags: SystemFlags(0),
            internal_flags: InternalFlags(0),
            user_flags: UserFlags::default(),
        };
        AnnotatedRecord::new(record, Vec::new())
    }

    #[test]
    fn a_mailbox_with_records() {
        let (state, record) = (state(), record());
        let printed = printed(|out| {
            reply::begin_records(out, &state, Release::V3_6);
            reply::record(out, &record, &state);
            reply::record(out, &record, &state);
            reply::end_records(out);
        });
        let one = format!("%(UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS () INTERNALDATE 10 SIZE 11 GUID {GUID})");
        assert_eq!(printed, format!("* MAILBOX %({BARE} RECORD ({one} {one}))\r\n"));
    }

    #[test]
    fn flags_come_in_the_order_of_the_reference() {
        let (mut state, mut record) = (state(), record());
        state.user_flags = vec![FlagName::parse(b"$A").ok(), FlagName::parse(b"Foo").ok()];
        record.record.system_flags = SystemFlags(SystemFlags::ALL);
        record.record.internal_flags = InternalFlags(InternalFlags::EXPUNGED | InternalFlags::UNLINKED);
        // A bit without a name is no flag.
        record.record.user_flags = [0b111, 0, 0, 1 << 31];
        let flags = "FLAGS (\\Deleted \\Answered \\Flagged \\Draft \\Expunged \\Seen $A Foo)";
        let printed = printed(|out| reply::record(out, &record, &state));
        assert_eq!(printed, format!("%(UID 7 MODSEQ 8 LAST_UPDATED 9 {flags} INTERNALDATE 10 SIZE 11 GUID {GUID})"));
    }

    #[test]
    fn what_counts_as_an_annotation_depends_on_the_index_version() {
        let (mut state, mut record) = (state(), record());
        (record.record.cid, record.record.save_date, record.record.created_modseq) = (255, 5, ModSeq(6));
        let field = |name: &str, value: &str| {
            format!("%(ENTRY /vendor/cmu/cyrus-imapd/{name} USERID \"\" MODSEQ 0 VALUE {value})")
        };
        let (thrid, saved, created) =
            (field("thrid", "00000000000000ff"), field("savedate", "5"), field("createdmodseq", "6"));
        let own = "%(ENTRY /comment USERID u1 MODSEQ 3 VALUE {3}\r\na\0b)".to_owned();
        let (entry, user, value) = ("/comment".into(), "u1".into(), "a\0b".into());
        let annotations = vec![Annotation { entry, user, value, modseq: ModSeq(3) }];
        let annotated = AnnotatedRecord::new(record.record.clone(), annotations);
        for (version, annotated, expected) in [
            (12, &record, Vec::new()),
            (13, &record, vec![&thrid]),
            (15, &record, vec![&thrid, &saved]),
            (19, &record, vec![&thrid, &saved, &created]),
            (12, &annotated, vec![&own]),
            (19, &annotated, vec![&own, &thrid, &saved, &created]),
        ] {
            state.index_version = version;
            let texts: Vec<&str> = expected.into_iter().map(String::as_str).collect();
            let list = if texts.is_empty() { String::new() } else { format!(" ANNOTATIONS ({})", texts.join(" ")) };
            let printed = printed(|out| reply::record(out, annotated, &state));
            let head = "UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS () INTERNALDATE 10 SIZE 11 GUID";
            assert_eq!(printed, format!("%({head} {GUID}{list})"), "version {version}");
        }
    }

    #[test]
    fn an_intermediate_folder_has_zeros_for_old_clients() {
        let mut entry = ListedEntry {
            name: mailbox("user.u1.a"),
            uniqueid: None,
            mailbox_type: MailboxType::from_letters(b"i").unwrap(),
            partition: None,
            acl: None,
            uidvalidity: 0,
            created_modseq: ModSeq(2),
            folder_modseq: ModSeq(3),
        };
        let zeros = "SYNC_CRC 0 LAST_UID 0 HIGHESTMODSEQ 0 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 \
            POP3_SHOW_AFTER 0";
        let expected = format!(
            "* MAILBOX %(UNIQUEID NIL MBOXNAME user.u1.a MBOXTYPE ei {zeros} UIDVALIDITY 0 PARTITION NIL ACL \"\" OPTIONS \"\" \
            CREATEDMODSEQ 2 FOLDERMODSEQ 3)\r\n"
        );
        assert_eq!(printed(|out| reply::intermediate(out, &entry)), expected);
        (entry.uniqueid, entry.partition) = (Some(uniqueid("abc")), Some(partition("p")));
        (entry.acl, entry.uidvalidity) = (Some("a\tb\t".into()), 4);
        let expected = format!(
            "* MAILBOX %(UNIQUEID abc MBOXNAME user.u1.a MBOXTYPE ei {zeros} UIDVALIDITY 4 PARTITION p ACL \"a\tb\t\" \
            OPTIONS \"\" CREATEDMODSEQ 2 FOLDERMODSEQ 3)\r\n"
        );
        assert_eq!(printed(|out| reply::intermediate(out, &entry)), expected);
    }

    #[test]
    fn quota_limits_are_named_as_the_release_names_them() {
        let limits = QuotaLimits { storage: Some(1), message: Some(2), annotation_storage: Some(3), mailbox: Some(4) };
        let quota = Quota { limits, modseq: ModSeq(8) };
        let printed = |quota: &Quota, release| printed(|out| reply::quota(out, &mailbox("user.u1"), quota, release));
        let old =
            "* QUOTA %(ROOT user.u1 LIMIT 1 STORAGE 1 MESSAGE 2 X-ANNOTATION-STORAGE 3 X-NUM-FOLDERS 4 MODSEQ 8)\r\n";
        let new = "* QUOTA %(ROOT user.u1 LIMIT 1 STORAGE 1 MESSAGE 2 ANNOTATION-STORAGE 3 X-ANNOTATION-STORAGE 3 MAILBOX 4 \
            X-NUM-FOLDERS 4 MODSEQ 8)\r\n";
        let unlimited = "* QUOTA %(ROOT user.u1 LIMIT 4294967295 MODSEQ 0)\r\n";
        for (release, expected) in [
            (Release::V3_6, old),
            (Release::V3_8, old),
            (Release::V3_10, new),
            (Release::V3_12, new),
            (Release::V3_13, new),
        ] {
            assert_eq!(printed(&quota, release), expected, "{release:?}");
            assert_eq!(printed(&Quota::default(), release), unlimited, "{release:?}");
        }
    }

    #[test]
    fn a_users_state() {
        let seen = Seen { last_read: 1, last_uid: 2, last_change: 3, uids: "".into() };
        let mut entry = SeenEntry { uniqueid: uniqueid("abc"), seen };
        let head = "* SEEN %(UNIQUEID abc LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS";
        assert_eq!(printed(|out| reply::seen(out, &entry)), format!("{head} \"\")\r\n"));
        entry.seen.uids = "1:3,5".into();
        assert_eq!(printed(|out| reply::seen(out, &entry)), format!("{head} 1:3,5)\r\n"));
        let names = [mailbox("user.u1"), mailbox("user.u1.a b")];
        assert_eq!(printed(|out| reply::subscriptions(out, &names)), "* LSUB (user.u1 \"user.u1.a b\")\r\n");
        assert_eq!(printed(|out| reply::subscriptions(out, &[])), "");
    }

    #[test]
    fn annotations() {
        let one = Annotation { entry: "/a".into(), user: "u1".into(), value: "".into(), modseq: ModSeq(9) };
        let name = mailbox("m");
        let expected = "* ANNOTATION %(MBOXNAME m ENTRY /a USERID u1 VALUE \"\")\r\n";
        assert_eq!(printed(|out| reply::annotation(out, Some(&name), &one)), expected);
        let one = Annotation { value: "v".into(), ..one };
        let expected = "* ANNOTATION %(MBOXNAME \"\" ENTRY /a USERID u1 VALUE v)\r\n";
        assert_eq!(printed(|out| reply::annotation(out, None, &one)), expected);
    }

    #[test]
    fn answers_to_reserve_capabilities_and_fetch() {
        assert_eq!(printed(|out| reply::missing(out, &[guid(), guid()])), format!("* MISSING ({GUID} {GUID})\r\n"));
        assert_eq!(printed(|out| reply::missing(out, &[])), "");
        assert_eq!(printed(|out| reply::enabled(out, &[])), "* ENABLED ()\r\n");
        assert_eq!(printed(|out| reply::enabled(out, &["A".into(), "B".into()])), "* ENABLED (A B)\r\n");
        let file = FileRef { partition: "default".into(), guid: guid(), size: 5 };
        let head = printed(|out| reply::begin_message(out, &file));
        assert_eq!(head, format!("* MESSAGE %{{default {GUID} 5}}\r\n"));
        assert_eq!(printed(reply::no_message), "* MESSAGE NIL\r\n");
    }
}

/// Found by fuzzing: memory kept what the spool could not.
#[test]
fn an_annotation_is_everybodys_or_of_somebody_who_can_be_a_user() {
    let of = |user: &str| apply(&format!("ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID {user} VALUE x)"));
    assert!(of("\"\"").is_ok());
    assert!(of("jane.doe@example.com").is_ok());
    for user in ["j\u{e4}ne", "a/b", "..", "\"a*\""] {
        assert!(matches!(of(user), Err(BadField { field: "USERID", .. })), "{user}");
    }
}
