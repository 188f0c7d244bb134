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
