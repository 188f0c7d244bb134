//! Replacing a file whole: the new one is written beside it as `NAME.NEW`, made durable, and renamed. Readers without a lock and
//! a power cut see the old file or the new one, never a mixture.

use super::{Disk, DiskFile, Durability, Mode};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The name under which the file that is to replace another is written.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".NEW");
    name.into()
}

/// Removes a file if it exists.
///
/// # Errors
/// The system's.
pub fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.unlink(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a file, in place of what has its name; that is rare, and so removed only where it is in the way.
///
/// # Errors
/// The system's.
pub fn in_place_of<T>(disk: &dyn Disk, path: &Path, make: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match make() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            disk.unlink(path)?;
            make()
        }
        made => made,
    }
}

/// Puts a file of these bytes, durable, in the place of another, whose lock the caller holds. With [`Durability::Caller`] a power
/// cut keeps either file until the caller syncs the directory.
///
/// # Errors
/// The system's; the old file is still in place, unless it was the sync of the directory that failed.
pub fn replace_file(disk: &dyn Disk, path: &Path, parts: &[&[u8]], durability: Durability) -> io::Result<()> {
    let new = beside(path);
    // What is left of a file that could not be written is of no use to anybody.
    write_and_rename(disk, path, &new, parts).inspect_err(|_| drop(disk.unlink(&new)))?;
    match (durability, path.parent()) {
        (Durability::Now, Some(directory)) => disk.sync_dir(directory),
        _ => Ok(()),
    }
}

/// Opens a file, making an empty one where there is none, as [`open_in_made`].
///
/// # Errors
/// The system's.
pub fn open_or_make(disk: &dyn Disk, path: &Path) -> io::Result<Box<dyn DiskFile>> {
    open_in_made(disk, path, Mode::Create)
}

/// Opens a file, making the directories above it that are missing. They are durable then; the name of the file is left to the
/// caller.
///
/// # Errors
/// The system's.
pub fn open_in_made(disk: &dyn Disk, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
    match disk.open(path, mode) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_directories(disk, path.parent().unwrap_or(path))?;
            disk.open(path, mode)
        }
        opened => opened,
    }
}

/// Makes a directory and those above it that are missing, durably: what is made durable in it is then found after a power cut.
///
/// # Errors
/// The system's.
pub fn make_directories(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    for path in path.ancestors() {
        match disk.metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push(path),
            // Where one cannot be looked at, nothing is known of those above.
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let sync_names =
        || missing.iter().filter_map(|missing| missing.parent()).try_for_each(|above| disk.sync_dir(above));
    // Those that stayed would be taken for durable the next time.
    let made = disk.create_dir_all(path).and_then(|()| sync_names());
    made.inspect_err(|_| missing.iter().for_each(|missing| drop(disk.remove_dir(missing))))
}

fn write_and_rename(disk: &dyn Disk, path: &Path, new: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let file = in_place_of(disk, new, || disk.open(new, Mode::CreateNew))?;
    file.write_at(0, parts)?;
    file.sync()?;
    disk.rename(new, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::simulated::{Failure, SimulatedDisk, Surviving};

    #[test]
    fn directories_are_durable_when_they_are_made_whatever_failed_before() {
        let path = Path::new("/a/b/c/d");
        let mut failed = 0;
        for call in 0.. {
            let disk = SimulatedDisk::new();
            disk.create_dir_all("/a".as_ref()).unwrap();
            disk.sync_dir("/".as_ref()).unwrap();
            disk.fail(Some(Failure { call, only_changes: false, errno: 5, for_good: false }));
            let first = make_directories(&disk, path);
            let is_over = disk.counts().calls <= call;
            disk.fail(None);
            if first.is_err() {
                failed += 1;
                make_directories(&disk, path).unwrap();
            }
            assert!(disk.after_power_cut(Surviving::Nothing).metadata(path).unwrap().is_dir, "call {call}");
            if is_over {
                break;
            }
        }
        assert!(failed > 5, "{failed}");
    }
}
