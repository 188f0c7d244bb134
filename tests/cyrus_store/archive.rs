//! Messages on an archive partition.

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    spool::TestSpool,
    tree,
};
use sync_server::{
    store::{CyrusStore, cyrus::archive::ArchiveRule},
    types::Partition,
};

/// Messages of so many bytes are large.
const LARGE: u64 = 400;

/// A spool with an archive, a session on it, and an INBOX that it has made.
fn begin(word: &str) -> (TestSpool, Peer<CyrusStore>, Mailbox) {
    let mut spool = TestSpool::new(word);
    archive_from(&mut spool, LARGE);
    let (mut peer, inbox) = (Peer::new(spool.store()), Mailbox::new("user.u1", "id00000001"));
    say(&mut peer, &inbox.all());
    (spool, peer, inbox)
}

/// Messages of this size are archived. The first partition has an archive, the second none.
pub fn archive_from(spool: &mut TestSpool, size: u64) {
    let archive = spool.root().join("spool/archive");
    let default = Partition::parse(b"default").unwrap();
    spool.options.partitions.get_mut(&default).unwrap().archive = Some(archive);
    spool.options.archive = Some(ArchiveRule { after: 1 << 40, size, keeps_flagged: false });
}

/// The messages below a directory of the spool.
fn files(spool: &TestSpool, directory: &str) -> Vec<u32> {
    let directory = spool.root().join("spool").join(directory);
    if directory.exists() { tree::messages(&directory) } else { Vec::new() }
}

fn large(number: usize) -> Message {
    Message::of(format!("Subject: {number}\r\n\r\n{}\r\n", "x".repeat(LARGE as usize)))
}

fn small(number: usize) -> Message {
    Message::of(format!("Subject: {number}\r\n\r\nx\r\n"))
}

fn append(peer: &mut Peer<CyrusStore>, mailbox: &mut Mailbox, messages: Vec<Message>) {
    let uploads: String = messages.iter().map(|message| message.upload("default")).collect();
    let uids: Vec<u32> = messages.into_iter().map(|message| mailbox.append(message)).collect();
    let said = peer.say(uploads + &mailbox.line(&uids, mailbox.crcs(), ""));
    assert!(said.ends_with("OK success\r\n"), "{said}");
}

fn say(peer: &mut Peer<CyrusStore>, line: &str) {
    assert_eq!(peer.say(line.to_owned()), "OK success\r\n", "{line}");
}

/// All messages are what the master sent, wherever they lie.
fn assert_whole(peer: &mut Peer<CyrusStore>, mailbox: &Mailbox, partition: &str) {
    for (uid, record) in &mailbox.records {
        let guid = record.message.guid;
        let (name, id) = (&mailbox.name, &mailbox.id);
        let fetch =
            format!("GET FETCH %(MBOXNAME {name} PARTITION {partition} UNIQUEID {id} GUID {guid} UID {uid})\r\n");
        assert!(peer.say(fetch).contains(&record.message.text), "{uid}");
    }
}

#[test]
fn large_messages_lie_apart_and_go_where_their_mailbox_goes() {
    let (spool, mut peer, mut mailbox) = begin("archive");
    append(&mut peer, &mut mailbox, vec![small(1), large(2), small(3), large(4)]);
    assert_eq!((files(&spool, "default"), files(&spool, "archive")), (vec![1, 3], vec![2, 4]));
    assert_whole(&mut peer, &mailbox, "default");

    let to = |partition| {
        format!("APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u1 PARTITION {partition} UIDVALIDITY 0)\r\n")
    };
    say(&mut peer, &to("second"));
    assert_eq!((files(&spool, "second"), files(&spool, "archive")), (vec![1, 2, 3, 4], vec![]));
    assert_whole(&mut peer, &mailbox, "second");
    say(&mut peer, &to("default"));
    assert_whole(&mut peer, &mailbox, "default");

    say(&mut peer, "APPLY UNMAILBOX user.u1\r\n");
    assert_eq!((files(&spool, "default"), files(&spool, "archive")), (vec![], vec![]));
    peer.leave();
    spool.assert_tidy("after the mailbox was removed");
}

#[test]
fn a_message_is_reserved_and_copied_from_the_archive() {
    let (spool, mut peer, mut inbox) = begin("archived-copy");
    append(&mut peer, &mut inbox, vec![large(1)]);
    let mut copy = Mailbox::new("user.u1.a", "id00000002");
    say(&mut peer, &copy.all());
    let guid = large(1).guid;
    let reserved = peer.say(format!("APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({guid}))\r\n"));
    assert_eq!(reserved, "OK success\r\n", "nothing is missing");
    let uid = copy.append(large(1));
    say(&mut peer, &copy.line(&[uid], copy.crcs(), ""));
    assert_eq!((files(&spool, "default"), files(&spool, "archive")), (vec![], vec![1, 1]));
    assert_whole(&mut peer, &copy, "default");
}
