//! The message that is being staged.
//!
//! A message of usual size is gathered, and written with one call when it is complete: then all of its bytes are at hand to be
//! parsed. Of a larger one no more is held than came with one chunk.

use super::super::{
    disk::{Disk, DiskFile, Mode, in_place_of},
    error::StoreError,
};
use crate::types::{Guid, Partition};
use std::path::PathBuf;

/// Bytes of a message that are gathered.
const GATHERED: usize = 256 * 1024;

/// The message that is being staged.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) partition: Partition,
    pub(super) guid: Guid,
    /// Where it is, or would be if it has no name.
    pub(super) path: PathBuf,
    is_named: bool,
    /// One with a name is made with the first bytes that are written.
    file: Option<Box<dyn DiskFile>>,
    written: u64,
    gathered: Vec<u8>,
}

impl Upload {
    /// A message without bytes yet, which goes to `unnamed` if there is such a file; `buffer` is what another was gathered in.
    pub(super) fn new(
        partition: Partition,
        guid: Guid,
        path: PathBuf,
        unnamed: Option<Box<dyn DiskFile>>,
        mut buffer: Vec<u8>,
    ) -> Upload {
        buffer.clear();
        Upload { partition, guid, path, is_named: unnamed.is_none(), file: unnamed, written: 0, gathered: buffer }
    }

    /// Adds to the message.
    pub(super) fn add(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), StoreError> {
        if self.written == 0 && self.gathered.len() + bytes.len() <= GATHERED {
            self.gathered.extend_from_slice(bytes);
            return Ok(());
        }
        self.write(disk, bytes)?;
        self.gathered.clear();
        Ok(())
    }

    /// Writes what is not written yet. All of the message, if it was gathered.
    pub(super) fn complete(&mut self, disk: &dyn Disk) -> Result<Option<&[u8]>, StoreError> {
        if self.written > 0 {
            return Ok(None);
        }
        self.write(disk, &[])?;
        Ok(Some(&self.gathered))
    }

    /// Whether its name was made.
    pub(super) fn has_name(&self) -> bool {
        self.is_named && self.file.is_some()
    }

    /// The file if it has no name, and the buffer, for the next message.
    pub(super) fn into_parts(self) -> (Option<Box<dyn DiskFile>>, Vec<u8>) {
        (self.file.filter(|_| !self.is_named), self.gathered)
    }

    /// Writes what was gathered and these bytes behind it.
    fn write(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), StoreError> {
        let Upload { path, file, written, gathered, .. } = self;
        let made = match file.take() {
            Some(made) => made,
            // What lies there may have other names: it is replaced, not written over.
            None => in_place_of(disk, path, || disk.open(path, Mode::CreateNew)).map_err(StoreError::io(path))?,
        };
        file.insert(made).write_at(*written, &[gathered, bytes]).map_err(StoreError::io(path))?;
        *written += (gathered.len() + bytes.len()) as u64;
        Ok(())
    }
}
