//! Names with path separators, parts of dots, control bytes or excessive length, wherever a name stands.

use crate::{
    common::messages::{guid, record, records},
    replica::{NEW, ONE, u1},
    row::{Bad, bad, bad_parameters},
};

/// What a name is like, the name as it is sent, and what is said of it.
type Form = (&'static str, String, &'static str);

fn form(what: &'static str, name: &str, why: &'static str) -> Form {
    (what, name.to_owned(), why)
}

/// Each line with each of the names in the place of `<name>`, and the field that the reply names.
fn rows(lines: &[(String, &str)], forms: &[Form]) -> Vec<Bad> {
    let mut rows = Vec::new();
    for (line, field) in lines {
        for (what, name, why) in forms {
            let command = line.split(' ').next().unwrap();
            let server = bad_parameters(command, format!("{field} {why}"));
            rows.push(bad(format!("{line:.60} with {what}"), line.replace("<name>", name), server));
        }
    }
    rows
}

fn lines(lines: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    lines.iter().map(|(line, field)| ((*line).to_owned(), *field)).collect()
}

fn u1_with(field: &'static str) -> (String, &'static str) {
    (format!("APPLY MAILBOX {}", u1().with(field, "<name>")), field)
}

pub fn bad_names() -> Vec<Bad> {
    [mailboxes(), left_out(), uniqueids(), partitions(), users(), scripts(), flags(), annotations()]
        .into_iter()
        .flatten()
        .collect()
}

fn mailbox_forms() -> [Form; 10] {
    [
        form("a separator", "../../etc/passwd", "holds the byte 0x2f"),
        form("dots only", "...", "has an empty part"),
        form("an empty part", "user..u1", "has an empty part"),
        form("two domains", "a!b!user.u1", "has an empty part"),
        form("a NUL", "{7+}\r\nuser.\0u", "holds the byte 0x00"),
        form("a line end", "{8+}\r\nuser.\r\nu", "holds the byte 0x0d"),
        form("an escape", "\"user.\x1b[2J\"", "holds the byte 0x1b"),
        form("8-bit text", "user.\u{e4}", "holds the byte 0xc3"),
        form("nothing", "\"\"", "is empty"),
        ("511 bytes", "a".repeat(511), "has 511 bytes, more than 510"),
    ]
}

fn mailboxes() -> Vec<Bad> {
    let mut all = lines(&[
        ("APPLY UNMAILBOX <name>", "UNMAILBOX"),
        ("APPLY UNQUOTA <name>", "UNQUOTA"),
        ("APPLY QUOTA %(ROOT <name> LIMIT 1 MODSEQ 1)", "ROOT"),
        ("APPLY SUB %(USERID u1 MBOXNAME <name>)", "MBOXNAME"),
        ("APPLY UNSUB %(USERID u1 MBOXNAME <name>)", "MBOXNAME"),
        ("APPLY RENAME %(OLDMBOXNAME <name> NEWMBOXNAME user.u3 PARTITION default)", "OLDMBOXNAME"),
        ("APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME <name> PARTITION default)", "NEWMBOXNAME"),
        ("APPLY RESERVE %(PARTITION default MBOXNAME (<name>) GUID ())", "MBOXNAME"),
        ("APPLY EXPUNGE %(MBOXNAME <name> UNIQUEID u1u1u1 UID (1))", "MBOXNAME"),
        ("RESTORE MAILBOX %(MBOXNAME <name> RECORD ())", "MBOXNAME"),
        ("GET FULLMAILBOX <name>", "FULLMAILBOX"),
        ("GET QUOTA <name>", "QUOTA"),
    ]);
    all.push(u1_with("MBOXNAME"));
    // An intermediate folder is told from a mailbox behind its name.
    all.push(("APPLY MAILBOX %(UNIQUEID abc MBOXNAME <name> HIGHESTMODSEQ 1 MBOXTYPE i)".to_owned(), "MBOXNAME"));
    let mut rows = rows(&all, &mailbox_forms());
    // An empty name is the server's own annotations.
    let named: Vec<Form> = mailbox_forms().into_iter().filter(|(what, ..)| *what != "nothing").collect();
    rows.extend(self::rows(
        &lines(&[
            ("APPLY ANNOTATION %(MBOXNAME <name> ENTRY /comment USERID \"\" VALUE x)", "MBOXNAME"),
            ("APPLY UNANNOTATION %(MBOXNAME <name> ENTRY /comment USERID \"\")", "MBOXNAME"),
            ("GET ANNOTATION <name>", "ANNOTATION"),
        ]),
        &named,
    ));
    rows
}

/// In a list of mailboxes to read, one that cannot be is as one that is not there.
fn left_out() -> Vec<Bad> {
    let asked = |(what, name, _): Form| {
        ["MAILBOXES", "UNIQUEIDS"]
            .map(|item| bad(format!("{item} with {what}"), format!("GET {item} ({name})"), "OK success\r\n"))
    };
    mailbox_forms().into_iter().flat_map(asked).collect()
}

fn uniqueids() -> Vec<Bad> {
    let fetch = format!("GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID <name> GUID {} UID 1)", guid(ONE));
    let mut all = lines(&[
        ("APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID <name> UID (1))", "UNIQUEID"),
        ("APPLY SEEN %(USERID u1 UNIQUEID <name> LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS 1)", "UNIQUEID"),
        ("APPLY MAILBOX %(UNIQUEID <name> MBOXNAME user.u3 HIGHESTMODSEQ 1 MBOXTYPE d)", "UNIQUEID"),
        ("RESTORE MAILBOX %(MBOXNAME user.u3 UNIQUEID <name> RECORD ())", "UNIQUEID"),
    ]);
    all.extend([u1_with("UNIQUEID"), (fetch, "UNIQUEID")]);
    rows(
        &all,
        &[
            form("a separator", "a/../b", "holds the byte 0x2f"),
            form("dots only", "..", "holds the byte 0x2e"),
            form("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
            form("nothing", "\"\"", "is empty"),
            form("one letter", "a", "has an empty part"),
            ("65 bytes", "a".repeat(65), "has 65 bytes, more than 64"),
        ],
    )
}

fn partitions() -> Vec<Bad> {
    let fetch = format!("GET FETCH %(MBOXNAME user.u1 PARTITION <name> UNIQUEID u1u1u1 GUID {} UID 1)", guid(ONE));
    let reserve = format!("APPLY RESERVE %(PARTITION <name> MBOXNAME (user.u1) GUID ({}))", guid(NEW));
    let mut all = lines(&[
        ("APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u1 PARTITION <name>)", "PARTITION"),
        ("RESTORE MAILBOX %(MBOXNAME user.u3 PARTITION <name> RECORD ())", "PARTITION"),
    ]);
    all.extend([u1_with("PARTITION"), (fetch, "PARTITION"), (reserve, "PARTITION")]);
    rows(
        &all,
        &[
            form("a separator", "a/../b", "holds the byte 0x2f"),
            form("dots only", "..", "holds the byte 0x2e"),
            form("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
            form("nothing", "\"\"", "is empty"),
            ("65 bytes", "a".repeat(65), "has 65 bytes, more than 64"),
        ],
    )
}

fn users() -> Vec<Bad> {
    let forms = [
        form("a separator", "../../u1", "holds the byte 0x2f"),
        form("dots only", "..", "has an empty part"),
        form("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
        form("a wild card", "{1+}\r\n*", "holds the byte 0x2a"),
        form("two domains", "a@b@c", "has an empty part"),
        ("501 bytes", "a".repeat(501), "has 501 bytes, more than 500"),
        form("nothing", "\"\"", "is empty"),
    ];
    let all = lines(&[
        ("APPLY SUB %(USERID <name> MBOXNAME user.u1)", "USERID"),
        ("APPLY UNSUB %(USERID <name> MBOXNAME user.u1)", "USERID"),
        ("APPLY SEEN %(USERID <name> UNIQUEID u1u1u1 LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS 1)", "USERID"),
        ("APPLY SIEVE %(USERID <name> FILENAME a.script LAST_UPDATE 5 CONTENT x)", "USERID"),
        ("APPLY UNSIEVE %(USERID <name> FILENAME a.script)", "USERID"),
        ("APPLY ACTIVATE_SIEVE %(USERID <name> FILENAME a.bc)", "USERID"),
        ("APPLY UNACTIVATE_SIEVE %(USERID <name>)", "USERID"),
        ("GET FETCH_SIEVE %(USERID <name> FILENAME a.script)", "USERID"),
        ("GET USER <name>", "USER"),
        ("GET META <name>", "META"),
    ]);
    let mut rows = rows(&all, &forms);
    // Nobody is removed where nobody is named; the reference says so too.
    rows.extend(self::rows(&lines(&[("APPLY UNUSER <name>", "UNUSER")]), &forms[..6]));
    rows.push(bad("UNUSER with nothing", "APPLY UNUSER \"\"", "OK success\r\n"));
    rows
}

fn scripts() -> Vec<Bad> {
    let stored = lines(&[
        ("APPLY SIEVE %(USERID u1 FILENAME <name> LAST_UPDATE 5 CONTENT x)", "FILENAME"),
        ("APPLY UNSIEVE %(USERID u1 FILENAME <name>)", "FILENAME"),
        ("GET FETCH_SIEVE %(USERID u1 FILENAME <name>)", "FILENAME"),
    ]);
    let active = lines(&[("APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME <name>)", "FILENAME")]);
    let named = |suffix: &str| {
        [
            ("a separator", format!("../a{suffix}"), "holds the byte 0x2f"),
            ("a NUL", format!("{{{}+}}\r\na\0b{suffix}", 3 + suffix.len()), "holds the byte 0x00"),
            ("a line end", format!("{{{}+}}\r\na\nb{suffix}", 3 + suffix.len()), "holds the byte 0x0a"),
            ("half a character", format!("{{{}+}}\r\n\u{7f}{suffix}", 1 + suffix.len()), "holds the byte 0x7f"),
            ("a space at its end", format!("\"a {suffix}\""), "has an empty part"),
            ("nothing", suffix.to_owned(), "is empty"),
            ("249 bytes", "a".repeat(249) + suffix, "has 249 bytes, more than 248"),
        ]
    };
    [rows(&stored, &named(".script")), rows(&active, &named(".bc"))].into_iter().flatten().collect()
}

fn flags() -> Vec<Bad> {
    let list = records(&[record(1, ONE).with("FLAGS", "(<name>)")]);
    let update = format!("APPLY MAILBOX {}", u1().with("RECORD", list.clone()));
    let restored = format!("RESTORE MAILBOX %(MBOXNAME user.u1 RECORD {list})");
    rows(
        &[(update, "FLAGS"), (restored, "FLAGS")],
        &[
            form("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
            form("a space", "\"a b\"", "holds the byte 0x20"),
            form("a line end", "{3+}\r\na\nb", "holds the byte 0x0a"),
            form("nothing", "\"\"", "is empty"),
            form("8-bit text", "\u{e4}", "holds the byte 0xc3"),
            ("4096 bytes", "a".repeat(4096), "has 4096 bytes, more than 4095"),
        ],
    )
}

/// Entries and users of annotations become parts of keys in a database.
fn annotations() -> Vec<Bad> {
    let of_mailbox =
        |fields: &str| format!("APPLY MAILBOX {}", u1().with("ANNOTATIONS", format!("(%({fields} MODSEQ 1 VALUE x))")));
    let of_record = |fields: &str| {
        let list = records(&[record(1, ONE).with("ANNOTATIONS", format!("(%({fields} MODSEQ 1 VALUE x))"))]);
        format!("APPLY MAILBOX {}", u1().with("RECORD", list))
    };
    let alone = |fields: &str| format!("APPLY ANNOTATION %(MBOXNAME user.u1 {fields} VALUE x)");
    let all = |fields: &str, field| [(of_mailbox(fields), field), (of_record(fields), field), (alone(fields), field)];
    let entries = rows(
        &all("ENTRY <name> USERID \"\"", "ENTRY"),
        &[
            form("a NUL", "{3+}\r\na\0b", "is not text"),
            form("nothing", "\"\"", "is not text"),
            ("1025 bytes", "/".repeat(1025), "is not text"),
        ],
    );
    let users = rows(
        &all("ENTRY /comment USERID <name>", "USERID"),
        &[
            form("a separator", "../u1", "holds the byte 0x2f"),
            form("a NUL", "{3+}\r\na\0b", "holds the byte 0x00"),
            ("501 bytes", "a".repeat(501), "has 501 bytes, more than 500"),
        ],
    );
    [entries, users].into_iter().flatten().collect()
}
