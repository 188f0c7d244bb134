//! The disks of a case that are to be judged.

use std::collections::HashSet;

use sync_server::store::cyrus::disk::simulated::{SimulatedDisk, Surviving};

use crate::matrix::case::{Case, find};
use crate::matrix::cuts::{hash, images, ways};
use crate::matrix::failures::{Failed, failures};
use crate::matrix::state::State;

/// A disk on which a process of ours has finished what it found.
pub struct Found {
    pub disk: SimulatedDisk,
    /// What happened.
    pub place: String,
}

/// The disks after power cuts and failing calls, those with the same files once: all of them, or of those that chance made and of
/// the failing calls every second one and so on.
pub fn disks(case: &Case, every: usize) -> Vec<Found> {
    let mut seen = HashSet::new();
    let cuts = cut(case, every).filter(|found| seen.insert(hash(&found.disk))).map(reopened).collect::<Vec<_>>();
    let mut known = HashSet::new();
    cuts.into_iter().chain(failed(case, every)).filter(|found| known.insert(hash(&found.disk))).collect()
}

fn cut(case: &Case, every: usize) -> impl Iterator<Item = Found> {
    let images = images(case).0;
    let is_taken = move |number: usize, surviving| match surviving {
        Surviving::Nothing | Surviving::Everything => true,
        Surviving::Some(_) => number.is_multiple_of(every),
    };
    let all = (0..images.len()).flat_map(|call| ways().map(move |surviving| (call, surviving))).enumerate();
    let taken = all.filter(move |(number, (_, surviving))| is_taken(*number, *surviving));
    taken.map(move |(_, (call, surviving))| Found {
        disk: images[call].after_power_cut(surviving),
        place: format!("power cut at call {call}, {surviving:?}"),
    })
}

/// What a process makes of it that is just started.
fn reopened(found: Found) -> Found {
    find(&found.disk);
    found
}

/// What the same session makes of it, the disk being well again.
fn failed(case: &Case, every: usize) -> impl Iterator<Item = Found> {
    failures(case, every).map(|Failed { failure, disk, mut peer, .. }| {
        State::ask(&mut peer);
        drop(peer.leave());
        Found { disk, place: format!("{failure:?}") }
    })
}
