//! Locks by name, shared with Cyrus's own processes.
//!
//! Each is an empty file beneath `mboxname_lockpath` that is locked and never removed.
//!
//! | lock | file name before 3.12 | file name from 3.12 on | held |
//! |---|---|---|---|
//! | global | none | `$GLOBAL` | shared, with every exclusive lock below (`global_lock`) |
//! | user | `*U*jane^doe@example^com` | `*U*example.com!user.jane^doe` | shared to read, exclusive to change anything of the user's |
//! | no user | `*U*` | `*U*` | the same, for all shared mailboxes together |
//! | mailbox | its unique id, or its name with legacy directories | the same | shared to use the mailbox, exclusive to make or remove it |
//! | quota roots | `$QUOTACHANGE` | the same | exclusive, to change which mailboxes belong to which root |
//!
//! # Order
//!
//! Whoever takes several locks takes them in this order, as the reference does, and so waits for none that comes before one that
//! is held. Each test of the whole store runs on a disk that panics where that is not so (`tests/cyrus_store/lock_order`).
//!
//! 1. everything, whose lock is given at once to who has it already;
//! 2. quota roots' mailboxes;
//! 3. users, by ascending name: of the two of a renaming, the one whose mailbox has the lesser name first;
//! 4. the mailbox; where one takes the place of another, both, under the owner's exclusive lock, so that nobody has the other;
//! 5. `cyrus.index`;
//! 6. `cyrus.annotations`, `annotations.db`, the files of quota roots by ascending name, `mailboxes.db`;
//! 7. a user's own databases, `statuscache.db`, sync logs, and the count of removals.
//!
//! Here, each lock of 6 and 7 is given back before another is asked for, but for those of two quota roots, which one change
//! counts together; the reference holds those on annotations until its quota roots are counted. The file of a journal is locked by
//! the session that made it as long as that has it; others only try. Before a mailbox's lock is asked for, `mailboxes.db` says where
//! it lies: it is read, and given back.
//!
//! The rule for renamings is the reference's (`sync_apply_rename`). It is by mailbox, so that a renaming from `DELETED.user.b.x`
//! to `user.a.x`, or from the shared `zoo` to it, takes its users in the other order than one from `user.b.x` does: two such at
//! once can wait for each other, here until the deadline.
//!
//! Source: `mboxname_lock`, `mboxname_usernamespacelock` (imap/mboxname.c), `_namelock_name_from_userid` (imap/user.c),
//! `mailbox_open_advanced`, `mailbox_commit` (imap/mailbox.c), `mboxlist_setquotas` (imap/mboxlist.c), `quota_changelock`
//! (imap/quota_db.c). The reference's own processes can be locked out for as long as they want; a wait here ends at a deadline.

use super::{
    disk::{Deadline, Disk, DiskFile, Lock, Mode, wait_lock},
    options::{CyrusOptions, Release},
    paths::MailboxDirectory,
};
use crate::types::{MailboxName, UserId};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// What a lock is on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LockName {
    /// All there is of a user; `None`: of all mailboxes that are no user's.
    User(Option<UserId>),
    /// A mailbox.
    Mailbox(MailboxDirectory),
    /// Which mailboxes belong to which quota root.
    QuotaChange,
}

impl LockName {
    /// The lock to take before anything of a mailbox is looked at.
    pub fn user_of(mailbox: &MailboxName) -> LockName {
        LockName::User(mailbox.owner())
    }

    /// The lock's file.
    pub fn path(&self, options: &CyrusOptions) -> PathBuf {
        options.lock_file(&match self {
            LockName::User(None) => "*U*".to_owned(),
            LockName::User(Some(user)) => format!("*U*{}", user_lock_name(options, user)),
            LockName::Mailbox(MailboxDirectory::ById(id)) => id.to_string(),
            LockName::Mailbox(MailboxDirectory::ByName(name)) => name.to_string(),
            LockName::QuotaChange => "$QUOTACHANGE".to_owned(),
        })
    }
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct NameLock {
    name: LockName,
    lock: Lock,
    _file: Box<dyn DiskFile>,
    _global: Option<Box<dyn DiskFile>>,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another held it until the deadline: IMAP_MAILBOX_LOCKED.
    #[error("{} is locked by another process", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
    /// The system refused a call.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl NameLock {
    /// Takes a lock, waiting until the deadline.
    ///
    /// Two locks with the same name exclude each other even within one process: whoever needs one twice keeps it.
    ///
    /// # Errors
    /// [`LockError`]
    pub fn take(
        disk: &dyn Disk,
        options: &CyrusOptions,
        name: LockName,
        lock: Lock,
        deadline: Deadline,
    ) -> Result<NameLock, LockError> {
        let global = match lock {
            Lock::Exclusive if options.global_lock && options.release >= Release::V3_12 => {
                Some(open_and_lock(disk, &options.lock_file("$GLOBAL"), Lock::Shared, deadline)?)
            }
            _ => None,
        };
        let file = open_and_lock(disk, &name.path(options), lock, deadline)?;
        Ok(NameLock { name, lock, _file: file, _global: global })
    }

    /// What it is on.
    pub fn name(&self) -> &LockName {
        &self.name
    }

    /// Whether others are kept from reading too.
    pub fn is_exclusive(&self) -> bool {
        self.lock == Lock::Exclusive
    }
}

fn open_and_lock(disk: &dyn Disk, path: &Path, lock: Lock, deadline: Deadline) -> Result<Box<dyn DiskFile>, LockError> {
    let io_error = |source: io::Error| match source.kind() {
        ErrorKind::TimedOut => LockError::Locked { path: path.to_owned() },
        _ => LockError::Io { path: path.to_owned(), source },
    };
    let file = open(disk, path).map_err(io_error)?;
    wait_lock(file.as_ref(), lock, deadline).map_err(io_error)?;
    Ok(file)
}

fn open(disk: &dyn Disk, path: &Path) -> io::Result<Box<dyn DiskFile>> {
    match disk.open(path, Mode::Create) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            disk.create_dir_all(path.parent().unwrap_or(path))?;
            disk.open(path, Mode::Create)
        }
        opened => opened,
    }
}

/// Before 3.12 it is named after the user, since then after the user's INBOX.
fn user_lock_name(options: &CyrusOptions, user: &UserId) -> String {
    let (local, domain) = options.split_user(user);
    let escaped = local.replace('.', "^");
    match domain {
        None if options.release < Release::V3_12 => escaped,
        None => format!("user.{escaped}"),
        Some(domain) if options.release < Release::V3_12 => format!("{escaped}@{}", domain.replace('.', "^")),
        Some(domain) => format!("{domain}!user.{escaped}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::cyrus::disk::{RealDisk, testing::TestDir},
        types::UniqueId,
    };
    use std::time::Duration;

    fn options(release: Release, full: bool) -> CyrusOptions {
        CyrusOptions { hash_spool: true, full_dir_hash: full, release, ..CyrusOptions::new("/conf") }
    }

    fn user(name: &str) -> LockName {
        LockName::User(Some(UserId::parse(name.as_bytes()).unwrap()))
    }

    /// As 3.6.1 and 3.12.3 made them, with `hashimapspool`, and with `fulldirhash` and domains.
    #[test]
    fn the_files_are_those_of_the_reference() {
        let by_id = LockName::Mailbox(MailboxDirectory::ById(UniqueId::parse(b"84j8sdgbvbxrefbjcazcolbb").unwrap()));
        let by_name = |name: &[u8]| LockName::Mailbox(MailboxDirectory::ByName(MailboxName::parse(name).unwrap()));
        for (release, full, name, path) in [
            (Release::V3_6, false, user("jane.doe"), "/conf/lock/q/*U*jane^doe.lock"),
            (Release::V3_10, false, user("jane.doe"), "/conf/lock/q/*U*jane^doe.lock"),
            (Release::V3_12, false, user("jane.doe"), "/conf/lock/j/*U*user/jane^doe.lock"),
            (Release::V3_12, false, LockName::User(None), "/conf/lock/q/*U*.lock"),
            (Release::V3_12, false, LockName::QuotaChange, "/conf/lock/q/$QUOTACHANGE.lock"),
            (Release::V3_12, false, by_id, "/conf/lock/q/84j8sdgbvbxrefbjcazcolbb.lock"),
            (Release::V3_6, true, LockName::User(None), "/conf/lock/D/*U*.lock"),
            (Release::V3_6, true, LockName::QuotaChange, "/conf/lock/F/$QUOTACHANGE.lock"),
            (Release::V3_6, true, user("u1@example.com"), "/conf/lock/E/*U*u1@example^com.lock"),
            (Release::V3_6, true, user("jane.doe@example.com"), "/conf/lock/O/*U*jane^doe@example^com.lock"),
            (Release::V3_12, true, user("u1@example.com"), "/conf/lock/domain/O/*U*example.com/C/user/u1.lock"),
            (
                Release::V3_12,
                true,
                by_name(b"example.com!user.u1.deep.a"),
                "/conf/lock/domain/O/example.com/C/user/u1/deep/a.lock",
            ),
        ] {
            assert_eq!(name.path(&options(release, full)), Path::new(path));
        }
    }

    #[test]
    fn an_exclusive_lock_keeps_others_out_until_it_is_dropped() {
        let dir = TestDir::new("namelock");
        let options = CyrusOptions { lock_directory: Some(dir.path("locks")), ..options(Release::V3_12, false) };
        let take = |lock| NameLock::take(&RealDisk, &options, user("u1"), lock, Deadline::after(Duration::ZERO));
        let held = take(Lock::Exclusive).unwrap();
        assert!(held.is_exclusive());
        assert!(matches!(take(Lock::Shared), Err(LockError::Locked { .. })));
        drop(held);
        let (first, second) = (take(Lock::Shared).unwrap(), take(Lock::Shared).unwrap());
        assert!(matches!(take(Lock::Exclusive), Err(LockError::Locked { .. })));
        drop((first, second));
        assert!(dir.path("locks/q/$GLOBAL.lock").exists());
    }
}
