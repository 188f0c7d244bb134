//! What a power cut leaves of a [`SimulatedDisk`].

use super::{
    Inode, SimulatedDisk, State,
    file::{FileChange, FileNode},
};
use std::sync::{Arc, Mutex};

/// What a disk writes whole or not at all, in bytes.
pub(super) const SECTOR: usize = 512;

/// What survives a power cut of the changes that were not durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Surviving {
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// Some of it, chosen by this seed.
    Some(u64),
}

impl SimulatedDisk {
    /// The disk that is found after a power cut now. Nothing is locked and nothing fails on it.
    pub fn after_power_cut(&self, surviving: Surviving) -> SimulatedDisk {
        let state = self.state();
        let mut chance = Chance::new(surviving);
        let names = state.names.after_power_cut(|| chance.keeps());
        let mut inodes = state.inodes.clone();
        for inode in inodes.values_mut() {
            if let Inode::File(file) = inode {
                *file = left_of(file, &mut chance);
            }
        }
        SimulatedDisk(Arc::new(Mutex::new(State { inodes, names, ..State::default() })))
    }
}

fn left_of(file: &FileNode, chance: &mut Chance) -> FileNode {
    let mut bytes = Arc::clone(&file.durable);
    for change in &file.pending {
        for part in torn(change) {
            if chance.keeps() {
                part.apply(Arc::make_mut(&mut bytes));
            }
        }
    }
    FileNode::after_power_cut(bytes, file.modified)
}

/// The parts of a change that a power cut keeps or loses each on its own.
fn torn(change: &FileChange) -> Vec<FileChange> {
    let FileChange::Write(offset, bytes) = change else { return vec![change.clone()] };
    let mut parts = Vec::new();
    let (mut offset, mut rest) = (*offset, bytes.as_slice());
    while !rest.is_empty() {
        let (part, behind) = rest.split_at(rest.len().min(SECTOR - offset % SECTOR));
        parts.push(FileChange::Write(offset, part.to_vec()));
        (offset, rest) = (offset + part.len(), behind);
    }
    parts
}

/// Decides what survives; by chance with the numbers of xorshift64*.
struct Chance {
    surviving: Surviving,
    state: u64,
}

impl Chance {
    fn new(surviving: Surviving) -> Chance {
        let seed = if let Surviving::Some(seed) = surviving { seed } else { 0 };
        Chance { surviving, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn keeps(&mut self) -> bool {
        match self.surviving {
            Surviving::Nothing => false,
            Surviving::Everything => true,
            Surviving::Some(_) => {
                self.state ^= self.state >> 12;
                self.state ^= self.state << 25;
                self.state ^= self.state >> 27;
                self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63 == 0
            }
        }
    }
}
