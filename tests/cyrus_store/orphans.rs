//! What a process leaves that died in the middle of something: the next that comes along removes it or replaces it.

use crate::{
    common::master::{Mailbox, Message},
    common::peer::Peer,
    spool::TestSpool,
    tree,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};
use sync_server::store::cyrus::{
    disk::{Deadline, Disk, Durability, RealDisk, beside},
    quota::QuotaRoot,
    twoskip::{Create, Twoskip},
};

const OK: &str = "OK success\r\n";
/// Longer than any file that it is in the way of.
const HALF: &[u8] = &[0x55; 100_000];

/// A mailbox with this many messages, and what a master says to upload and to make it.
fn mailbox(name: &str, id: &str, messages: usize) -> (Mailbox, String) {
    let mut mailbox = Mailbox::new(name, id);
    let uploads: String = (1..=messages).map(|number| Message::number(number).upload("default")).collect();
    for number in 1..=messages {
        mailbox.append(Message::number(number));
    }
    let line = mailbox.all();
    (mailbox, uploads + &line)
}

/// The number of a process that was there and has ended.
fn ended_process() -> u32 {
    let mut child = Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    child.id()
}

fn make_old(path: &Path) {
    File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(2 * 3600)).unwrap();
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The file of this name that lies below a directory.
fn find(root: &Path, name: &str) -> PathBuf {
    let below = tree::read(root).into_keys().find(|path| path.ends_with(name));
    root.join(below.unwrap_or_else(|| panic!("no {name}")))
}

#[test]
fn what_a_dead_process_staged_goes_with_the_first_upload_to_its_partition() {
    let spool = TestSpool::new("orphans");
    let leftovers = ["default", "second"].map(|partition| {
        let directory = spool.root().join(format!("spool/{partition}/sync./{}-2", ended_process()));
        write(&directory.join(Message::number(7).guid.to_string()), HALF);
        make_old(&directory);
        directory
    });
    let mut peer = Peer::new(spool.store());
    peer.say("GET USER u1\r\n");
    assert!(leftovers.iter().all(|directory| directory.exists()), "who uploads nothing does not look");
    assert_eq!(peer.say(Message::number(1).upload("default")), OK);
    assert_eq!(leftovers.each_ref().map(|directory| directory.exists()), [false, true]);
    assert_eq!(peer.say(Message::number(1).upload("second")), OK);
    drop(peer);
    spool.assert_tidy("after both partitions were used");
    assert_eq!(spool.log.text(), "");
}

#[test]
fn orphans_that_cannot_be_removed_are_told_of_once_and_disturb_nobody() {
    let spool = TestSpool::new("orphans-stay");
    let directory = spool.root().join(format!("spool/default/sync./{}", ended_process()));
    fs::create_dir_all(directory.join("a directory")).unwrap();
    make_old(&directory);
    let mut peer = Peer::new(spool.store());
    let (_, line) = mailbox("user.u1", "id00000001", 3);
    assert_eq!(peer.say(line.clone()), OK.repeat(4));
    assert_eq!(peer.ask("RESTART"), "OK Restarting");
    assert_eq!(peer.say(Message::number(1).upload("default")), OK);
    assert_eq!(spool.log.count("unable to remove what was left staged"), 1, "{}", spool.log.text());
}

/// Numbers of processes come again, and so does the name of a store's directory.
#[test]
fn what_lies_in_a_store_s_own_directory_is_in_nobody_s_way() {
    let spool = TestSpool::new("orphans-own");
    let own = spool.root().join("spool/default/sync.");
    let names: Vec<PathBuf> = (0..40).map(|number| own.join(format!("{}-{number}", std::process::id()))).collect();
    let first = own.join(std::process::id().to_string());
    let all: Vec<&PathBuf> = names.iter().chain([&first]).collect();
    all.iter().for_each(|directory| write(&directory.join(Message::number(1).guid.to_string()), HALF));
    let mut peer = Peer::new(spool.store());
    let (inbox, line) = mailbox("user.u1", "id00000001", 1);
    assert_eq!(peer.say(line), OK.repeat(2));
    let text = Message::number(1).text;
    assert_eq!(fs::read(find(&spool.root().join("spool/default/uuid"), "1.")).unwrap(), text.into_bytes());
    drop((peer, inbox));
    assert_eq!(spool.log.text(), "");
}

/// Every file that is replaced whole is first written as `NAME.NEW`; a process that dies leaves that.
#[test]
fn half_of_a_file_that_was_to_replace_another_is_overwritten_by_the_next() {
    let spool = TestSpool::new("orphans-new");
    let mut peer = Peer::new(spool.store());
    let (mut inbox, line) = mailbox("user.u1", "id00000001", 1);
    peer.say(line);
    peer.say("APPLY QUOTA %(ROOT user.u1 LIMIT 1000 STORAGE 1000 MODSEQ 3)\r\n");
    peer.say("APPLY SUB %(USERID u1 MBOXNAME user.u1)\r\n");
    let quota = spool.options.quota_file(&QuotaRoot::parse(b"user.u1").unwrap());
    let replaced = [find(spool.root(), "cyrus.header"), quota, find(spool.root(), "sub.db")];
    replaced.iter().for_each(|path| write(&beside(path), HALF));
    inbox.change(1, |record| record.flags = vec!["$New"]);
    for said in [
        inbox.line(&[1], inbox.crcs(), ""),
        "APPLY QUOTA %(ROOT user.u1 LIMIT 2000 STORAGE 2000 MODSEQ 4)\r\n".to_owned(),
        "APPLY SUB %(USERID u1 MBOXNAME user.u1.a)\r\n".to_owned(),
    ] {
        assert_eq!(peer.say(said), OK);
    }
    drop(peer);
    spool.assert_tidy("after each was replaced");
    assert_eq!(spool.log.text(), "");
}

#[test]
fn half_of_a_database_that_was_to_replace_another_is_overwritten_by_the_next() {
    let spool = TestSpool::new("orphans-twoskip");
    let path = spool.root().join("spool/conf/annotations.db");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let soon = || Deadline::after(Duration::ZERO);
    let mut db = Twoskip::open(&disk, &path, Create::Yes).unwrap().unwrap();
    for number in 0..20 {
        let mut writer = db.write(soon()).unwrap();
        writer.store(b"key", &[number; 5000]).unwrap();
        writer.commit(Durability::Now).unwrap();
    }
    write(&beside(&path), HALF);
    assert!(db.repack(soon()).unwrap());
    assert_eq!(db.read(soon()).unwrap().fetch(b"key").unwrap(), Some(vec![19; 5000]));
    assert!(!beside(&path).exists());
}

/// Its list entry comes last, so that until then nobody knows of it.
#[test]
fn a_mailbox_that_was_never_listed_is_gone_when_it_is_made_again() {
    let spool = TestSpool::new("orphans-mailbox");
    let (_, line) = mailbox("user.u1", "id00000001", 3);
    let mut peer = Peer::new(spool.store());
    peer.say(line);
    drop(peer);
    fs::remove_file(spool.options.mailbox_list_file()).unwrap();

    let (_, line) = mailbox("user.u1", "id00000001", 1);
    let mut peer = Peer::new(spool.store());
    assert_eq!(peer.say("GET MAILBOXES (user.u1)\r\n"), OK);
    assert_eq!(peer.say(line), OK.repeat(2));
    let directory = find(spool.root(), "cyrus.index").parent().unwrap().to_owned();
    let files = tree::read(&directory).into_keys().filter(|path| path.to_string_lossy().ends_with('.'));
    assert_eq!(files.collect::<Vec<_>>(), [PathBuf::from("1.")], "of the one that was never listed nothing is left");
    assert!(peer.say("GET FULLMAILBOX user.u1\r\n").contains("LAST_UID 1 "));
    assert_eq!(spool.log.text(), "");
}

#[test]
fn a_message_that_no_record_refers_to_is_replaced_by_the_one_that_gets_its_uid() {
    let spool = TestSpool::new("orphans-message");
    let (mut inbox, line) = mailbox("user.u1", "id00000001", 1);
    let mut peer = Peer::new(spool.store());
    peer.say(line);
    let directory = find(spool.root(), "cyrus.index").parent().unwrap().to_owned();
    fs::write(directory.join("2."), HALF).unwrap();
    let uid = inbox.append(Message::number(2));
    let more = Message::number(2).upload("default") + &inbox.line(&[uid], inbox.crcs(), "");
    assert_eq!(peer.say(more), OK.repeat(2));
    assert_eq!(fs::read(directory.join("2.")).unwrap(), Message::number(2).text.into_bytes());
    assert_eq!(spool.log.text(), "");
}
