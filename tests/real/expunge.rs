//! Where expunged messages are not kept (`expunge_mode`): their files go as with the reference, and what is left to Cyrus's own
//! programs they do.

use std::collections::BTreeSet;
use std::path::Path;

use crate::compare::{self, Difference};
use crate::rig::Result;
use crate::rig::instance::Instance;
use crate::rig::release::{Release, run};
use crate::rig::trio::Trio;
use crate::scenarios::SCENARIOS;

#[test]
fn a_3_6_replica_keeps_no_more_messages_than_a_real_one() -> Result<()> {
    keeps_no_more(Release::V36)
}

#[test]
fn a_3_12_replica_keeps_no_more_messages_than_a_real_one() -> Result<()> {
    keeps_no_more(Release::V312)
}

fn keeps_no_more(release: Release) -> Result<()> {
    let _serial = release.lock();
    for mode in ["immediate", "semidelayed"] {
        let trio = Trio::with(release, &[&format!("expunge_mode: {mode}")])?;
        for scenario in SCENARIOS {
            trio.play(scenario)?;
            let [real, ours] = [&trio.real, &trio.ours].map(messages);
            assert_eq!(ours?, real?, "{mode}: {}", scenario.name);
        }
        for replica in [&trio.real, &trio.ours] {
            clean_up(replica)?;
        }
        let mut differences = compare::replicas(&trio.real, &trio.ours)?;
        differences.retain(|difference| !is_of_clean_up(difference));
        assert!(differences.is_empty(), "{mode}: {}", compare::report(&differences));
    }
    Ok(())
}

/// Ours was cleaned up once, the reference's after each step: files that are written anew then say how often that was, and what
/// they held.
fn is_of_clean_up(difference: &Difference) -> bool {
    let is_of = |line: &Option<String>| {
        let starts = ["generation_no=", "first_expunged=", "0=\\x00\\x00\\x00"];
        line.as_ref().is_some_and(|line| starts.iter().any(|start| line.starts_with(start)))
    };
    is_of(&difference.real) && is_of(&difference.ours)
}

/// Closes each mailbox once.
fn clean_up(replica: &Instance) -> Result<()> {
    let mut expire = replica.tool("cyr_expire");
    expire.args(["-E", "100"]);
    run(expire).map(drop)
}

/// The files of messages, when the replica has been left alone.
fn messages(replica: &Instance) -> Result<BTreeSet<String>> {
    replica.wait_for_sessions()?;
    let mut found = BTreeSet::new();
    walk(&replica.base().join("spool"), &mut found)?;
    Ok(found)
}

fn walk(directory: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.metadata()?.is_dir() {
            walk(&path, found)?;
        } else if entry.file_name().to_string_lossy().ends_with('.') {
            found.insert(path.to_string_lossy().split("/spool/").last().unwrap_or_default().to_string());
        }
    }
    Ok(())
}
