//! The table of the protocol (`src/protocol.md`) has every command and field, and says nothing that is not so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

const TABLE: &str = include_str!("../src/protocol.md");

/// What 3.12.3 reads: `sync_apply`, `sync_get`, `sync_restore` and the functions they call, of `imap/sync_support.c`; `cmdloop`
/// and the banner of `imap/sync_server.c`. By heading of the table; behind a colon the fields of a command.
const REFERENCE: &[(&str, &str)] = &[
    (
        "The connection",
        "* OK, * SASL, * STARTTLS, * COMPRESS DEFLATE, * SIEVE-MAILBOX, * REPLICATION-ARCHIVE, AUTHENTICATE, STARTTLS, COMPRESS, NOOP, RESTART, EXIT",
    ),
    (
        "APPLY",
        "MESSAGE, RESERVE: PARTITION MBOXNAME GUID, MAILBOX, LOCAL_MAILBOX, EXPUNGE: MBOXNAME UNIQUEID UID, UNMAILBOX, \
         LOCAL_UNMAILBOX, UNUSER, LOCAL_UNUSER, RENAME: OLDMBOXNAME NEWMBOXNAME PARTITION UIDVALIDITY, LOCAL_RENAME, \
         SUB: USERID MBOXNAME, UNSUB: USERID MBOXNAME, SEEN: USERID UNIQUEID LASTREAD LASTUID LASTCHANGE SEENUIDS, \
         QUOTA: ROOT LIMIT STORAGE MESSAGE X-ANNOTATION-STORAGE ANNOTATION-STORAGE X-NUM-FOLDERS MAILBOX MODSEQ, UNQUOTA, \
         ANNOTATION: MBOXNAME ENTRY USERID VALUE, UNANNOTATION: MBOXNAME ENTRY USERID, \
         SIEVE: USERID FILENAME LAST_UPDATE CONTENT, UNSIEVE: USERID FILENAME, ACTIVATE_SIEVE: USERID FILENAME, \
         UNACTIVATE_SIEVE: USERID, CAPABILITIES, FORCE",
    ),
    (
        "Fields of APPLY MAILBOX",
        "UNIQUEID, MBOXNAME, MBOXTYPE, SYNC_CRC, SYNC_CRC_ANNOT, LAST_UID, HIGHESTMODSEQ, RECENTUID, RECENTTIME, \
         LAST_APPENDDATE, POP3_LAST_LOGIN, POP3_SHOW_AFTER, UIDVALIDITY, PARTITION, ACL, OPTIONS, QUOTAROOT, RECORD, \
         ANNOTATIONS, XCONVMODSEQ, CREATEDMODSEQ, FOLDERMODSEQ, RACLMODSEQ, SINCE_MODSEQ, SINCE_CRC, SINCE_CRC_ANNOT, \
         USERFLAGS, USERGROUPS",
    ),
    (
        "Fields of a RECORD",
        "UID, MODSEQ, LAST_UPDATED, FLAGS, INTERNALDATE, SIZE, GUID, ANNOTATIONS: ENTRY USERID MODSEQ VALUE",
    ),
    (
        "GET",
        "USER, META, MAILBOXES, UNIQUEIDS, FULLMAILBOX, QUOTA, ANNOTATION, FETCH: MBOXNAME PARTITION UNIQUEID GUID UID, \
         FETCH_SIEVE: USERID FILENAME",
    ),
    (
        "RESTORE",
        "MAILBOX, LOCAL_MAILBOX, MBOXNAME, PARTITION, ACL, OPTIONS, RECORD, ANNOTATIONS, MBOXTYPE, XCONVMODSEQ, UNIQUEID, \
         HIGHESTMODSEQ, UIDVALIDITY, CREATEDMODSEQ, FOLDERMODSEQ",
    ),
];

/// A row of the table.
struct Row {
    heading: &'static str,
    cells: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let (mut heading, mut rows) = ("", Vec::new());
    for line in TABLE.lines() {
        heading = line.strip_prefix("# ").unwrap_or(heading);
        if line.starts_with("| `") {
            let cells = line.trim_matches('|').split(" | ").map(str::trim).collect();
            rows.push(Row { heading, cells });
        }
    }
    rows
}

/// The names of a list of [`REFERENCE`]: a field has its command's before it.
fn names(list: &str) -> impl Iterator<Item = String> {
    list.split(", ").flat_map(|item| {
        let (command, fields) = item.split_once(": ").unwrap_or((item, ""));
        let fields = fields.split_whitespace().map(|field| format!("{command} {field}")).collect::<Vec<_>>();
        std::iter::once(command.to_owned()).chain(fields)
    })
}

#[test]
fn every_command_and_field_of_the_reference_has_a_row() {
    let rows = rows();
    let written: BTreeSet<(&str, &str)> =
        rows.iter().map(|row| (row.heading, row.cells[0].trim_matches('`'))).collect();
    assert_eq!(written.len(), rows.len(), "a row stands twice");
    for (heading, list) in REFERENCE {
        for name in names(list) {
            assert!(written.contains(&(heading, name.as_str())), "{heading}: {name} has no row");
        }
    }
}

#[test]
fn no_row_is_empty_and_what_it_names_is_there() {
    for Row { heading, cells } in rows() {
        let row = cells.join(" | ");
        assert!(cells.len() == 5 && cells.iter().all(|cell| !cell.is_empty()), "{heading}: {row}");
        for place in &cells[3..] {
            let (file, name) = place.split_once(": ").unwrap_or_else(|| panic!("{heading}: {row}: no `file: name`"));
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{heading}: {row}: {file}: {error}"));
            let is_there = match place == &cells[4] && !name.contains('.') {
                true => text.contains(&format!("fn {name}(")),
                false => text.contains(name),
            };
            assert!(is_there, "{heading}: {row}: {file} has no {name}");
        }
    }
}
