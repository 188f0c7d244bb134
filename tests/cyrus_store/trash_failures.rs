//! Nothing that fails on the way into the trash or back loses a mailbox.

use crate::{
    common::peer::Peer,
    trash::{ASKED, OK, name, replacement, restore, spool, user},
    tree,
};
use sync_server::{
    store::cyrus::disk::{
        Disk,
        simulated::{Failure, SimulatedDisk, Surviving},
    },
    types::Release,
};

/// Whatever call fails, the mailbox is there or in the trash, and never in neither.
#[test]
fn no_failure_of_the_disk_loses_a_mailbox() {
    for call in (0..).step_by(7) {
        let spool = spool(Release::V3_12);
        let mut peer = Peer::new(spool.store());
        peer.say(user());
        spool.disk.fail_at(call, crate::disk::ENOSPC, false);
        let reply = peer.say("APPLY UNUSER u1\r\n");
        let has_failed = spool.disk.has_failed();
        spool.disk.mend();
        let context = format!("call {call}: {reply} {}", spool.log.text());
        let mut peer = peer.again();
        let there = peer.say("GET MAILBOXES (user.u1 user.u1.a)\r\n");
        let mut store = peer.leave();
        let trash = store.trash().unwrap();
        for folder in ["user.u1", "user.u1.a"] {
            let listed = there.contains(&format!(" MBOXNAME {folder} "));
            assert!(listed || trash.iter().any(|it| it.name.as_str() == folder), "{folder}, {context}");
        }
        let files = tree::read(spool.root());
        let kept = files.iter().filter(|(path, bytes)| bytes.is_none() && path.to_string_lossy().contains("-trash-"));
        assert_eq!(kept.count(), trash.len(), "{context}");
        let mut peer = Peer::new(store);
        assert_eq!(peer.say("APPLY UNUSER u1\r\n"), OK, "{context}");
        let mut store = peer.leave();
        assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.a ok"], "{context}");
        let heard = Peer::new(store).say(ASKED);
        for words in ["LSUB", "SEENUIDS 1:2", "STORAGE 1000", "%(UID 3 ", "VALUE of-user.u1"] {
            assert!(heard.contains(words), "{words}, {context}");
        }
        if !has_failed {
            return;
        }
    }
}

/// Whatever call fails, the mailbox has its name or is in the trash, and the one that takes its place is there or not.
#[test]
fn no_failure_of_the_disk_loses_a_mailbox_that_is_replaced() {
    for call in (0..).step_by(5) {
        let spool = spool(Release::V3_12);
        let mut peer = Peer::new(spool.store());
        peer.say(user());
        spool.disk.fail_at(call, crate::disk::EIO, false);
        let reply = peer.say(replacement());
        let has_failed = spool.disk.has_failed();
        spool.disk.mend();
        let context = format!("call {call}: {reply} {}", spool.log.text());
        let mut peer = peer.again();
        let there = peer.say("GET MAILBOXES (user.u1.a)\r\n");
        let mut store = peer.leave();
        let kept = store.trash().unwrap().len();
        let (old, new) = (there.contains("UNIQUEID folder01 "), there.contains("UNIQUEID folder02 "));
        assert_eq!((old, kept), (!new, usize::from(new)), "{context}");
        let mut peer = Peer::new(store);
        if old {
            let heard = peer.say(replacement());
            assert!(heard.ends_with(OK), "{heard} {context}");
        }
        let used = peer.say("GET QUOTA user.u1\r\nGET FULLMAILBOX user.u1.a\r\n");
        assert!(used.contains("%(UID 1 ") && !used.contains("%(UID 2 "), "{used} {context}");
        assert_eq!(peer.leave().trash().unwrap().len(), 1, "{context}");
        if !has_failed {
            return;
        }
    }
}

/// Whatever call fails of a restoring, doing it again brings everything back.
#[test]
fn restoring_can_be_done_again() {
    for call in (0..).step_by(7) {
        let spool = spool(Release::V3_12);
        let mut peer = Peer::new(spool.store());
        peer.say(user() + "APPLY UNUSER u1\r\n");
        let mut store = peer.leave();
        spool.disk.fail_at(call, crate::disk::EIO, false);
        let restored = store.restore_trash(&name("user.u1"));
        let has_failed = spool.disk.has_failed();
        spool.disk.mend();
        let context = format!("call {call}: {restored:?} {}", spool.log.text());
        drop(store);
        let mut store = spool.store();
        restore(&mut store, "user.u1");
        assert_eq!(store.trash().unwrap(), [], "{context}");
        let heard = Peer::new(store).say(ASKED);
        for words in ["LSUB", "SEENUIDS 1:2", "STORAGE 1000", "%(UID 3 ", "VALUE of-user.u1.a"] {
            assert!(heard.contains(words), "{words}, {context}");
        }
        if !has_failed {
            return;
        }
    }
}

/// The same when the power is cut instead, at any change, with whatever survives.
#[test]
fn no_power_cut_loses_a_mailbox() {
    let spool = spool(Release::V3_12);
    let on = |disk: &SimulatedDisk| spool.store_on(disk.clone());
    let before = SimulatedDisk::new();
    before.create_dir_all(&spool.options.config_directory).unwrap();
    assert!(Peer::new(on(&before)).say(user()).lines().all(|line| line == "OK success"));
    before.sync_file_system(&spool.options.config_directory).unwrap();
    for call in (0..).step_by(7) {
        let disk = before.copied();
        disk.fail(Some(Failure { call, only_changes: true, errno: crate::disk::EIO, for_good: true }));
        let mut peer = Peer::new(on(&disk));
        let reply = peer.say("APPLY UNUSER u1\r\n");
        let has_failed = disk.counts().changes > call;
        for seed in 0..3 {
            let context = format!("change {call}, seed {seed}: {reply}");
            let mut store = on(&disk.after_power_cut(Surviving::Some(seed)));
            let kept: Vec<String> = store.trash().unwrap().iter().map(|it| it.name.to_string()).collect();
            let mut peer = Peer::new(store);
            let there = peer.say("GET MAILBOXES (user.u1 user.u1.a)\r\n");
            for folder in ["user.u1", "user.u1.a"] {
                let listed = there.contains(&format!(" MBOXNAME {folder} "));
                assert!(listed != kept.iter().any(|kept| kept == folder), "{folder}, {context}: {there}");
            }
            assert_eq!(peer.say("APPLY UNUSER u1\r\n"), OK, "{context}");
            let mut store = peer.leave();
            assert_eq!(restore(&mut store, "user.u1"), ["user.u1 ok", "user.u1.a ok"], "{context}");
            let heard = Peer::new(store).say(ASKED);
            for words in ["SEENUIDS 1:2", "STORAGE 1000", "%(UID 3 ", "VALUE of-user.u1.a"] {
                assert!(heard.contains(words), "{words}, {context}");
            }
        }
        if !has_failed {
            return;
        }
    }
}
