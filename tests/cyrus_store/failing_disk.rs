//! A disk that fails: every command is carried out or refused, and said again later it is carried out.
//!
//! What quota roots count may be off afterwards, as in Cyrus: `quota -f` puts it right.

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::{Peer, is_done},
    },
    disk::{EIO, ENOSPC},
    model::Both,
    spool::TestSpool,
};

/// One of each kind of change, in an order in which each has something to change.
fn script() -> Vec<String> {
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    let mut steps = vec![inbox.all(), "APPLY QUOTA %(ROOT user.u1 LIMIT 1000 STORAGE 1000 MODSEQ 3)\r\n".to_owned()];
    let uids: Vec<u32> = (1..=6).map(|number| inbox.append(Message::number(number))).collect();
    let uploads: String = (1..=6).map(|number| Message::number(number).upload("default")).collect();
    inbox.change(2, |record| drop(record.annotations.insert(("/comment", ""), "new".to_owned())));
    inbox.annotations.insert(("/comment", "u1"), "of the mailbox".to_owned());
    steps.push(uploads + &inbox.line(&uids, inbox.crcs(), ""));
    inbox.change(2, |record| record.flags.push("$Work"));
    inbox.change(3, |record| record.expunged = true);
    steps.push(inbox.line(&[2, 3], inbox.crcs(), ""));
    // A master says what the mailbox is like after it had records expunged.
    inbox.records.get_mut(&2).unwrap().expunged = true;
    let expunge = "APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID id00000001 UID (2))\r\n".to_owned();
    steps.push(expunge + &inbox.line(&[2], inbox.crcs(), ""));
    let mut folder = Mailbox::new("user.u1.a", "id00000002");
    let message = Message::number(4);
    folder.append(message.clone());
    let reserve = format!("APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({}))\r\n", message.guid);
    steps.push(reserve + &folder.all());
    steps.extend(
        [
            "APPLY SUB %(USERID u1 MBOXNAME user.u1.a)",
            "APPLY SEEN %(USERID u1 UNIQUEID id00000001 LASTREAD 5 LASTUID 4 LASTCHANGE 5 SEENUIDS 1:2)",
            "APPLY ANNOTATION %(MBOXNAME user.u1.a ENTRY /comment USERID \"\" VALUE alone)",
            "APPLY RENAME %(OLDMBOXNAME user.u1.a NEWMBOXNAME user.u1.b PARTITION second UIDVALIDITY 0)",
            "APPLY QUOTA %(ROOT shared LIMIT 1000 MODSEQ 3)",
            "APPLY UNQUOTA shared",
            "APPLY UNMAILBOX user.u1.b",
        ]
        .map(|line| format!("{line}\r\n")),
    );
    steps
}

/// Lets call number `call` of the whole script fail; whether there was such a call.
fn fail_once(call: i64, errno: i32) -> bool {
    let spool = TestSpool::new("failing");
    let mut both = Both::new(&spool);
    spool.disk.fail_at(call, errno, false);
    let mut has_failed = false;
    for step in script() {
        let reply = both.say_to_cyrus(&step);
        assert!(
            reply.lines().all(|line| ["OK ", "NO ", "* "].iter().any(|start| line.starts_with(start))),
            "call {call}: {step} -> {reply}"
        );
        if !has_failed && spool.disk.has_failed() {
            has_failed = true;
            spool.disk.mend();
            both.connect_again();
            let again = both.say_to_cyrus(&step);
            let context = || format!("call {call}, errno {errno}: {step} -> {reply} -> {again}\n{}", spool.log.text());
            assert!(is_done(&again), "{}", context());
            both.say_to_memory(&step);
            both.compare(&context());
        } else {
            both.say_to_memory(&step);
        }
    }
    spool.disk.mend();
    both.connect_again();
    spool.assert_tidy(&format!("after call {call} failed"));
    both.check_crcs();
    has_failed
}

/// Lets every so manieth call fail; how many that were.
fn fail_each(step: usize) -> usize {
    let all = [(0, ENOSPC), (step / 2, EIO)].map(|(offset, errno)| {
        let calls = (offset as i64..).step_by(step);
        calls.take_while(|call| fail_once(*call, errno)).count()
    });
    all.iter().sum()
}

#[test]
fn whatever_call_fails_the_same_command_does_it_later() {
    let failures = fail_each(53);
    println!("faults: {failures} errors injected, 0 losses");
}

#[test]
fn a_disk_that_stays_full_is_answered_to_the_end() {
    for call in (0..400).step_by(31) {
        let spool = TestSpool::new("full");
        let mut peer = Peer::new(spool.store());
        spool.disk.fail_at(call, ENOSPC, true);
        for step in script() {
            let reply = peer.say(step.clone());
            assert!(reply.starts_with("OK") || reply.starts_with("NO") || reply.starts_with('*'), "{step} -> {reply}");
        }
        spool.disk.mend();
        let mut peer = peer.again();
        assert_eq!(peer.ask("GET USER u1").split(' ').next(), Some("OK"));
    }
}
