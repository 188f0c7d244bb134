//! The real disk without its slowest part, and with failures on demand.

use std::{
    ffi::OsString,
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI32, AtomicI64, Ordering::Relaxed},
    },
};
use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Metadata, Mode, RealDisk};

/// Nothing here cuts the power, so that nothing is waited for to become durable.
#[derive(Clone, Debug, Default)]
pub struct TestDisk(Arc<Failure>);

/// Calls are counted down; the one that comes at 0 fails, and with `for_good` all that follow.
#[derive(Debug, Default)]
struct Failure {
    left: AtomicI64,
    errno: AtomicI32,
    for_good: AtomicI32,
    /// What is said to be free, in bytes, and how often that was asked for.
    free: AtomicI64,
    looks: AtomicI64,
    /// Whether no file is opened without a name.
    names_only: AtomicBool,
}

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;
const EMFILE: i32 = 24;

impl TestDisk {
    /// Lets call number `call`, from 0 on, fail with this error, and with `for_good` all later ones.
    pub fn fail_at(&self, call: i64, errno: i32, for_good: bool) {
        self.0.left.store(call, Relaxed);
        self.0.errno.store(errno, Relaxed);
        self.0.for_good.store(for_good.into(), Relaxed);
    }

    /// Lets no call fail.
    pub fn mend(&self) {
        self.fail_at(0, 0, false);
    }

    /// Says from now on that so many bytes are free.
    pub fn set_free(&self, bytes: i64) {
        self.0.free.store(bytes, Relaxed);
    }

    /// Lets no further file be opened without a name, as where there are too many descriptors.
    pub fn refuse_unnamed(&self) {
        self.0.names_only.store(true, Relaxed);
    }

    /// How often the free space was looked at.
    pub fn looks(&self) -> i64 {
        self.0.looks.load(Relaxed)
    }

    /// Whether the failure has happened.
    pub fn has_failed(&self) -> bool {
        self.0.left.load(Relaxed) < 0
    }

    fn call(&self) -> io::Result<()> {
        let Failure { left, errno, for_good, .. } = &*self.0;
        let errno = errno.load(Relaxed);
        let left = left.fetch_sub(1, Relaxed);
        if errno != 0 && (left == 0 || left < 0 && for_good.load(Relaxed) != 0) {
            return Err(io::Error::from_raw_os_error(errno));
        }
        Ok(())
    }
}

impl Disk for TestDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        self.call()?;
        Ok(Box::new(TestFile { disk: self.clone(), file: RealDisk.open(path, mode)? }))
    }

    fn open_unnamed(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.call()?;
        if self.0.names_only.load(Relaxed) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        Ok(Box::new(TestFile { disk: self.clone(), file: RealDisk.open_unnamed(directory)? }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        RealDisk.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        RealDisk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call()?;
        RealDisk.link(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        RealDisk.unlink(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.call()?;
        RealDisk.remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.call()?;
        RealDisk.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.call()?;
        RealDisk.metadata(path)
    }

    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        self.call()?;
        RealDisk.set_modified(path, seconds)
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.call()
    }

    fn sync_file_system(&self, _: &Path) -> io::Result<()> {
        self.call()
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        self.call()?;
        self.0.looks.fetch_add(1, Relaxed);
        Ok(self.0.free.load(Relaxed).unsigned_abs())
    }
}

#[derive(Debug)]
struct TestFile {
    disk: TestDisk,
    file: Box<dyn DiskFile>,
}

impl DiskFile for TestFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.call()?;
        self.file.read_at(offset, buffer)
    }

    /// A write that fails has written some of what it should: up to the end of a sector.
    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        if let Err(error) = self.disk.call() {
            let all = slices.concat();
            let end = (offset + all.len() as u64) / SECTOR * SECTOR;
            let written = end.saturating_sub(offset);
            self.file.write_at(offset, &[&all[..written as usize]])?;
            return Err(error);
        }
        self.file.write_at(offset, slices)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.disk.call()?;
        self.file.metadata()
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        self.disk.call()?;
        self.file.link(to)
    }

    fn set_modified(&self, seconds: i64) -> io::Result<()> {
        self.disk.call()?;
        self.file.set_modified(seconds)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.disk.call()?;
        self.file.set_size(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call()
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        self.disk.call()?;
        self.file.try_lock(lock)
    }

    /// On a file that is open this does not fail.
    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()
    }
}
