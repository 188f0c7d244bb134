//! `sync_server_trash`: what peers remove is kept aside, comes back whole, and no peer ever sees it.

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    spool::TestSpool,
    tree,
};
use std::time::Duration;
use sync_server::{
    store::{
        CyrusStore,
        cyrus::{disk::RealDisk, options::VirtualDomains, safety::Clock},
    },
    types::{MailboxName, Release},
};

pub const OK: &str = "OK success\r\n";
const DAY: i64 = 86400;
pub const NOON: i64 = 0x65A0_B1C2;

pub fn spool(release: Release) -> TestSpool {
    let mut spool = TestSpool::new("trash");
    spool.options.release = release;
    spool.options.safety.trash = Some(Duration::from_secs(7 * 86400));
    spool.options.safety.clock = Clock::standing(NOON);
    spool
}

pub fn name(name: &str) -> MailboxName {
    MailboxName::parse(name.as_bytes()).unwrap()
}

/// A mailbox with messages of these numbers, as a master has it.
fn mailbox(named: &str, id: &str, messages: std::ops::Range<usize>) -> (Mailbox, String) {
    let mut mailbox = Mailbox::new(named, id);
    mailbox.annotations.insert(("/comment", "u1"), format!("of-{named}"));
    let mut said = String::new();
    for number in messages {
        said += &Message::number(number).upload("default");
        let uid = mailbox.append(Message::number(number));
        mailbox.change(uid, |record| drop(record.annotations.insert(("/comment", ""), format!("{number}"))));
    }
    said += &mailbox.all();
    (mailbox, said)
}

/// A user with a folder, a quota root, a subscription and a seen state.
pub fn user() -> String {
    let mut said = "APPLY QUOTA %(ROOT user.u1 LIMIT 1000 STORAGE 1000 MODSEQ 3)\r\n".to_owned();
    said += &mailbox("user.u1", "inbox001", 1..4).1;
    said += &mailbox("user.u1.a", "folder01", 4..6).1;
    said += "APPLY SUB %(USERID u1 MBOXNAME user.u1.a)\r\n";
    said += "APPLY SEEN %(USERID u1 UNIQUEID inbox001 LASTREAD 5 LASTUID 2 LASTCHANGE 5 SEENUIDS 1:2)\r\n";
    said
}

/// What puts another folder in the place of the user's, with one message instead of two.
pub fn replacement() -> String {
    "APPLY FORCE %()\r\n".to_owned() + &mailbox("user.u1.a", "folder02", 6..7).1
}

/// All that a master can ask about the user.
pub const ASKED: &str = "GET USER u1\r\nGET META u1\r\nGET MAILBOXES (user.u1 user.u1.a)\r\nGET FULLMAILBOX user.u1\r\n\
    GET FULLMAILBOX user.u1.a\r\nGET QUOTA user.u1\r\nGET ANNOTATION user.u1\r\nGET UNIQUEIDS (inbox001 folder01)\r\n";

pub fn restore(store: &mut CyrusStore, wanted: &str) -> Vec<String> {
    let restored = store.restore_trash(&name(wanted)).unwrap();
    let line = |it: sync_server::store::cyrus::trash::Restored| match it.outcome {
        Ok(()) => format!("{} ok", it.name),
        Err(error) => format!("{} {error}", it.name),
    };
    restored.into_iter().map(line).collect()
}

/// No file of these unique ids, nor anything of a user, lies about.
fn assert_nothing_left(spool: &TestSpool, words: &[&str]) {
    let files = tree::read(spool.root());
    // Lock files stay, as in Cyrus.
    let paths = files.keys().map(|path| path.to_string_lossy()).filter(|path| !path.contains("/lock/"));
    for path in paths {
        assert!(!words.iter().any(|word| path.contains(word)), "{path} was left");
    }
}

#[test]
fn a_mailbox_that_is_replaced_is_kept() {
    for by_name in [false, true] {
        let mut spool = spool(Release::V3_12);
        spool.options.mailbox_legacy_dirs = by_name;
        let mut peer = Peer::new(spool.store());
        peer.say(user());
        let heard = peer.say(replacement());
        assert!(heard.ends_with(OK), "{heard}");
        assert!(peer.say("GET MAILBOXES (user.u1.a)\r\n").contains("UNIQUEID folder02 "));
        let mut store = peer.leave();
        let trash = store.trash().unwrap();
        let seen: Vec<_> = trash.iter().map(|it| (it.kept_as.as_str(), it.messages)).collect();
        assert_eq!(seen, [("DELETED.user.u1.a.65A0B1C2", Some(2))]);
    }
}

#[test]
fn a_user_comes_back_whole() {
    let releases = [Release::V3_6, Release::V3_12, Release::V3_13];
    for (release, by_name) in releases.into_iter().flat_map(|release| [(release, false), (release, true)]) {
        let mut spool = spool(release);
        spool.options.mailbox_legacy_dirs = by_name;
        let mut peer = Peer::new(spool.store());
        let said = user();
        let heard = peer.say(said.clone());
        assert!(heard.lines().all(|line| line == "OK success"), "{heard}");
        let before = peer.say(ASKED);
        assert_eq!(peer.say("APPLY UNUSER u1\r\n"), OK);
        let mut store = peer.leave();
        let trash = store.trash().unwrap();
        let seen: Vec<_> =
            trash.iter().map(|it| (it.name.as_str(), it.kept_as.as_str(), it.messages, it.until)).collect();
        let until = Some(NOON + 7 * DAY);
        assert_eq!(
            seen,
            [
                ("user.u1", "DELETED.user.u1.65A0B1C2", Some(3), until),
                ("user.u1.a", "DELETED.user.u1.a.65A0B1C2", Some(2), until)
            ]
        );
        assert!(trash.iter().all(|it| it.bytes.unwrap() > 0 && it.removed == NOON));
        assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.a ok"]);
        assert_eq!(store.trash().unwrap(), []);
        let mut peer = Peer::new(store);
        assert_eq!(peer.say(ASKED), before, "{release:?} {by_name}");
        assert_nothing_left(&spool, &["-trash-", "65A0B1C2", "sync_server.trash/"]);
        spool.assert_tidy("after a user was restored");
        // It goes on where it was.
        let mut inbox = mailbox("user.u1", "inbox001", 1..4).0;
        let uid = inbox.append(Message::number(9));
        let more = Message::number(9).upload("default") + &inbox.line(&[uid], inbox.crcs(), "");
        assert_eq!(peer.say(more), OK.repeat(2));
    }
}

/// A real master says UNMAILBOX of each mailbox, the INBOX first, and then UNUSER.
#[test]
fn a_user_comes_back_whole_who_went_mailbox_by_mailbox() {
    for release in [Release::V3_6, Release::V3_12, Release::V3_13] {
        let spool = spool(release);
        let mut peer = Peer::new(spool.store());
        peer.say(user());
        let before = peer.say(ASKED);
        assert_eq!(
            peer.say("APPLY UNMAILBOX user.u1\r\nAPPLY UNMAILBOX user.u1.a\r\nAPPLY UNUSER u1\r\n"),
            OK.repeat(3)
        );
        let mut store = peer.leave();
        assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.a ok"]);
        let mut peer = Peer::new(store);
        assert_eq!(peer.say(ASKED), before, "{release:?}");
        assert_nothing_left(&spool, &["-trash-", "DELETED", "sync_server.trash/"]);
    }
}

/// A peer hears the same, whether there is a trash or not.
#[test]
fn peers_do_not_see_the_trash() {
    for release in [Release::V3_6, Release::V3_12, Release::V3_13] {
        let mut plain = spool(release);
        plain.options.safety.trash = None;
        let with_trash = spool(release);
        let peers = [&plain, &with_trash].map(|spool| Peer::new(spool.store()));
        let heard = peers.map(|mut peer| {
            let mut heard = peer.say(user());
            for said in [
                "APPLY UNMAILBOX user.u1.a\r\n",
                "APPLY UNMAILBOX user.u1.a\r\n",
                // The same again, with the same unique id; then others in their place.
                &mailbox("user.u1.a", "folder01", 4..6).1,
                &(Mailbox::new("user.u1.b", "folder02").all() + &Mailbox::new("user.u1.b", "folder03").all()),
                "APPLY UNUSER u1\r\n",
                &user(),
                "APPLY UNMAILBOX DELETED.user.u1.a.65A0B1C2\r\n",
                "APPLY RENAME %(OLDMBOXNAME DELETED.user.u1.65A0B1C2 NEWMBOXNAME user.u2 PARTITION default)\r\n",
                "APPLY UNMAILBOX user.u1.a\r\n",
                "APPLY UNUSER u1\r\n",
            ] {
                heard += said;
                heard += &peer.say(said);
                heard += &peer.say(ASKED);
            }
            heard
        });
        assert_eq!(heard[0], heard[1], "{release:?}");
        assert_eq!(with_trash.store().trash().unwrap().len(), 7, "{:?}", with_trash.store().trash());
    }
}

#[test]
fn restoring_never_overwrites() {
    let spool = spool(Release::V3_12);
    let mut peer = Peer::new(spool.store());
    peer.say(user() + "APPLY UNMAILBOX user.u1.a\r\n");
    peer.say(mailbox("user.u1.a", "other001", 7..8).1);
    let before = peer.say(ASKED);
    let mut store = peer.leave();
    assert_eq!(restore(&mut store, "user.u1.a"), ["user.u1.a user.u1.a exists: rename it or remove it first"]);
    assert_eq!(restore(&mut store, "DELETED.user.u1.a.65A0B1C2").len(), 1);
    assert_eq!(restore(&mut store, "user.u1.b"), Vec::<String>::new());
    let mut peer = Peer::new(store);
    assert_eq!(peer.say(ASKED), before);
    // The master has it under another name.
    peer.say("APPLY UNMAILBOX user.u1.a\r\n".to_owned() + &mailbox("user.u1.c", "folder01", 4..6).1);
    let mut store = peer.leave();
    let refused = restore(&mut store, "DELETED.user.u1.a.65A0B1C2");
    assert_eq!(refused, ["user.u1.a it is there already, as user.u1.c"]);
    // What was removed last is what the name means.
    assert_eq!(restore(&mut store, "user.u1.a"), ["user.u1.a ok"]);
    let mut peer = Peer::new(store);
    assert!(peer.say("GET MAILBOXES (user.u1.a)\r\n").contains("UNIQUEID other001 "));
}

#[test]
fn the_trash_is_emptied_when_the_time_is_over() {
    let spool = spool(Release::V3_12);
    let mut peer = Peer::new(spool.store());
    peer.say(user() + "APPLY UNMAILBOX user.u1.a\r\n");
    spool.options.safety.clock.set(NOON + DAY);
    peer.say("APPLY UNUSER u1\r\n");
    let mut store = peer.leave();
    let kept = |store: &mut CyrusStore| store.trash().unwrap().len();
    for (time, left) in [(NOON + 2 * DAY, 2), (NOON + 7 * DAY, 1), (NOON + 8 * DAY - 1, 1), (NOON + 8 * DAY + 3600, 0)]
    {
        spool.options.safety.clock.set(time);
        store.expire_trash();
        assert_eq!(kept(&mut store), left, "{time}: {}", spool.log.text());
    }
    assert_eq!(spool.log.count("removed from the trash for good"), 2);
    assert_nothing_left(&spool, &["inbox001", "folder01", "DELETED"]);
    assert_eq!(restore(&mut store, "user.u1"), Vec::<String>::new());
}

#[test]
fn one_look_an_hour_is_enough_and_a_trash_that_was_turned_off_is_left_alone() {
    let mut spool = spool(Release::V3_12);
    let mut store = spool.store();
    store.expire_trash();
    let mut peer = Peer::new(store);
    peer.say(user() + "APPLY UNUSER u1\r\n");
    let mut store = peer.leave();
    spool.options.safety.trash = Some(Duration::from_secs(1800));
    spool.options.safety.clock.set(NOON + 3599);
    drop(store);
    spool.options.safety.trash = None;
    store = spool.store();
    store.expire_trash();
    let trash = store.trash().unwrap();
    assert_eq!((trash.len(), trash[0].until), (2, None));
    assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.a ok"]);
}

#[test]
fn scripts_come_back_and_the_active_one_is_active() {
    let mut spool = spool(Release::V3_12);
    let sieve = spool.root().join("sieve");
    spool.options.sieve_directory = Some(sieve.clone());
    let mut peer = Peer::new(spool.store_on(RealDisk));
    let script = "APPLY SIEVE %(USERID u1 FILENAME a.script LAST_UPDATE 5 CONTENT keep;)\r\n\
        APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME a.bc)\r\n";
    assert!(peer.say(user() + script).lines().all(|line| line == "OK success"));
    let asked = "GET META u1\r\nGET FETCH_SIEVE %(USERID u1 FILENAME a.script)\r\n";
    let before = peer.say(asked);
    assert!(before.contains("(FILENAME a.bc ") && before.contains("CONTENT keep;"), "{before}");
    let link = || std::fs::read_link(sieve.join("uuid/i/n/inbox001/defaultbc")).ok();
    assert_eq!(link(), Some("a.bc".into()));
    assert_eq!(peer.say("APPLY UNUSER u1\r\n"), OK);
    assert_eq!(link(), None);
    let mut store = peer.leave();
    assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.#sieve ok", "user.u1.a ok"]);
    assert_eq!(link(), Some("a.bc".into()));
    assert_eq!(Peer::new(store).say(asked), before);
}

#[test]
fn domains_have_a_trash_each() {
    let mut spool = spool(Release::V3_12);
    spool.options.virtual_domains = VirtualDomains::UserId;
    let mut peer = Peer::new(spool.store());
    peer.say(mailbox("d.org!user.u1", "inbox001", 1..4).1 + "APPLY SUB %(USERID u1@d.org MBOXNAME d.org!user.u1)\r\n");
    peer.say(mailbox("user.u1", "inbox002", 1..2).1);
    let before = peer.say("GET USER u1@d.org\r\n");
    assert_eq!(peer.say("APPLY UNUSER u1@d.org\r\nAPPLY UNUSER u1\r\n"), OK.repeat(2));
    let mut store = peer.leave();
    let kept: Vec<String> = store.trash().unwrap().into_iter().map(|it| it.kept_as.to_string()).collect();
    assert_eq!(kept, ["d.org!DELETED.user.u1.65A0B1C2", "DELETED.user.u1.65A0B1C2"]);
    assert_eq!(restore(&mut store, "d.org!user.u1"), ["d.org!user.u1 ok"]);
    assert_eq!(Peer::new(store).say("GET USER u1@d.org\r\n"), before);
}

/// What the master has kept for a while itself, below `DELETED.`, is kept here from its removal on.
#[test]
fn a_mailbox_that_the_master_deleted_with_delay_is_kept_too() {
    let spool = spool(Release::V3_12);
    let mut peer = Peer::new(spool.store());
    peer.say(user());
    let rename = "APPLY RENAME %(OLDMBOXNAME user.u1.a NEWMBOXNAME DELETED.user.u1.a.6000 PARTITION default)\r\n";
    assert_eq!(peer.say(rename), OK);
    assert!(peer.say("GET USER u1\r\n").contains(" MBOXNAME DELETED.user.u1.a.6000 "));
    assert_eq!(peer.say("APPLY UNMAILBOX DELETED.user.u1.a.6000\r\n"), OK);
    assert!(!peer.say("GET USER u1\r\n").contains("DELETED"));
    let mut store = peer.leave();
    assert_eq!(store.trash().unwrap()[0].kept_as.as_str(), "DELETED.user.u1.a.65A0B1C2");
    assert_eq!(restore(&mut store, "user.u1.a"), ["user.u1.a ok"]);
    let mut peer = Peer::new(store);
    assert!(peer.say("GET MAILBOXES (user.u1.a)\r\n").contains("UNIQUEID folder01 "));
}
