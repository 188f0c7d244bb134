//! The journal's file, which is locked as long as its process is at work on the change.

use super::{
    super::{
        disk::{Deadline, Disk, DiskFile, Lock, Mode, lock_named, open_or_make, remove_if_there},
        error::StoreError,
        options::CyrusOptions,
        spool::Spool,
    },
    encode,
    idle::IdleJournal,
};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

/// Entries that are gathered before they are written, in bytes.
const GATHER: usize = 256 * 1024;
/// The longest journal that is read, in bytes: over eight million records. What is longer was not written here.
const MAX_FILE: u64 = 1 << 30;

/// A journal that is written and durable.
#[derive(Debug)]
pub(super) struct JournalFile {
    path: PathBuf,
    kind: Kind,
}

/// Whose file it is; each is locked.
#[derive(Debug)]
enum Kind {
    /// Nobody's after this change.
    Single(Box<dyn DiskFile>),
    /// The session's.
    Session(IdleJournal),
}

/// What is found under the name of a journal.
#[derive(Debug)]
pub(super) enum Opening {
    /// Nothing: its change is made.
    Gone,
    /// A process is at work on it.
    InUse,
    /// What a process left, and its bytes.
    Left(JournalFile, Vec<u8>),
}

/// The directory of all journals.
pub(super) fn directory(options: &CyrusOptions) -> PathBuf {
    options.config_directory.join("sync_server.journal")
}

/// Takes the entries of a journal, one by one.
pub(super) type Write<'a> = dyn FnMut(&[u8]) -> Result<(), StoreError> + 'a;

impl JournalFile {
    /// Writes a journal to the session's file, for the time of the change under this name. If that fails, there is none, or the
    /// next change finds what there is.
    pub(super) fn write(
        spool: &mut Spool,
        name: &str,
        entries: impl FnOnce(&mut Write<'_>) -> Result<(), StoreError>,
    ) -> Result<JournalFile, StoreError> {
        let path = directory(&spool.options).join(name);
        let idle = IdleJournal::take(spool, &path).map_err(StoreError::io(&path))?;
        let written = write(idle.file.as_ref(), &path, idle.number, entries);
        JournalFile { path, kind: Kind::Session(idle) }.or_none(spool, written)
    }

    /// Writes a journal to a file of this name.
    pub(super) fn write_alone(spool: &mut Spool, name: &str, entry: &[u8]) -> Result<JournalFile, StoreError> {
        let directory = directory(&spool.options);
        let path = directory.join(name);
        let file = create(spool, &path).map_err(StoreError::io(&path))?;
        let written = write(file.as_ref(), &path, 0, |write| write(entry))
            .and_then(|()| spool.disk.sync_dir(&directory).map_err(StoreError::io(&directory)));
        JournalFile { path, kind: Kind::Single(file) }.or_none(spool, written)
    }

    /// Of a journal that could not be made durable nothing may be found later: its change is not made.
    fn or_none(self, spool: &mut Spool, written: Result<(), StoreError>) -> Result<JournalFile, StoreError> {
        let Err(error) = written else { return Ok(self) };
        let (Kind::Single(file) | Kind::Session(IdleJournal { file, .. })) = &self.kind;
        file.set_size(0).and_then(|()| file.sync()).ok();
        if remove_if_there(spool.disk.as_ref(), &self.path).is_err() {
            spool.has_unfinished = true;
        }
        Err(error)
    }

    /// Opens and locks a journal.
    pub(super) fn open(disk: &dyn Disk, path: &Path) -> Result<Opening, StoreError> {
        let opened = disk.open(path, Mode::Write).and_then(|mut file| {
            lock_named(disk, path, &mut file, Lock::Exclusive, Deadline::after(Duration::ZERO))?;
            Ok(file)
        });
        let file = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Opening::Gone),
            Err(error) if error.kind() == ErrorKind::TimedOut => return Ok(Opening::InUse),
            opened => opened.map_err(StoreError::io(path))?,
        };
        let bytes = read(file.as_ref()).map_err(StoreError::io(path))?;
        Ok(Opening::Left(JournalFile { path: path.to_owned(), kind: Kind::Single(file) }, bytes))
    }

    /// The change is made, or dropped. A journal that stays behind says nothing new, and goes with the next look at it.
    pub(super) fn remove(self, spool: &mut Spool) {
        let removed = match self.kind {
            Kind::Single(_) => remove_if_there(spool.disk.as_ref(), &self.path),
            Kind::Session(idle) => idle.give_back(spool, &self.path),
        };
        if removed.is_err() {
            spool.has_unfinished = true;
        }
    }
}

/// Makes the file, empty and locked. What lies there was not whole, or it would have been found before.
fn create(spool: &Spool, path: &Path) -> io::Result<Box<dyn DiskFile>> {
    let disk = spool.disk.as_ref();
    let mut file = open_or_make(disk, path)?;
    lock_named(disk, path, &mut file, Lock::Exclusive, spool.deadline())?;
    file.set_size(0)?;
    Ok(file)
}

fn write(
    file: &dyn DiskFile,
    path: &Path,
    number: u64,
    entries: impl FnOnce(&mut Write<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (mut sum, mut end, mut gathered) = (crc32fast::Hasher::new(), encode::HEAD as u64, Vec::new());
    let mut flush = |gathered: &mut Vec<u8>| {
        sum.update(gathered);
        file.write_at(end, &[gathered]).map_err(StoreError::io(path))?;
        end += gathered.len() as u64;
        gathered.clear();
        Ok::<_, StoreError>(())
    };
    entries(&mut |entry| {
        gathered.extend_from_slice(entry);
        if gathered.len() >= GATHER { flush(&mut gathered) } else { Ok(()) }
    })?;
    flush(&mut gathered)?;
    let head = encode::head(end - encode::HEAD as u64, number, sum.finalize());
    file.write_at(0, &[&head]).and_then(|()| file.sync()).map_err(StoreError::io(path))
}

fn read(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.size.min(MAX_FILE);
    let size = usize::try_from(size).map_err(|_| ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; size];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}
