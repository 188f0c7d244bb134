//! The disk: all calls go on to another, and locks are noted.

use super::{Locked, Taken, check};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};
use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Metadata, Mode};

/// The locks that one store holds, by the number of the open file.
type Held = Arc<Mutex<BTreeMap<u64, (Locked, Lock)>>>;

/// The disk of one store.
#[derive(Debug)]
pub struct Ordered {
    disk: Arc<dyn Disk>,
    taken: Taken,
    held: Held,
    opened: Mutex<u64>,
}

impl Ordered {
    pub fn new(disk: impl Disk + 'static, taken: &Taken) -> Arc<Ordered> {
        Arc::new(Ordered {
            disk: Arc::new(disk),
            taken: taken.clone(),
            held: Held::default(),
            opened: Mutex::default(),
        })
    }

    fn opened(&self, file: Box<dyn DiskFile>, path: &Path, is_own: bool) -> Box<dyn DiskFile> {
        let mut opened = self.opened.lock().unwrap();
        *opened += 1;
        let (taken, held) = (self.taken.clone(), self.held.clone());
        Box::new(OrderedFile { file, locked: Locked::by(path), is_own, number: *opened, taken, held })
    }
}

#[derive(Debug)]
struct OrderedFile {
    file: Box<dyn DiskFile>,
    locked: Locked,
    /// Nobody else knows of a file that was just made under a name of its own: its lock is never waited for.
    is_own: bool,
    number: u64,
    taken: Taken,
    held: Held,
}

impl OrderedFile {
    fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl DiskFile for OrderedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        self.file.write_at(offset, slices)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        self.file.link(to)
    }

    fn set_modified(&self, seconds: i64) -> io::Result<()> {
        self.file.set_modified(seconds)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let mut held = self.held.lock().unwrap();
        if !self.is_own {
            check(&self.locked, held.iter().filter(|(number, _)| **number != self.number).map(|(_, held)| held));
        }
        let is_free = self.file.try_lock(lock)?;
        if is_free {
            self.taken.0.lock().unwrap().insert(self.locked.kind());
            held.insert(self.number, (self.locked.clone(), lock));
        }
        Ok(is_free)
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()?;
        self.forget();
        Ok(())
    }
}

impl Drop for OrderedFile {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Disk for Ordered {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.opened(self.disk.open(path, mode)?, path, mode == Mode::CreateNew))
    }

    fn open_unnamed(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.opened(self.disk.open_unnamed(directory)?, directory, true))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn symlink(&self, target: &str, path: &Path) -> io::Result<()> {
        self.disk.symlink(target, path)
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        self.disk.read_link(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.disk.unlink(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.disk.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.disk.metadata(path)
    }

    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        self.disk.set_modified(path, seconds)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_file_system(path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_space(path)
    }
}
