//! Connections at once to our server and to the reference's, which serve the same spool.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Instant;

use super::{end, settle, traffic};
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;

const USERS: [&str; 4] = ["u1", "u2", "u3", "u4"];

#[test]
fn two_connections_for_one_user_of_3_12() -> Result<()> {
    crowd(Release::V312, &["u1"; 2])
}

#[test]
fn eight_connections_for_four_users_of_3_12() -> Result<()> {
    crowd(Release::V312, &["u1", "u2", "u3", "u4", "u1", "u2", "u3", "u4"])
}

#[test]
fn four_connections_for_two_users_of_3_6() -> Result<()> {
    crowd(Release::V36, &["u1", "u2", "u1", "u2"])
}

/// One client for each element, over and over for its user: every other one speaks to the reference's server.
fn crowd(release: Release, clients: &[&str]) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, &[])?;
    traffic::make(&master, &USERS)?;
    let (end, replicated) = (end(), AtomicU32::new(0));
    thread::scope(|scope| {
        let traffic = USERS.map(|user| scope.spawn(|| traffic::until(end, &master, user)));
        for (number, user) in clients.iter().enumerate() {
            let socket = if number % 2 == 0 { ours.csync_socket() } else { ours.reference_socket() };
            let (master, replicated) = (&master, &replicated);
            scope.spawn(move || {
                while Instant::now() < end {
                    // Who meets another one's change is refused, and tries again.
                    let done = master.sync_to(&socket, &["-o", "-u", user]).is_ok();
                    replicated.fetch_add(done.into(), Ordering::Relaxed);
                }
            });
        }
        traffic.into_iter().try_for_each(|user| user.join().unwrap().map(drop))
    })?;
    let replicated = replicated.into_inner();
    println!("{} clients replicated {replicated} times", clients.len());
    assert!(replicated > 0, "nothing was replicated");
    settle(&master, &ours, &USERS)
}
