//! Our server among real ones: it leaves nothing to send again, is read while it writes, and is itself a master's disk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::compare::{self, Steps};
use crate::mail;
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::trio::Trio;
use crate::scenarios::SCENARIOS;

#[test]
fn after_a_sync_a_3_6_master_has_nothing_left_to_send() -> Result<()> {
    nothing_left_to_send(Release::V36)
}

#[test]
fn after_a_sync_a_3_12_master_has_nothing_left_to_send() -> Result<()> {
    nothing_left_to_send(Release::V312)
}

#[test]
fn a_client_reading_a_3_6_replica_is_not_disturbed_by_a_sync() -> Result<()> {
    read_while_written(Release::V36)
}

#[test]
fn a_client_reading_a_3_12_replica_is_not_disturbed_by_a_sync() -> Result<()> {
    read_while_written(Release::V312)
}

#[test]
fn a_3_6_replica_can_be_the_master_of_a_real_one() -> Result<()> {
    master_of_a_real_one(Release::V36)
}

#[test]
fn a_3_12_replica_can_be_the_master_of_a_real_one() -> Result<()> {
    master_of_a_real_one(Release::V312)
}

#[test]
fn a_3_6_replica_hands_on_each_change_as_a_real_one_does() -> Result<()> {
    hands_on_each_change(Release::V36)
}

#[test]
fn a_3_12_replica_hands_on_each_change_as_a_real_one_does() -> Result<()> {
    hands_on_each_change(Release::V312)
}

fn nothing_left_to_send(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    trio.play_all()?;
    for arguments in [&["-A"][..], &["-u", "u1"], &["-u", "u4"], &["-s", "u4"], &["-m", "shared.news"]] {
        let conversation = trio.master.sync(&trio.ours, arguments)?;
        assert!(!conversation.0.is_empty(), "sync_client {arguments:?} shows no conversation");
        assert_eq!(conversation.applied(), Vec::<&str>::new(), "sync_client {arguments:?}");
    }
    Ok(())
}

fn read_while_written(release: Release) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, &[])?;
    master.imap("cyrus")?.ok("CREATE user.u1")?;
    write_round(&master, &ours, 0)?;
    let written = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&ours, &written));
        let rounds = (1..12).try_for_each(|round| write_round(&master, &ours, round));
        written.store(true, Ordering::Relaxed);
        let seen = reader.join().unwrap()?;
        rounds?;
        assert!(seen > 3, "the client looked only {seen} times");
        Ok(())
    })
}

/// Some mail comes, some goes, some changes; then it is replicated.
fn write_round(master: &Instance, ours: &Instance, round: u64) -> Result<()> {
    let mut u1 = master.imap("u1")?;
    (0..4).try_for_each(|n| u1.append("INBOX", "", &mail::message(round * 10 + n)))?;
    let label = format!("STORE 1:3 +FLAGS (\\Flagged round{round})");
    u1.all(&["SELECT INBOX", &label, "STORE 2 +FLAGS (\\Deleted)", "EXPUNGE"])?;
    master.sync(ours, &["-u", "u1"]).map(drop)
}

/// Reads the replica over and over, in one connection that lasts and in fresh ones; how often it looked.
fn read_until(replica: &Instance, written: &AtomicBool) -> Result<u32> {
    let mut lasting = replica.imap("u1")?;
    lasting.ok("EXAMINE INBOX")?;
    let mut looks = 0;
    while !written.load(Ordering::Relaxed) {
        lasting.all(&[
            "NOOP",
            "FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)",
            "STATUS INBOX (MESSAGES HIGHESTMODSEQ)",
        ])?;
        let mut fresh = replica.imap("u1")?;
        fresh.all(&["EXAMINE INBOX", "FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])", "LOGOUT"])?;
        looks += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(looks)
}

fn master_of_a_real_one(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    trio.play_all()?;
    let of_real = Instance::start(release, "of-real", SyncServer::Reference, &[])?;
    let of_ours = Instance::start(release, "of-ours", SyncServer::Reference, &[])?;
    for arguments in [&["-A"][..], &["-u", "u1"], &["-u", "u4"]] {
        trio.real.sync(&of_real, arguments)?;
        trio.ours.sync(&of_ours, arguments)?;
    }
    let differences = compare::replicas(&of_real, &of_ours)?;
    assert!(differences.is_empty(), "{}", compare::report(&differences));
    Ok(())
}

/// After each change, both replicas hand it on to a real one of their own.
fn hands_on_each_change(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    let of_real = Instance::start(release, "of-real", SyncServer::Reference, &[])?;
    let of_ours = Instance::start(release, "of-ours", SyncServer::Reference, &[])?;
    let mut steps = Steps::default();
    for scenario in SCENARIOS {
        trio.play(scenario)?;
        trio.real.wait_for_sessions()?;
        trio.ours.wait_for_sessions()?;
        match (trio.real.sync(&of_real, &["-A"]), trio.ours.sync(&of_ours, &["-A"])) {
            (Ok(_), Ok(_)) => {}
            // The reference's own cannot hand on a renamed user who is there by the old name.
            (Err(_), Err(_)) if release == Release::V36 => {}
            (by_real, by_ours) => {
                let failure = |outcome: Result<_>| outcome.err().map(|failure| failure.0);
                steps.fail(scenario.name, &format!("real {:?}, ours {:?}", failure(by_real), failure(by_ours)));
            }
        }
        steps.look(scenario.name, compare::replicas(&of_real, &of_ours)?);
    }
    steps.assert_none_failed();
    Ok(())
}
