//! The end of a transaction, in the steps that make it safe against a power cut (`append_record`, `mycommit`).
//!
//! 1. The header says dirty. *Sync.* From here on, whoever opens the file after a crash repairs it first.
//! 2. Records are appended, a commit record behind them, and the pointers of older records are changed. *Sync.*
//!    Any part of this may be on the disk after a crash: level 0 still leads past all of it.
//! 3. The header names the new size and is clean. *Sync.* The header is 64 bytes and written whole or not at all.
//!
//! Without the first or second sync a power cut could leave a clean header over pointers into nothing. Without the third
//! it can only undo the transaction.

use super::{
    format::{DIRTY, Head, Kind},
    image::Image,
};
use crate::store::cyrus::db_error::DbError;

/// What a commit waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Next {
    /// What was written must be made durable before the next step.
    Sync,
    /// Nothing: the transaction is committed.
    Done,
}

/// How far a commit is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Stage {
    /// Changes are being gathered.
    #[default]
    Open,
    /// The header says dirty.
    Marked,
    /// Everything but the header is written.
    Written,
    /// The header is written.
    Ended,
}

impl Stage {
    /// Takes the next step. A transaction without changes writes nothing.
    pub fn advance(&mut self, image: &mut Image) -> Result<Next, DbError> {
        match self {
            Stage::Open if !image.is_changed() && !image.header.is_dirty() => {
                *self = Stage::Ended;
                return Ok(Next::Done);
            }
            Stage::Open => {
                image.append(Head::pointing(Kind::Commit, image.header.current_size), b"", b"");
                if !image.header.is_dirty() {
                    image.mark_dirty()?;
                    *self = Stage::Marked;
                } else {
                    image.write_pending()?;
                    *self = Stage::Written;
                }
            }
            Stage::Marked => {
                image.write_pending()?;
                *self = Stage::Written;
            }
            Stage::Written => {
                image.header.current_size = image.end;
                image.header.flags &= !DIRTY;
                image.write_header()?;
                *self = Stage::Ended;
            }
            Stage::Ended => return Ok(Next::Done),
        }
        Ok(Next::Sync)
    }

    /// Takes all steps that are left, and makes all but the last durable.
    pub fn finish(&mut self, image: &mut Image) -> Result<(), DbError> {
        while self.advance(image)? == Next::Sync && *self != Stage::Ended {
            image.sync()?;
        }
        Ok(())
    }
}
