//! The file of a quota root (`quotalegacy`).

use super::Quota;
use crate::store::cyrus::{
    db_error::DbError,
    disk::{Deadline, Disk, DiskFile, Durability, Lock, Mode, lock_named, open_or_make, replace_file},
};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The file of one quota root under its lock, for `quota_db: quotalegacy`.
#[derive(Debug)]
pub struct QuotaFile<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    _file: Box<dyn DiskFile>,
    quota: Option<Quota>,
}

/// The longest file that is read: a value is some 200 bytes, and a mailbox's name.
const MAX_FILE: usize = 8192;

impl<'a> QuotaFile<'a> {
    /// Opens and locks a root's file; `None` where there is none and none is to be made.
    ///
    /// # Errors
    /// [`DbError`]: `Locked` at the deadline, or the system's error.
    pub fn lock(
        disk: &'a dyn Disk,
        path: &Path,
        make: bool,
        deadline: Deadline,
    ) -> Result<Option<QuotaFile<'a>>, DbError> {
        match open_and_lock(disk, path, make, deadline) {
            Ok((file, bytes)) => {
                Ok(Some(QuotaFile { disk, path: path.to_owned(), _file: file, quota: decode_file(&bytes) }))
            }
            Err(error) if error.kind() == ErrorKind::NotFound && !make => Ok(None),
            Err(error) => Err(DbError::io(path, error)),
        }
    }

    /// What the file says; `None` where it was only just made.
    pub fn quota(&self) -> Option<&Quota> {
        self.quota.as_ref()
    }

    /// Writes the file and gives the lock back. With [`Durability::Caller`] a power cut keeps either the
    /// old file or the new one until the caller syncs the directory.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn commit(self, quota: &Quota, durability: Durability) -> Result<(), DbError> {
        replace_file(self.disk, &self.path, &[&quota.encode(), b"\n"], durability)
            .map_err(|source| DbError::io(&self.path, source))
    }

    /// Removes the file, and with it the root, durably.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn remove(self) -> Result<(), DbError> {
        let directory = self.path.parent().unwrap_or(&self.path);
        let removed = self.disk.unlink(&self.path).and_then(|()| self.disk.sync_dir(directory));
        removed.map_err(|source| DbError::io(&self.path, source))
    }
}

/// Reads a root's file without a lock; `None` where there is no such root.
///
/// # Errors
/// [`DbError::Io`]
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Quota>, DbError> {
    match disk.open(path, Mode::Read).and_then(|file| read_all(file.as_ref())) {
        Ok(bytes) => Ok(decode_file(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(DbError::io(path, error)),
    }
}

pub(super) fn decode_file(bytes: &[u8]) -> Option<Quota> {
    Quota::decode(bytes.strip_suffix(b"\n")?)
}

fn open_and_lock(
    disk: &dyn Disk,
    path: &Path,
    make: bool,
    deadline: Deadline,
) -> io::Result<(Box<dyn DiskFile>, Vec<u8>)> {
    let mut file = if make { open_or_make(disk, path) } else { disk.open(path, Mode::Write) }?;
    lock_named(disk, path, &mut file, Lock::Exclusive, deadline)?;
    let bytes = read_all(file.as_ref())?;
    Ok((file, bytes))
}

fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; MAX_FILE];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
