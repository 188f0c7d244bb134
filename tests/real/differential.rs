//! Our replica against a real one: after every step on the master, nothing may differ.

use crate::compare::Steps;
use crate::rig::Result;
use crate::rig::release::Release;
use crate::rig::trio::Trio;
use crate::scenarios::{SCENARIOS, SIEVE, Scenario};

#[test]
fn a_replica_of_3_6_is_what_the_reference_would_have_written() -> Result<()> {
    differential(Release::V36, SCENARIOS)
}

#[test]
fn a_replica_of_3_12_is_what_the_reference_would_have_written() -> Result<()> {
    differential(Release::V312, SCENARIOS)
}

#[test]
fn sieve_scripts_on_a_replica_of_3_6_are_what_the_reference_would_have_written() -> Result<()> {
    differential(Release::V36, SIEVE)
}

#[test]
fn sieve_scripts_on_a_replica_of_3_12_are_what_the_reference_would_have_written() -> Result<()> {
    differential(Release::V312, SIEVE)
}

fn differential(release: Release, scenarios: &[Scenario]) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    let mut steps = Steps::default();
    for scenario in scenarios {
        if let Err(failure) = trio.play(scenario) {
            steps.fail(scenario.name, &failure.0);
        }
        steps.look(scenario.name, trio.differences()?);
    }
    steps.assert_none_failed();
    Ok(())
}
