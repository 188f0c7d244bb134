//! What a host may do with a session, and what it must not.

use super::*;

/// The first operation of a session that was told this.
fn asked(line: &'static str) -> (Session, Op) {
    let mut session = Session::new(Config::trusted("r"));
    session.receive(Bytes::from_static(line.as_bytes()));
    loop {
        match session.poll().unwrap() {
            Step::Write(_) => {}
            Step::Perform(op) => return (session, op),
            step => panic!("{step:?}"),
        }
    }
}

const LINE: &str = "GET FULLMAILBOX user.u1\r\n";

#[test]
fn until_a_request_is_completed_the_session_is_paused() {
    let (mut session, op) = asked(LINE);
    for _ in 0..2 {
        assert!(matches!(session.poll(), Ok(Step::Paused)));
    }
    session.receive(Bytes::from_static(b"NOOP\r\n"));
    assert!(matches!(session.poll(), Ok(Step::Paused)));
    op.perform(&mut session, &mut MemoryStore::new()).unwrap();
    let Ok(Step::Write(said)) = session.poll() else { panic!("no reply") };
    assert!(said.ends_with(b"\r\nNO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\nOK Noop completed\r\n"), "{said:?}");
}

#[test]
fn another_sessions_request_is_misuse_and_changes_nothing() {
    let ((mut one, of_one), (mut other, of_other)) = (asked(LINE), asked(LINE));
    let (Op::OpenMailbox(of_one), Op::OpenMailbox(of_other)) = (of_one, of_other) else { panic!("another operation") };
    assert_eq!(one.complete(of_other, Ok(None)), Err(Misuse::WrongRequest));
    assert!(matches!(one.poll(), Ok(Step::Paused)));
    one.complete(of_one, Ok(None)).unwrap();
    assert!(matches!(one.poll(), Ok(Step::Write(_))));
    assert!(matches!(other.poll(), Ok(Step::Paused)));
}

#[test]
fn a_request_of_a_session_that_waits_for_none_is_misuse() {
    let (_, op) = asked(LINE);
    let mut idle = Session::new(Config::trusted("r"));
    assert_eq!(op.perform(&mut idle, &mut MemoryStore::new()), Err(Misuse::WrongRequest));
    let Ok(Step::Write(_)) = idle.poll() else { panic!("no greeting") };
}

#[test]
fn output_comes_before_input_is_asked_for_and_before_the_end() {
    let mut session = Session::new(Config::trusted("r"));
    for piece in ["NOOP\r", "\nNO", "OP\r\n", ""] {
        session.receive(Bytes::from_static(piece.as_bytes()));
    }
    let mut store = MemoryStore::new();
    let mut steps = Vec::new();
    loop {
        match session.poll().unwrap() {
            Step::Write(output) => steps.push(String::from_utf8(output.to_vec()).unwrap()),
            Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
            Step::Closed => break,
            step => panic!("{step:?}"),
        }
    }
    assert!(steps.concat().ends_with("OK Noop completed\r\nOK Noop completed\r\n"));
    assert!(matches!(session.poll(), Ok(Step::Closed)));
}

#[test]
fn what_comes_behind_the_end_of_file_is_ignored() {
    let mut session = Session::new(Config::trusted("r"));
    session.receive(Bytes::new());
    session.receive(Bytes::from_static(b"NOOP\r\n"));
    let mut store = MemoryStore::new();
    loop {
        match session.poll().unwrap() {
            Step::Write(output) => assert!(output.starts_with(b"* OK ")),
            Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
            Step::Closed => break,
            step => panic!("{step:?}"),
        }
    }
}

/// A long reply leaves in pieces: it never lies in memory whole.
#[test]
fn a_long_reply_is_written_as_it_grows() {
    let records: Vec<String> = (1..=5000).map(|uid| record(uid, "one", "\\Seen $A")).collect();
    let line = format!("{}\r\n", mailbox("user.u2", "id-u2", 5000, 10, "", &records));
    let Talk { mut session, mut store, .. } = Talk::trusted().quietly(&upload(&["one"])).quietly(&line);
    session.receive(Bytes::from_static(b"GET FULLMAILBOX user.u2\r\n"));
    let mut longest = 0;
    let mut total = 0;
    loop {
        match session.poll().unwrap() {
            Step::NeedInput => break,
            Step::Write(output) => {
                longest = longest.max(output.len());
                total += output.len();
            }
            Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
            step => panic!("{step:?}"),
        }
    }
    assert!(total > 500_000 && longest < 128 * 1024, "{longest} of {total}");
}
