//! Staged messages: files under `PARTITION/sync./PID/GUID` until records refer to them; under `PID-1`, `PID-2` and so on for
//! further stores that a process has at the same time.
//!
//! They lie on the partition they are for, so that a mailbox takes one by giving it a second name. They are not made durable
//! here: the commit that refers to them does that, for all of them together. What a process that died has left is removed by
//! the next that stages on the same partition.
//!
//! Source: `reservefile` of `imap/dlist.c`, `sync_append_copyfile` and `reserve_folder` of `imap/sync_support.c`.

mod sweep;

use super::{
    cached::Cached,
    disk::{Disk, DiskFile, Mode, in_place_of, remove_if_there},
    error::StoreError,
    options::CyrusOptions,
    remove_user::remove_dir,
    spool::Spool,
};
use crate::{
    ops::Refusal,
    types::{Guid, Partition},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Messages of which more is kept than the name: about a megabyte. Others are parsed again.
const MOST_CACHED: usize = 8 * 1024;

/// What a session has staged.
#[derive(Debug, Default)]
pub(super) struct Staging {
    partitions: HashMap<Partition, HashSet<Guid>>,
    /// What is known of those that lie in mailboxes, of so many as [`MOST_CACHED`].
    cached: HashMap<Guid, Cached>,
    /// Directories that exist.
    directories: BTreeSet<PathBuf>,
    /// Where others' leftovers were looked for.
    swept: BTreeSet<Partition>,
    upload: Option<Upload>,
    /// What could not be removed.
    left: Vec<PathBuf>,
    owner: Owner,
}

/// Which of the process's stores this is: the lowest number that no other has.
#[derive(Debug)]
struct Owner {
    number: u32,
    process: u32,
}

/// The numbers that are taken. Staging directories are named after the process, so that this is the process's to know.
static OWNERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

impl Default for Owner {
    fn default() -> Owner {
        let mut taken = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (0..=u32::MAX).find(|number| !taken.contains(number)).unwrap_or_default();
        taken.insert(free);
        Owner { number: free, process: std::process::id() }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        OWNERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

/// The message that is being staged.
#[derive(Debug)]
struct Upload {
    partition: Partition,
    guid: Guid,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    written: u64,
}

impl Staging {
    /// The file of a message that is staged.
    pub(super) fn file(
        &self,
        options: &CyrusOptions,
        partition: &Partition,
        guid: Guid,
    ) -> Result<Option<PathBuf>, StoreError> {
        let staged = self.partitions.get(partition).is_some_and(|guids| guids.contains(&guid));
        if !staged {
            return Ok(None);
        }
        Ok(Some(self.directory(options, partition)?.join(guid.to_string())))
    }

    /// What is known of a message that was found in a mailbox.
    pub(super) fn cached(&self, guid: &Guid) -> Option<&Cached> {
        self.cached.get(guid)
    }

    /// Notes what is known of a message that was found in a mailbox.
    pub(super) fn note(&mut self, guid: Guid, cached: Option<Cached>) {
        if let Some(cached) = cached.filter(|_| self.cached.len() < MOST_CACHED) {
            self.cached.insert(guid, cached);
        }
    }

    /// Starts a message.
    pub(super) fn begin(&mut self, spool: &Spool, partition: &Partition, guid: Guid) -> Result<(), StoreError> {
        let (path, disk) = (self.place(spool, partition, guid)?, spool.disk.as_ref());
        // What lies there may have other names: it is replaced, not written over.
        let file = in_place_of(disk, &path, || disk.open(&path, Mode::CreateNew)).map_err(StoreError::io(&path))?;
        if let Some(guids) = self.partitions.get_mut(partition) {
            guids.remove(&guid);
        }
        self.upload = Some(Upload { partition: partition.clone(), guid, path, file, written: 0 });
        Ok(())
    }

    /// Adds to the message.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let upload = self.upload.as_mut().ok_or(Refusal::Protocol)?;
        upload.file.write_at(upload.written, &[bytes]).map_err(StoreError::io(&upload.path))?;
        upload.written += bytes.len() as u64;
        Ok(())
    }

    /// The message is complete.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        let upload = self.upload.take().ok_or(Refusal::Protocol)?;
        self.partitions.entry(upload.partition).or_default().insert(upload.guid);
        Ok(())
    }

    /// The message is bad.
    pub(super) fn abort(&mut self, disk: &dyn Disk) -> Result<(), StoreError> {
        match self.upload.take() {
            Some(upload) => self.remove(disk, upload.path),
            None => Ok(()),
        }
    }

    fn remove(&mut self, disk: &dyn Disk, path: PathBuf) -> Result<(), StoreError> {
        let outcome = remove_if_there(disk, &path).map_err(StoreError::io(&path));
        outcome.inspect_err(|_| self.left.push(path))
    }

    /// Stages a message that lies in a mailbox; whether its bytes are those of its GUID is the caller's to know.
    pub(super) fn link(
        &mut self,
        spool: &Spool,
        partition: &Partition,
        guid: Guid,
        message: &Path,
    ) -> Result<(), StoreError> {
        let (path, disk) = (self.place(spool, partition, guid)?, spool.disk.as_ref());
        in_place_of(disk, &path, || link_or_copy(disk, message, &path)).map_err(StoreError::io(&path))?;
        self.partitions.entry(partition.clone()).or_default().insert(guid);
        Ok(())
    }

    /// Forgets all messages. What cannot be removed stays behind as a file that nobody refers to, until this is done again or it is
    /// swept.
    pub(super) fn discard(&mut self, spool: &Spool) -> Result<(), StoreError> {
        let disk = spool.disk.as_ref();
        self.cached = HashMap::new();
        let mut outcome = self.abort(disk);
        for path in std::mem::take(&mut self.left) {
            outcome = outcome.and(self.remove(disk, path));
        }
        for (partition, guids) in std::mem::take(&mut self.partitions) {
            let directory = self.directory(&spool.options, &partition)?;
            for guid in guids {
                outcome = outcome.and(self.remove(disk, directory.join(guid.to_string())));
            }
        }
        for directory in std::mem::take(&mut self.directories) {
            outcome = outcome.and(remove_dir(spool, &directory));
        }
        outcome
    }

    /// Where messages for a partition are staged.
    fn directory(&self, options: &CyrusOptions, partition: &Partition) -> Result<PathBuf, StoreError> {
        let Owner { number, process } = self.owner;
        let first = options.staging_dir(partition, process)?;
        Ok(if number == 0 { first } else { first.with_file_name(format!("{process}-{number}")) })
    }

    /// The file that a message is staged in, and its directory made.
    fn place(&mut self, spool: &Spool, partition: &Partition, guid: Guid) -> Result<PathBuf, StoreError> {
        let directory = self.directory(&spool.options, partition)?;
        let path = directory.join(guid.to_string());
        if !self.directories.contains(&directory) {
            if self.swept.insert(partition.clone()) {
                sweep::sweep(spool, &directory, sweep::is_alive);
            }
            spool.disk.create_dir_all(&directory).map_err(StoreError::io(&directory))?;
            self.directories.insert(directory);
        }
        Ok(path)
    }
}

/// Gives a file a second name, or a copy where that cannot be: on another file system, or with too many names already.
pub(super) fn link_or_copy(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    match disk.link(from, to) {
        Err(error) if matches!(error.kind(), ErrorKind::CrossesDevices | ErrorKind::TooManyLinks) => {
            copy(disk, from, to)
        }
        outcome => outcome,
    }
}

/// Copies a file to a name that is free.
pub(super) fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    /// Bytes copied at once.
    const PIECE: usize = 256 * 1024;
    let (from, to) = (disk.open(from, Mode::Read)?, disk.open(to, Mode::CreateNew)?);
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    loop {
        let length = from.read_at(offset, &mut piece)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { return Ok(()) };
        to.write_at(offset, &[read])?;
        offset += length as u64;
    }
}
