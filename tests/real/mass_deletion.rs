//! With `sync_server_max_deletes`: a master that removes too much stops there, and goes on when it is let through.

use std::fs;

use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};

#[test]
fn a_3_6_master_stops_at_the_limit_and_goes_on_after_a_touch() -> Result<()> {
    stopped_and_let_through(Release::V36)
}

#[test]
fn a_3_12_master_stops_at_the_limit_and_goes_on_after_a_touch() -> Result<()> {
    stopped_and_let_through(Release::V312)
}

fn stopped_and_let_through(release: Release) -> Result<()> {
    if std::env::var_os("SYNC_SERVER_UNDER_TEST").is_some() {
        return Ok(());
    }
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &["delete_mode: immediate"])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, &["sync_server_max_deletes: 2/h"])?;
    let folders = ["INBOX.a", "INBOX.b", "INBOX.c", "INBOX.d"];
    master.imap("cyrus")?.ok("CREATE user.u1")?;
    folders.iter().try_for_each(|folder| master.imap("u1")?.ok(&format!("CREATE {folder}")).map(drop))?;
    master.sync(&ours, &["-A"])?;
    master.take_sync_log()?;
    folders.iter().try_for_each(|folder| master.imap("u1")?.ok(&format!("DELETE {folder}")).map(drop))?;
    let log = master.take_sync_log()?;
    let left = || Ok::<_, Failure>(ours.imap("u1")?.ok("LIST \"\" INBOX.*")?.len());

    let Err(refused) = master.sync(&ours, &["-r", "-f", &log]) else { return Err(Failure::new("nothing was refused")) };
    assert!(refused.0.contains("IMAP_SYNC_TOO_MANY_DELETES"), "{}", refused.0);
    assert_eq!(left()?, 2, "{}", refused.0);
    // What is no removal goes on.
    master.imap("u1")?.ok("CREATE INBOX.e")?;
    master.sync(&ours, &["-m", "user.u1.e"])?;
    assert_eq!(left()?, 3);

    fs::write(ours.base().join("conf/sync_server.allow-deletes"), "")?;
    master.sync(&ours, &["-r", "-f", &log])?;
    assert_eq!(left()?, 1);
    Ok(())
}
