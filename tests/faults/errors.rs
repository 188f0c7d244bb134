//! Each call of the disk that a command makes fails, once or from then on, while the process and the connection live.

use crate::{
    common::peer::Peer,
    matrix::{
        case::{Case, Verdict, cases, find, for_each, judge_again},
        failures::{Failed, failures},
        losses::{Losses, assert_nothing_lost},
        sound::{Findings, inspect},
        spool::files,
        state::State,
    },
};
use std::collections::BTreeSet;
use sync_server::store::{
    CyrusStore,
    cyrus::disk::simulated::{Failure, SimulatedDisk},
};

#[derive(Default)]
struct Outcome {
    losses: Losses,
    failures: usize,
    left_behind: usize,
}

/// Whatever call fails: each reply is whole and the connection goes on; once the disk is well, the same session finds the
/// command done or not done, and done if it was answered OK, also after a power cut; said again it is done; and nothing is left
/// behind when the session ends, but what could not be removed from a disk that failed to the end, which is counted.
#[test]
fn no_failing_call_loses_anything() {
    let cases = cases();
    let outcomes = for_each(&cases, fail_each);
    let sum = |of: fn(&Outcome) -> usize| outcomes.iter().map(of).sum::<usize>();
    println!(
        "faults: {} commands, {} errors injected, {} files left behind, {} losses",
        cases.len(),
        sum(|outcome| outcome.failures),
        sum(|outcome| outcome.left_behind),
        sum(|outcome| outcome.losses.count()),
    );
    let losses: Vec<Losses> = outcomes.into_iter().map(|outcome| outcome.losses).collect();
    assert_nothing_lost(&cases, &losses);
}

fn fail_each(case: &Case) -> Outcome {
    let mut outcome = Outcome::default();
    for failed in failures(case, 1) {
        let Failure { call, only_changes, errno, for_good } = failed.failure;
        let what = if only_changes { "change" } else { "call" };
        let how = if for_good { " for good" } else { "" };
        let (mut faults, left_behind) = look(case, failed);
        outcome.failures += 1;
        match for_good {
            true => outcome.left_behind += left_behind.len(),
            false => faults.extend(left_behind),
        }
        outcome.losses.add(faults, &format!("{what} {call}, error {errno}{how}"));
    }
    outcome
}

/// What is wrong after this failure, and what it leaves behind.
fn look(case: &Case, failed: Failed) -> (BTreeSet<String>, Vec<String>) {
    let Failed { disk, mut peer, reply, noop, durable, .. } = failed;
    let (state, findings) = ask(&mut peer, &disk);
    let mut verdict = case.judge(&state, findings);
    verdict.faults.extend(check_reply(case, &reply, &noop, &verdict, &durable));
    if !verdict.is_after {
        let again = peer.say(case.said());
        let (state, findings) = ask(&mut peer, &disk);
        verdict.faults.extend(judge_again(case, &again, &state, findings));
    }
    drop(peer.leave());
    (verdict.faults, left_behind(&disk))
}

/// What was answered is whole, and true.
fn check_reply(case: &Case, reply: &str, noop: &str, verdict: &Verdict, durable: &SimulatedDisk) -> Vec<String> {
    let mut faults = Vec::new();
    if !is_whole(reply) || !noop.starts_with("OK ") {
        faults.push(format!("the connection is lost: {reply} {noop}"));
    }
    let is_ok = reply.lines().last() == Some("OK success");
    if is_ok && !verdict.is_after {
        faults.push("answered OK and not done".to_owned());
    }
    if is_ok && find(durable).0 != case.after {
        faults.push("answered OK and not durable".to_owned());
    }
    faults
}

fn is_whole(reply: &str) -> bool {
    let is_answer = |line: &str| ["OK ", "NO ", "* "].iter().any(|start| line.starts_with(start));
    reply.ends_with("\r\n") && reply.lines().all(is_answer)
}

/// What the session says that goes on, and what it has made of the files.
fn ask(peer: &mut Peer<CyrusStore>, disk: &SimulatedDisk) -> (State, Findings) {
    let state = State::ask(peer);
    let findings = inspect(disk);
    (state.with_untold(&findings), findings)
}

/// What nobody needs once the session is over: uploads, and what was to replace a file.
fn left_behind(disk: &SimulatedDisk) -> Vec<String> {
    let paths = files(disk).into_iter().map(|(path, _)| path);
    let left = paths.filter(|path| path.contains("/sync./") || path.ends_with(".NEW"));
    left.map(|path| format!("leaves {}", path.rsplit('/').next().unwrap_or_default())).collect()
}
