//! What the administrator is told.

use super::*;
use crate::event::Event;

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
    }
}

#[track_caller]
fn noted(line: &str, expected: &[&str]) {
    assert_eq!(notes_on(&[line]), expected);
}

fn notes_on(lines: &[&str]) -> Vec<String> {
    let notes = Arc::new(Notes::default());
    let mut talk = with_mail();
    talk.session = Session::new(Config { observer: notes.clone(), ..Config::trusted("r") });
    for line in lines {
        talk.say(&format!("{line}\r\n"));
    }
    std::mem::take(&mut notes.0.lock().unwrap())
}

#[test]
fn after_a_mismatch_of_checksums_the_records_and_annotations_that_differ_are_named() {
    let mismatch = mailbox("user.u1", "id-u1", 3, 11, "SYNC_CRC 1", &[]);
    let annotated = record(1, "one", "\\Seen Foo")
        .replace("GUID", "ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 4 VALUE x)) GUID");
    let all = mailbox("user.u1", "id-u1", 3, 12, "", &[annotated, record(3, "three", "$A")]);
    let notes = notes_on(&[&mismatch, &all, &all]);
    let [crc, refused, differed, annotation] = &notes[..] else { panic!("{notes:#?}") };
    assert!(crc.starts_with("Notice: SYNCNOTICE: CRC error after apply: mailbox=<user.u1> crcs_master=<1/0>"), "{crc}");
    assert!(refused.contains("IMAP_SYNC_CHECKSUM"), "{refused}");
    assert!(
        differed.starts_with("Notice: SYNCNOTICE: record differed: mailbox=<user.u1> uid=<1> master=<"),
        "{differed}"
    );
    assert!(
        differed.contains("(\\Seen Foo)") && differed.contains(" replica=<") && differed.contains(" () "),
        "{differed}"
    );
    let expected = "Notice: SYNCNOTICE: annotation differed: mailbox=<user.u1> uid=<1> entry=</comment> userid=<>";
    assert_eq!(annotation, expected);
}

#[test]
fn what_goes_well_is_not_worth_a_word() {
    noted("NOOP", &[]);
    noted(&mailbox("user.u1", "id-u1", 3, 11, "", &[record(1, "one", "")]), &[]);
}

#[test]
fn refusals_name_the_mailbox_and_the_uid() {
    noted(
        &mailbox("user.u1", "id-u1", 3, 11, "", &[record(1, "three", "")]),
        &[
            "Error: SYNCNOTICE: guid mismatch: mailbox=<user.u1> uid=<1>",
            "Error: SYNCERROR: command refused: command=<APPLY MAILBOX> about=<user.u1> error=<IMAP_SYNC_CHECKSUM Checksum Failure>",
        ],
    );
    noted(
        &mailbox("user.u1", "id-u1", 3, 9, "", &[]),
        &[
            "Error: SYNCNOTICE: higher modseq on replica: mailbox=<user.u1> master=<9> replica=<10>",
            "Error: SYNCERROR: command refused: command=<APPLY MAILBOX> about=<user.u1> error=<IMAP_SYNC_CHECKSUM Checksum Failure>",
        ],
    );
}

#[test]
fn bad_lines_are_noted_without_what_a_peer_could_forge() {
    noted("APPLY SUB (", &["Error: IOERROR: received bad command: command=<APPLY> error=<a list is not closed>"]);
    noted("NOOP\x1b[2J", &["Error: IOERROR: received bad command: command=<NOOP\\x1b[2J>"]);
    noted("APPLY {9+}\r\nX\r\nFORGED %()", &["Error: SYNCERROR: unknown command: command=<X\\r\\nFORGED>"]);
}
