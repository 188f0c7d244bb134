//! Servers killed at any moment of a replication, beside users who read and write other mailboxes of the replica.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::{end, settle, traffic};
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;

const REPLICATED: [&str; 2] = ["u1", "u2"];
const OWN: [&str; 2] = ["u3", "u4"];

#[test]
fn what_kills_leave_of_a_3_12_replica_is_sound_and_completed_later() -> Result<()> {
    killed_at_random(Release::V312)
}

#[test]
fn what_kills_leave_of_a_3_6_replica_is_sound_and_completed_later() -> Result<()> {
    killed_at_random(Release::V36)
}

fn killed_at_random(release: Release) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, &[])?;
    traffic::make(&master, &REPLICATED)?;
    traffic::make(&ours, &OWN)?;
    let (end, kills) = (end(), AtomicU32::new(0));
    thread::scope(|scope| {
        let users = REPLICATED.map(|user| scope.spawn(|| traffic::until(end, &master, user)));
        let own = OWN.map(|user| scope.spawn(|| traffic::until(end, &ours, user)));
        REPLICATED.iter().for_each(|user| drop(scope.spawn(|| replicate(end, &master, &ours, user))));
        scope.spawn(|| kills.store(kill_until(end, &ours), Ordering::Relaxed));
        users.into_iter().chain(own).try_for_each(|user| user.join().unwrap().map(drop))
    })?;
    let kills = kills.into_inner();
    println!("{kills} servers were killed");
    if std::env::var("SYNC_SERVER_UNDER_TEST").is_err() {
        assert!(kills > 0, "no server was killed");
    }
    settle(&master, &ours, &REPLICATED)
}

/// A client whose server was killed tries again, as one that follows the log does.
fn replicate(end: Instant, master: &Instance, replica: &Instance, user: &str) {
    while Instant::now() < end {
        let _ = master.sync(replica, &["-o", "-u", user]);
    }
}

/// Kills one server of the replica after each of the moments that a fixed sequence gives; how many died. Cyrus's `master` gives a service
/// up that dies five times in ten seconds.
fn kill_until(end: Instant, replica: &Instance) -> u32 {
    let (mut killed, mut dice) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    while Instant::now() < end {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        thread::sleep(Duration::from_millis(2100 + dice % 800));
        let servers = replica.sync_servers();
        let one = servers.get(dice as usize % servers.len().max(1));
        killed += u32::from(one.is_some_and(|pid| kill(*pid, Signal::SIGKILL).is_ok()));
    }
    killed
}
