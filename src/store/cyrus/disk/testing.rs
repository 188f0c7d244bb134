//! Disks for tests: a directory that goes away, and a disk in memory that can fail and lose its power.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use super::{Disk, DiskFile, Lock, Metadata, Mode};

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A directory beneath the system's temporary one, removed when dropped.
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    /// A new directory with this word in its name.
    pub(crate) fn new(word: &str) -> TestDir {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("sync_server-{word}-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        TestDir(dir)
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        // A directory that stays behind fails no test.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Random numbers for tests: xorshift64*, the same from the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}

/// A disk in memory that knows what has been made durable. It has no directories: every path can be opened.
#[derive(Clone, Default, Debug)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

#[derive(Default, Debug)]
struct State {
    names: BTreeMap<PathBuf, u64>,
    /// The names as they were before each change since the last `sync_dir`.
    old_names: Vec<BTreeMap<PathBuf, u64>>,
    inodes: HashMap<u64, Inode>,
    last_inode: u64,
    last_file: u64,
    calls: u64,
    reads: u64,
    fail_from: Option<u64>,
}

#[derive(Default, Debug)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
    locks: HashMap<u64, Lock>,
}

#[derive(Debug)]
enum Change {
    Write(usize, Vec<u8>),
    SetSize(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(offset, new) => {
                bytes.resize(bytes.len().max(offset + new.len()), 0);
                bytes[*offset..offset + new.len()].copy_from_slice(new);
            }
            Change::SetSize(size) => bytes.resize(*size, 0),
        }
    }
}

impl MemoryDisk {
    /// Lets the n-th change from now on (writes, sizes, syncs and names; from 0) and all later ones fail.
    pub(crate) fn fail_from(&self, call: Option<u64>) {
        let mut state = self.state();
        state.calls = 0;
        state.fail_from = call;
    }

    /// How many changes were asked for since [`MemoryDisk::fail_from`].
    pub(crate) fn calls(&self) -> u64 {
        self.state().calls
    }

    /// The disk after a power cut: what was synced, and of the rest whatever the dice say, sector by sector.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice) -> MemoryDisk {
        let state = self.state();
        let mut histories = state.old_names.clone();
        histories.push(state.names.clone());
        let names = histories.swap_remove(dice.below(histories.len()));
        let mut after = State { last_inode: state.last_inode, names, ..State::default() };
        for (number, inode) in &state.inodes {
            let mut bytes = inode.durable.clone();
            for change in &inode.unsynced {
                for part in change.torn() {
                    if dice.below(2) == 0 {
                        part.apply(&mut bytes);
                    }
                }
            }
            after.inodes.insert(*number, Inode { durable: bytes.clone(), bytes, ..Inode::default() });
        }
        MemoryDisk(Arc::new(Mutex::new(after)))
    }

    /// How many reads were asked for so far.
    pub(crate) fn reads(&self) -> u64 {
        self.state().reads
    }

    /// Makes a file with these bytes, durably.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let file = self.open(path, Mode::Create).unwrap();
        file.set_size(0).unwrap();
        file.write_at(0, &[bytes]).unwrap();
        file.sync().unwrap();
        self.sync_dir(path).unwrap();
    }

    /// The bytes of a file.
    pub(crate) fn contents(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.inodes[&state.names[path]].bytes.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn changing(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let call = state.calls;
        state.calls += 1;
        match state.fail_from {
            Some(first) if call >= first => Err(io::Error::from_raw_os_error(5)),
            _ => Ok(state),
        }
    }
}

impl Change {
    /// The parts that a power cut may keep or lose on their own.
    fn torn(&self) -> Vec<Change> {
        let (mut offset, bytes) = match self {
            Change::Write(offset, bytes) => (*offset, bytes),
            Change::SetSize(size) => return vec![Change::SetSize(*size)],
        };
        let mut rest = bytes.as_slice();
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, behind) = rest.split_at(rest.len().min(SECTOR - offset % SECTOR));
            parts.push(Change::Write(offset, part.to_vec()));
            offset += part.len();
            rest = behind;
        }
        parts
    }
}

impl Disk for MemoryDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let known = self.state().names.get(path).copied();
        let inode = match (known, mode) {
            (Some(_), Mode::CreateNew) => return Err(ErrorKind::AlreadyExists.into()),
            (Some(inode), _) => inode,
            (None, Mode::Read | Mode::Write) => return Err(ErrorKind::NotFound.into()),
            (None, _) => {
                let mut state = self.changing()?;
                state.remember_names();
                state.last_inode += 1;
                let inode = state.last_inode;
                state.inodes.insert(inode, Inode::default());
                state.names.insert(path.to_owned(), inode);
                inode
            }
        };
        let mut state = self.state();
        state.last_file += 1;
        Ok(Box::new(MemoryFile { disk: self.clone(), inode, file: state.last_file }))
    }

    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.changing()?;
        state.remember_names();
        let inode = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.changing()?;
        if state.names.contains_key(to) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.remember_names();
        let inode = *state.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        if !self.state().names.contains_key(path) {
            return Err(ErrorKind::NotFound.into());
        }
        let mut state = self.changing()?;
        state.remember_names();
        state.names.remove(path);
        Ok(())
    }

    fn remove_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_file_system(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        let inside = state.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.filter_map(|name| name.file_name()).map(OsString::from).collect())
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.state();
        state.names.get(path).map(|inode| state.metadata(*inode)).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn set_modified(&self, _: &Path, _: i64) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.changing()?.old_names.clear();
        Ok(())
    }
}

impl State {
    fn remember_names(&mut self) {
        self.old_names.push(self.names.clone());
    }

    fn metadata(&self, inode: u64) -> Metadata {
        Metadata { size: self.inodes[&inode].bytes.len() as u64, inode, device: 0, is_dir: false, modified: 0 }
    }

    fn change(&mut self, inode: u64, change: Change) {
        let inode = self.inodes.get_mut(&inode).unwrap();
        change.apply(&mut inode.bytes);
        inode.unsynced.push(change);
    }
}

#[derive(Debug)]
struct MemoryFile {
    disk: MemoryDisk,
    inode: u64,
    file: u64,
}

impl DiskFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.reads += 1;
        let rest = state.inodes[&self.inode].bytes.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        self.disk.changing()?.change(self.inode, Change::Write(offset as usize, slices.concat()));
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(self.disk.state().metadata(self.inode))
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.disk.changing()?.change(self.inode, Change::SetSize(size as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.changing()?;
        let inode = state.inodes.get_mut(&self.inode).unwrap();
        inode.unsynced.clear();
        inode.durable = inode.bytes.clone();
        Ok(())
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let mut state = self.disk.state();
        let locks = &mut state.inodes.get_mut(&self.inode).unwrap().locks;
        let mut others = locks.iter().filter(|(file, _)| **file != self.file);
        let free = match lock {
            Lock::Shared => others.all(|(_, held)| *held == Lock::Shared),
            Lock::Exclusive => others.next().is_none(),
        };
        if free {
            locks.insert(self.file, lock);
        }
        Ok(free)
    }

    fn unlock(&self) -> io::Result<()> {
        self.disk.state().inodes.get_mut(&self.inode).unwrap().locks.remove(&self.file);
        Ok(())
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.unlock().unwrap();
    }
}
