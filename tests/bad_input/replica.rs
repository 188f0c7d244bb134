//! The replica that bad lines are said to.

use crate::common::{
    messages::{Fields, mailbox, record, records, upload},
    strict::Strict,
    talk::Talk,
};
use sync_server::{ops::Store, session::Config, store::MemoryStore};

pub const ONE: &[u8] = b"Subject: one\r\n\r\nhello\r\n";
pub const TWO: &[u8] = b"Subject: two\r\n\r\n(\"%{\0\r\n";
pub const NEW: &[u8] = b"Subject: new\r\n\r\nNOOP\r\n";

pub fn replica() -> MemoryStore {
    fill(MemoryStore::at(1_700_000_000))
}

/// Two users: u1 has two messages and something of each other kind, u2 an empty INBOX.
pub fn fill<S: Store>(store: S) -> S {
    let mut talk = Talk::with(Config::trusted("r.example.org"), Strict::new(store));
    assert_eq!(talk.say(upload(&[ONE, TWO])), "OK success\r\n");
    for line in [
        format!("APPLY MAILBOX {}", u1()),
        format!("APPLY MAILBOX {}", mailbox("user.u2", "u2u2u2")),
        "APPLY SUB %(USERID u1 MBOXNAME user.u1)".to_owned(),
        "APPLY SEEN %(USERID u1 UNIQUEID u1u1u1 LASTREAD 5 LASTUID 3 LASTCHANGE 6 SEENUIDS 1:3)".to_owned(),
        "APPLY QUOTA %(ROOT user.u1 LIMIT 100 MODSEQ 3)".to_owned(),
        "APPLY ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID \"\" VALUE x)".to_owned(),
        "APPLY ANNOTATION %(MBOXNAME \"\" ENTRY /comment USERID \"\" VALUE x)".to_owned(),
        "APPLY SIEVE %(USERID u1 FILENAME a.script LAST_UPDATE 5 CONTENT keep)".to_owned(),
    ] {
        assert_eq!(talk.line(&line), "OK success\r\n", "{line}");
    }
    assert_eq!(talk.line("EXIT"), "OK Finished\r\n");
    talk.store.assert_idle();
    talk.store.inner
}

/// What the master says of u1's INBOX, as it was said last.
pub fn u1() -> Fields {
    let list = records(&[record(1, ONE), record(3, TWO)]);
    mailbox("user.u1", "u1u1u1").with("LAST_UID", 3).with("RECORD", list)
}

/// All that a store holds, but for which message was read last.
pub fn contents(store: &MemoryStore) -> String {
    let all = format!("{store:?}");
    all.split_once(", message: ").expect("what comes behind is no content").0.to_owned()
}
