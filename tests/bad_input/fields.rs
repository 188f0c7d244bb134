//! What cannot be a mailbox or a record.

use crate::{
    common::messages::{Fields, record, records},
    replica::{ONE, u1},
    row::{Bad, bad, bad_parameters},
};

/// NIL, nothing and too much in the place of each field of a mailbox and of a record.
pub fn bad_fields() -> Vec<Bad> {
    let mut rows = Vec::new();
    let optional = ["SYNC_CRC", "SYNC_CRC_ANNOT", "POP3_SHOW_AFTER", "CREATEDMODSEQ", "FOLDERMODSEQ"];
    let numbers32 = ["SYNC_CRC", "SYNC_CRC_ANNOT", "LAST_UID", "RECENTUID", "UIDVALIDITY"];
    let numbers64 = [
        "HIGHESTMODSEQ",
        "RECENTTIME",
        "LAST_APPENDDATE",
        "POP3_LAST_LOGIN",
        "POP3_SHOW_AFTER",
        "CREATEDMODSEQ",
        "FOLDERMODSEQ",
    ];
    for field in u1().names().into_iter().filter(|field| *field != "USERFLAGS") {
        let is_number = numbers32.contains(&field) || numbers64.contains(&field);
        let nil = match field {
            "RECORD" => "is not a list",
            _ if is_number => "is not a number in range",
            _ => "is missing",
        };
        let line = format!("APPLY MAILBOX {}", u1().with(field, "NIL"));
        rows.push(bad(format!("{field} NIL"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        if !optional.contains(&field) {
            let line = format!("APPLY MAILBOX {}", u1().without(field));
            rows.push(bad(format!("no {field}"), line, bad_parameters("APPLY", format!("{field} is missing"))));
        }
        let overflow = match () {
            () if numbers32.contains(&field) => "4294967296",
            () if numbers64.contains(&field) => "18446744073709551616",
            () => continue,
        };
        for number in [overflow, "-1", "99999999999999999999999999999999", "1x"] {
            let line = format!("APPLY MAILBOX {}", u1().with(field, number));
            let server = bad_parameters("APPLY", format!("{field} is not a number in range"));
            rows.push(bad(format!("{field} {number}"), line, server));
        }
    }
    rows.extend(optional_fields());
    for field in record(1, ONE).names() {
        let in_mailbox = |record: Fields| format!("APPLY MAILBOX {}", u1().with("RECORD", records(&[record])));
        let line = in_mailbox(record(1, ONE).without(field));
        rows.push(bad(
            format!("a record without {field}"),
            line,
            bad_parameters("APPLY", format!("{field} is missing")),
        ));
        let nil = match field {
            "FLAGS" => "is not a list",
            "GUID" => "is not 40 hexadecimal digits",
            _ => "is not a number in range",
        };
        let line = in_mailbox(record(1, ONE).with(field, "NIL"));
        rows.push(bad(format!("a record's {field} NIL"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        if nil == "is not a number in range" {
            let line = in_mailbox(record(1, ONE).with(field, "18446744073709551616"));
            rows.push(bad(format!("a record's {field} 2^64"), line, bad_parameters("APPLY", format!("{field} {nil}"))));
        }
    }
    let element = |element: &str| format!("APPLY MAILBOX {}", u1().with("RECORD", format!("({element})")));
    for text in ["NIL", "a", "()", "\"\"", "(UID 1)"] {
        let server = bad_parameters("APPLY", "RECORD is not a list of names and values");
        rows.push(bad(format!("a record that is {text}"), element(text), server));
    }
    let record_list = |value: &str| format!("APPLY MAILBOX {}", u1().with("RECORD", value));
    for value in ["a", "%()", "%(UID 1)"] {
        rows.push(bad(format!("RECORD {value}"), record_list(value), bad_parameters("APPLY", "RECORD is not a list")));
    }
    rows
}

/// Fields that only some masters send.
fn optional_fields() -> Vec<Bad> {
    let mut rows = Vec::new();
    let mut row = |field, value: &str, why: &str| {
        let line = format!("APPLY MAILBOX {}", u1().with(field, value));
        rows.push(bad(format!("{field} {value:.40}"), line, bad_parameters("APPLY", format!("{field} {why}"))));
    };
    for (field, overflow) in [
        ("SINCE_MODSEQ", "18446744073709551616"),
        ("SINCE_CRC", "4294967296"),
        ("SINCE_CRC_ANNOT", "4294967296"),
        ("VERSION", "4294967296"),
        ("DELETEDMODSEQ", "18446744073709551616"),
    ] {
        for value in ["NIL", "(1)", "-1", "1x", overflow] {
            row(field, value, "is not a number in range");
        }
    }
    for value in ["(a)", "{3+}\r\na\0b", &"g".repeat(501)] {
        row("USERGROUPS", value, "is not text");
    }
    row("ANNOTATIONS", "NIL", "is not a list");
    row("MBOXTYPE", "(e)", "is not text");
    rows
}
