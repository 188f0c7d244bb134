//! Files of a [`SimulatedDisk`].

use super::{SimulatedDisk, power::SECTOR};
use crate::store::cyrus::disk::{DiskFile, Lock, Metadata};
use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
};

/// Larger files are refused, so that nothing that went wrong can ask for all memory.
const MAX_SIZE: u64 = 1 << 30;

#[derive(Clone, Debug, Default)]
pub(super) struct FileNode {
    // Shared by the copies of a disk as long as they are the same.
    pub(super) bytes: Arc<Vec<u8>>,
    pub(super) durable: Arc<Vec<u8>>,
    /// What is not durable yet, in the order in which it was done.
    pub(super) pending: Vec<FileChange>,
    pub(super) modified: i64,
    /// Whether it was opened without a name and has had none yet.
    is_unnamed: bool,
    locks: BTreeMap<u64, Lock>,
}

/// A change to a file.
#[derive(Clone, Debug)]
pub(super) enum FileChange {
    Write(usize, Vec<u8>),
    SetSize(usize),
}

impl FileChange {
    pub(super) fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            FileChange::Write(offset, new) => {
                bytes.resize(bytes.len().max(offset + new.len()), 0);
                if let Some(old) = bytes.get_mut(*offset..offset + new.len()) {
                    old.copy_from_slice(new);
                }
            }
            FileChange::SetSize(size) => bytes.resize(*size, 0),
        }
    }
}

impl FileNode {
    pub(super) fn after_power_cut(bytes: Arc<Vec<u8>>, modified: i64) -> FileNode {
        FileNode { durable: Arc::clone(&bytes), bytes, modified, ..FileNode::default() }
    }

    pub(super) fn unnamed() -> FileNode {
        FileNode { is_unnamed: true, ..FileNode::default() }
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.durable = Arc::clone(&self.bytes);
    }

    fn change(&mut self, change: FileChange) {
        change.apply(Arc::make_mut(&mut self.bytes));
        self.pending.push(change);
    }

    fn is_free(&self, lock: Lock, holder: u64) -> bool {
        let mut others = self.locks.iter().filter(|(other, _)| **other != holder);
        match lock {
            Lock::Shared => others.all(|(_, held)| *held == Lock::Shared),
            Lock::Exclusive => others.next().is_none(),
        }
    }
}

#[derive(Debug)]
pub(super) struct OpenFile {
    pub(super) disk: SimulatedDisk,
    pub(super) inode: u64,
    pub(super) holder: u64,
}

impl OpenFile {
    /// Writes what a failing write writes all the same: whole sectors.
    fn write_some(&self, offset: usize, bytes: &[u8]) {
        let end = (offset + bytes.len()) / SECTOR * SECTOR;
        let written = bytes.get(..end.saturating_sub(offset)).unwrap_or_default();
        if let (false, Ok(file)) = (written.is_empty(), self.disk.state().file(self.inode)) {
            file.change(FileChange::Write(offset, written.to_vec()));
        }
    }
}

fn place(offset: u64, length: usize) -> io::Result<usize> {
    let end = offset.saturating_add(length as u64);
    let fits = usize::try_from(offset).ok().filter(|_| end <= MAX_SIZE);
    fits.ok_or_else(|| ErrorKind::FileTooLarge.into())
}

impl DiskFile for OpenFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.call()?;
        state.counts.reads += 1;
        let bytes = &state.file(self.inode)?.bytes;
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        Ok(length)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        let bytes = slices.concat();
        let offset = place(offset, bytes.len())?;
        match self.disk.change() {
            Ok(mut state) => {
                state.file(self.inode)?.change(FileChange::Write(offset, bytes));
                Ok(())
            }
            Err(error) => {
                self.write_some(offset, &bytes);
                Err(error)
            }
        }
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.disk.call()?.metadata(self.inode)
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        let mut state = self.disk.change()?;
        if !state.file(self.inode)?.is_unnamed && !state.names.has(self.inode) {
            return Err(ErrorKind::NotFound.into());
        }
        state.link(self.inode, to)?;
        state.file(self.inode)?.is_unnamed = false;
        Ok(())
    }

    fn set_modified(&self, seconds: i64) -> io::Result<()> {
        self.disk.change()?.file(self.inode)?.modified = seconds;
        Ok(())
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let size = place(size, 0)?;
        self.disk.change()?.file(self.inode)?.change(FileChange::SetSize(size));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.change()?.file(self.inode)?.sync();
        Ok(())
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let mut state = self.disk.call()?;
        let file = state.file(self.inode)?;
        let is_free = file.is_free(lock, self.holder);
        if is_free {
            file.locks.insert(self.holder, lock);
        }
        Ok(is_free)
    }

    fn unlock(&self) -> io::Result<()> {
        self.disk.call()?.file(self.inode)?.locks.remove(&self.holder);
        Ok(())
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Ok(file) = self.disk.state().file(self.inode) {
            file.locks.remove(&self.holder);
        }
    }
}
