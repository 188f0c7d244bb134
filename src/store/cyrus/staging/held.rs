//! A message that a mailbox has, kept by being open: it stays as it was when it was reserved, whatever becomes of the mailbox, and
//! needs no name of its own until another mailbox takes it.

use super::{
    super::disk::{Disk, DiskFile},
    copy,
};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The open file, and the name that it had.
#[derive(Debug)]
pub(in super::super) struct Held {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) path: PathBuf,
}

impl Held {
    /// Gives it a further name, or a copy of it where its own is gone or another file's by now, or on another file system.
    pub(super) fn place(&self, disk: &dyn Disk, to: &Path) -> io::Result<()> {
        match disk.link(&self.path, to) {
            Ok(()) if disk.metadata(to)?.inode == self.file.metadata()?.inode => return Ok(()),
            Ok(()) => disk.unlink(to)?,
            Err(error) if is_copied_after(error.kind()) => {}
            outcome => return outcome,
        }
        copy(disk, self.file.as_ref(), to)
    }
}

/// Whether a copy does where a link cannot be.
pub(super) fn is_copied_after(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::NotFound | ErrorKind::CrossesDevices | ErrorKind::TooManyLinks)
}
