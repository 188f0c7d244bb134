//! The power is cut before each change that a command makes to the disk, and after the last.

use crate::matrix::{
    case::{Case, Verdict, cases, find, for_each, judge_again},
    cuts::{hash, images, ways},
    losses::{Losses, assert_nothing_lost},
    spool::connect,
};
use std::collections::{BTreeSet, HashMap, HashSet};
use sync_server::store::cyrus::disk::simulated::{SimulatedDisk, Surviving};

#[derive(Default)]
struct Outcome {
    losses: Losses,
    cuts: usize,
    images: usize,
    orphaned: usize,
    different: usize,
}

/// After a power cut at any change, with nothing, everything or some of what was not durable: a command that was answered OK is
/// done, another is done or not; nothing that a peer is told and no file disagrees, also after another power cut while that is
/// mended; and said again the command is done.
///
/// Of a command that changes several mailboxes, each is changed or not ([`Grain::Each`](crate::matrix::script::Grain)). Files that nothing
/// refers to may be left: they are counted.
///
/// Images with the same bytes are looked at once.
#[test]
fn no_power_cut_loses_anything() {
    let cases = cases();
    let outcomes = for_each(&cases, cut);
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    println!(
        "faults: {} commands, {} calls cut, {} images ({} different, {} with orphans), {} losses",
        cases.len(),
        sum(|outcome| outcome.cuts),
        sum(|outcome| outcome.images),
        sum(|outcome| outcome.different),
        sum(|outcome| outcome.orphaned),
        sum(|outcome| outcome.losses.count()),
    );
    let losses: Vec<Losses> = outcomes.into_iter().map(|outcome| outcome.losses).collect();
    assert_nothing_lost(&cases, &losses);
}

fn cut(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    let (images, answered) = images(case);
    let mut known: HashMap<u64, Verdict> = HashMap::new();
    for (call, image) in images.iter().enumerate() {
        for surviving in ways() {
            let place = format!("call {call} of {}, {surviving:?}", images.len() - 1);
            let found = image.after_power_cut(surviving);
            outcome.images += 1;
            let verdict = known.entry(hash(&found)).or_insert_with(|| {
                let mut verdict = look(case, &found);
                outcome.orphaned += usize::from(verdict.orphans > 0);
                outcome.losses.add(std::mem::take(&mut verdict.faults), &place);
                verdict
            });
            if call >= answered && !verdict.is_after {
                outcome.losses.add(["answered OK and not done".to_owned()], &place);
            }
        }
    }
    (outcome.cuts, outcome.different) = (images.len(), known.len());
    outcome
}

/// What a process finds that is started after the power cut; and what the command does that is said again, where it is not done.
fn look(case: &Case, found: &SimulatedDisk) -> Verdict {
    let mended = found.copied();
    mended.keep_images();
    let (state, findings) = find(&mended);
    let images = mended.take_images();
    let mut verdict = case.judge(&state, findings);
    if verdict.faults.is_empty() {
        verdict.faults = cut_again(case, &images, hash(found), verdict.is_after);
    }
    if !verdict.is_after {
        let mut peer = connect(&mended);
        let reply = peer.say(case.said());
        drop(peer.leave());
        let (state, findings) = find(&mended);
        verdict.faults.extend(judge_again(case, &reply, &state, findings));
    }
    verdict
}

/// Cuts the power again at each change that the process made which mended what it found.
fn cut_again(case: &Case, images: &[SimulatedDisk], found: u64, is_after: bool) -> BTreeSet<String> {
    let mut known = HashSet::from([found]);
    let mut faults = BTreeSet::new();
    for surviving in [Surviving::Nothing, Surviving::Everything, Surviving::Some(0)] {
        for disk in images.iter().map(|image| image.after_power_cut(surviving)) {
            if !known.insert(hash(&disk)) {
                continue;
            }
            let (state, findings) = find(&disk);
            let verdict = case.judge(&state, findings);
            faults.extend(verdict.faults);
            if verdict.is_after != is_after {
                faults.insert("is done or not done, but not the same as before".to_owned());
            }
        }
    }
    faults.into_iter().map(|fault| format!("cut again: {fault}")).collect()
}
