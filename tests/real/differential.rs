//! Our replica against a real one: after every step on the master, nothing may differ.

use crate::compare;
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
    let (mut known, mut failures) = (Vec::new(), Vec::new());
    for scenario in scenarios {
        if let Err(failure) = trio.play(scenario) {
            failures.push(failure.0);
        }
        let differences = trio.differences()?;
        let new: Vec<_> = differences.iter().filter(|d| !known.contains(*d)).cloned().collect();
        if !new.is_empty() {
            failures.push(format!("{}:\n{}", scenario.name, compare::report(&new)));
        }
        known = differences;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
