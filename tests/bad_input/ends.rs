//! Input that comes byte by byte, or whose end is missing.

use crate::{
    common::talk::Talk,
    replica::{contents, replica, u1},
    row::{Bad, all},
    syntax::bad_syntax,
    updates::bad_updates,
    uploads::bad_uploads,
};
use bytes::Bytes;
use sync_server::session::SessionError;

#[test]
fn bad_input_is_answered_alike_byte_by_byte() {
    let replica = replica();
    let before = contents(&replica);
    let mut talk = Talk::about(replica);
    for bad in all().into_iter().filter(|bad| bad.client.len() < 2000) {
        let told = talk.spell(bad.client.clone());
        bad.assert_told("byte by byte", &told, &bad.server);
    }
    assert_eq!(talk.line("NOOP"), "OK Noop completed\r\n");
    assert_eq!(contents(&talk.store.inner), before);
}

#[test]
fn bad_input_that_ends_anywhere_changes_nothing() {
    let replica = replica();
    let before = contents(&replica);
    let some = bad_uploads().into_iter().chain(bad_syntax()).chain(bad_updates());
    for Bad { name, client, server } in some.filter(|bad| bad.client.len() < 1000) {
        for end in 0..client.len() {
            let mut talk = Talk::about(replica.clone());
            let told = talk.say(client.slice(..end));
            let outcome = talk.hang_up();
            assert!(server.as_bytes().starts_with(&told), "{name} ended at {end}: {told:?}");
            let between_lines = end == 0 || (end == client.len() && !told.is_empty());
            assert!(outcome == Ok(()) || outcome == Err(SessionError::Truncated), "{name}: {outcome:?}");
            assert!(outcome.is_err() || between_lines || told.ends_with(b"\r\n"), "{name} ended at {end}");
            assert_eq!(contents(&talk.store.inner), before, "{name} ended at {end}");
        }
    }
}

/// What was said before the line that is cut is done, and of that line nothing.
#[test]
fn a_good_line_that_ends_anywhere_is_done_whole_or_not_at_all() {
    let replica = replica();
    let line = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 11).with("ACL", "{5+}\r\nx\r\ny\t"));
    let line = Bytes::from(format!("{}\r\n", line.replace("\r\ny", "--y")));
    let mut done = Talk::about(replica.clone());
    assert_eq!(done.say(line.clone()), "OK success\r\n");
    assert_eq!(done.hang_up(), Ok(()));
    for end in 0..line.len() {
        let mut talk = Talk::about(replica.clone());
        assert_eq!(talk.say(line.slice(..end)), "");
        let expected = if end == 0 { Ok(()) } else { Err(SessionError::Truncated) };
        assert_eq!(talk.hang_up(), expected, "ended at {end}");
        talk.store.assert_idle();
        assert_eq!(contents(&talk.store.inner), contents(&replica), "ended at {end}");
    }
    assert_ne!(contents(&done.store.inner), contents(&replica));
}
