//! Connections at once to our server and to the reference's, which serve the same spool.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::aftermath::settle;
use super::{after, duration, traffic};
use crate::chain::FOLLOWED;
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::tools;

const USERS: [&str; 8] = ["u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"];
/// How many connections there are at once, each time for a third of the time.
const CONNECTIONS: [usize; 3] = [2, 4, 8];

#[test]
fn two_four_and_eight_connections_for_one_user_of_3_12() -> Result<()> {
    crowds(Release::V312, "one user", |connections| vec!["u1"; connections])
}

#[test]
fn two_four_and_eight_connections_for_one_user_of_3_6() -> Result<()> {
    crowds(Release::V36, "one user", |connections| vec!["u1"; connections])
}

#[test]
fn two_four_and_eight_connections_for_as_many_users_of_3_12() -> Result<()> {
    crowds(Release::V312, "as many users", |connections| USERS[..connections].to_vec())
}

#[test]
fn two_four_and_eight_connections_for_as_many_users_of_3_6() -> Result<()> {
    crowds(Release::V36, "as many users", |connections| USERS[..connections].to_vec())
}

fn crowds(release: Release, whose: &str, users_of: fn(usize) -> Vec<&'static str>) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, FOLLOWED)?;
    traffic::make(&master, &USERS)?;
    let each = duration() / CONNECTIONS.len() as u32;
    for connections in CONNECTIONS {
        let users = users_of(connections);
        let replicated = crowd(each, &master, &ours, &users)?;
        settle(&master, &ours, &distinct(&users))?;
        // Two that find no quota root may make it one after the other: the reference then counts from 0 again.
        let (seconds, quota_off) = (each.as_secs(), tools::quota_changes(&ours)?.len());
        println!(
            "faults: {seconds} seconds, {replicated} replications by {connections} connections for {whose}, \
             {quota_off} quota amounts off beside the reference, 0 losses"
        );
        assert!(replicated > 0, "nothing was replicated");
    }
    Ok(())
}

fn distinct<'a>(users: &[&'a str]) -> Vec<&'a str> {
    let mut distinct = users.to_vec();
    distinct.dedup();
    distinct
}

/// One client for each element, over and over for its user: every other one speaks to the reference's server. How often that
/// went well: who meets another one's change is refused, and tries again.
fn crowd(duration: Duration, master: &Instance, ours: &Instance, clients: &[&str]) -> Result<u32> {
    let (end, replicated) = (after(duration), AtomicU32::new(0));
    thread::scope(|scope| {
        let users = distinct(clients).into_iter();
        let traffic: Vec<_> = users.map(|user| scope.spawn(move || traffic::until(end, master, user))).collect();
        for (number, user) in clients.iter().enumerate() {
            let socket = if number % 2 == 0 { ours.csync_socket() } else { ours.reference_socket() };
            let replicated = &replicated;
            scope.spawn(move || {
                while Instant::now() < end {
                    let done = master.sync_to(&socket, &["-o", "-u", user]).is_ok();
                    replicated.fetch_add(done.into(), Ordering::Relaxed);
                }
            });
        }
        traffic.into_iter().try_for_each(|user| user.join().unwrap().map(drop))
    })?;
    Ok(replicated.into_inner())
}
