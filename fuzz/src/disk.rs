//! A simulated disk with one file.

use std::path::Path;
use sync_server::store::cyrus::disk::{Disk, DiskFile, Mode, simulated::SimulatedDisk};

/// A disk with one file.
pub fn with(path: &Path, contents: &[u8]) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_dir_all(path.parent().expect("a file's path has a directory")).expect("nothing fails on this disk");
    file(&disk, path, contents);
    disk
}

/// Makes a file and leaves it open.
pub fn file(disk: &SimulatedDisk, path: &Path, contents: &[u8]) -> Box<dyn DiskFile> {
    let file = disk.open(path, Mode::Create).expect("nothing fails on this disk");
    file.write_at(0, &[contents]).expect("nothing fails on this disk");
    file
}
