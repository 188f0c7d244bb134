//! What power cuts and failing calls leave of each command of the matrix, judged by Cyrus 3.12: its tools have nothing to mend, and
//! its `sync_client` makes it what it is on a master where nothing failed.
//!
//! A share of the disks is judged, and all of them with `FAULT_IMAGES=all`. The disks are our store's: the reference is not tested.

mod found;
mod judges;
mod known;
mod transfer;

use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::matrix::case::{Case, cases, for_each};
use crate::matrix::losses::{Losses, assert_nothing_lost};
use crate::rig::Result;
use crate::rig::release::Release;
use judges::Judges;

/// Of what is many, every so many are judged.
const SHARE: usize = 40;

#[derive(Default)]
struct Outcome {
    losses: Losses,
    images: usize,
    replications: usize,
}

#[test]
fn cyrus_mends_nothing_after_power_cuts_and_errors_and_replication_completes_them() -> Result<()> {
    if std::env::var("SYNC_SERVER_UNDER_TEST").is_ok_and(|tested| tested == "reference") {
        return Ok(());
    }
    let _serial = Release::V312.lock();
    let cases = cases();
    let outcomes = judge_all(&cases)?;
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    println!(
        "faults: {} images judged by Cyrus's own tools, {} replications from them, {} losses",
        sum(|outcome| outcome.images),
        sum(|outcome| outcome.replications),
        sum(|outcome| outcome.losses.count()),
    );
    let losses: Vec<Losses> = outcomes.into_iter().map(|outcome| outcome.losses).collect();
    assert_nothing_lost(&cases, &losses);
    Ok(())
}

fn judge_all(cases: &[Case]) -> Result<Vec<Outcome>> {
    let every = if std::env::var("FAULT_IMAGES").is_ok_and(|images| images == "all") { 1 } else { SHARE };
    let judges = thread::available_parallelism().map_or(1, usize::from);
    let idle = Mutex::new((0..judges).map(Judges::new).collect::<Result<Vec<_>>>()?);
    let idle = || idle.lock().unwrap_or_else(PoisonError::into_inner);
    let judge_one = |case: &Case| {
        let judges = idle().pop().unwrap();
        let outcome = judge(case, every, &judges);
        idle().push(judges);
        outcome
    };
    for_each(cases, judge_one).into_iter().collect()
}

fn judge(case: &Case, every: usize, judges: &Judges) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for found in found::disks(case, every) {
        outcome.losses.add(judges.faults_of(&found)?, &found.place);
        outcome.images += 1;
        let faults = judges.faults_after_replication(case, &found)?;
        outcome.losses.add(faults.into_iter().map(|fault| format!("replicated: {fault}")), &found.place);
        outcome.replications += 1;
    }
    Ok(outcome)
}
