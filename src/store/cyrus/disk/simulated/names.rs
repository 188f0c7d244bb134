//! The names on a [`SimulatedDisk`](super::SimulatedDisk): what directories hold now, and what they hold durably.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Component, Path, PathBuf},
};

/// The number of the root directory.
pub(super) const ROOT: u64 = 0;

type Tree = BTreeMap<u64, BTreeMap<OsString, u64>>;

#[derive(Clone, Debug)]
pub(super) struct Names {
    live: Tree,
    durable: Tree,
    /// What is not durable yet, in the order in which it was done. The changes of one element are done together or not at all.
    pending: Vec<Vec<NameChange>>,
    last: u64,
}

/// A place for a name in a directory, and what has it now.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    directory: u64,
    name: OsString,
    pub(super) inode: Option<u64>,
}

/// One name in a directory becomes that of another inode, or of none.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    directory: u64,
    name: OsString,
    inode: Option<u64>,
}

impl Directory {
    pub(super) fn set(&self, inode: Option<u64>) -> NameChange {
        NameChange { directory: self.directory, name: self.name.clone(), inode }
    }
}

impl Default for Names {
    fn default() -> Names {
        let empty = Tree::from([(ROOT, BTreeMap::new())]);
        Names { live: empty.clone(), durable: empty, pending: Vec::new(), last: ROOT }
    }
}

impl Names {
    /// The place of a path, whose directory must exist.
    pub(super) fn entry(&self, path: &Path) -> io::Result<Directory> {
        let mut entry = Directory { directory: ROOT, name: OsString::new(), inode: Some(ROOT) };
        for component in path.components() {
            let Component::Normal(name) = component else { continue };
            let directory = entry.inode.ok_or(ErrorKind::NotFound)?;
            let names = self.live.get(&directory).ok_or(ErrorKind::NotADirectory)?;
            entry = Directory { directory, name: name.to_owned(), inode: names.get(name).copied() };
        }
        Ok(entry)
    }

    /// Whether an inode has a name.
    pub(super) fn has(&self, inode: u64) -> bool {
        self.live.values().any(|names| names.values().any(|named| *named == inode))
    }

    /// A number that no inode has.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A directory that was given a name is empty.
    pub(super) fn add_directory(&mut self, inode: u64) {
        self.live.insert(inode, BTreeMap::new());
        self.durable.insert(inode, BTreeMap::new());
    }

    pub(super) fn list(&self, directory: u64) -> io::Result<Vec<OsString>> {
        let names = self.live.get(&directory).ok_or(ErrorKind::NotADirectory)?;
        Ok(names.keys().cloned().collect())
    }

    /// Everything, each directory before what is in it.
    pub(super) fn walk(&self) -> Vec<(PathBuf, u64)> {
        let (mut found, mut left) = (Vec::new(), vec![(PathBuf::from("/"), ROOT)]);
        while let Some((path, inode)) = left.pop() {
            for (name, inode) in self.live.get(&inode).into_iter().flatten() {
                left.push((path.join(name), *inode));
                found.push((path.join(name), *inode));
            }
        }
        found.sort();
        found
    }

    pub(super) fn change(&mut self, changes: Vec<NameChange>) {
        apply(&mut self.live, &changes);
        self.pending.push(changes);
    }

    /// Makes the names in a directory durable; with them, those that were changed together with one of them.
    pub(super) fn sync(&mut self, directory: u64) {
        let mut synced = BTreeSet::from([directory]);
        loop {
            let met = self.pending.iter().filter(|changes| touches(changes, &synced));
            let all: BTreeSet<u64> =
                met.flatten().map(|change| change.directory).chain(synced.iter().copied()).collect();
            if all.len() == synced.len() {
                break;
            }
            synced = all;
        }
        let (done, pending) =
            std::mem::take(&mut self.pending).into_iter().partition(|changes| touches(changes, &synced));
        self.pending = pending;
        let done: Vec<Vec<NameChange>> = done;
        done.iter().for_each(|changes| apply(&mut self.durable, changes));
    }

    pub(super) fn sync_all(&mut self) {
        for changes in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &changes);
        }
    }

    /// The names that are there after a power cut that keeps those of the changes that `keeps` says.
    pub(super) fn after_power_cut(&self, mut keeps: impl FnMut() -> bool) -> Names {
        let mut names = self.durable.clone();
        let mut lost = BTreeSet::new();
        for changes in &self.pending {
            if touches(changes, &lost) || !keeps() {
                lost.extend(changes.iter().map(|change| change.directory));
            } else {
                apply(&mut names, changes);
            }
        }
        Names { live: names.clone(), durable: names, pending: Vec::new(), last: self.last }
    }
}

fn touches(changes: &[NameChange], directories: &BTreeSet<u64>) -> bool {
    changes.iter().any(|change| directories.contains(&change.directory))
}

fn apply(tree: &mut Tree, changes: &[NameChange]) {
    for NameChange { directory, name, inode } in changes {
        let names = tree.entry(*directory).or_default();
        match inode {
            Some(inode) => drop(names.insert(name.clone(), *inode)),
            None => drop(names.remove(name)),
        }
    }
}
