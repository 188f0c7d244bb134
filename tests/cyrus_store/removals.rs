//! `sync_server_max_deletes`: so many mailboxes are removed in an hour, by whichever process, and no more.

use crate::{
    common::{master::Mailbox, peer::Peer},
    spool::TestSpool,
};
use std::fs;
use sync_server::store::{
    CyrusStore,
    cyrus::safety::{Clock, RemovalLimit},
};

const REFUSED: &str =
    "NO IMAP_SYNC_TOO_MANY_DELETES Too many mailboxes removed, the replica's log says how to allow it\r\n";
const OK: &str = "OK success\r\n";
const NOON: i64 = 1_700_000_000;

fn spool(count: u32) -> TestSpool {
    let mut spool = TestSpool::new("removals");
    spool.options.safety.max_removals = Some(RemovalLimit { count, seconds: 3600 });
    spool.options.safety.clock = Clock::standing(NOON);
    spool
}

/// Makes a user's INBOX and folders `1`, `2` and so on.
fn make(peer: &mut Peer<CyrusStore>, user: &str, folders: usize) {
    for number in 0..=folders {
        let name = if number == 0 { format!("user.{user}") } else { format!("user.{user}.{number}") };
        assert_eq!(peer.say(Mailbox::new(&name, &format!("{user}-{number}")).all()), OK);
    }
}

fn remove(peer: &mut Peer<CyrusStore>, name: &str) -> String {
    peer.say(format!("APPLY UNMAILBOX {name}\r\n"))
}

#[test]
fn more_than_the_limit_is_refused_until_an_hour_is_over() {
    let spool = spool(2);
    let mut peer = Peer::new(spool.store());
    make(&mut peer, "u1", 5);
    assert_eq!(remove(&mut peer, "user.u1.1"), OK);
    spool.options.safety.clock.set(NOON + 600);
    // Another process counts on.
    let mut other = Peer::new(spool.store());
    assert_eq!(remove(&mut other, "user.u1.2"), OK);
    assert_eq!(remove(&mut peer, "user.u1.3"), REFUSED);
    assert!(peer.say("GET MAILBOXES (user.u1.3)\r\n").contains("UNIQUEID u1-3 "));
    let told = spool.log.text();
    let command = format!("touch {}", spool.options.config_directory.join("sync_server.allow-deletes").display());
    for words in ["what=<user.u1.3> mailboxes=<1> removed_already=<2> sync_server_max_deletes=<2/h>", &command] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // What was removed first is an hour old, what was refused is not counted.
    spool.options.safety.clock.set(NOON + 3600);
    assert_eq!(remove(&mut peer, "user.u1.3"), OK);
    assert_eq!(remove(&mut peer, "user.u1.4"), REFUSED);
}

#[test]
fn a_user_counts_as_many_as_there_are_mailboxes_and_goes_whole_or_not_at_all() {
    let spool = spool(4);
    let mut peer = Peer::new(spool.store());
    make(&mut peer, "u1", 4);
    make(&mut peer, "u2", 3);
    let before = peer.say("GET USER u1\r\n");
    assert_eq!(peer.say("APPLY UNUSER u1\r\n"), REFUSED);
    assert_eq!(peer.say("GET USER u1\r\n"), before);
    assert!(spool.log.text().contains("what=<user u1> mailboxes=<5> removed_already=<0>"), "{}", spool.log.text());
    assert_eq!(peer.say("APPLY UNUSER u2\r\nAPPLY UNUSER u2\r\n"), OK.repeat(2));
    assert_eq!(remove(&mut peer, "user.u1.4"), REFUSED);
    // What is not there is not removed, and what is renamed is there.
    assert_eq!(remove(&mut peer, "user.u3"), "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n");
    let rename = "APPLY RENAME %(OLDMBOXNAME user.u1.4 NEWMBOXNAME user.u1.5 PARTITION default)\r\n";
    assert_eq!(peer.say(rename), OK);
}

#[test]
fn a_mailbox_that_is_replaced_is_removed() {
    let spool = spool(1);
    let mut peer = Peer::new(spool.store());
    make(&mut peer, "u1", 0);
    assert_eq!(peer.say(Mailbox::new("user.u1", "other").all()), OK);
    assert_eq!(peer.say(Mailbox::new("user.u1", "third").all()), REFUSED);
    assert!(peer.say("GET MAILBOXES (user.u1)\r\n").contains("UNIQUEID other "));
}

#[test]
fn a_touched_file_lets_them_through_for_an_hour() {
    let spool = spool(1);
    let mut peer = Peer::new(spool.store());
    make(&mut peer, "u1", 4);
    let file = spool.options.config_directory.join("sync_server.allow-deletes");
    fs::write(&file, "").unwrap();
    let touched = fs::metadata(&file).unwrap().modified().unwrap();
    let touched = touched.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed();
    spool.options.safety.clock.set(touched + 3599);
    for folder in 1..=3 {
        assert_eq!(remove(&mut peer, &format!("user.u1.{folder}")), OK);
    }
    spool.options.safety.clock.set(touched + 3600);
    assert_eq!(remove(&mut peer, "user.u1.4"), REFUSED);
}

#[test]
fn the_counts_stay_small_and_survive_damage() {
    let spool = spool(100_000);
    let mut peer = Peer::new(spool.store());
    make(&mut peer, "u1", 130);
    let file = spool.options.config_directory.join("sync_server.removals");
    for number in 1..=130 {
        spool.options.safety.clock.set(NOON + 40 * number);
        assert_eq!(remove(&mut peer, &format!("user.u1.{number}")), OK);
    }
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() <= 61, "{text}");
    assert_eq!(text.lines().map(|line| line.split_once(' ').unwrap().1.parse::<u32>().unwrap()).sum::<u32>(), 90);
    for damage in [&b"\xff\0nonsense"[..], b"1700000000\n", b"5 5\n4 4\n", &[b'9'; 9000]] {
        fs::write(&file, damage).unwrap();
        make(&mut peer, "u1", 1);
        assert_eq!(remove(&mut peer, "user.u1.1"), OK);
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{} 1\n", NOON + 40 * 130));
    }
    assert_eq!(spool.log.count("counts of removed mailboxes are damaged"), 4);
}
