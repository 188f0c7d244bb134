//! A disk in memory whose calls can fail and whose power can be cut: for tests of this store, and of programs that use it.
//!
//! It keeps what a program sees and what has been made durable apart. [`SimulatedDisk::after_power_cut`] makes the disk that
//! is found afterwards: all that was durable, and of the rest none, all, or what chance leaves, in units that a real disk
//! loses as a whole:
//!
//! | change | durable after | a power cut may leave |
//! |---|---|---|
//! | bytes, size of a file | its `sync`, `sync_file_system` | any of its 512-byte sectors |
//! | name made, removed or replaced | `sync_dir` of its directory, `sync_file_system` | it done or not done; in one directory in their order |
//! | rename | the same, of either directory | both names changed or neither |
//!
//! A file's `sync` does not make its name durable, and one that was opened without a name has none before it is linked. Times are kept as they are. Permissions do not exist.

mod file;
mod names;
mod power;

#[cfg(test)]
mod tests;

pub use power::Surviving;

use super::{Disk, DiskFile, Metadata, Mode};
use file::{FileNode, OpenFile};
use names::{Directory, Names};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, ErrorKind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The disk. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: Names,
    /// Open files so far: their numbers tell the holders of locks apart.
    opened: u64,
    counts: Counts,
    failure: Option<Failure>,
    /// What it was like before each change, where that is kept.
    images: Option<Vec<State>>,
    /// `None`: without an end.
    free: Option<u64>,
}

/// How many calls of the disk and of its files there were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// All of them.
    pub calls: u64,
    /// Those that change something, or make a change durable.
    pub changes: u64,
    /// Reads from files.
    pub reads: u64,
}

#[derive(Clone, Debug)]
enum Inode {
    File(FileNode),
    Directory,
    Link(OsString),
}

/// Which calls fail, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The number of the first call that fails, from 0 on.
    pub call: u64,
    /// Whether only calls are counted, and fail, that change something.
    pub only_changes: bool,
    /// The system's number of the error: 5 for `EIO`, 28 for `ENOSPC`, 24 for `EMFILE`.
    pub errno: i32,
    /// Whether all later calls fail, too.
    pub for_good: bool,
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> SimulatedDisk {
        SimulatedDisk::default()
    }

    /// Starts to count calls from 0 on, and lets some of them fail. A write that fails has written what lies before the last
    /// end of a sector in it.
    pub fn fail(&self, failure: Option<Failure>) {
        let mut state = self.state();
        (state.counts, state.failure) = (Counts::default(), failure);
    }

    /// Says from now on that so many bytes are free; writes succeed all the same. A new disk has no end.
    pub fn set_free_space(&self, bytes: u64) {
        self.state().free = Some(bytes);
    }

    /// How many calls there were since [`SimulatedDisk::fail`] was called last.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// A copy that goes its own way.
    pub fn copied(&self) -> SimulatedDisk {
        let state = State { failure: None, images: None, ..self.state().clone() };
        SimulatedDisk(Arc::new(Mutex::new(state)))
    }

    /// Keeps from now on what the disk is like before each change: where a power cut may find it.
    pub fn keep_images(&self) {
        self.state().images = Some(Vec::new());
    }

    /// What was kept, in the order of the changes; nothing more is kept.
    pub fn take_images(&self) -> Vec<SimulatedDisk> {
        let images = self.state().images.take().unwrap_or_default();
        images.into_iter().map(|image| SimulatedDisk(Arc::new(Mutex::new(image)))).collect()
    }

    /// Every file with its path and bytes, every directory with its path, in the order of the paths.
    pub fn contents(&self) -> Vec<(std::path::PathBuf, Option<Vec<u8>>)> {
        let state = self.state();
        let bytes = |inode| match state.inodes.get(&inode) {
            Some(Inode::File(file)) => Some(file.bytes.to_vec()),
            _ => None,
        };
        state.names.walk().into_iter().map(|(path, inode)| (path, bytes(inode))).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics elsewhere leaves the maps whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, state: &mut State, inode: u64) -> OpenFile {
        state.opened += 1;
        OpenFile { disk: self.clone(), inode, holder: state.opened }
    }

    /// Counts a call that changes nothing, which may be the one to fail.
    fn call(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.count(false)?;
        Ok(state)
    }

    /// Counts a call that changes something, which may be the one to fail.
    fn change(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.count(true)?;
        Ok(state)
    }
}

impl State {
    fn count(&mut self, is_change: bool) -> io::Result<()> {
        if is_change {
            self.keep_image();
        }
        let Counts { calls, changes, .. } = self.counts;
        self.counts.calls += 1;
        self.counts.changes += u64::from(is_change);
        let Some(failure) = self.failure.filter(|failure| is_change || !failure.only_changes) else { return Ok(()) };
        let number = if failure.only_changes { changes } else { calls };
        match number == failure.call || failure.for_good && number > failure.call {
            true => Err(io::Error::from_raw_os_error(failure.errno)),
            false => Ok(()),
        }
    }

    fn keep_image(&mut self) {
        if let Some(mut images) = self.images.take() {
            images.push(self.clone());
            self.images = Some(images);
        }
    }

    fn add(&mut self, directory: &Directory, inode: Inode) -> u64 {
        let number = self.names.number();
        self.inodes.insert(number, inode);
        self.names.change(vec![directory.set(Some(number))]);
        number
    }

    fn link(&mut self, inode: u64, to: &Path) -> io::Result<()> {
        let to = self.names.entry(to)?;
        if to.inode.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.names.change(vec![to.set(Some(inode))]);
        Ok(())
    }

    fn is_directory(&self, inode: u64) -> bool {
        inode == names::ROOT || matches!(self.inodes.get(&inode), Some(Inode::Directory))
    }

    fn metadata(&self, inode: u64) -> io::Result<Metadata> {
        let (size, modified) = match self.inodes.get(&inode) {
            Some(Inode::File(file)) => (file.bytes.len() as u64, file.modified),
            Some(Inode::Directory | Inode::Link(_)) => (0, 0),
            None if inode == names::ROOT => (0, 0),
            None => return Err(ErrorKind::NotFound.into()),
        };
        Ok(Metadata { size, inode, device: 1, is_dir: self.is_directory(inode), modified })
    }

    fn file(&mut self, inode: u64) -> io::Result<&mut FileNode> {
        match self.inodes.get_mut(&inode) {
            Some(Inode::File(file)) => Ok(file),
            _ => Err(ErrorKind::NotFound.into()),
        }
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let entry = state.names.entry(path);
        let makes = matches!(mode, Mode::Create | Mode::CreateNew);
        state.count(makes && entry.as_ref().is_ok_and(|entry| entry.inode.is_none()))?;
        let entry = entry?;
        let inode = match (entry.inode, mode) {
            (Some(_), Mode::CreateNew) => return Err(ErrorKind::AlreadyExists.into()),
            (Some(inode), _) if state.is_directory(inode) => return Err(ErrorKind::IsADirectory.into()),
            (Some(inode), _) => inode,
            (None, Mode::Read | Mode::Write) => return Err(ErrorKind::NotFound.into()),
            (None, Mode::Create | Mode::CreateNew) => state.add(&entry, Inode::File(FileNode::default())),
        };
        Ok(Box::new(self.opened(&mut state, inode)))
    }

    fn open_unnamed(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.change()?;
        let above = state.names.entry(directory)?.inode.ok_or(ErrorKind::NotFound)?;
        if !state.is_directory(above) {
            return Err(ErrorKind::NotADirectory.into());
        }
        let inode = state.names.number();
        state.inodes.insert(inode, Inode::File(FileNode::unnamed()));
        Ok(Box::new(self.opened(&mut state, inode)))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let mut above: Vec<&Path> = path.ancestors().collect();
        above.reverse();
        for directory in above.into_iter().filter(|path| path.file_name().is_some()) {
            let entry = state.names.entry(directory)?;
            match entry.inode {
                Some(inode) if state.is_directory(inode) => {}
                Some(_) => return Err(ErrorKind::AlreadyExists.into()),
                None => {
                    let number = state.add(&entry, Inode::Directory);
                    state.names.add_directory(number);
                }
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let (from, to) = (state.names.entry(from)?, state.names.entry(to)?);
        let inode = from.inode.ok_or(ErrorKind::NotFound)?;
        if to.inode.is_some_and(|inode| state.is_directory(inode)) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.names.change(vec![from.set(None), to.set(Some(inode))]);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let inode = state.names.entry(from)?.inode.ok_or(ErrorKind::NotFound)?;
        state.link(inode, to)
    }

    fn symlink(&self, target: &str, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let entry = state.names.entry(path)?;
        if entry.inode.is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.add(&entry, Inode::Link(target.into()));
        Ok(())
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        let state = self.call()?;
        let inode = state.names.entry(path)?.inode.ok_or(ErrorKind::NotFound)?;
        match state.inodes.get(&inode) {
            Some(Inode::Link(target)) => Ok(target.clone()),
            _ => Err(ErrorKind::InvalidInput.into()),
        }
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let entry = state.names.entry(path)?;
        let inode = entry.inode.ok_or(ErrorKind::NotFound)?;
        if state.is_directory(inode) {
            return Err(ErrorKind::IsADirectory.into());
        }
        state.names.change(vec![entry.set(None)]);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let entry = state.names.entry(path)?;
        let inode = entry.inode.ok_or(ErrorKind::NotFound)?;
        if !state.names.list(inode)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        state.names.change(vec![entry.set(None)]);
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let state = self.call()?;
        let inode = state.names.entry(path)?.inode.ok_or(ErrorKind::NotFound)?;
        state.names.list(inode)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.call()?;
        let inode = state.names.entry(path)?.inode.ok_or(ErrorKind::NotFound)?;
        state.metadata(inode)
    }

    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        let mut state = self.change()?;
        let inode = state.names.entry(path)?.inode.ok_or(ErrorKind::NotFound)?;
        state.file(inode)?.modified = seconds;
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        let inode = state.names.entry(path)?.inode.ok_or(ErrorKind::NotFound)?;
        state.names.sync(inode);
        Ok(())
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        Ok(self.call()?.free.unwrap_or(u64::MAX))
    }

    fn sync_file_system(&self, _: &Path) -> io::Result<()> {
        let mut state = self.change()?;
        state.names.sync_all();
        for inode in state.inodes.values_mut() {
            if let Inode::File(file) = inode {
                file.sync();
            }
        }
        Ok(())
    }
}
