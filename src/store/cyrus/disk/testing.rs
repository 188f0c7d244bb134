//! What tests of files use: a directory that goes away, random numbers, and a simulated disk with a file.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use super::{
    Disk, Mode,
    simulated::{Failure, SimulatedDisk},
};

/// A directory beneath the system's temporary one, removed when dropped.
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    /// A new directory with this word in its name.
    pub(crate) fn new(word: &str) -> TestDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("sync_server-{word}-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        TestDir(dir)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        // A directory that stays behind fails no test.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Random numbers for tests: xorshift64*, the same from the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// A disk in memory with the directory of this file.
pub(crate) fn disk_for(file: &Path) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    disk.create_dir_all(file.parent().unwrap()).unwrap();
    disk.sync_file_system(file).unwrap();
    disk
}

/// Makes a file with these bytes, durably.
pub(crate) fn put(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    let file = disk.open(path, Mode::Create).unwrap();
    file.set_size(0).unwrap();
    file.write_at(0, &[bytes]).unwrap();
    disk.sync_file_system(path).unwrap();
}

/// The bytes of a file.
pub(crate) fn contents(disk: &SimulatedDisk, path: &Path) -> Vec<u8> {
    let file = disk.open(path, Mode::Read).unwrap();
    let mut bytes = vec![0; file.metadata().unwrap().size as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// Lets every change fail from the one with this number on.
pub(crate) fn fail_changes_from(disk: &SimulatedDisk, call: u64) {
    disk.fail(Some(Failure { call, only_changes: true, errno: 5, for_good: true }));
}
