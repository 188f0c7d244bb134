//! NIL, nothing, a list and too much in the place of each field of every command but `APPLY MAILBOX`.

use crate::{
    common::messages::{Fields, guid, record, records},
    replica::{ONE, u1},
    row::{Bad, bad, bad_parameters},
};

/// What a field holds, and so what is said of something else in its place.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number32,
    Number64,
    List,
    Guid,
}
use Kind::{Guid, List, Number32, Number64, Text};

/// A field that must be there, or need not.
struct Field(&'static str, String, Kind, bool);

fn field(name: &'static str, value: impl ToString, kind: Kind) -> Field {
    Field(name, value.to_string(), kind, true)
}

fn optional(name: &'static str, value: impl ToString, kind: Kind) -> Field {
    Field(name, value.to_string(), kind, false)
}

fn commands() -> Vec<(&'static str, Vec<Field>)> {
    let user = || field("USERID", "u1", Text);
    let mailbox = || field("MBOXNAME", "user.u1", Text);
    let uniqueid = || field("UNIQUEID", "u1u1u1", Text);
    let partition = || field("PARTITION", "default", Text);
    let script = |suffix| field("FILENAME", format!("a.{suffix}"), Text);
    let entry = || [mailbox(), field("ENTRY", "/comment", Text), field("USERID", "\"\"", Text)];
    let number = |name| optional(name, 1, Number32);
    vec![
        ("APPLY RESERVE", vec![partition(), field("MBOXNAME", "(user.u1)", List), field("GUID", "()", List)]),
        ("APPLY EXPUNGE", vec![mailbox(), uniqueid(), field("UID", "(1)", List)]),
        (
            "APPLY RENAME",
            vec![
                field("OLDMBOXNAME", "user.u1", Text),
                field("NEWMBOXNAME", "user.u3", Text),
                partition(),
                number("UIDVALIDITY"),
            ],
        ),
        ("APPLY SUB", vec![user(), mailbox()]),
        ("APPLY UNSUB", vec![user(), mailbox()]),
        (
            "APPLY SEEN",
            vec![
                user(),
                uniqueid(),
                field("LASTREAD", 1, Number64),
                field("LASTUID", 1, Number32),
                field("LASTCHANGE", 1, Number64),
                field("SEENUIDS", 1, Text),
            ],
        ),
        (
            "APPLY QUOTA",
            vec![
                field("ROOT", "user.u1", Text),
                number("LIMIT"),
                number("MESSAGE"),
                number("X-NUM-FOLDERS"),
                number("ANNOTATION-STORAGE"),
                optional("MODSEQ", 1, Number64),
            ],
        ),
        ("APPLY ANNOTATION", entry().into_iter().chain([field("VALUE", "y", Text)]).collect()),
        ("APPLY UNANNOTATION", entry().into()),
        ("APPLY SIEVE", vec![user(), script("script"), field("LAST_UPDATE", 1, Number64), field("CONTENT", "x", Text)]),
        ("APPLY UNSIEVE", vec![user(), script("script")]),
        ("APPLY ACTIVATE_SIEVE", vec![user(), script("bc")]),
        ("APPLY UNACTIVATE_SIEVE", vec![user()]),
        ("GET FETCH_SIEVE", vec![user(), script("script")]),
        (
            "GET FETCH",
            vec![mailbox(), partition(), uniqueid(), field("GUID", guid(ONE), Guid), field("UID", 1, Number32)],
        ),
        (
            "RESTORE MAILBOX",
            vec![
                mailbox(),
                field("RECORD", "()", List),
                optional("PARTITION", "default", Text),
                optional("ACL", "\"\"", Text),
                optional("UNIQUEID", "abc", Text),
                number("UIDVALIDITY"),
                optional("HIGHESTMODSEQ", 1, Number64),
                optional("CREATEDMODSEQ", 1, Number64),
                optional("FOLDERMODSEQ", 1, Number64),
                optional("ANNOTATIONS", "()", List),
            ],
        ),
    ]
}

impl Kind {
    /// What is said of NIL, and of a list of something.
    fn problems(self) -> (&'static str, Option<&'static str>) {
        match self {
            Text => ("is missing", Some("is not text")),
            Number32 | Number64 => ("is not a number in range", Some("is not a number in range")),
            Guid => ("is not 40 hexadecimal digits", Some("is not 40 hexadecimal digits")),
            List => ("is not a list", None),
        }
    }

    /// Numbers of this kind that are none.
    fn overflows(self) -> &'static [&'static str] {
        match self {
            Number32 => &["4294967296", "-1", "99999999999999999999999999999999", "1x", "\"\""],
            Number64 => &["18446744073709551616", "-1", "99999999999999999999999999999999", "1x", "\"\""],
            Text | List | Guid => &[],
        }
    }
}

/// The values to put in the place of a field; without one the field is left out.
fn values(Field(_, _, kind, required): &Field) -> Vec<(Option<&'static str>, &'static str)> {
    let (nil, list) = kind.problems();
    let mut values = vec![(Some("NIL"), nil)];
    values.extend(list.map(|why| (Some("(a)"), why)));
    values.extend(kind.overflows().iter().map(|number| (Some(*number), "is not a number in range")));
    if *kind == List {
        values.extend([(Some("a"), "is not a list"), (Some("%(a b)"), "is not a list")]);
    }
    values.extend(required.then_some((None, "is missing")));
    values
}

pub fn bad_commands() -> Vec<Bad> {
    let mut rows = Vec::new();
    for (command, fields) in commands() {
        let word = command.split(' ').next().unwrap();
        let whole = fields.iter().fold(Fields::new(&[]), |whole, Field(name, value, ..)| whole.with(name, value));
        for field in &fields {
            for (value, why) in values(field) {
                let line = match value {
                    Some(value) => whole.clone().with(field.0, value),
                    None => whole.clone().without(field.0),
                };
                let server = bad_parameters(word, format!("{} {why}", field.0));
                rows.push(bad(format!("{command} with {} {value:?}", field.0), format!("{command} {line}"), server));
            }
        }
        let item = command.split(' ').nth(1).unwrap();
        for value in ["NIL", "a", "()", "(a)"] {
            let server = bad_parameters(word, format!("{item} is not a list of names and values"));
            rows.push(bad(format!("{command} {value}"), format!("{command} {value}"), server));
        }
    }
    rows.extend(values_alone());
    rows.extend(elements());
    rows
}

/// Commands whose value is not made of fields.
fn values_alone() -> Vec<Bad> {
    let mut rows = Vec::new();
    for (command, item) in [
        ("APPLY", "UNQUOTA"),
        ("GET", "USER"),
        ("GET", "META"),
        ("GET", "FULLMAILBOX"),
        ("GET", "QUOTA"),
        ("GET", "ANNOTATION"),
    ] {
        for (value, why) in [("NIL", "is missing"), ("(a)", "is not text"), ("%(a b)", "is not text")] {
            let line = format!("{command} {item} {value}");
            rows.push(bad(&line, &line, bad_parameters(command, format!("{item} {why}"))));
        }
    }
    for (command, item) in [("GET", "MAILBOXES"), ("GET", "UNIQUEIDS"), ("APPLY", "CAPABILITIES"), ("APPLY", "MESSAGE")]
    {
        for value in ["NIL", "a", "%(a b)"] {
            let line = format!("{command} {item} {value}");
            rows.push(bad(&line, &line, bad_parameters(command, format!("{item} is not a list"))));
        }
    }
    // A name, or fields.
    for (value, why) in [
        ("NIL", "UNMAILBOX is missing"),
        ("(a)", "UNMAILBOX is not text"),
        ("%(UNIQUEID u1u1u1)", "MBOXNAME is missing"),
        ("%(MBOXNAME NIL UNIQUEID u1u1u1)", "MBOXNAME is missing"),
        ("%(MBOXNAME user.u1 UNIQUEID NIL)", "UNIQUEID is missing"),
        ("%(MBOXNAME user.u1 UNIQUEID ../x)", "UNIQUEID holds the byte 0x2e"),
        ("%(MBOXNAME user.u1 UNIQUEID u1u1u1 UIDVALIDITY NIL)", "UIDVALIDITY is not a number in range"),
        ("%(MBOXNAME user.u1 UNIQUEID u1u1u1 UIDVALIDITY 4294967296)", "UIDVALIDITY is not a number in range"),
    ] {
        rows.push(bad(format!("UNMAILBOX {value}"), format!("APPLY UNMAILBOX {value}"), bad_parameters("APPLY", why)));
    }
    rows.push(bad("UNUSER NIL", "APPLY UNUSER NIL", "OK success\r\n"));
    rows.push(bad("UNUSER (a)", "APPLY UNUSER (a)", bad_parameters("APPLY", "UNUSER is not text")));
    rows
}

/// What a list holds that it should not.
fn elements() -> Vec<Bad> {
    let reserve = |mailboxes: &str, guids: &str| {
        format!("APPLY RESERVE %(PARTITION default MBOXNAME ({mailboxes}) GUID ({guids}))")
    };
    let expunge = |uids: &str| format!("APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID u1u1u1 UID ({uids}))");
    let annotations = |value: &str| {
        let list = records(&[record(1, ONE).with("ANNOTATIONS", value)]);
        format!("APPLY MAILBOX {}", u1().with("RECORD", list))
    };
    let (not_a_guid, not_a_number) = ("GUID is not 40 hexadecimal digits", "UID is not a number in range");
    let rows = [
        (reserve("NIL", ""), "MBOXNAME is missing"),
        (reserve("(a)", ""), "MBOXNAME is not text"),
        (reserve("", "NIL"), not_a_guid),
        (reserve("", "abc"), not_a_guid),
        (reserve("", &"g".repeat(40)), not_a_guid),
        (expunge("1 NIL"), not_a_number),
        (expunge("1 0"), not_a_number),
        (expunge("1 4294967296"), not_a_number),
        (expunge("1 (2)"), not_a_number),
        (annotations("NIL"), "ANNOTATIONS is not a list"),
        (annotations("(NIL)"), "ANNOTATIONS is not a list of names and values"),
        (annotations("(%(USERID \"\" MODSEQ 1 VALUE x))"), "ENTRY is missing"),
        (annotations("(%(ENTRY NIL USERID \"\" MODSEQ 1 VALUE x))"), "ENTRY is missing"),
        (annotations("(%(ENTRY /comment USERID \"\" MODSEQ NIL VALUE x))"), "MODSEQ is not a number in range"),
        (
            annotations("(%(ENTRY /comment USERID \"\" MODSEQ 18446744073709551616 VALUE x))"),
            "MODSEQ is not a number in range",
        ),
        (annotations("(%(ENTRY /comment USERID \"\" MODSEQ 1 VALUE NIL))"), "VALUE is missing"),
        (annotations("(%(ENTRY /comment USERID \"\" MODSEQ 1))"), "VALUE is missing"),
    ];
    let get = |item| {
        bad(format!("{item} (NIL)"), format!("GET {item} (NIL)"), bad_parameters("GET", format!("{item} is not text")))
    };
    let rows =
        rows.into_iter().map(|(line, why)| bad(format!("{line:.70}…: {why}"), line, bad_parameters("APPLY", why)));
    rows.chain(["MAILBOXES", "UNIQUEIDS"].map(get)).collect()
}
