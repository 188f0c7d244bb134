//! The journal's file between two changes of a session.
//!
//! To make a file, to have its name made durable and to free its blocks costs more than to write a small journal. So a session
//! keeps its file: `@PID-N.S`, with the number S of the next change, is its name while nothing is done. The journal that is
//! written to it has that number, and by the name of its mailbox others find it during the change. Afterwards the file gets the
//! name with the next number.
//!
//! None of these renamings is waited for. After a power cut the file has one of its earlier names: what stands in it is a
//! change to be finished, unless its name has a higher number.

use super::{
    super::{
        disk::{DiskFile, Lock, Mode, lock_named, open_in_made, remove_if_there},
        spool::Spool,
    },
    file::directory,
};
use std::{
    ffi::OsStr,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// The largest file that is kept, in bytes: journals of some ten thousand records are rare.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file that waits for a change, locked.
#[derive(Debug)]
pub(in super::super) struct IdleJournal {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) path: PathBuf,
    /// The number of the next change.
    pub(super) number: u64,
}

impl IdleJournal {
    /// The session's file, or a new one, under this name.
    pub(super) fn take(spool: &mut Spool, name: &Path) -> io::Result<IdleJournal> {
        let idle = spool.journals.pop().map_or_else(|| make(spool), Ok)?;
        match spool.disk.rename(&idle.path, name) {
            Ok(()) => Ok(idle),
            Err(error) => {
                spool.journals.push(idle);
                Err(error)
            }
        }
    }

    /// Gives the file back, under the name of the next change, when that of this one, `path`, is made and durable.
    pub(super) fn give_back(self, spool: &mut Spool, path: &Path) -> io::Result<()> {
        if self.file.metadata()?.size > LARGEST {
            return remove_if_there(spool.disk.as_ref(), path);
        }
        let number = self.number + 1;
        let next = IdleJournal { path: self.path.with_extension(number.to_string()), number, ..self };
        spool.disk.rename(path, &next.path)?;
        spool.journals.push(next);
        Ok(())
    }
}

/// Removes the files of a session that ends. One that stays says nothing, and goes with the next look at it.
pub(in super::super) fn remove_idle(spool: &mut Spool) {
    for idle in std::mem::take(&mut spool.journals) {
        remove_if_there(spool.disk.as_ref(), &idle.path).ok();
    }
}

/// Whether a journal of this number is still to be looked at when it is found under this name.
pub(super) fn is_current(name: &OsStr, number: u64) -> bool {
    let next = name.to_str().and_then(|name| name.strip_prefix('@')?.rsplit_once('.')?.1.parse().ok());
    next.is_none_or(|next: u64| number >= next)
}

/// Which of the process's files is made next: no two have the same name, whatever names they have had in between.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A new file, whose name is durable.
fn make(spool: &Spool) -> io::Result<IdleJournal> {
    const FIRST: u64 = 1;
    /// More names are not taken by what processes of the same number left.
    const TRIES: u32 = 1000;
    let (disk, directory, process) = (spool.disk.as_ref(), directory(&spool.options), std::process::id());
    for _ in 0..TRIES {
        let path = directory.join(format!("@{process}-{}.{FIRST}", NEXT.fetch_add(1, Ordering::Relaxed)));
        match open_in_made(disk, &path, Mode::CreateNew).and_then(|file| locked(spool, &path, file)) {
            Ok(file) => {
                disk.sync_dir(&directory)?;
                return Ok(IdleJournal { file, path, number: FIRST });
            }
            // It is there, or another process has taken it for one that was left.
            Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn locked(spool: &Spool, path: &Path, mut file: Box<dyn DiskFile>) -> io::Result<Box<dyn DiskFile>> {
    lock_named(spool.disk.as_ref(), path, &mut file, Lock::Exclusive, spool.deadline())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_over_when_its_name_has_a_higher_number() {
        for (name, number, expected) in
            [("id1", 7, true), ("=00000001", 0, true), ("@1-0.7", 7, true), ("@1-0.6", 7, true), ("@1-0.8", 7, false)]
        {
            assert_eq!(is_current(OsStr::new(name), number), expected, "{name}");
        }
    }
}
