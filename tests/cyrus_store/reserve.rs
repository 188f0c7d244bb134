//! Messages that another mailbox has: their cache records come from there, if they are sound there.

use crate::{
    common::master::{Mailbox, Message},
    common::peer::Peer,
    spool::TestSpool,
    tree,
};
use std::{fs, path::PathBuf};
use sync_server::store::CyrusStore;

/// A message in the INBOX, made known to the session for another mailbox.
fn reserved(spool: &TestSpool) -> (Peer<CyrusStore>, Mailbox) {
    let (mut peer, message) = (Peer::new(spool.store()), Message::number(1));
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    inbox.append(message.clone());
    peer.say(message.upload("default"));
    assert_eq!(peer.say(inbox.all()), "OK success\r\n");
    assert_eq!(peer.ask("RESTART"), "OK Restarting");
    let reserve = format!("APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({}))\r\n", message.guid);
    assert_eq!(peer.say(reserve), "OK success\r\n");
    let mut folder = Mailbox::new("user.u1.a", "id00000002");
    folder.append(message);
    (peer, folder)
}

fn cache_of(spool: &TestSpool, id: &str) -> PathBuf {
    let files = tree::read(spool.root());
    let mut names = files.keys().filter(|name| name.ends_with("cyrus.cache") && name.to_string_lossy().contains(id));
    spool.root().join(names.next().unwrap())
}

#[test]
fn a_cache_record_is_the_same_whether_it_was_copied_or_made() {
    for damage in [false, true] {
        let spool = TestSpool::new("reserve");
        let (mut peer, folder) = reserved(&spool);
        let cache = cache_of(&spool, "id00000001");
        let sound = fs::read(&cache).unwrap();
        if damage {
            let mut damaged = sound.clone();
            damaged[20] ^= 1;
            fs::write(&cache, damaged).unwrap();
        }
        assert_eq!(peer.say(folder.all()), "OK success\r\n", "{}", spool.log.text());
        let made = fs::read(cache_of(&spool, "id00000002")).unwrap();
        assert_eq!(made[4..], sound[4..]);
    }
}

#[test]
fn a_cache_file_that_is_gone_is_not_missed() {
    let spool = TestSpool::new("reserve");
    let (mut peer, folder) = reserved(&spool);
    let cache = cache_of(&spool, "id00000001");
    let sound = fs::read(&cache).unwrap();
    fs::remove_file(&cache).unwrap();
    assert_eq!(peer.say(folder.all()), "OK success\r\n", "{}", spool.log.text());
    assert_eq!(fs::read(cache_of(&spool, "id00000002")).unwrap()[4..], sound[4..]);
}

/// The file of a message in the spool, which only one mailbox has so far.
fn message_file(spool: &TestSpool) -> PathBuf {
    let files = tree::read(spool.root());
    let mut names = files.keys().filter(|name| name.ends_with("1."));
    let file = spool.root().join(names.next().unwrap());
    assert!(names.next().is_none());
    file
}

#[test]
fn a_reserved_message_stays_whatever_becomes_of_the_file_that_it_was_found_in() {
    for held_files in [0, 256] {
        for other in [None, Some("another message")] {
            let mut spool = TestSpool::new("reserve");
            spool.options.held_files = held_files;
            let (mut peer, folder) = reserved(&spool);
            let file = message_file(&spool);
            let text = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            other.iter().for_each(|other| fs::write(&file, other).unwrap());
            assert_eq!(peer.say(folder.all()), "OK success\r\n", "{held_files} {}", spool.log.text());
            other.iter().for_each(|_| fs::remove_file(&file).unwrap());
            assert_eq!(fs::read(message_file(&spool)).unwrap(), text);
            drop(peer.leave());
            spool.assert_tidy("after the session");
        }
    }
}

#[test]
fn a_reserved_message_has_a_name_of_its_own_only_where_too_many_are_open() {
    for (held_files, staged) in [(0, 1), (1, 0)] {
        let mut spool = TestSpool::new("reserve");
        spool.options.held_files = held_files;
        let (peer, _) = reserved(&spool);
        let files = tree::read(spool.root());
        let found = files.keys().filter(|name| name.to_string_lossy().contains("sync./") && files[*name].is_some());
        assert_eq!(found.count(), staged);
        drop(peer.leave());
        spool.assert_tidy("after the session");
    }
}

#[test]
fn of_many_messages_with_one_guid_a_sound_one_is_found() {
    const MESSAGES: usize = 150;
    let spool = TestSpool::new("reserve-many");
    let mut peer = Peer::new(spool.store());
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    let number_of = |place: usize| if place.is_multiple_of(2) { place } else { 1 };
    for place in 0..MESSAGES {
        inbox.append(Message::number(number_of(place)));
    }
    let uploads: String = (0..MESSAGES).map(|place| Message::number(number_of(place)).upload("default")).collect();
    assert!(peer.say(uploads + &inbox.all()).lines().all(|line| line == "OK success"), "{}", spool.log.text());
    assert_eq!(peer.ask("RESTART"), "OK Restarting");
    let root = message_file_of(&spool, 1).parent().unwrap().to_owned();
    // Of those with the first message all but the last are damaged; they have a file each.
    for uid in (2..MESSAGES - 1).step_by(2) {
        fs::remove_file(root.join(format!("{uid}."))).unwrap();
        fs::write(root.join(format!("{uid}.")), "damaged").unwrap();
    }
    let guids: Vec<String> = (0..MESSAGES).map(|place| Message::number(number_of(place)).guid.to_string()).collect();
    let reserve = format!("APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({}))\r\n", guids.join(" "));
    assert_eq!(peer.say(reserve), "OK success\r\n", "{}", spool.log.text());
    assert_eq!(spool.log.count("guid mismatch"), (2..MESSAGES - 1).step_by(2).count());
}

fn message_file_of(spool: &TestSpool, uid: usize) -> PathBuf {
    let name = format!("{uid}.");
    let below = tree::read(spool.root()).into_keys().find(|path| path.ends_with(&name));
    spool.root().join(below.unwrap())
}
