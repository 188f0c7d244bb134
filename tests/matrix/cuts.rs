//! The disks that power cuts leave.

use super::{
    case::Case,
    spool::{connect_with, files, options},
};
use std::hash::{DefaultHasher, Hash, Hasher};
use sync_server::store::cyrus::{
    disk::simulated::{SimulatedDisk, Surviving},
    options::CyrusOptions,
};

/// Random subsets of what was not durable, for each cut.
const SEEDS: u64 = 8;

/// What each cut leaves of what was not durable: nothing, everything, or some of it.
pub fn ways() -> impl Iterator<Item = Surviving> {
    [Surviving::Nothing, Surviving::Everything].into_iter().chain((0..SEEDS).map(Surviving::Some))
}

/// The disk before each change of a command and of the end of its session, and at the end; and from which of them on the command
/// was answered.
pub fn images(case: &Case) -> (Vec<SimulatedDisk>, usize) {
    images_of(case, &case.disk.copied(), options())
}

/// The same on this disk, where a process has these options.
pub fn images_of(case: &Case, disk: &SimulatedDisk, options: CyrusOptions) -> (Vec<SimulatedDisk>, usize) {
    let mut peer = connect_with(disk, options);
    peer.say(case.command.before.clone());
    disk.fail(None);
    disk.keep_images();
    peer.say(case.command.said.clone());
    let answered = disk.counts().changes as usize;
    drop(peer.leave());
    let mut images = disk.take_images();
    images.push(disk.copied());
    (images, answered)
}

/// Tells disks with other files apart.
pub fn hash(disk: &SimulatedDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    files(disk).hash(&mut hasher);
    hasher.finish()
}
