//! A real `sync_client` that finds `X-REPLICATION` offered speaks to our session within IMAP.

use std::path::PathBuf;
use std::sync::Arc;

use sync_server::store::CyrusStore;
use sync_server::store::cyrus::options::{CyrusOptions, PartitionDirectories};
use sync_server::types::Partition;

use super::host::Host;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};
use crate::scenarios::{SCENARIOS, Scenario};

/// A channel on which `sync_client` tries IMAP.
const SETTINGS: &[&str] = &["imap_sync_try_imap: 1"];

#[test]
fn a_3_6_master_replicates_within_imap_and_has_nothing_left_to_send() -> Result<()> {
    replicate(Release::V36)
}

#[test]
fn a_3_12_master_replicates_within_imap_and_has_nothing_left_to_send() -> Result<()> {
    replicate(Release::V312)
}

fn replicate(release: Release) -> Result<()> {
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, SETTINGS)?;
    let (host, spool) = (Host::start()?, Spool::new(release));
    let mut store = spool.store();
    let mut heard = Vec::new();
    for scenario in SCENARIOS {
        heard.extend(play(&master, scenario, &host, &mut store)?);
    }
    for kind in ["SYNCGET USER", "SYNCAPPLY RESERVE", "SYNCAPPLY MESSAGE", "SYNCAPPLY MAILBOX", "LOGOUT"] {
        assert!(heard.iter().any(|command| command == kind), "{kind}: {heard:?}");
    }
    let is_change = |command: &&String| command.starts_with("SYNCAPPLY ") && *command != "SYNCAPPLY CAPABILITIES";
    for arguments in [&["-A"][..], &["-u", "u1"], &["-u", "u4"], &["-s", "u4"], &["-m", "shared.news"]] {
        let again = sync(&master, &host, &mut store, arguments)?;
        assert!(again.iter().any(|command| command.starts_with("SYNCGET ")), "{again:?}");
        assert_eq!(again.iter().filter(is_change).collect::<Vec<_>>(), Vec::<&String>::new(), "{arguments:?}");
    }
    Ok(())
}

/// The host's empty spool, removed when dropped.
struct Spool(CyrusOptions, PathBuf);

impl Spool {
    fn new(release: Release) -> Spool {
        let root = std::env::temp_dir().join(format!("sync_server-in-imap-{release:?}-{}", std::process::id()));
        std::fs::create_dir_all(root.join("conf")).unwrap();
        let mut options = CyrusOptions { release: release.ours(), ..CyrusOptions::new(root.join("conf")) };
        options.sieve_directory = Some(root.join("sieve"));
        let directories = PartitionDirectories::new(root.join("spool"));
        options.partitions.insert(Partition::parse(b"default").unwrap(), directories);
        Spool(options, root)
    }

    fn store(&self) -> CyrusStore {
        CyrusStore::new(self.0.clone(), Arc::new(()))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

/// Changes the master as the scenario says and replicates the change.
fn play(master: &Instance, scenario: &Scenario, host: &Host, store: &mut CyrusStore) -> Result<Vec<String>> {
    let named = |e: Failure| Failure::new(format!("{}: {}", scenario.name, e.0));
    master.take_sync_log()?;
    (scenario.change)(master).map_err(named)?;
    let log = master.take_sync_log()?;
    let mut heard = Vec::new();
    for arguments in scenario.sync {
        let arguments: Vec<&str> = arguments.iter().map(|&a| if a == "LOG" { log.as_str() } else { a }).collect();
        heard.extend(sync(master, host, store, &arguments).map_err(named)?);
    }
    Ok(heard)
}

/// Runs `sync_client` from this master to the host; the commands that the host heard.
fn sync(master: &Instance, host: &Host, store: &mut CyrusStore, arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = master.tool("sync_client");
    command.args(["-v", "-v", "-n", "imap", "-S", &format!("{}/noauth", host.address)]).args(arguments);
    std::thread::scope(|scope| {
        let client = scope.spawn(move || command.output());
        let heard = host.serve_one(store);
        let output = client.join().map_err(|_| Failure::new("sync_client could not be waited for"))??;
        if output.status.success() {
            return heard;
        }
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let last: Vec<&str> = said.lines().rev().take(12).collect();
        Err(Failure::new(format!("sync_client {arguments:?}: {heard:?}\n{}", last.join("\n"))))
    })
}
