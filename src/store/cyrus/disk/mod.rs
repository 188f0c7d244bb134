//! The disk: the few system calls that the store makes, behind a trait.
//!
//! Everything in [`store::cyrus`](super) reaches files through [`Disk`] and [`DiskFile`] only, so that the same code runs on
//! the real disk, on one that fails at the n-th call, and on one whose power is cut. Paths are absolute and were built
//! beneath a configured root by this crate; no path component ever comes from a peer unchecked.

mod lock;
mod real;
mod replace;
pub mod simulated;
#[cfg(test)]
pub(crate) mod testing;
mod unnamed;

use std::{ffi::OsString, io, path::Path};

pub use lock::{Deadline, lock_named, wait_lock};
pub use real::RealDisk;
pub use replace::{beside, in_place_of, make_directories, open_in_made, open_or_make, remove_if_there, replace_file};

/// How to open a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// For reading only; must exist.
    Read,
    /// For reading and writing; must exist.
    Write,
    /// For reading and writing; made empty if it does not exist.
    Create,
    /// For reading and writing; must not exist.
    CreateNew,
}

/// What is known of a file without opening it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// Bytes.
    pub size: u64,
    /// The inode's number: tells whether a path still names the file that is open.
    pub inode: u64,
    /// The number of the device that it is on.
    pub device: u64,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Last modification, in seconds since 1970.
    pub modified: i64,
}

/// What a change to a file waits for before it returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Until the change survives a power cut.
    Now,
    /// Until a power cut either keeps the change or undoes all of it. The caller makes it durable later, together with other
    /// files: by a sync of the file or its directory, or a `syncfs`.
    Caller,
}

/// Which lock to take on a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// Many may hold it: `F_RDLCK`.
    Shared,
    /// One may hold it: `F_WRLCK`.
    Exclusive,
}

/// Calls on paths.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Opens a file; a new one gets permissions 0600.
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>>;
    /// Several threads are about to open so many files in all: what is to be made larger for that is made so now.
    fn expect_open(&self, _files: usize) {}
    /// Makes an empty file without a name on the file system of a directory, with permissions 0600, for reading and writing:
    /// `O_TMPFILE`. It gets its first name by [`DiskFile::link`]; without one it is gone when it is closed.
    ///
    /// A disk without such files refuses; uploads are then staged under names. One that makes them has
    /// [`DiskFile::set_modified`], too.
    fn open_unnamed(&self, _directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Makes a directory and those above it that are missing, with permissions 0755 less the process's umask.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Gives `to` the file named `from`, in place of what `to` named.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file a second name; fails if `to` exists.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes `path` a symbolic link to `target`, which need not exist; fails if `path` exists.
    ///
    /// A disk without such links refuses; nothing but the link to a user's active Sieve script needs one.
    fn symlink(&self, _target: &str, _path: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// What a symbolic link points to.
    fn read_link(&self, _path: &Path) -> io::Result<OsString> {
        Err(io::ErrorKind::NotFound.into())
    }
    /// Takes a file's name away.
    fn unlink(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no order, without `.` and `..`.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>>;
    /// What is known of a file.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;
    /// Sets the last modification, in seconds since 1970.
    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes all durable that was written to the file system that holds this path: `syncfs`.
    fn sync_file_system(&self, path: &Path) -> io::Result<()>;
    /// Bytes that may still be written to the file system that holds this path: `f_bavail` of `statvfs`. A disk without an end
    /// has room for everything.
    fn free_space(&self, _path: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// Calls on an open file. Offsets and sizes are in bytes.
pub trait DiskFile: Send + std::fmt::Debug {
    /// Reads at an offset; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
    /// Writes all of the slices, one behind the other, from an offset on.
    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()>;
    /// What is known of the file.
    fn metadata(&self) -> io::Result<Metadata>;
    /// Gives a file that was opened without a name its first or a further one; fails if `to` exists, and with
    /// [`NotFound`](io::ErrorKind::NotFound) if all names that it had are gone.
    fn link(&self, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Sets the last modification, in seconds since 1970.
    fn set_modified(&self, _seconds: i64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Cuts or extends the file.
    fn set_size(&self, size: u64) -> io::Result<()>;
    /// Makes the file's bytes and size durable: `fdatasync`.
    fn sync(&self) -> io::Result<()>;
    /// Takes a lock on the whole file if it is free at once, in place of one already held here; whether it was free.
    /// The lock belongs to this open file, not to the process: it excludes POSIX locks of other processes, and those
    /// of other threads that opened the file themselves.
    fn try_lock(&self, lock: Lock) -> io::Result<bool>;
    /// Gives the lock back. Dropping the file does so too.
    fn unlock(&self) -> io::Result<()>;
}
