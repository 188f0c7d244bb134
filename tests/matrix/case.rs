//! The script, each command with the disk that it finds, and with what may be found after it failed.

use super::{
    script::{Command, Grain, script},
    sound::{Findings, inspect},
    spool::{connect, empty_disk},
    state::State,
};
use crate::common::peer::is_done;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    thread,
};
use sync_server::store::cyrus::disk::{
    Disk,
    simulated::{SimulatedDisk, Surviving},
};

/// A command, and what there is before and after it where nothing fails.
pub struct Case {
    pub command: Command,
    pub disk: SimulatedDisk,
    /// The disk after it, where nothing fails.
    pub done: SimulatedDisk,
    pub before: State,
    pub after: State,
}

/// Carries the script out on a disk that is well.
pub fn cases() -> Vec<Case> {
    let disk = empty_disk();
    script().into_iter().map(|command| case(&disk, command)).collect()
}

fn case(disk: &SimulatedDisk, command: Command) -> Case {
    say(disk, &command, &command.setting);
    let (before, _) = find(&disk.copied());
    let (durable, findings) = find(&disk.after_power_cut(Surviving::Nothing));
    if durable != before || !findings.faults.is_empty() {
        // What was lost already is the loss of an earlier command.
        disk.sync_file_system("/".as_ref()).unwrap();
    }
    let found = disk.copied();
    say(disk, &command, &(command.before.clone() + &command.said));
    let done = disk.copied();
    let (after, Findings { faults, orphans, .. }) = find(&done);
    assert!(before != after, "{} changes nothing", command.name);
    assert!(faults.is_empty() && orphans.is_empty(), "{}: {faults:?} {orphans:?}", command.name);
    Case { command, disk: found, done, before, after }
}

/// A session in which all goes well.
fn say(disk: &SimulatedDisk, command: &Command, said: &str) {
    let mut peer = connect(disk);
    let reply = peer.say(said);
    assert!(reply.lines().all(|line| line == "OK success"), "{}: {reply}", command.name);
    drop(peer.leave());
}

/// What a process that was just started finds on a disk. It is asked first, so that it mends what it mends.
pub fn find(disk: &SimulatedDisk) -> (State, Findings) {
    let mut peer = connect(disk);
    let state = State::ask(&mut peer);
    drop(peer.leave());
    let findings = inspect(disk);
    (state.with_untold(&findings), findings)
}

/// What is wrong with what there is.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub faults: BTreeSet<String>,
    pub orphans: usize,
    /// Whether all is as after the command, so that the master has nothing to say again.
    pub is_after: bool,
}

impl Case {
    /// Compares what there is with what may be there.
    pub fn judge(&self, state: &State, findings: Findings) -> Verdict {
        let comparison = state.compare(&self.before, &self.after);
        let unrecorded = findings.unrecorded();
        let unrecorded: Vec<String> =
            unrecorded.into_iter().map(|(name, uid)| format!("{name}: nothing refers to the message {uid}")).collect();
        let Findings { mut faults, orphans, .. } = findings;
        faults.extend(unrecorded);
        faults.extend(comparison.neither.iter().map(|part| format!("neither before nor after: {part}")));
        let is_half = !comparison.before.is_empty() && !comparison.after.is_empty();
        if is_half && self.command.grain == Grain::Whole {
            let (done, left) = (comparison.after.join(", "), comparison.before.join(", "));
            faults.insert(format!("half done: {done} without {left}"));
        }
        let is_after = comparison.before.is_empty() && comparison.neither.is_empty();
        Verdict { faults, orphans: orphans.len(), is_after }
    }

    /// All that is said for this command.
    pub fn said(&self) -> String {
        self.command.before.clone() + &self.command.said
    }
}

/// What is wrong after the command was said again.
pub fn judge_again(case: &Case, reply: &str, state: &State, findings: Findings) -> BTreeSet<String> {
    let mut faults = findings.faults;
    let comparison = state.compare(&case.before, &case.after);
    if !is_done(reply) {
        faults.insert(format!("answers {}", reply.lines().last().unwrap_or_default()));
    }
    faults.extend(comparison.before.iter().map(|part| format!("is not done: {part}")));
    faults.extend(comparison.neither.iter().map(|part| format!("is something else: {part}")));
    faults.into_iter().map(|fault| format!("said again: {fault}")).collect()
}

/// Looks at each case, several at once; returns what is made of each, in their order.
pub fn for_each<T: Send>(cases: &[Case], look: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let left = Mutex::new(cases.iter().enumerate());
    let next = || left.lock().unwrap().next();
    let found = Mutex::new(BTreeMap::new());
    let work = || {
        while let Some((number, case)) = next() {
            let made = look(case);
            found.lock().unwrap().insert(number, made);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    found.into_inner().unwrap().into_values().collect()
}
