//! Making many files durable at once, before the one write that makes them count.

use super::{disk::Disk, disk::Mode, error::StoreError};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Up to this many files are waited for one by one; above it, all of a file system at once costs less.
const ONE_BY_ONE: usize = 4;

/// What was written and is not durable yet.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    /// No more of them than tell that there are too many.
    files: Vec<PathBuf>,
    /// Files that have long had their names.
    rewritten: Vec<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

impl Unsynced {
    /// A file whose bytes, size and name are new.
    pub(super) fn file(&mut self, path: &Path) {
        if self.files.len() <= ONE_BY_ONE {
            self.files.push(path.to_owned());
        }
        self.name(path);
    }

    /// A file whose bytes are new, and which has long had its name.
    pub(super) fn bytes(&mut self, path: &Path) {
        self.rewritten.push(path.to_owned());
    }

    /// A file whose name is new.
    pub(super) fn name(&mut self, path: &Path) {
        if let Some(directory) = path.parent().filter(|directory| !self.directories.contains(*directory)) {
            self.directories.insert(directory.to_owned());
        }
    }

    /// Waits until all of it is durable.
    pub(super) fn sync(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        if self.files.len() + self.rewritten.len() > ONE_BY_ONE {
            return self.sync_file_systems(disk);
        }
        for path in self.files.iter().chain(&self.rewritten) {
            let synced = disk.open(path, Mode::Read).and_then(|file| file.sync());
            synced.map_err(StoreError::io(path))?;
        }
        self.directories.iter().try_for_each(|path| disk.sync_dir(path).map_err(StoreError::io(path)))
    }

    /// One call for each file system, found by the device that a directory, or a file in it, is on.
    fn sync_file_systems(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let mut synced = BTreeSet::new();
        for path in self.directories.iter().chain(&self.rewritten) {
            let device = disk.metadata(path).map_err(StoreError::io(path))?.device;
            if synced.insert(device) {
                disk.sync_file_system(path).map_err(StoreError::io(path))?;
            }
        }
        Ok(())
    }
}
