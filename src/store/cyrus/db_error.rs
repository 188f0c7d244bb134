//! What can go wrong with a key-value file, whatever its format.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// What can go wrong with a key-value file.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The system refused a call. `NotFound`: the file was removed after it was opened.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The lock was still another's at the deadline. Nothing was changed; trying again later is safe.
    #[error("{}: locked by another process", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what its format asks for, and could not be repaired.
    #[error("{}: damaged at offset {offset}: {damage}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, in bytes from the start of the file.
        offset: u64,
        /// What is wrong there.
        damage: Damage,
    },
    /// A caller asked to store under a key that the format cannot hold.
    #[error("{}: a key must not be empty", path.display())]
    EmptyKey {
        /// The file.
        path: PathBuf,
    },
}

/// What is wrong with the bytes of a key-value file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// The file does not begin with its format's magic bytes.
    #[error("not a file of this format")]
    Magic,
    /// The file was written by a later release.
    #[error("unknown version {0}")]
    Version(u32),
    /// The header's checksum does not match.
    #[error("the header's checksum does not match")]
    HeaderCrc,
    /// The file is shorter than the header or than a record says.
    #[error("it reaches past the end of the file")]
    PastEnd,
    /// A record's type or level is not one that a record at this place can have.
    #[error("a record of type {kind:#04x} and level {level} cannot be here")]
    Record {
        /// The type byte.
        kind: u8,
        /// The level.
        level: u8,
    },
    /// The checksum of a record's lengths and pointers does not match.
    #[error("the checksum of the record's head does not match")]
    HeadCrc,
    /// The checksum of a record's key and value does not match.
    #[error("the checksum of the record's key and value does not match")]
    TailCrc,
    /// A record's key is not above the key before it.
    #[error("the key is out of order")]
    Order,
    /// The pointers of a level lead in a circle.
    #[error("the pointers lead in a circle")]
    Circle,
    /// A pointer of a higher level misses the record, or leads on after the last one.
    #[error("the pointers of level {level} do not lead here")]
    Linkage {
        /// The level, from 0.
        level: usize,
    },
    /// The header counts other records than there are.
    #[error("the header counts {counted} records, there are {found}")]
    Count {
        /// According to the header.
        counted: u64,
        /// According to the pointers.
        found: u64,
    },
    /// No record could be saved from a damaged file.
    #[error("no record could be recovered")]
    NothingLeft,
    /// A line without a tab after its key, or without its end.
    #[error("the line is not complete")]
    Line,
}

impl DbError {
    /// The error for a failed call on a file; a wait for a lock that timed out is [`DbError::Locked`].
    pub(super) fn io(path: &Path, source: io::Error) -> DbError {
        match source.kind() {
            ErrorKind::TimedOut => DbError::Locked { path: path.to_owned() },
            _ => DbError::Io { path: path.to_owned(), source },
        }
    }

    /// The error for damage found at an offset.
    pub(super) fn damaged(path: &Path, offset: u64, damage: Damage) -> DbError {
        DbError::Damaged { path: path.to_owned(), offset, damage }
    }
}
