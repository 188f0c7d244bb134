//! A disk that knows the locks that its store holds, and panics where one is asked for out of order: two that keep the order
//! never wait for each other. The order is that of `store::cyrus::lock`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Metadata, Mode};

/// What is locked, in the order in which locks are taken; of one kind, in the order of the names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Locked {
    Global,
    QuotaChange,
    Owner(String),
    Mailbox(PathBuf),
    Index(PathBuf),
    MessageAnnotations(PathBuf),
    Annotations,
    QuotaRoot(PathBuf),
    MailboxList,
    /// Subscriptions, seen state and the like: nothing is taken after one of them.
    Other(PathBuf),
}

impl Locked {
    /// What a file's lock stands for.
    fn by(path: &Path) -> Locked {
        let text = path.to_string_lossy();
        let name = text.strip_suffix(".NEW").unwrap_or(&text);
        let is_named = |wanted: &str| name.ends_with(&format!("/{wanted}"));
        if let Some(lock) = name.strip_suffix(".lock") {
            return match lock.rsplit_once("*U*") {
                Some((_, owner)) => Locked::Owner(owner.to_owned()),
                None if lock.ends_with("/$GLOBAL") => Locked::Global,
                None if lock.ends_with("/$QUOTACHANGE") => Locked::QuotaChange,
                None => Locked::Mailbox(lock.into()),
            };
        }
        match () {
            () if is_named("cyrus.index") => Locked::Index(name.into()),
            () if is_named("cyrus.annotations") => Locked::MessageAnnotations(name.into()),
            () if is_named("annotations.db") => Locked::Annotations,
            () if is_named("mailboxes.db") => Locked::MailboxList,
            () if name.contains("/conf/quota/") => Locked::QuotaRoot(name.into()),
            () => Locked::Other(name.into()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Locked::Global => "everything",
            Locked::QuotaChange => "quota roots' mailboxes",
            Locked::Owner(_) => "owner",
            Locked::Mailbox(_) => "mailbox",
            Locked::Index(_) => "cyrus.index",
            Locked::MessageAnnotations(_) => "cyrus.annotations",
            Locked::Annotations => "annotations.db",
            Locked::QuotaRoot(_) => "quota root",
            Locked::MailboxList => "mailboxes.db",
            Locked::Other(_) => "other",
        }
    }
}

/// The kinds of locks that were taken.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<Mutex<BTreeSet<&'static str>>>);

impl Taken {
    /// Fails unless there was one of each kind.
    pub fn assert_every_kind(&self) {
        let all = [
            Locked::Global,
            Locked::QuotaChange,
            Locked::Owner(String::new()),
            Locked::Mailbox(PathBuf::new()),
            Locked::Index(PathBuf::new()),
            Locked::MessageAnnotations(PathBuf::new()),
            Locked::Annotations,
            Locked::QuotaRoot(PathBuf::new()),
            Locked::MailboxList,
            Locked::Other(PathBuf::new()),
        ];
        assert_eq!(*self.0.lock().unwrap(), all.iter().map(Locked::kind).collect());
    }
}

/// The locks that one store holds, by the number of the open file.
type Held = Arc<Mutex<BTreeMap<u64, (Locked, Lock)>>>;

/// The disk of one store.
#[derive(Debug)]
pub struct Ordered {
    disk: Arc<dyn Disk>,
    taken: Taken,
    held: Held,
    opened: Mutex<u64>,
}

impl Ordered {
    pub fn new(disk: impl Disk + 'static, taken: &Taken) -> Arc<Ordered> {
        Arc::new(Ordered {
            disk: Arc::new(disk),
            taken: taken.clone(),
            held: Held::default(),
            opened: Mutex::default(),
        })
    }
}

/// Panics if this lock must not be waited for while those are held.
fn check<'a>(wanted: &Locked, held: impl Iterator<Item = &'a (Locked, Lock)> + Clone) {
    let is_held_exclusively = |(locked, lock): &(Locked, Lock)| match locked {
        Locked::Mailbox(_) => *lock == Lock::Exclusive,
        _ => false,
    };
    let is_allowed = |other: &Locked| match (wanted, other) {
        // It is shared by all, and held with each exclusive lock by name: who has it gets it again at once.
        (Locked::Global, _) => held.clone().any(|(locked, _)| *locked == Locked::Global),
        // A mailbox that is moved has two, and nobody else may look for either.
        (Locked::Index(_), Locked::Index(_)) => held.clone().any(is_held_exclusively),
        _ => wanted > other,
    };
    for (other, _) in held.clone() {
        assert!(is_allowed(other), "out of order: {wanted:?} is asked for while {other:?} is held");
    }
}

#[derive(Debug)]
struct OrderedFile {
    file: Box<dyn DiskFile>,
    locked: Locked,
    /// Nobody else knows of a file that was just made under a name of its own: its lock is never waited for.
    is_own: bool,
    number: u64,
    taken: Taken,
    held: Held,
}

impl OrderedFile {
    fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
    }
}

impl DiskFile for OrderedFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read_at(offset, buffer)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        self.file.write_at(offset, slices)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let mut held = self.held.lock().unwrap();
        if !self.is_own {
            check(&self.locked, held.iter().filter(|(number, _)| **number != self.number).map(|(_, held)| held));
        }
        let is_free = self.file.try_lock(lock)?;
        if is_free {
            self.taken.0.lock().unwrap().insert(self.locked.kind());
            held.insert(self.number, (self.locked.clone(), lock));
        }
        Ok(is_free)
    }

    fn unlock(&self) -> io::Result<()> {
        self.file.unlock()?;
        self.forget();
        Ok(())
    }
}

impl Drop for OrderedFile {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Disk for Ordered {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(path, mode)?;
        let mut opened = self.opened.lock().unwrap();
        *opened += 1;
        Ok(Box::new(OrderedFile {
            file,
            locked: Locked::by(path),
            is_own: mode == Mode::CreateNew,
            number: *opened,
            taken: self.taken.clone(),
            held: self.held.clone(),
        }))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }

    fn symlink(&self, target: &str, path: &Path) -> io::Result<()> {
        self.disk.symlink(target, path)
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        self.disk.read_link(path)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.disk.unlink(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.disk.read_dir(path)
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.disk.metadata(path)
    }

    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        self.disk.set_modified(path, seconds)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_file_system(path)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_space(path)
    }
}

mod tests {
    use super::{Locked, Ordered, Taken};
    use std::{path::Path, sync::Arc};
    use sync_server::store::cyrus::disk::{Disk, DiskFile, Lock, Mode, simulated::SimulatedDisk};

    fn disk() -> Arc<Ordered> {
        let disk = SimulatedDisk::new();
        for directory in ["/conf/lock/j/*U*user", "/conf/lock/1", "/conf/quota/u", "/spool/1"] {
            disk.create_dir_all(Path::new(directory)).unwrap();
        }
        Ordered::new(disk, &Taken::default())
    }

    fn take(disk: &Ordered, path: &str, lock: Lock) -> Box<dyn DiskFile> {
        let file = disk.open(Path::new(path), Mode::Create).unwrap();
        assert!(file.try_lock(lock).unwrap());
        file
    }

    const OWNER: &str = "/conf/lock/j/*U*user/jane.lock";
    const INDEX: &str = "/spool/1/cyrus.index";

    #[test]
    fn locks_in_the_order_are_taken() {
        let disk = disk();
        let paths = [
            "/conf/lock/1/$GLOBAL.lock",
            "/conf/lock/1/$QUOTACHANGE.lock",
            "/conf/lock/1/*U*.lock",
            OWNER,
            "/conf/lock/1/id.lock",
            INDEX,
            "/spool/1/cyrus.annotations",
            "/conf/annotations.db",
            "/conf/quota/u/user.a",
            "/conf/quota/u/user.b",
            "/conf/mailboxes.db",
            "/conf/u1.sub",
        ];
        let _held = paths.map(|path| take(&disk, path, Lock::Shared));
        assert!(paths.map(|path| Locked::by(Path::new(path))).is_sorted());
    }

    #[test]
    #[should_panic(expected = "out of order")]
    fn an_owner_is_not_waited_for_below_an_index() {
        let disk = disk();
        let _index = take(&disk, INDEX, Lock::Shared);
        take(&disk, OWNER, Lock::Shared);
    }

    #[test]
    #[should_panic(expected = "out of order")]
    fn users_come_in_the_order_of_their_names() {
        let disk = disk();
        let _held = take(&disk, OWNER, Lock::Exclusive);
        take(&disk, "/conf/lock/j/*U*user/ann.lock", Lock::Exclusive);
    }

    #[test]
    #[should_panic(expected = "out of order")]
    fn nobody_waits_for_what_he_holds() {
        let disk = disk();
        let _held = take(&disk, OWNER, Lock::Shared);
        take(&disk, OWNER, Lock::Shared);
    }

    #[test]
    fn what_was_given_back_may_be_taken_again() {
        let disk = disk();
        let index = take(&disk, INDEX, Lock::Shared);
        index.unlock().unwrap();
        drop(take(&disk, OWNER, Lock::Shared));
        index.try_lock(Lock::Exclusive).unwrap();
        drop(index);
        take(&disk, OWNER, Lock::Shared);
    }
}
