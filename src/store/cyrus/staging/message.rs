//! A message that is staged, whichever way it is kept.

use super::{
    super::{
        disk::{Disk, DiskFile, Mode},
        spool::read_file,
    },
    held::Held,
    link_or_copy,
    unnamed::name,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A message that is staged.
#[derive(Debug)]
pub(in super::super) enum StagedMessage<'a> {
    File(PathBuf),
    /// With the path that it would have.
    Unnamed(&'a dyn DiskFile, PathBuf),
    Held(&'a Held),
}

impl StagedMessage<'_> {
    /// Where it is found, for reports.
    pub(in super::super) fn path(&self) -> &Path {
        match self {
            StagedMessage::File(path) | StagedMessage::Unnamed(_, path) | StagedMessage::Held(Held { path, .. }) => {
                path
            }
        }
    }

    /// All of its bytes.
    pub(in super::super) fn read(&self, disk: &dyn Disk) -> io::Result<Vec<u8>> {
        match self {
            StagedMessage::File(path) => read_file(disk.open(path, Mode::Read)?.as_ref()),
            StagedMessage::Unnamed(file, _) => read_file(*file),
            StagedMessage::Held(held) => read_file(held.file.as_ref()),
        }
    }

    /// Gives it a name in a mailbox, which must be free, and the last modification that it has there.
    pub(in super::super) fn place(&self, disk: &dyn Disk, to: &Path, modified: i64) -> io::Result<()> {
        match self {
            StagedMessage::File(path) => link_or_copy(disk, path, to)?,
            StagedMessage::Unnamed(file, _) if name(disk, *file, to)? => return file.set_modified(modified),
            StagedMessage::Unnamed(..) => {}
            StagedMessage::Held(held) => held.place(disk, to)?,
        }
        disk.set_modified(to, modified)
    }
}
