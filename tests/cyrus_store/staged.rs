//! Messages that a peer sends: what is kept of them until a mailbox takes them, on disks that fail too.

use crate::{
    common::master::{Mailbox, Message},
    common::peer::Peer,
    disk::ENOSPC,
    spool::TestSpool,
    tree,
};
use std::{fs, path::PathBuf};

const OK: &str = "OK success\r\n";
/// So many that what was found in them does not stay in memory.
const MANY: usize = 12;

/// A mailbox of these messages.
fn mailbox(name: &str, id: &str, messages: impl IntoIterator<Item = Message>) -> Mailbox {
    let mut mailbox = Mailbox::new(name, id);
    for message in messages {
        mailbox.append(message);
    }
    mailbox
}

/// Messages with long subjects.
fn many() -> Vec<Message> {
    (1..=MANY)
        .map(|number| Message::of(format!("Subject: {}\r\n\r\ntext\r\n", number.to_string().repeat(4000))))
        .collect()
}

fn uploads(messages: &[Message]) -> String {
    messages.iter().map(|message| message.upload("default")).collect()
}

/// The cache records of a mailbox.
fn cache_of(spool: &TestSpool, id: &str) -> Vec<u8> {
    let files = tree::read(spool.root());
    let mut names = files.keys().filter(|name| name.ends_with("cyrus.cache") && name.to_string_lossy().contains(id));
    fs::read(spool.root().join(names.next().unwrap())).unwrap().split_off(4)
}

/// The files that have names where messages are staged.
fn staged_files(spool: &TestSpool) -> Vec<PathBuf> {
    let files = tree::read(spool.root()).into_iter().filter(|(_, bytes)| bytes.is_some());
    files.map(|(path, _)| path).filter(|path| path.to_string_lossy().contains("sync./")).collect()
}

#[test]
fn a_cache_record_is_the_same_when_the_message_is_uploaded_and_when_it_is_taken_again() {
    for has_names in [false, true] {
        let spool = TestSpool::new("staged");
        if has_names {
            spool.disk.refuse_unnamed();
        }
        let mut peer = Peer::new(spool.store());
        assert_eq!(peer.say(uploads(&many())), OK.repeat(MANY));
        assert_eq!(staged_files(&spool).iter().any(|path| path.ends_with("cache")), has_names);
        assert_eq!(peer.say(mailbox("user.u1", "id00000001", many()).all()), OK);
        assert_eq!(peer.say(mailbox("user.u1.a", "id00000002", many()).all()), OK);
        assert_eq!(cache_of(&spool, "id00000001"), cache_of(&spool, "id00000002"));
        assert_eq!(peer.ask("RESTART"), "OK Restarting");
        spool.assert_tidy("after RESTART");
        assert_eq!(spool.log.text(), "");
    }
}

#[test]
fn uploads_have_names_only_where_too_many_are_open() {
    let messages: Vec<Message> = (1..=5).map(Message::number).collect();
    for (held_files, named) in [(0, 5), (3, 2), (5, 0)] {
        let mut spool = TestSpool::new("staged-names");
        spool.options.held_files = held_files;
        let mut peer = Peer::new(spool.store());
        assert_eq!(peer.say(uploads(&messages)), OK.repeat(5));
        assert_eq!(staged_files(&spool).len(), named);
        assert_eq!(peer.say(mailbox("user.u1", "id00000001", messages.clone()).all()), OK);
        assert_eq!(peer.say(mailbox("user.u1.a", "id00000002", messages.clone()).all()), OK);
        drop(peer.leave());
        spool.assert_tidy("after the session");
    }
}

#[test]
fn all_uploads_get_names_when_no_more_files_can_be_open() {
    let spool = TestSpool::new("staged-named");
    let messages: Vec<Message> = (1..=3).map(Message::number).collect();
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say(uploads(&messages[..2])), OK.repeat(2));
    assert_eq!(staged_files(&spool), Vec::<PathBuf>::new());
    spool.disk.refuse_unnamed();
    assert_eq!(peer.say(uploads(&messages[2..])), OK);
    assert_eq!(staged_files(&spool).len(), 3);
    assert_eq!(peer.say(mailbox("user.u1", "id00000001", messages).all()), OK);
    assert_eq!(peer.ask("RESTART"), "OK Restarting");
    spool.assert_tidy("after RESTART");
    assert_eq!(spool.log.text(), "");
}

#[test]
fn an_upload_is_taken_again_after_its_file_in_a_mailbox_is_gone() {
    let spool = TestSpool::new("staged-again");
    let message = Message::number(1);
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say(message.upload("default")), OK);
    assert_eq!(peer.say(mailbox("user.u1", "id00000001", vec![message.clone()]).all()), OK);
    message_files(&spool).iter().for_each(|file| fs::remove_file(file).unwrap());
    assert_eq!(peer.say(mailbox("user.u1.a", "id00000002", vec![message.clone()]).all()), OK);
    assert_eq!(fs::read(message_files(&spool).remove(0)).unwrap(), message.text.into_bytes());
}

/// The files of messages with the uid 1.
fn message_files(spool: &TestSpool) -> Vec<PathBuf> {
    let files = tree::read(spool.root()).into_keys().filter(|path| path.ends_with("1."));
    files.map(|path| spool.root().join(path)).collect()
}

#[test]
fn a_message_of_any_size_is_taken_as_it_came() {
    let spool = TestSpool::new("staged-sizes");
    let mut peer = Peer::new(spool.store());
    const GATHERED: usize = 256 * 1024;
    let sizes = [0, 1, GATHERED - 1, GATHERED, GATHERED + 1, 3 * GATHERED + 7];
    let messages: Vec<Message> =
        sizes.into_iter().map(|more| Message::of(format!("Subject: x\r\n\r\n{}", "y".repeat(more)))).collect();
    for message in &messages {
        let upload = message.upload("default").into_bytes();
        let replies: String = upload.chunks(100_000).map(|piece| peer.say(piece)).collect();
        assert_eq!(replies, OK);
    }
    assert_eq!(peer.say(mailbox("user.u1", "id00000001", messages.clone()).all()), OK);
    let files = tree::read(spool.root());
    for (message, uid) in messages.iter().zip(1..) {
        let path = files.keys().find(|path| path.ends_with(format!("{uid}."))).unwrap();
        assert_eq!(fs::read(spool.root().join(path)).unwrap(), message.text.as_bytes());
    }
}

#[test]
fn a_message_that_comes_again_and_is_bad_leaves_the_one_that_was_staged() {
    let spool = TestSpool::new("staged-bad");
    let mut peer = Peer::new(spool.store());
    let message = Message::number(1);
    let bad = message.upload("default").replace("Jane", "Joan");
    assert_eq!(peer.say(message.upload("default")), OK);
    assert!(peer.say(bad).starts_with("NO "));
    assert_eq!(peer.say(mailbox("user.u1", "id00000001", [message]).all()), OK);
    drop(peer);
    spool.assert_tidy("after the session");
}

/// Each call of uploads fails in turn: what was refused is sent again, and then all is as if nothing had failed.
#[test]
fn an_upload_is_refused_or_complete_when_the_disk_is_full() {
    let sound = TestSpool::new("staged-sound");
    let mut peer = Peer::new(sound.store());
    peer.say(uploads(&many()) + &mailbox("user.u1", "id00000001", many()).all());
    for call in 1.. {
        let spool = TestSpool::new("staged-full");
        let mut peer = Peer::new(spool.store());
        spool.disk.fail_at(call, ENOSPC, false);
        let refused: Vec<Message> =
            many().into_iter().filter(|message| peer.say(message.upload("default")) != OK).collect();
        if !spool.disk.has_failed() {
            assert!(call as usize > 2 * MANY);
            return;
        }
        spool.disk.mend();
        assert_eq!(peer.say(uploads(&refused)), OK.repeat(refused.len()), "call {call}");
        assert_eq!(peer.say(mailbox("user.u1", "id00000001", many()).all()), OK, "call {call}");
        assert_eq!(cache_of(&spool, "id00000001"), cache_of(&sound, "id00000001"), "call {call}");
        drop(peer);
        spool.assert_tidy(&format!("after call {call} failed"));
    }
}
