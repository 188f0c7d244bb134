//! A lock that another holds is waited for only so long, whatever it is on; who gave up has changed nothing.

use crate::{
    common::master::{Mailbox, Message},
    common::peer::Peer,
    spool::TestSpool,
    tree,
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use sync_server::{
    store::{
        CyrusStore,
        cyrus::{
            disk::{Disk, Lock, Mode, RealDisk},
            lock::LockName,
            quota::QuotaRoot,
            safety::RemovalLimit,
        },
    },
    types::MailboxName,
};

const OK: &str = "OK success\r\n";
const LOCKED: &str = "NO IMAP_MAILBOX_LOCKED Mailbox locked\r\n";
const WAIT: Duration = Duration::from_millis(50);

/// A user with something in every file.
fn spool() -> (TestSpool, Mailbox) {
    let mut spool = TestSpool::new("waits");
    spool.options.safety.max_removals = Some(RemovalLimit { count: 100, seconds: 3600 });
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    let mut peer = Peer::new(spool.store());
    peer.say(Message::number(1).upload("default"));
    inbox.append(Message::number(1));
    inbox.change(1, |record| drop(record.annotations.insert(("/comment", ""), "old".to_owned())));
    inbox.annotations.insert(("/comment", ""), "old".to_owned());
    for said in [
        inbox.all(),
        Mailbox::new("user.u1.a", "id00000002").all(),
        Mailbox::new("user.u1.b", "id00000003").all(),
        "APPLY QUOTA %(ROOT user.u1 LIMIT 1000 STORAGE 1000 MODSEQ 3)\r\n".to_owned(),
        "APPLY SUB %(USERID u1 MBOXNAME user.u1)\r\n".to_owned(),
        SEEN.to_owned(),
        "APPLY UNMAILBOX user.u1.b\r\n".to_owned(),
    ] {
        assert_eq!(peer.say(said), OK);
    }
    drop(peer);
    spool.options.lock_timeout = WAIT;
    (spool, inbox)
}

const SEEN: &str = "APPLY SEEN %(USERID u1 UNIQUEID id00000001 LASTREAD 5 LASTUID 4 LASTCHANGE 5 SEENUIDS 1:2)\r\n";

/// Everything that a peer can ask for.
fn all(peer: &mut Peer<CyrusStore>) -> String {
    peer.say(
        "GET USER u1\r\nGET FULLMAILBOX user.u1\r\nGET FULLMAILBOX user.u1.a\r\nGET FULLMAILBOX user.u1.c\r\n\
         GET QUOTA user.u1\r\nGET QUOTA user.u1.a\r\nGET ANNOTATION user.u1\r\n",
    )
}

/// The file of this name below the spool.
fn find(spool: &TestSpool, name: &str) -> PathBuf {
    let below = tree::read(spool.root()).into_keys().find(|path| path.ends_with(name));
    spool.root().join(below.unwrap_or_else(|| panic!("no {name}")))
}

/// Whatever is said that needs the lock on this file is answered in time; nothing has come of it, and later it is done.
fn is_waited_for(spool: &TestSpool, path: &Path, staged: &str, said: &[String]) {
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say(staged).replace(OK, ""), "");
    let before = all(&mut peer);
    let held = RealDisk.open(path, Mode::Write).unwrap();
    assert!(held.try_lock(Lock::Exclusive).unwrap());
    let start = Instant::now();
    for said in said {
        assert_eq!(peer.say(said.clone()), LOCKED, "{}: {said}", path.display());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{}: {:?}", path.display(), start.elapsed());
    drop(held);
    assert_eq!(all(&mut peer), before, "{}", path.display());
    for said in said.iter().filter(|said| said.starts_with("APPLY")) {
        assert_eq!(peer.say(said.clone()), OK, "{}: {}", path.display(), spool.log.text());
    }
}

fn apply(line: &str) -> [String; 1] {
    [format!("APPLY {line}\r\n")]
}

#[test]
fn a_user_s_lock_is_needed_for_all_that_is_the_user_s() {
    let (spool, mut inbox) = spool();
    let lock = LockName::user_of(&MailboxName::parse(b"user.u1").unwrap()).path(&spool.options);
    inbox.change(1, |record| record.flags = vec!["\\Seen"]);
    let said = [
        "GET FULLMAILBOX user.u1\r\n".to_owned(),
        inbox.all(),
        "APPLY RENAME %(OLDMBOXNAME user.u1.a NEWMBOXNAME user.u1.c PARTITION second UIDVALIDITY 0)\r\n".to_owned(),
        "APPLY UNMAILBOX user.u1.c\r\n".to_owned(),
    ];
    is_waited_for(&spool, &lock, "", &said[..3]);
    is_waited_for(&spool, &lock, "", &said[3..]);
}

#[test]
fn a_mailbox_s_locks_are_needed_for_the_mailbox() {
    for name in ["id00000001.lock", "cyrus.index"] {
        let (spool, mut inbox) = spool();
        // Only one of the mailboxes shall have such a file.
        let mut peer = Peer::new(spool.store());
        assert_eq!(peer.say("APPLY UNMAILBOX user.u1.a\r\n"), OK);
        drop(peer);
        inbox.change(1, |record| record.flags = vec!["\\Seen"]);
        let said = ["GET FULLMAILBOX user.u1\r\n".to_owned(), inbox.all()];
        is_waited_for(&spool, &find(&spool, name), "", &said);
    }
}

#[test]
fn annotations_of_messages_are_waited_for() {
    let (spool, mut inbox) = spool();
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say("APPLY UNMAILBOX user.u1.a\r\n"), OK);
    drop(peer);
    inbox.change(1, |record| drop(record.annotations.insert(("/comment", ""), "new".to_owned())));
    is_waited_for(&spool, &find(&spool, "cyrus.annotations"), "", &[inbox.line(&[1], inbox.crcs(), "")]);
}

#[test]
fn annotations_of_mailboxes_are_waited_for() {
    let (spool, mut inbox) = spool();
    inbox.modseq += 1;
    inbox.annotations.insert(("/comment", ""), "new".to_owned());
    is_waited_for(&spool, &spool.options.annotations_file(), "", &[inbox.line(&[], inbox.crcs(), "")]);
}

#[test]
fn a_quota_root_is_waited_for_by_what_it_counts_and_by_its_limits() {
    let (spool, mut inbox) = spool();
    let root = spool.options.quota_file(&QuotaRoot::parse(b"user.u1").unwrap());
    let uid = inbox.append(Message::number(2));
    let said = [
        inbox.line(&[uid], inbox.crcs(), ""),
        "APPLY QUOTA %(ROOT user.u1 LIMIT 2000 STORAGE 2000 MODSEQ 4)\r\n".to_owned(),
    ];
    is_waited_for(&spool, &root, &Message::number(2).upload("default"), &said);
}

#[test]
fn which_mailboxes_a_root_has_is_changed_by_one_at_a_time() {
    let (spool, _) = spool();
    let lock = LockName::QuotaChange.path(&spool.options);
    is_waited_for(&spool, &lock, "", &apply("QUOTA %(ROOT user.u1.a LIMIT 1000 STORAGE 1000 MODSEQ 3)"));
    is_waited_for(&spool, &lock, "", &apply("UNQUOTA user.u1.a"));
}

#[test]
fn the_mailbox_list_is_waited_for() {
    let (spool, mut inbox) = spool();
    inbox.change(1, |record| record.flags = vec!["\\Seen"]);
    let said = ["GET USER u1\r\n".to_owned(), inbox.all(), Mailbox::new("user.u1.c", "id00000004").all()];
    is_waited_for(&spool, &spool.options.mailbox_list_file(), "", &said);
}

#[test]
fn a_user_s_own_files_are_waited_for() {
    let (spool, _) = spool();
    is_waited_for(&spool, &find(&spool, "sub.db"), "", &apply("SUB %(USERID u1 MBOXNAME user.u1.a)"));
    let seen = SEEN.replace("1:2", "1:3");
    is_waited_for(&spool, &find(&spool, "seen.db"), "", &[seen]);
}

#[test]
fn who_locks_everything_keeps_all_from_changing_anything() {
    let (spool, mut inbox) = spool();
    inbox.change(1, |record| record.flags = vec!["\\Seen"]);
    is_waited_for(&spool, &find(&spool, "$GLOBAL.lock"), "", &[inbox.all()]);
}

#[test]
fn the_count_of_removals_is_waited_for() {
    let (spool, _) = spool();
    is_waited_for(&spool, &find(&spool, "sync_server.removals"), "", &apply("UNMAILBOX user.u1.a"));
}
