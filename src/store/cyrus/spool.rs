//! The spool: the disk, the options, and what all parts of the store do with them.

use super::{
    disk::{self, Deadline, Disk, DiskFile, Durability, Lock, Mode},
    error::StoreError,
    journal::IdleJournal,
    lock::{LockName, NameLock},
    mboxlist::{self, MailboxEntry, Tree},
    options::CyrusOptions,
    paths::UserPlace,
    twoskip::{Create, Reader, Twoskip, Writer},
};
use crate::{
    event::{Event, Observer, Severity},
    types::{MailboxName, UniqueId, UserId},
};
use std::{
    ffi::OsString,
    fmt,
    io::{self, ErrorKind},
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// The disk, the options, and the mailbox list, which stays open.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: CyrusOptions,
    observer: Arc<dyn Observer>,
    list: Option<Twoskip>,
    /// Whether this store left a journal behind, because the disk failed.
    pub(super) has_unfinished: bool,
    /// Files for journals, one for each change that this store was making at the same time.
    pub(super) journals: Vec<IdleJournal>,
}

impl Spool {
    pub(super) fn new(disk: Arc<dyn Disk>, options: CyrusOptions, observer: Arc<dyn Observer>) -> Spool {
        Spool { disk, options, observer, list: None, has_unfinished: false, journals: Vec::new() }
    }

    /// Tells the administrator.
    pub(super) fn tell(&self, severity: Severity, what: &str, facts: &[(&str, &dyn fmt::Display)]) {
        self.observer.event(&Event { severity, what, facts });
    }

    /// Until when to wait for a lock that is asked for now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.options.lock_timeout)
    }

    /// Takes a lock by name.
    pub(super) fn lock(&self, name: LockName, lock: Lock) -> Result<NameLock, StoreError> {
        Ok(NameLock::take(self.disk.as_ref(), &self.options, name, lock, self.deadline())?)
    }

    /// Takes the lock of a mailbox's owner.
    pub(super) fn lock_owner(&self, mailbox: &MailboxName, lock: Lock) -> Result<Arc<NameLock>, StoreError> {
        self.lock(LockName::user_of(mailbox), lock).map(Arc::new)
    }

    /// Reads the mailbox list.
    pub(super) fn read_list<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'_>, &CyrusOptions) -> Result<T, mboxlist::ListError>,
    ) -> Result<T, StoreError> {
        let deadline = self.deadline();
        let list = open_list(&mut self.list, &self.disk, &self.options)?;
        Ok(read(&mut list.read(deadline)?, &self.options)?)
    }

    /// Does something with each entry of a part of the mailbox list, which is not locked meanwhile; ends with the first failure.
    pub(super) fn each_entry(
        &mut self,
        mut tree: Tree,
        mut each: impl FnMut(&mut Spool, MailboxEntry) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        /// Entries that are held at once.
        const PAGE: usize = 512;
        loop {
            let page = self.read_list(|list, _| tree.next_page(list, PAGE))?;
            if page.is_empty() {
                return Ok(());
            }
            page.into_iter().try_for_each(|entry| each(self, entry))?;
        }
    }

    /// Changes the mailbox list in one transaction.
    pub(super) fn write_list<T>(
        &mut self,
        durability: Durability,
        write: impl FnOnce(&mut Writer<'_>, &CyrusOptions) -> Result<T, mboxlist::ListError>,
    ) -> Result<T, StoreError> {
        let deadline = self.deadline();
        let list = open_list(&mut self.list, &self.disk, &self.options)?;
        let mut writer = list.write(deadline)?;
        let outcome = write(&mut writer, &self.options)?;
        writer.commit(durability)?;
        Ok(outcome)
    }

    /// The entry of a name, tombstones and intermediate folders included.
    pub(super) fn entry(&mut self, name: &MailboxName) -> Result<Option<MailboxEntry>, StoreError> {
        self.read_list(|list, options| mboxlist::find(list, options, name))
    }

    /// The entry of a unique id.
    pub(super) fn entry_by_id(&mut self, id: &UniqueId) -> Result<Option<MailboxEntry>, StoreError> {
        self.read_list(|list, _| mboxlist::find_by_uniqueid(list, id))
    }

    /// Where a user's own files lie.
    pub(super) fn user_place(&mut self, user: &UserId) -> Result<UserPlace, StoreError> {
        self.read_list(|list, options| mboxlist::user_place(list, options, user))
    }

    /// Where the files of a mailbox's owner lie, or those of all shared mailboxes.
    pub(super) fn owner_place(&mut self, mailbox: &MailboxName) -> Result<UserPlace, StoreError> {
        match mailbox.owner() {
            Some(owner) => self.user_place(&owner),
            None => Ok(UserPlace::shared(&self.options, mailbox)),
        }
    }

    /// Whether something lies there. A file of which nothing can be learnt is not one that is not there: what follows from that
    /// may remove it.
    pub(super) fn is_there(&self, path: &Path) -> Result<bool, StoreError> {
        match self.disk.metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            found => found.map(|_| true).map_err(StoreError::io(path)),
        }
    }

    /// The names in a directory; none where there is no such directory.
    pub(super) fn names_in(&self, directory: &Path) -> Result<Vec<OsString>, StoreError> {
        match self.disk.read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            names => names.map_err(StoreError::io(directory)),
        }
    }

    /// A whole small file; `None` where there is none.
    pub(super) fn read_file(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        match read_whole(self.disk.as_ref(), path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io(path)(error)),
        }
    }

    /// Replaces a small file by one that is complete and durable; its name becomes durable with its directory.
    pub(super) fn replace_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        disk::replace_file(self.disk.as_ref(), path, &[bytes], Durability::Caller).map_err(StoreError::io(path))
    }
}

fn open_list<'a>(
    list: &'a mut Option<Twoskip>,
    disk: &Arc<dyn Disk>,
    options: &CyrusOptions,
) -> Result<&'a mut Twoskip, StoreError> {
    match list {
        Some(list) => Ok(list),
        closed => Ok(closed.insert(open_or_create(disk, &options.mailbox_list_file())?)),
    }
}

/// Opens a database, which is made if need be.
pub(super) fn open_or_create(disk: &Arc<dyn Disk>, path: &Path) -> Result<Twoskip, StoreError> {
    let missing = || StoreError::io(path)(ErrorKind::NotFound.into());
    Twoskip::open(disk, path, Create::Yes)?.ok_or_else(missing)
}

/// Reads a whole file.
pub(super) fn read_whole(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    read_file(disk.open(path, Mode::Read)?.as_ref())
}

/// All bytes of an open file.
pub(super) fn read_file(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let size = usize::try_from(file.metadata()?.size).map_err(|_| ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; size];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
