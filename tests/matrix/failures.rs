//! What the calls of a disk do to a command that fail, while the process and the connection live.

use super::{case::Case, spool::connect};
use crate::common::peer::Peer;
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

/// A command during which a call failed, on a disk that is well again.
pub struct Failed {
    pub failure: Failure,
    pub disk: SimulatedDisk,
    /// The same session.
    pub peer: Peer<CyrusStore>,
    /// What the command was answered.
    pub reply: String,
    /// What was answered to the next command, when the disk was not yet well.
    pub noop: String,
    /// What a power cut would have left that came before the disk was well.
    pub durable: SimulatedDisk,
}

/// Lets calls fail that the command makes, one after the other, in each way: every call, every second one and so on.
pub fn failures(case: &Case, every: usize) -> impl Iterator<Item = Failed> {
    FAILURES.into_iter().flat_map(move |(errno, only_changes, for_good)| {
        let each = (0..).step_by(every).map(move |call| Failure { call, only_changes, errno, for_good });
        each.map_while(move |failure| fail(case, failure))
    })
}

/// `None` if the command makes no such call.
fn fail(case: &Case, failure: Failure) -> Option<Failed> {
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
    let durable = disk.after_power_cut(Surviving::Nothing);
    disk.fail(None);
    Some(Failed { failure, disk, peer, reply, noop, durable })
}
