//! Each field missing, NIL or wrong.

use super::*;

/// What a field holds, and so what it must not hold.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
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
pub(super) type Table =
    (&'static str, &'static [(&'static str, &'static str, Kind)], &'static [(&'static str, &'static str, Kind)]);

pub(super) const APPLY: &[Table] = &[
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

pub(super) const RECORD: Table = (
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

pub(super) fn line(command: &str, fields: impl Iterator<Item = (&'static str, String)>) -> String {
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
