//! Staged messages: files until records refer to them.
//!
//! They lie on the partition they are for, so that a mailbox takes one by giving it a name. They are not made durable here:
//! the commit that refers to them does that, for all of them together.
//!
//! Up to a number ([`CyrusOptions::held_files`]) they are held open: an uploaded one has no name until a mailbox takes it, and
//! one that a mailbox has needs no further name. Above that number, and for uploads on a disk without such files, each gets a name here:
//! `PARTITION/sync./PID/GUID`; under `PID-1`, `PID-2` and so on for further stores that a process has at the same time. What a
//! process that died has left there is removed by the next that stages on the same partition. What was found in messages is
//! kept, too, see [`parsed`].
//!
//! Source: `reservefile` of `imap/dlist.c`, `sync_append_copyfile` and `reserve_folder` of `imap/sync_support.c`.

mod held;
mod message;
mod parsed;
mod sweep;
mod unnamed;
mod upload;

use super::{
    cached::Cached,
    disk::{Disk, DiskFile, Mode, in_place_of, remove_if_there},
    error::StoreError,
    index::counts::ExpungeMode,
    mime::{self, CacheRelease, ParsedMessage},
    options::CyrusOptions,
    remove_user::remove_dir,
    spool::Spool,
};
use crate::{
    ops::Refusal,
    types::{Guid, GuidSet, Partition},
};
use held::Held;
pub(super) use message::StagedMessage;
use parsed::Parsed;
use std::{
    collections::{BTreeSet, HashMap},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};
use upload::Upload;

/// Messages of which more is kept than the name: about a megabyte. Others are parsed again.
const MOST_CACHED: usize = 8 * 1024;

/// What a session has staged.
#[derive(Debug, Default)]
pub(super) struct Staging {
    partitions: HashMap<Partition, Staged>,
    /// Messages that are held open, of all partitions.
    held: usize,
    /// Whether a file without a name could not be opened: no more are tried until all is discarded.
    names_only: bool,
    /// What is known of those that lie in mailboxes, of so many as [`MOST_CACHED`].
    cached: HashMap<Guid, Cached>,
    /// What was found in those that were uploaded.
    parsed: Parsed,
    /// Directories that exist.
    directories: BTreeSet<PathBuf>,
    /// Where others' leftovers were looked for.
    swept: BTreeSet<Partition>,
    upload: Option<Upload>,
    /// What messages are gathered in.
    buffer: Vec<u8>,
    /// What could not be removed.
    left: Vec<PathBuf>,
    owner: Owner,
}

/// What is staged for one partition.
#[derive(Debug, Default)]
struct Staged {
    /// Those that have a file in the directory.
    files: GuidSet,
    /// Those that were uploaded and have no name here.
    unnamed: HashMap<Guid, Box<dyn DiskFile>>,
    /// Those that mailboxes have.
    held: HashMap<Guid, Held>,
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

impl Staging {
    /// A message that is staged.
    pub(super) fn message(
        &self,
        options: &CyrusOptions,
        partition: &Partition,
        guid: Guid,
    ) -> Result<Option<StagedMessage<'_>>, StoreError> {
        let Some(staged) = self.partitions.get(partition) else { return Ok(None) };
        if staged.files.contains(&guid) {
            return Ok(Some(StagedMessage::File(self.path(options, partition, guid)?)));
        }
        if let Some(file) = staged.unnamed.get(&guid) {
            return Ok(Some(StagedMessage::Unnamed(file.as_ref(), self.path(options, partition, guid)?)));
        }
        Ok(staged.held.get(&guid).map(StagedMessage::Held))
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

    /// What was found in a message when it was uploaded; the first that asks is told.
    pub(super) fn take_parsed(&mut self, guid: Guid, release: CacheRelease) -> Option<ParsedMessage> {
        self.parsed.take(guid, release)
    }

    /// Starts a message.
    pub(super) fn begin(&mut self, spool: &Spool, partition: &Partition, guid: Guid) -> Result<(), StoreError> {
        self.sweep(spool, partition)?;
        let unnamed = self.open_unnamed(spool, partition)?;
        let path = match unnamed {
            Some(_) => self.path(&spool.options, partition, guid)?,
            None => self.place(spool, partition, guid)?,
        };
        self.upload = Some(Upload::new(partition.clone(), guid, path, unnamed, std::mem::take(&mut self.buffer)));
        Ok(())
    }

    /// Adds to the message.
    pub(super) fn write(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<(), StoreError> {
        self.upload.as_mut().ok_or(Refusal::Protocol)?.add(disk, bytes)
    }

    /// The message is complete.
    pub(super) fn finish(&mut self, spool: &Spool) -> Result<(), StoreError> {
        let disk = spool.disk.as_ref();
        let mut upload = self.upload.take().ok_or(Refusal::Protocol)?;
        let root = spool.options.partition_root(&upload.partition)?;
        let (guid, cache) = (upload.guid, upload.path.with_file_name("cache"));
        match upload.complete(disk) {
            Ok(Some(text)) => {
                self.parsed.keep(disk, root, &cache, &mime::parse_known(text, guid, &spool.options.cache));
            }
            Ok(None) => {}
            Err(error) => {
                self.upload = Some(upload);
                // What stays of it is noted.
                return self.abort(disk).and(Err(error));
            }
        }
        let staged = self.partitions.entry(upload.partition.clone()).or_default();
        let (unnamed, buffer) = upload.into_parts();
        match unnamed {
            Some(file) => self.held += usize::from(staged.unnamed.insert(guid, file).is_none()),
            None => drop(staged.files.insert(guid)),
        }
        self.buffer = buffer;
        Ok(())
    }

    /// The message is bad. What was staged of the same GUID stays, unless this took its place.
    pub(super) fn abort(&mut self, disk: &dyn Disk) -> Result<(), StoreError> {
        let Some(upload) = self.upload.take().filter(Upload::has_name) else { return Ok(()) };
        if let Some(staged) = self.partitions.get_mut(&upload.partition) {
            staged.files.remove(&upload.guid);
        }
        self.remove(disk, upload.path)
    }

    fn remove(&mut self, disk: &dyn Disk, path: PathBuf) -> Result<(), StoreError> {
        let outcome = remove_if_there(disk, &path).map_err(StoreError::io(&path));
        outcome.inspect_err(|_| self.left.push(path))
    }

    /// How many more messages may be held open.
    pub(super) fn room(&self, spool: &Spool) -> usize {
        spool.options.held_files.saturating_sub(self.held)
    }

    /// Stages a message that lies in a mailbox; whether its bytes are those of its GUID is the caller's to know.
    pub(super) fn keep(
        &mut self,
        spool: &Spool,
        partition: &Partition,
        guid: Guid,
        path: PathBuf,
        file: Box<dyn DiskFile>,
    ) -> Result<(), StoreError> {
        // A moved message goes from its mailbox before the other has it, unless expunged ones are kept.
        if self.room(spool) == 0 || spool.options.expunge_mode != ExpungeMode::Delayed {
            return self.link(spool, partition, guid, &path);
        }
        // One that is not configured has nothing staged.
        spool.options.partition_root(partition)?;
        let before = self.partitions.entry(partition.clone()).or_default().held.insert(guid, Held { file, path });
        self.held += usize::from(before.is_none());
        Ok(())
    }

    fn link(&mut self, spool: &Spool, partition: &Partition, guid: Guid, message: &Path) -> Result<(), StoreError> {
        self.sweep(spool, partition)?;
        let (path, disk) = (self.place(spool, partition, guid)?, spool.disk.as_ref());
        in_place_of(disk, &path, || link_or_copy(disk, message, &path)).map_err(StoreError::io(&path))?;
        self.partitions.entry(partition.clone()).or_default().files.insert(guid);
        Ok(())
    }

    /// Forgets all messages. What cannot be removed stays behind as a file that nobody refers to, until this is done again or it is
    /// swept.
    pub(super) fn discard(&mut self, spool: &Spool) -> Result<(), StoreError> {
        let disk = spool.disk.as_ref();
        (self.cached, self.buffer) = (HashMap::new(), Vec::new());
        let mut outcome = self.abort(disk);
        self.left.extend(self.parsed.end());
        for path in std::mem::take(&mut self.left) {
            outcome = outcome.and(self.remove(disk, path));
        }
        (self.held, self.names_only) = (0, false);
        for (partition, staged) in std::mem::take(&mut self.partitions) {
            let directory = self.directory(&spool.options, &partition)?;
            for guid in staged.files {
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

    /// The file that a message is staged in, if it has a name.
    fn path(&self, options: &CyrusOptions, partition: &Partition, guid: Guid) -> Result<PathBuf, StoreError> {
        Ok(self.directory(options, partition)?.join(guid.to_string()))
    }

    /// Looks for others' leftovers, before the first message.
    fn sweep(&mut self, spool: &Spool, partition: &Partition) -> Result<(), StoreError> {
        if !self.swept.contains(partition) {
            sweep::sweep(spool, &self.directory(&spool.options, partition)?, sweep::is_alive);
            self.swept.insert(partition.clone());
        }
        Ok(())
    }

    /// The file that a message is staged in, and its directory made.
    fn place(&mut self, spool: &Spool, partition: &Partition, guid: Guid) -> Result<PathBuf, StoreError> {
        let directory = self.directory(&spool.options, partition)?;
        let path = directory.join(guid.to_string());
        if !self.directories.contains(&directory) {
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
            copy(disk, disk.open(from, Mode::Read)?.as_ref(), to)
        }
        outcome => outcome,
    }
}

/// Copies a file to a name that is free.
pub(super) fn copy(disk: &dyn Disk, from: &dyn DiskFile, to: &Path) -> io::Result<()> {
    /// Bytes copied at once.
    const PIECE: usize = 256 * 1024;
    let to = disk.open(to, Mode::CreateNew)?;
    let mut piece = vec![0; PIECE];
    let mut offset = 0;
    loop {
        let length = from.read_at(offset, &mut piece)?;
        let Some(read) = piece.get(..length).filter(|read| !read.is_empty()) else { return Ok(()) };
        to.write_at(offset, &[read])?;
        offset += length as u64;
    }
}
