//! Each call of the disk that a command makes fails, once or from then on, while the process and the connection live.

use crate::{
    common::peer::Peer,
    matrix::{Case, Losses, Verdict, assert_nothing_lost, cases, find, for_each, judge_again},
    not_yet,
    sound::{Findings, inspect},
    spool::{connect, files},
    state::State,
};
use std::collections::BTreeSet;
use sync_server::store::{
    CyrusStore,
    cyrus::disk::simulated::{Failure, SimulatedDisk, Surviving},
};

const EINTR: i32 = 4;
const EIO: i32 = 5;
const EMFILE: i32 = 24;
const ENOSPC: i32 = 28;

/// What fails: the number of the error, whether only changes are counted and fail, and whether all later calls fail, too.
const FAILURES: [(i32, bool, bool); 6] = [
    (EIO, false, false),
    (EIO, false, true),
    (EMFILE, false, false),
    (ENOSPC, true, false),
    (ENOSPC, true, true),
    (EINTR, true, false),
];

#[derive(Default)]
struct Outcome {
    losses: Losses,
    failures: usize,
}

/// Whatever call fails: each reply is whole and the connection goes on; once the disk is well, the same session finds the
/// command done or not done, and done if it was answered OK, also after a power cut; said again it is done; and nothing is left
/// behind when the session ends.
#[test]
fn no_failing_call_loses_anything() {
    let cases = cases();
    let outcomes = for_each(&cases, fail_each);
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    println!(
        "faults: {} commands, {} errors injected, {} losses",
        cases.len(),
        sum(|outcome| outcome.failures),
        sum(|outcome| outcome.losses.count()),
    );
    let losses: Vec<Losses> = outcomes.into_iter().map(|outcome| outcome.losses).collect();
    assert_nothing_lost(&cases, &losses, not_yet::ERRORS);
}

fn fail_each(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    for (errno, only_changes, for_good) in FAILURES {
        for call in 0.. {
            let failure = Failure { call, only_changes, errno, for_good };
            let Some(faults) = fail(case, failure) else { break };
            outcome.failures += 1;
            let what = if only_changes { "change" } else { "call" };
            outcome
                .losses
                .add(faults, &format!("{what} {call}, error {errno}{}", if for_good { " for good" } else { "" }));
        }
    }
    outcome
}

/// What is wrong after this failure; `None` if the command makes no such call.
fn fail(case: &Case, failure: Failure) -> Option<BTreeSet<String>> {
    let disk = case.disk.copied();
    let mut peer = connect(&disk);
    peer.say(case.command.before.clone());
    disk.fail(Some(failure));
    let reply = peer.say(case.command.said.clone());
    let counts = disk.counts();
    if failure.call >= if failure.only_changes { counts.changes } else { counts.calls } {
        return None;
    }
    let noop = peer.say("NOOP\r\n");
    let is_ok = reply.lines().last() == Some("OK success");
    let durable = disk.after_power_cut(Surviving::Nothing);
    disk.fail(None);
    let mut faults = BTreeSet::new();
    if !is_whole(&reply) || !noop.starts_with("OK ") {
        faults.insert(format!("the connection is lost: {reply} {noop}"));
    }
    let verdict = judge(case, &mut peer, &disk);
    if is_ok && !verdict.is_after {
        faults.insert("answered OK and not done".to_owned());
    }
    if is_ok && find(&durable).0 != case.after {
        faults.insert("answered OK and not durable".to_owned());
    }
    if !verdict.is_after {
        let again = peer.say(case.said());
        let (state, findings) = ask(&mut peer, &disk);
        faults.extend(judge_again(case, &again, &state, findings));
    }
    drop(peer.leave());
    faults.extend(verdict.faults);
    faults.extend(left_behind(&disk));
    Some(faults)
}

fn is_whole(reply: &str) -> bool {
    let is_answer = |line: &str| ["OK ", "NO ", "* "].iter().any(|start| line.starts_with(start));
    reply.ends_with("\r\n") && reply.lines().all(is_answer)
}

fn judge(case: &Case, peer: &mut Peer<CyrusStore>, disk: &SimulatedDisk) -> Verdict {
    let (state, findings) = ask(peer, disk);
    case.judge(&state, findings)
}

/// What the session says that goes on, and what it has made of the files.
fn ask(peer: &mut Peer<CyrusStore>, disk: &SimulatedDisk) -> (State, Findings) {
    let state = State::ask(peer);
    let findings = inspect(disk);
    (state.with_tombstones(&findings), findings)
}

/// What nobody needs once the session is over: uploads, and what was to replace a file.
fn left_behind(disk: &SimulatedDisk) -> Vec<String> {
    let paths = files(disk).into_iter().map(|(path, _)| path);
    let left = paths.filter(|path| path.contains("/sync./") || path.ends_with(".NEW"));
    left.map(|path| format!("leaves {}", path.rsplit('/').next().unwrap_or_default())).collect()
}
