//! twoskip: the key-value file that Cyrus keeps most of its state in (mailboxes.db, conversations, annotations, seen state).
//!
//! A skip list in a file to which records are only appended; `format.rs` has the bytes, `commit.rs` the order of writes and
//! syncs. Cyrus processes may use the same file at any time: the lock is the same (`fcntl` on the file itself, which is
//! opened again when it was replaced meanwhile), and each side repairs what a crash of the other left behind.
//!
//! Keys are compared bytewise. (Only `cyr_dbtool -M` of 3.6 ever asked for another order.)
//!
//! Finding a key reads O(log n) records in pieces of 4 KiB, a change writes what changed; neither looks at the rest of the
//! file. Only a repair (after a crash) and [`Twoskip::repack`] read all of it.

mod change;
mod check;
mod commit;
mod decode;
mod encode;
mod format;
mod image;
mod level;
mod pages;
mod pending;
mod rebuild;
mod recover;
mod search;
#[cfg(test)]
mod tests;
mod transaction;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use commit::Next;
pub use search::{Pair, Visitor};
pub use transaction::{Commit, Reader, Writer};

use self::{format::FIRST_RECORD, image::Image, level::Levels};
use crate::store::cyrus::{
    db_error::DbError,
    disk::{Deadline, Disk, Lock, Metadata, Mode, lock_named, open_or_make},
};

/// Smaller files are not repacked (`MINREWRITE`).
const MIN_REPACK_SIZE: u64 = 16_834;
/// How often to try for a shared lock on a file that is dirty again after each repair.
const REPAIRS: u32 = 8;

/// Whether to make a database that does not exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Create {
    /// Leave it.
    No,
    /// Make an empty one, and the directories above it.
    Yes,
}

/// A twoskip file. It is locked only while there is a [`Reader`] or [`Writer`].
#[derive(Debug)]
pub struct Twoskip {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    image: Image,
    levels: Levels,
    /// The file was made here and its name is not durable yet.
    new_name: bool,
}

impl Twoskip {
    /// Opens a database; `None` if it does not exist and shall not be made. The bytes are first looked at by
    /// [`Twoskip::read`] and [`Twoskip::write`]. New directories are durable; the name of a new file becomes so with the
    /// first durable commit.
    ///
    /// # Errors
    /// [`DbError::Io`].
    pub fn open(disk: &Arc<dyn Disk>, path: &Path, create: Create) -> Result<Option<Twoskip>, DbError> {
        let opened = match disk.open(path, Mode::Write) {
            Err(error) if error.kind() == ErrorKind::NotFound => match create {
                Create::No => return Ok(None),
                Create::Yes => open_or_make(disk.as_ref(), path).map(|file| (file, true)),
            },
            other => other.map(|file| (file, false)),
        };
        let (file, new_name) = opened.map_err(|error| DbError::io(path, error))?;
        Ok(Some(Twoskip {
            disk: Arc::clone(disk),
            path: path.to_owned(),
            image: Image::new(path, file),
            levels: Levels::random(),
            new_name,
        }))
    }

    /// Takes the shared lock. A file that a crash left dirty is repaired first, which takes the exclusive lock and reads
    /// all of it; an empty file becomes an empty database.
    ///
    /// # Errors
    /// [`DbError::Locked`] at the deadline; [`DbError::Damaged`] if the file cannot be repaired; [`DbError::Io`].
    pub fn read(&mut self, deadline: Deadline) -> Result<Reader<'_>, DbError> {
        for _ in 0..REPAIRS {
            if self.lock(Lock::Shared, deadline)? {
                return Ok(Reader { db: self });
            }
            self.unlock();
            self.write(deadline)?;
        }
        Err(DbError::Locked { path: self.path.clone() })
    }

    /// Takes the exclusive lock. Repairs and completes the file as [`Twoskip::read`] does.
    ///
    /// # Errors
    /// As [`Twoskip::read`].
    pub fn write(&mut self, deadline: Deadline) -> Result<Writer<'_>, DbError> {
        let repaired = match self.lock(Lock::Exclusive, deadline)? {
            true => Ok(()),
            false => self.repair(),
        };
        repaired.inspect_err(|_| self.unlock())?;
        Ok(Writer(Reader { db: self }))
    }

    /// Makes durable what was committed with [`Durability::Caller`](super::disk::Durability::Caller).
    ///
    /// # Errors
    /// [`DbError::Io`].
    pub fn sync(&mut self) -> Result<(), DbError> {
        self.image.sync()?;
        self.sync_name()
    }

    /// Makes the name of a new file durable: for callers who open it again for what they commit.
    ///
    /// # Errors
    /// [`DbError::Io`].
    pub fn sync_name(&mut self) -> Result<(), DbError> {
        if self.new_name {
            let parent = self.path.parent().unwrap_or(&self.path);
            self.disk.sync_dir(parent).map_err(|error| DbError::io(parent, error))?;
            self.new_name = false;
        }
        Ok(())
    }

    /// Whether the file, as it was last seen, holds so many outdated records that [`Twoskip::repack`] would rewrite it:
    /// more than twice its size after the last repack, and more than 16,834 bytes.
    pub fn wants_repack(&self) -> bool {
        let header = &self.image.header;
        header.current_size > MIN_REPACK_SIZE && header.current_size > header.repack_size.saturating_mul(2)
    }

    /// Rewrites the file without outdated records if [`Twoskip::wants_repack`]; whether it did. Reads and writes all of the
    /// database: for when nobody waits (`_delayed_checkpoint`).
    ///
    /// # Errors
    /// As [`Twoskip::read`]; the old file is still in place.
    pub fn repack(&mut self, deadline: Deadline) -> Result<bool, DbError> {
        let Writer(locked) = self.write(deadline)?;
        if !locked.db.wants_repack() {
            return Ok(false);
        }
        locked.db.rewrite()?;
        Ok(true)
    }

    /// Takes a lock and looks at the file; whether it is clean.
    fn lock(&mut self, lock: Lock, deadline: Deadline) -> Result<bool, DbError> {
        let locked = lock_named(self.disk.as_ref(), &self.path, &mut self.image.file, lock, deadline);
        let Metadata { size, inode, .. } = locked.map_err(|error| DbError::io(&self.path, error))?;
        match (size, lock) {
            (0, Lock::Shared) => return Ok(false),
            (0, Lock::Exclusive) => self.image.initialise(),
            (_, Lock::Shared) => self.image.look_again(size, inode),
            (_, Lock::Exclusive) => self.image.load(size),
        }
        .inspect_err(|_| self.unlock())?;
        Ok(self.image.is_clean())
    }

    /// Gives the lock back.
    fn unlock(&self) {
        // Cannot fail on a file that is open; closing it gives the lock back in any case.
        self.image.file.unlock().ok();
    }

    /// Mends a file that is not clean, under the exclusive lock (`recovery`).
    fn repair(&mut self) -> Result<(), DbError> {
        let is_new = self.image.header.current_size == FIRST_RECORD;
        if is_new && self.image.size() < FIRST_RECORD {
            // Whoever made the file was interrupted before it was whole.
            return self.image.initialise();
        }
        match recover::relink(&mut self.image) {
            Ok(()) if self.image.size() >= self.image.header.current_size => return recover::cut(&mut self.image),
            // What is missing holds no live record. (The reference puts zeros there.)
            Ok(()) => return self.rewrite(),
            Err(DbError::Damaged { .. }) => {}
            Err(error) => return Err(error),
        }
        let size = self.image.file.metadata().map_err(|error| self.image.io(error))?.size;
        self.image.load(size)?;
        let mut saved = recover::salvage(&mut self.image)?.into_values();
        let old = &mut self.image;
        let generation = old.header.generation.wrapping_add(1);
        self.image = rebuild::rebuild(self.disk.as_ref(), &self.path, generation, &mut self.levels, &mut || {
            let Some(offset) = saved.next() else { return Ok(None) };
            let record = old.record(offset)?;
            old.key_and_value(&record).map(Some)
        })?;
        Ok(())
    }

    /// Writes the database anew, under the exclusive lock (`mycheckpoint`).
    fn rewrite(&mut self) -> Result<(), DbError> {
        check::check(&mut self.image)?;
        let old = &mut self.image;
        let generation = old.header.generation.wrapping_add(1);
        let mut here = old.dummy()?;
        self.image = rebuild::rebuild(self.disk.as_ref(), &self.path, generation, &mut self.levels, &mut || {
            let Some(next) = old.follow(here.head.next(0, old.end))? else { return Ok(None) };
            here = next;
            old.key_and_value(&here).map(Some)
        })?;
        Ok(())
    }
}
