//! A disk that is really full: a file system of half a megabyte, where this process may mount one (as root).

use crate::{
    common::{
        master::{Mailbox, Message},
        peer::Peer,
    },
    spool::TestSpool,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A small file system, unmounted when dropped.
struct Small(PathBuf);

impl Small {
    /// `None` where this process may not mount.
    fn mount(path: &Path) -> Option<Small> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"]).arg(path).output();
        mount.is_ok_and(|done| done.status.success()).then(|| Small(path.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: what still has a file open there shall not keep it.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

#[test]
fn a_full_disk_is_named_reads_go_on_and_nothing_is_left_behind() {
    let spool = TestSpool::new("small");
    let Some(_small) = Small::mount(spool.options.config_directory.parent().unwrap()) else {
        eprintln!("not root: no file system was mounted, nothing was tested");
        return;
    };
    fs::create_dir_all(&spool.options.config_directory).unwrap();
    for directories in spool.options.partitions.values() {
        fs::create_dir_all(&directories.data).unwrap();
    }
    let mut inbox = Mailbox::new("user.u1", "id00000001");
    let mut peer = Peer::new(spool.store());
    let uid = inbox.append(Message::number(1));
    assert_eq!(
        peer.say(Message::number(1).upload("default") + &inbox.line(&[uid], inbox.crcs(), "")),
        "OK success\r\n".repeat(2)
    );

    let heard: Vec<String> = (2..600).map(|number| peer.say(Message::number(number).upload("default"))).collect();
    let full = heard.iter().position(|line| line == "NO IMAP_NO_SPACE No space left on disk\r\n").unwrap();
    let refused = heard.iter().filter(|line| line.starts_with("NO IMAP_NO_SPACE")).count();
    assert!(heard[..full].iter().all(|line| line == "OK success\r\n"), "{heard:?}");
    assert!(spool.log.text().contains("No space left on device"), "{}", spool.log.text());
    assert!(peer.say("GET FULLMAILBOX user.u1\r\n").contains("%(UID 1 "));
    assert!(peer.say("GET USER u1\r\n").ends_with("OK success\r\n"));

    // What was staged goes with the session, and the rest can be sent.
    let mut peer = peer.again();
    let uid = inbox.append(Message::number(2));
    let again = Message::number(2).upload("default") + &inbox.line(&[uid], inbox.crcs(), "");
    assert_eq!(peer.say(again), "OK success\r\n".repeat(2));
    drop(peer);
    spool.assert_tidy("after the disk was full");
    println!("faults: {refused} uploads refused by a full disk, 0 losses");
}
