//! A disk in memory, for one thread at a time.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};
use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Metadata, Mode};

/// Larger files are refused: no code may make one of a small input.
const MAX_SIZE: u64 = 16 << 20;

type Contents = Arc<Mutex<Vec<u8>>>;

/// Files by path. Directories are all there.
#[derive(Debug, Default)]
pub struct MemoryDisk {
    files: Mutex<BTreeMap<PathBuf, (u64, Contents)>>,
}

impl MemoryDisk {
    /// A disk with one file.
    pub fn with(path: &Path, contents: &[u8]) -> MemoryDisk {
        let disk = MemoryDisk::default();
        disk.files().insert(path.to_owned(), (1, Arc::new(Mutex::new(contents.to_vec()))));
        disk
    }

    /// An open file with these bytes, on no disk.
    pub fn file(contents: &[u8]) -> Box<dyn DiskFile> {
        Box::new(MemoryFile { inode: 1, contents: Arc::new(Mutex::new(contents.to_vec())) })
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<PathBuf, (u64, Contents)>> {
        self.files.lock().expect("no holder panics")
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
            let inode = files.values().map(|(inode, _)| *inode).max().unwrap_or(0) + 1;
            files.insert(path.to_owned(), (inode, Contents::default()));
        } else if mode == Mode::CreateNew {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let (inode, contents) = &files[path];
        Ok(Box::new(MemoryFile { inode: *inode, contents: Arc::clone(contents) }))
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut files = self.files();
        let (_, contents) = files.remove(from).ok_or_else(Self::missing)?;
        let inode = files.values().map(|(inode, _)| *inode).max().unwrap_or(0) + 1;
        files.insert(to.to_owned(), (inode, contents));
        Ok(())
    }

    fn link(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.files().remove(path).map(|_| ()).ok_or_else(Self::missing)
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read_dir(&self, _: &Path) -> io::Result<Vec<OsString>> {
        Ok(Vec::new())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
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
