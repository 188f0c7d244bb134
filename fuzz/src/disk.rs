//! A disk in memory, for one thread at a time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};
use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Metadata, Mode};

/// Larger files are refused: no code may make one of a small input.
const MAX_SIZE: u64 = 16 << 20;

type Contents = Arc<Mutex<Vec<u8>>>;

/// Files by path.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<PathBuf, (u64, Contents)>>,
    directories: Mutex<BTreeSet<PathBuf>>,
    inodes: AtomicU64,
}

impl MemoryDisk {
    /// A disk with one file.
    pub fn with(path: &Path, contents: &[u8]) -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.files().insert(path.to_owned(), (disk.inode(), Arc::new(Mutex::new(contents.to_vec()))));
        disk
    }

    /// An open file with these bytes, on no disk.
    pub fn file(contents: &[u8]) -> Box<dyn DiskFile> {
        Box::new(MemoryFile { inode: 1, contents: Arc::new(Mutex::new(contents.to_vec())) })
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (u64, Contents)>> {
        self.files.lock().expect("no holder panics")
    }

    fn directories(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.directories.lock().expect("no holder panics")
    }

    fn inode(&self) -> u64 {
        self.inodes.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn missing() -> io::Error {
        ErrorKind::NotFound.into()
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let mut files = self.files();
        if !files.contains_key(path) {
            if matches!(mode, Mode::Read | Mode::Write) {
                return Err(Self::missing());
            }
            files.insert(path.to_owned(), (self.inode(), Contents::default()));
        } else if mode == Mode::CreateNew {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (inode, contents) = &files[path];
        Ok(Box::new(MemoryFile { inode: *inode, contents: Arc::clone(contents) }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.directories().extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or_else(Self::missing)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let file = files.get(from).ok_or_else(Self::missing)?.clone();
        if files.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.files().remove(path).map(|_| ()).ok_or_else(Self::missing)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        if !self.read_dir(path)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.directories().remove(path);
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let (files, directories) = (self.files(), self.directories());
        if !directories.contains(path) {
            return Err(Self::missing());
        }
        let here = files.keys().chain(directories.iter()).filter(|entry| entry.parent() == Some(path));
        Ok(here.filter_map(|entry| entry.file_name().map(ToOwned::to_owned)).collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        if self.directories().contains(path) {
            return Ok(Metadata { size: 0, device: 1, inode: u64::MAX, is_dir: true, modified: 0 });
        }
        self.open(path, Mode::Read)?.metadata()
    }

    fn set_modified(&self, _: &Path, _: i64) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_file_system(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryFile {
    inode: u64,
    contents: Contents,
}

impl MemoryFile {
    fn contents(&self) -> MutexGuard<'_, Vec<u8>> {
        self.contents.lock().expect("no holder panics")
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let contents = self.contents();
        let rest = usize::try_from(offset).ok().and_then(|offset| contents.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let end = offset.saturating_add(length as u64);
        assert!(end <= MAX_SIZE, "a small file grows to {end} bytes");
        let mut contents = self.contents();
        let size = contents.len().max(end as usize);
        contents.resize(size, 0);
        let mut at = offset as usize;
        for slice in slices {
            contents[at..at + slice.len()].copy_from_slice(slice);
            at += slice.len();
        }
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        let size = self.contents().len() as u64;
        Ok(Metadata { size, device: 1, inode: self.inode, is_dir: false, modified: 0 })
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        assert!(size <= MAX_SIZE, "a small file grows to {size} bytes");
        self.contents().resize(size as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, _: Lock) -> io::Result<bool> {
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
}
