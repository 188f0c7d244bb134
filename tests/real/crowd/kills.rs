//! Servers killed at any moment of a rolling replication, beside users who read and write other mailboxes of the replica, and
//! clients who read what is replicated.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::aftermath::{settle, sweep};
use super::{after, duration, traffic, witness};
use crate::chain::FOLLOWED;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};
use crate::tools;

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
    let ours = Instance::start(release, "ours", SyncServer::Ours, FOLLOWED)?;
    traffic::make(&master, &REPLICATED)?;
    traffic::make(&ours, &OWN)?;
    let end = after(duration());
    let seen = thread::scope(|scope| {
        let users = REPLICATED.map(|user| scope.spawn(|| traffic::until(end, &master, user)));
        let own = OWN.map(|user| scope.spawn(|| traffic::until(end, &ours, user)));
        let witnesses = REPLICATED.map(|user| scope.spawn(|| witness::until(end, &master, &ours, user)));
        let rolling = scope.spawn(|| master.roll_until(end, &ours));
        let mut seen = Seen { kills: kill_until(end, &ours), ..Seen::default() };
        users.into_iter().try_for_each(|user| user.join().unwrap().map(drop))?;
        for (user, own) in OWN.into_iter().zip(own) {
            let rounds = own.join().unwrap()?;
            seen.messages += rounds * traffic::MORE;
            seen.lost += traffic::missing_after(rounds, &ours, user)?;
        }
        for witness in witnesses {
            let kept = witness.join().unwrap()?;
            seen.messages += kept.seen;
            seen.lost += kept.lost;
        }
        seen.gave_up = rolling.join().unwrap()?;
        Ok::<_, Failure>(seen)
    })?;
    settle(&master, &ours, &REPLICATED)?;
    let quota_off = tools::quota_changes(&ours)?;
    let Seen { kills, gave_up, messages, lost } = seen;
    println!(
        "faults: {kills} kills, {} seconds, {gave_up} clients gave up, {messages} messages watched, \
         {} quota amounts off, {lost} losses",
        duration().as_secs(),
        quota_off.len()
    );
    assert_eq!(lost, 0, "messages were lost");
    if std::env::var("SYNC_SERVER_UNDER_TEST").is_err() {
        assert!(kills > 0, "no server was killed");
        // The reference leaves the amounts of a change that a kill cut short to `quota -f`.
        assert!(quota_off.is_empty(), "{quota_off:?}");
        println!("faults: {} orphans swept", sweep(&master, &ours, REPLICATED[0])?);
    }
    Ok(())
}

/// What happened.
#[derive(Default)]
struct Seen {
    kills: u64,
    gave_up: u64,
    messages: u64,
    lost: u64,
}

/// Kills one server of the replica after each of the moments that a fixed sequence gives; how many died. Cyrus's `master` gives a service
/// up that dies five times in ten seconds.
fn kill_until(end: Instant, replica: &Instance) -> u64 {
    let (mut killed, mut dice) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    while Instant::now() < end {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        thread::sleep(Duration::from_millis(2100 + dice % 800));
        let servers = replica.sync_servers();
        let one = servers.get(dice as usize % servers.len().max(1));
        killed += u64::from(one.is_some_and(|pid| kill(*pid, Signal::SIGKILL).is_ok()));
    }
    killed
}
