//! Messages on an archive partition: those that the reference would put there, and those that it moved there later.

use crate::compare::Steps;
use crate::rig::Result;
use crate::rig::release::Release;
use crate::rig::trio::Trio;
use crate::scenarios::SCENARIOS;

/// Some mail of the scenarios is old, and some large.
const ARCHIVED: &[&str] =
    &["archive_enabled: yes", "archivepartition-default: {d}/other", "archive_after: 400d", "archive_maxsize: 20"];

#[test]
fn a_3_6_replica_archives_what_a_real_one_does() -> Result<()> {
    archives(Release::V36)
}

#[test]
fn a_3_12_replica_archives_what_a_real_one_does() -> Result<()> {
    archives(Release::V312)
}

fn archives(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::with(release, ARCHIVED)?;
    let mut steps = Steps::default();
    for (number, scenario) in SCENARIOS.iter().enumerate() {
        if let Err(failure) = trio.play(scenario) {
            steps.fail(scenario.name, &failure.0);
        }
        steps.look(scenario.name, trio.differences()?);
        if number % 8 == 7 {
            for replica in [&trio.real, &trio.ours] {
                replica.wait_for_sessions()?;
                // All messages, however young.
                replica.expire(&["-E", "1000", "-A", "0"])?;
            }
            steps.look(&format!("archived after {}", scenario.name), trio.differences()?);
        }
    }
    steps.assert_none_failed();
    Ok(())
}
