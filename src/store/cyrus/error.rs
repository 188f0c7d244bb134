//! What can go wrong in the store, and what the peer is told of it.

use super::{
    annotations::AnnotationError, db_error::DbError, header::MailboxHeaderError, index::IndexError, lock::LockError,
    mboxlist::ListError, paths::UnknownPartition, subscriptions::SubscriptionError,
};
use crate::ops::Refusal;
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// A refusal that needs no explanation beyond its name.
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error(transparent)]
    Header(#[from] MailboxHeaderError),
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Annotations(#[from] AnnotationError),
    #[error(transparent)]
    Subscriptions(#[from] SubscriptionError),
    #[error(transparent)]
    Partition(#[from] UnknownPartition),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[cfg(feature = "dav")]
    #[error("{}: {source}", path.display())]
    Sqlite { path: PathBuf, source: rusqlite::Error },
    /// A file does not hold what another says it holds.
    #[error("{}: {problem}", path.display())]
    Damaged { path: PathBuf, problem: &'static str },
}

impl StoreError {
    /// The system refused a call on this file.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        move |source| StoreError::Io { path: path.to_owned(), source }
    }

    /// Whether a file is not there.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, StoreError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
    }

    /// Whether the disk failed or is full, which may pass.
    pub(super) fn is_of_disk(&self) -> bool {
        matches!(self.refusal(), Refusal::Io | Refusal::NoSpace)
    }

    /// What the peer is told.
    pub(super) fn refusal(&self) -> Refusal {
        match self {
            StoreError::Refused(refusal) => *refusal,
            StoreError::Db(error) | StoreError::List(ListError::Db(error)) => db_refusal(error),
            StoreError::Subscriptions(SubscriptionError::Db(error)) => db_refusal(error),
            StoreError::Annotations(AnnotationError::Db(error)) => db_refusal(error),
            StoreError::Annotations(_) => Refusal::BadParameters,
            StoreError::Index(IndexError::Io(source)) | StoreError::Io { source, .. } => io_refusal(source),
            StoreError::Lock(LockError::Locked { .. }) => Refusal::Locked,
            StoreError::Lock(LockError::Io { source, .. }) => io_refusal(source),
            #[cfg(feature = "dav")]
            StoreError::Sqlite { .. } => Refusal::Io,
            StoreError::Partition(_) => Refusal::UnknownPartition,
            StoreError::Subscriptions(SubscriptionError::User(_)) => Refusal::InvalidUser,
            StoreError::Index(_)
            | StoreError::Header(_)
            | StoreError::List(_)
            | StoreError::Subscriptions(_)
            | StoreError::Damaged { .. } => Refusal::BadFormat,
        }
    }
}

fn db_refusal(error: &DbError) -> Refusal {
    match error {
        DbError::Locked { .. } => Refusal::Locked,
        DbError::Io { source, .. } => io_refusal(source),
        DbError::Damaged { .. } | DbError::EmptyKey { .. } => Refusal::BadFormat,
    }
}

fn io_refusal(error: &io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Refusal::NoSpace,
        ErrorKind::TimedOut => Refusal::Locked,
        _ => Refusal::Io,
    }
}
