//! Which Cyrus uses a spool, as far as its lock files tell.
//!
//! Releases name the lock of a user differently (see [`lock`](crate::store::cyrus::lock)). Whoever uses the wrong names
//! excludes nobody: two programs would then change one mailbox at the same time.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Directories that are looked into: the lock directory and one for each hash letter.
const MAX_DIRECTORIES: usize = 40;
/// Names that are looked at in each.
const MAX_NAMES: usize = 2000;

/// What the lock directory shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum LockNames {
    /// No user's lock, nor that on everything: nothing is known.
    Unknown,
    /// Locks of users only as releases before 3.12 name them; this is one.
    Before312(PathBuf),
    /// Locks that 3.12 or later made. Older ones may be there too: they are left over from before an upgrade.
    From312,
}

/// Looks into a lock directory. One that cannot be read shows nothing.
pub(super) fn look(lock_directory: &Path) -> LockNames {
    let mut found = LockNames::Unknown;
    let mut directories = vec![lock_directory.to_owned()];
    directories.extend(names(lock_directory).filter(|name| name.len() == 1).map(|name| lock_directory.join(name)));
    for directory in directories.iter().take(MAX_DIRECTORIES) {
        for name in names(directory) {
            match shows(&name) {
                Some(true) => return LockNames::From312,
                Some(false) if found == LockNames::Unknown => found = LockNames::Before312(directory.join(name)),
                _ => {}
            }
        }
    }
    found
}

/// Whether 3.12 or later made it; `None` where any release could have.
fn shows(name: &str) -> Option<bool> {
    if name == "$GLOBAL.lock" {
        return Some(true);
    }
    // `*U*` alone is the lock of all mailboxes that are no user's; a directory holds the names that have dots.
    let user = name.strip_prefix("*U*")?;
    match user.strip_suffix(".lock") {
        Some("") => None,
        Some(_) => Some(false),
        None => Some(true),
    }
}

fn names(directory: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten().take(MAX_NAMES);
    entries.filter_map(|entry: io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::testing::TestDir;

    #[test]
    fn each_release_is_known_by_the_locks_that_only_it_makes() {
        let old = |name: &str| LockNames::Before312(name.into());
        for (files, expected) in [
            (&[][..], LockNames::Unknown),
            (&["*U*.lock", "$QUOTACHANGE.lock", "84j8sdgbvbxrefbjcazcolbb.lock"], LockNames::Unknown),
            (&["q/*U*.lock", "q/84j8sdgbvbxrefbjcazcolbb.lock"], LockNames::Unknown),
            (&["*U*jane^doe.lock"], old("*U*jane^doe.lock")),
            (&["q/*U*jane^doe.lock", "q/*U*.lock"], old("q/*U*jane^doe.lock")),
            (&["E/*U*u1@example^com.lock"], old("E/*U*u1@example^com.lock")),
            (&["j/*U*user/jane^doe.lock"], LockNames::From312),
            (&["*U*user/jane^doe.lock"], LockNames::From312),
            (&["q/$GLOBAL.lock"], LockNames::From312),
            (&["$GLOBAL.lock", "*U*jane^doe.lock"], LockNames::From312),
            (&["a/*U*jane^doe.lock", "u/*U*user/u1.lock"], LockNames::From312),
        ] {
            let directory = TestDir::new("lock-names");
            for file in files {
                let path = directory.path(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            let found = match look(&directory.path("")) {
                LockNames::Before312(path) => {
                    LockNames::Before312(path.strip_prefix(directory.path("")).unwrap().to_owned())
                }
                other => other,
            };
            assert_eq!(found, expected, "{files:?}");
        }
        assert_eq!(look(Path::new("/nonexistent/lock")), LockNames::Unknown);
    }
}
