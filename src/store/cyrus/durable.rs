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
    files: Vec<PathBuf>,
    directories: BTreeSet<PathBuf>,
}

impl Unsynced {
    /// A file whose bytes, size and name are new.
    pub(super) fn file(&mut self, path: &Path) {
        self.files.push(path.to_owned());
        self.name(path);
    }

    /// A file whose name is new.
    pub(super) fn name(&mut self, path: &Path) {
        self.directories.extend(path.parent().map(Path::to_owned));
    }

    /// Waits until all of it is durable.
    pub(super) fn sync(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        if self.files.len() > ONE_BY_ONE {
            return self.sync_file_systems(disk);
        }
        for path in &self.files {
            let synced = disk.open(path, Mode::Read).and_then(|file| file.sync());
            synced.map_err(StoreError::io(path))?;
        }
        self.directories.iter().try_for_each(|path| disk.sync_dir(path).map_err(StoreError::io(path)))
    }

    /// One call for each file system, found by the device that a directory is on.
    fn sync_file_systems(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        let mut synced = BTreeSet::new();
        for path in &self.directories {
            let device = disk.metadata(path).map_err(StoreError::io(path))?.device;
            if synced.insert(device) {
                disk.sync_file_system(path).map_err(StoreError::io(path))?;
            }
        }
        Ok(())
    }
}
