//! The counters file on the disk.

use super::{Counters, MODSEQS, VERSION, length, version};
use crate::store::cyrus::{
    db_error::{Damage, DbError},
    disk::{Deadline, Disk, DiskFile, Durability, Lock, Mode, lock_named, open_or_make, replace_file},
};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// A counters file under its lock.
#[derive(Debug)]
pub struct CountersFile<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    _file: Box<dyn DiskFile>,
    before: Counters,
    /// What is to be written.
    pub counters: Counters,
}

impl<'a> CountersFile<'a> {
    /// Opens and locks a file, making an empty one where there is none.
    ///
    /// # Errors
    /// [`DbError`]: `Locked` at the deadline, `Damaged` for a later release's file, or the system's error. A damaged file
    /// counts as an empty one, and so will be replaced; the reference leaves it and loses all counts.
    pub fn lock(disk: &'a dyn Disk, path: &Path, deadline: Deadline) -> Result<CountersFile<'a>, DbError> {
        let locked = open_and_lock(disk, path, deadline);
        let (file, bytes) = locked.map_err(|source| DbError::io(path, source))?;
        let before = decoded(path, &bytes)?;
        Ok(CountersFile { disk, path: path.to_owned(), _file: file, counters: before.clone(), before })
    }

    /// Writes the counters, if they changed, and gives the lock back. With [`Durability::Caller`] a power cut keeps either the
    /// old file or the new one until the caller syncs the directory.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn commit(mut self, durability: Durability) -> Result<Counters, DbError> {
        if self.counters != self.before {
            self.counters.generation = self.before.generation.wrapping_add(1);
            replace_file(self.disk, &self.path, &[&self.counters.encode()], durability)
                .map_err(|source| DbError::io(&self.path, source))?;
        }
        Ok(self.counters)
    }
}

/// Reads a file without a lock; no file is as good as an empty one.
///
/// # Errors
/// [`DbError`]: `Damaged` for a later release's file, or the system's error.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Counters, DbError> {
    let bytes = match disk.open(path, Mode::Read).and_then(|file| read_all(file.as_ref())) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|source| DbError::io(path, source))?,
    };
    decoded(path, &bytes)
}

/// A damaged file counts as an empty one; one of a later release is not touched.
fn decoded(path: &Path, bytes: &[u8]) -> Result<Counters, DbError> {
    match version(bytes) {
        Some(version) if version > VERSION => Err(DbError::damaged(path, 4, Damage::Version(version))),
        _ => Ok(Counters::decode(bytes).unwrap_or(Counters::ZERO)),
    }
}

fn open_and_lock(disk: &dyn Disk, path: &Path, deadline: Deadline) -> io::Result<(Box<dyn DiskFile>, Vec<u8>)> {
    let mut file = open_or_make(disk, path)?;
    lock_named(disk, path, &mut file, Lock::Exclusive, deadline)?;
    let bytes = read_all(file.as_ref())?;
    Ok((file, bytes))
}

/// A file of another size than any version's is not read beyond the longest.
fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length(MODSEQS) + 1];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
