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
