//! Where expunged messages are not kept (`expunge_mode`): their files go as with the reference, and what is left to Cyrus's own
//! programs they do.

use crate::compare::{self, Difference};
use crate::rig::Result;
use crate::rig::release::Release;
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
            let [real, ours] = [&trio.real, &trio.ours].map(compare::messages);
            assert_eq!(ours?, real?, "{mode}: {}", scenario.name);
        }
        for replica in [&trio.real, &trio.ours] {
            // It closes each mailbox.
            replica.expire(&["-E", "100"])?;
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
