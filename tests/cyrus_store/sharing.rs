//! Several stores on one spool, as several processes have them.

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    disk::TestDisk,
    spool::TestSpool,
};
use std::{thread, time::Duration};
use sync_server::{
    ops::{Change, Commit, Intent, MailboxChange, MailboxState, OpenMailbox, Refusal, Store as _, Target},
    store::{
        CyrusStore, MemoryStore,
        cyrus::{
            disk::{Deadline, Durability, Lock},
            lock::{LockName, NameLock},
            quota::{self, Quota, QuotaFile, QuotaRoot},
        },
    },
    types::{MailboxName, ModSeq},
};

const ROUNDS: usize = 200;
const OK: &str = "OK success";

fn store(spool: &TestSpool) -> CyrusStore {
    spool.store_on(TestDisk::default())
}

/// What a mailbox is like when all is done, from the store and from a memory store that was told all at once.
fn assert_same(spool: &TestSpool, mailbox: &Mailbox) {
    let mut memory = Peer::new(MemoryStore::new());
    mailbox.records.values().for_each(|record| drop(memory.say(record.message.upload("default"))));
    memory.say(mailbox.all());
    let question = format!("GET FULLMAILBOX {}\r\n", mailbox.name);
    let expected = memory.say(question.clone());
    assert_eq!(Peer::new(store(spool)).say(question), expected, "{}", spool.log.text());
}

/// Half of the rounds bring a message, which all threads have in common; the other half change a flag.
fn round(peer: &mut Peer<CyrusStore>, mailbox: &mut Mailbox, number: usize) {
    let uid = match number % 2 {
        0 => {
            let message = Message::number(number % 20);
            assert_eq!(peer.say(message.upload("default")), "OK success\r\n");
            mailbox.append(message)
        }
        _ => {
            mailbox.change(mailbox.last_uid, |record| record.flags = vec!["\\Seen"]);
            mailbox.last_uid
        }
    };
    let reply = peer.say(mailbox.line(&[uid], mailbox.crcs(), ""));
    assert_eq!(reply, "OK success\r\n");
    if number % 10 == 9 {
        // What was staged by the other is not this one's to discard.
        assert_eq!(peer.ask("RESTART"), "OK Restarting");
    }
}

#[test]
fn two_that_change_different_mailboxes_of_one_user_do_not_disturb_each_other() {
    let spool = TestSpool::new("different");
    let mailboxes: Vec<Mailbox> = thread::scope(|scope| {
        let threads = ["user.u1", "user.u1.a"].map(|name| {
            let spool = &spool;
            scope.spawn(move || {
                let mut mailbox = Mailbox::new(name, &format!("id-of-{}", name.replace('.', "-")));
                let mut peer = Peer::new(store(spool));
                assert_eq!(peer.say(mailbox.all()).trim_end(), OK);
                (0..ROUNDS).for_each(|number| round(&mut peer, &mut mailbox, number));
                peer.leave();
                mailbox
            })
        });
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    mailboxes.iter().for_each(|mailbox| assert_same(&spool, mailbox));
    spool.assert_tidy("after both have left");
}

#[test]
fn two_that_say_the_same_of_one_mailbox_come_to_the_same() {
    let spool = TestSpool::new("same");
    let mut mailbox = Mailbox::new("user.u1", "id00000001");
    let lines: Vec<String> = (0..ROUNDS / 2)
        .map(|number| {
            let message = Message::number(number);
            let upload = message.upload("default");
            let uid = mailbox.append(message);
            upload + &mailbox.line(&[uid], mailbox.crcs(), "")
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut peer = Peer::new(store(&spool));
                for line in &lines {
                    // One of both is late: it hears that the other was here.
                    let reply = peer.say(line.clone());
                    let known = ["OK success", "NO IMAP_SYNC_CHECKSUM Checksum Failure"];
                    assert!(reply.lines().all(|line| known.contains(&line)), "{reply}\n{}", spool.log.text());
                }
                peer.leave();
            });
        }
    });
    assert_same(&spool, &mailbox);
    spool.assert_tidy("after both have left");
}

/// Two masters' clients may both find that there is no such root.
#[test]
fn a_quota_root_that_another_makes_at_the_same_time_keeps_what_it_counts() {
    let spool = TestSpool::new("root");
    let root = QuotaRoot::parse(b"user.u1").unwrap();
    let path = spool.options.quota_file(&root);
    let soon = || Deadline::after(Duration::from_secs(5));
    let held = NameLock::take(&spool.disk, &spool.options, LockName::QuotaChange, Lock::Exclusive, soon()).unwrap();
    let set = "APPLY QUOTA %(ROOT user.u1 LIMIT 2000 STORAGE 2000 MODSEQ 3)\r\n";
    thread::scope(|scope| {
        let waiting = scope.spawn(|| Peer::new(store(&spool)).say(set));
        thread::sleep(Duration::from_millis(200));
        let made = Quota { used: [7, 1, 0, 1], ..Quota::default() };
        let file = QuotaFile::lock(&spool.disk, &path, true, soon()).unwrap().unwrap();
        file.commit(&made, Durability::Caller).unwrap();
        drop(held);
        assert_eq!(waiting.join().unwrap().trim_end(), OK);
    });
    let quota = quota::read(&spool.disk, &path).unwrap().unwrap();
    assert_eq!((quota.used, quota.limits[0]), ([7, 1, 0, 1], Some(2000)));
}

fn open(store: &mut CyrusStore, name: &str, intent: Intent) -> Option<MailboxState> {
    store.open_mailbox(&OpenMailbox { name: MailboxName::parse(name.as_bytes()).unwrap(), intent }).unwrap()
}

/// What another session has made since this one looked is not made again in its place.
#[test]
fn a_unique_id_that_another_mailbox_has_got_meanwhile_is_not_given_twice() {
    let spool = TestSpool::new("twice");
    let mut peer = Peer::new(store(&spool));
    let mut mailbox = Mailbox::new("user.u1.a", "id00000001");
    mailbox.append(Message::number(1));
    peer.say(Message::number(1).upload("default") + &mailbox.all());
    let mut store = peer.leave();
    let made = open(&mut store, "user.u1.a", Intent::Read).unwrap();
    assert_eq!(open(&mut store, "user.u1.b", Intent::Write), None);
    let change = MailboxChange {
        target: Target::New {
            uniqueid: made.uniqueid,
            mailbox_type: made.mailbox_type,
            partition: made.partition,
            index_version: made.index_version,
            deleted_modseq: ModSeq(0),
            replace: false,
        },
        header: Some(made.header),
        user_groups: None,
        new_user_flags: Vec::new(),
        annotations: Vec::new(),
        records: Vec::new(),
        crcs: made.crcs,
    };
    assert_eq!(store.commit(&Commit(Change::Mailbox(Box::new(change)))), Err(Refusal::Moved));
    assert_same(&spool, &mailbox);
}
