//! A disk that knows the locks that its store holds, and panics where one is asked for out of order: two that keep the order
//! never wait for each other. The order is that of `store::cyrus::lock`.

mod disk;

pub use disk::Ordered;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};
use sync_server::store::cyrus::disk::Lock;

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
    /// Nobody waits for a journal whose process is at work.
    Journal(PathBuf),
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
            () if name.contains("/conf/sync_server.journal/") => Locked::Journal(name.into()),
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
            Locked::Journal(_) => "journal",
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
            Locked::Journal(PathBuf::new()),
        ];
        assert_eq!(*self.0.lock().unwrap(), all.iter().map(Locked::kind).collect());
    }
}

/// Panics if this lock must not be waited for while those are held.
fn check<'a>(wanted: &Locked, held: impl Iterator<Item = &'a (Locked, Lock)> + Clone) {
    let holds =
        |is_meant: fn(&Locked) -> bool| held.clone().any(|(locked, lock)| is_meant(locked) && *lock == Lock::Exclusive);
    let is_allowed = |other: &Locked| match (wanted, other) {
        (Locked::Journal(_), _) | (_, Locked::Journal(_)) => true,
        // It is shared by all, and held with each exclusive lock by name: who has it gets it again at once.
        (Locked::Global, _) => held.clone().any(|(locked, _)| *locked == Locked::Global),
        // A mailbox that is moved has two, and nobody else may look for either.
        (Locked::Index(_), Locked::Index(_)) => holds(|locked| matches!(locked, Locked::Mailbox(_))),
        // Who replaces one has two, and nobody else of that owner's has any.
        (Locked::Mailbox(_), Locked::Mailbox(_)) => holds(|locked| matches!(locked, Locked::Owner(_))),
        _ => wanted > other,
    };
    for (other, _) in held.clone() {
        assert!(is_allowed(other), "out of order: {wanted:?} is asked for while {other:?} is held");
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
