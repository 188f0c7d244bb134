//! Stores that refuse one operation, whichever it is.

use crate::{
    common::{messages::upload, strict::Strict, talk::Talk, transcript::Transcript},
    replica::{NEW, ONE, TWO, contents, replica, u1},
};
use bytes::Bytes;
use sync_server::{ops::Refusal, session::Config, store::MemoryStore};

/// A store that refuses one operation, whichever it is: what was declared is consumed, the refusal is said, and the
/// conversation goes on line by line.
#[test]
fn a_store_that_refuses_any_operation_loses_no_line() {
    for (name, refusal, text) in [
        ("first-user-36.csync", Refusal::NoSpace, "NO IMAP_NO_SPACE No space left on disk"),
        ("first-user-312.csync", Refusal::Io, "NO IMAP_IOERROR System I/O error"),
    ] {
        let transcript = Transcript::read(name);
        let mut whole = Talk::with(transcript.config(), Strict::new(MemoryStore::new()));
        let lines = lines(&whole.say(transcript.client()));
        for refused in 0..whole.store.operations {
            let store = Strict::refusing(MemoryStore::new(), refused, refusal);
            let mut talk = Talk::with(transcript.config(), store);
            let told = talk.say(transcript.client());
            assert_eq!(talk.hang_up(), Ok(()), "{name} refusing {refused}");
            talk.store.assert_idle();
            let answers = told.split(|byte| *byte == b'\n').filter(|line| is_answer(line)).count();
            assert_eq!(answers, lines, "{name} refusing {refused}: {}", String::from_utf8_lossy(&told));
            // What is no answer to a command: giving up an upload, reading what is left out then, and the end.
            let said = String::from_utf8_lossy(&told);
            let quiet = talk.store.refused && !said.contains(text);
            assert!(!quiet || said.ends_with("OK Finished\r\n"), "{name} refusing {refused}: {said}");
        }
    }
}

fn lines(replies: &Bytes) -> usize {
    replies.split(|byte| *byte == b'\n').filter(|line| is_answer(line)).count()
}

fn is_answer(line: &[u8]) -> bool {
    [&b"OK "[..], b"NO ", b"BAD "].iter().any(|word| line.starts_with(word))
}

#[test]
fn an_upload_that_is_refused_at_any_operation_is_drained_and_can_be_sent_again() {
    let line = upload(&[ONE, TWO, NEW]);
    for spelled in [false, true] {
        for refused in 0.. {
            let store = Strict::refusing(MemoryStore::new(), refused, Refusal::NoSpace);
            let mut talk = Talk::with(Config::trusted("r"), store);
            let told = if spelled { talk.spell(line.clone()) } else { talk.say(line.clone()) };
            if !talk.store.refused {
                assert_eq!(told, "OK success\r\n");
                break;
            }
            assert_eq!(told, "NO IMAP_NO_SPACE No space left on disk\r\n", "refusing {refused}");
            assert_eq!(talk.say(line.clone()), "OK success\r\n", "sent again");
        }
    }
}

#[test]
fn a_commit_that_is_refused_changes_nothing_and_can_be_made_again() {
    let replica = replica();
    let before = contents(&replica);
    let line = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 11));
    for refused in 0.. {
        let mut talk = Talk::with(Config::trusted("r"), Strict::refusing(replica.clone(), refused, Refusal::Io));
        let told = talk.line(&line);
        if !talk.store.refused {
            assert_eq!((told.as_str(), refused), ("OK success\r\n", 3));
            break;
        }
        assert_eq!(told, "NO IMAP_IOERROR System I/O error\r\n", "refusing {refused}");
        assert_eq!(contents(&talk.store.inner), before, "refusing {refused}");
        assert_eq!(talk.line(&line), "OK success\r\n", "made again");
    }
}
