//! What can be done while a lock is held: [`Reader`], [`Writer`] and [`Commit`].

use std::ops::{Deref, DerefMut};

use super::{
    Twoskip, change, check,
    commit::{Next, Stage},
    search::{self, Pair, Visitor},
};
use crate::store::cyrus::{db_error::DbError, disk::Durability};

/// A database under a lock, which is given back when this is dropped.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(super) db: &'a mut Twoskip,
}

/// A database under an exclusive lock, and the changes made to it, which its reads see. Dropping it without
/// [`Writer::commit`] forgets the changes and gives the lock back.
///
/// Changes are kept in memory until they are committed, up to about 1 MiB; what is more is written behind the committed
/// end of a file marked dirty, and undone by the next process that locks it if no commit follows.
#[derive(Debug)]
pub struct Writer<'a>(pub(super) Reader<'a>);

/// A transaction that is being committed step by step. Dropping it before the last step undoes the transaction.
#[derive(Debug)]
pub struct Commit<'a> {
    locked: Reader<'a>,
    stage: Stage,
}

impl Reader<'_> {
    /// The value of a key. Costs O(log n) reads of the file.
    ///
    /// # Errors
    /// [`DbError::Damaged`], [`DbError::Io`].
    pub fn fetch(&mut self, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
        search::fetch(&mut self.db.image, key)
    }

    /// The smallest key that is greater than `key`, bytewise, and its value. Before the first is the empty key.
    ///
    /// # Errors
    /// As [`Reader::fetch`].
    pub fn next_after(&mut self, key: &[u8]) -> Result<Option<Pair>, DbError> {
        search::next_after(&mut self.db.image, key)
    }

    /// Calls `visit` with each key that begins with the prefix, ascending bytewise, and its value, until it breaks.
    ///
    /// # Errors
    /// As [`Reader::fetch`]; `visit` may have been called before.
    pub fn foreach_prefix(&mut self, prefix: &[u8], visit: Visitor<'_>) -> Result<(), DbError> {
        search::foreach_prefix(&mut self.db.image, prefix, visit)
    }

    /// Checks every record and every pointer, as `cyr_dbtool FILE twoskip consistent` does. Reads the whole database.
    ///
    /// # Errors
    /// [`DbError::Damaged`] with the first thing that is wrong.
    pub fn check(&mut self) -> Result<(), DbError> {
        check::check(&mut self.db.image)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.db.unlock();
    }
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.0
    }
}

impl<'a> DerefMut for Writer<'a> {
    fn deref_mut(&mut self) -> &mut Reader<'a> {
        &mut self.0
    }
}

impl<'a> Writer<'a> {
    /// Stores a value under a key, in place of the one that was there. Storing what is there already changes nothing.
    ///
    /// # Errors
    /// [`DbError::EmptyKey`]; otherwise as [`Reader::fetch`], and then the transaction must be dropped.
    pub fn store(&mut self, key: &[u8], value: &[u8]) -> Result<(), DbError> {
        if key.is_empty() {
            return Err(DbError::EmptyKey { path: self.db.path.clone() });
        }
        let db = &mut self.0.db;
        change::store(&mut db.image, &mut db.levels, key, value)
    }

    /// Deletes a key; whether it was there.
    ///
    /// # Errors
    /// As [`Reader::fetch`], and then the transaction must be dropped.
    pub fn delete(&mut self, key: &[u8]) -> Result<bool, DbError> {
        change::delete(&mut self.db.image, key)
    }

    /// Makes the changes seen by others, all or none, and gives the lock back. Without changes nothing is written.
    ///
    /// # Errors
    /// [`DbError::Io`]: the changes were not committed, unless it was the last sync that failed: then they are seen but
    /// may not survive a power cut.
    pub fn commit(self, durability: Durability) -> Result<(), DbError> {
        let mut commit = self.commit_in_steps();
        while commit.advance()? == Next::Sync {
            if commit.stage == Stage::Ended && durability == Durability::Caller {
                break;
            }
            commit.sync()?;
        }
        Ok(())
    }

    /// For callers who commit several databases and wait once per step for all of their syncs.
    pub fn commit_in_steps(self) -> Commit<'a> {
        Commit { locked: self.0, stage: Stage::default() }
    }
}

impl Commit<'_> {
    /// Takes the next step, of at most three. After [`Next::Sync`], [`Commit::sync`] (or `syncfs`) must succeed before the
    /// next one; after [`Next::Done`] the changes are committed and durable.
    ///
    /// # Errors
    /// [`DbError::Io`], and then this must be dropped.
    pub fn advance(&mut self) -> Result<Next, DbError> {
        self.stage.advance(&mut self.locked.db.image)
    }

    /// Makes durable what the last step has written.
    ///
    /// # Errors
    /// [`DbError::Io`], and then this must be dropped.
    pub fn sync(&mut self) -> Result<(), DbError> {
        self.locked.db.sync()
    }
}
