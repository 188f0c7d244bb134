//! Orphans: what processes that died have left staged, of this server and of the reference's, which removes its own only.
//!
//! Nobody refers to any of it, so that the worst that a wrong guess about a process can do is that a message which was staged
//! is missing at the commit: that is refused, and the master sends the message again.
//!
//! Source: `dlist_reserve_path` of `imap/dlist.c`, `cmd_restart` of `imap/sync_server.c`; the same in 3.6.1 and 3.12.3.

use super::super::{disk::remove_if_there, error::StoreError, remove_user::remove_dir, spool::Spool};
use crate::event::Severity;
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Names that are removed in one sweep: it is an upload that waits for it.
const AT_ONCE: usize = 1000;
/// For how many seconds nothing was staged in what is an orphan's. A process on the same spool that lives in a container of its
/// own looks dead from here; each of its uploads changes its directory.
const UNCHANGED_FOR: i64 = 3600;

/// A directory that nobody will stage in again.
struct Orphan {
    path: PathBuf,
    modified: i64,
}

/// Removes the orphans beside `own`, which this store is about to make. What fails is told of once and tried again by the next.
pub(super) fn sweep(spool: &Spool, own: &Path, is_alive: fn(i32) -> bool) {
    let mut left = AT_ONCE;
    let swept = orphans(spool, own, is_alive).and_then(|orphans| {
        // Each of them, also behind one that fails.
        let outcomes: Vec<_> = orphans.iter().map(|orphan| remove(spool, orphan, &mut left)).collect();
        outcomes.into_iter().collect::<Result<(), _>>()
    });
    if let Err(error) = swept {
        spool.tell(Severity::Error, "IOERROR: unable to remove what was left staged", &[("error", &error)]);
    }
}

/// Whether there is a process of this number.
pub(super) fn is_alive(process: i32) -> bool {
    kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
}

fn orphans(spool: &Spool, own: &Path, is_alive: fn(i32) -> bool) -> Result<Vec<Orphan>, StoreError> {
    let Some(all) = own.parent() else { return Ok(Vec::new()) };
    let names = spool.names_in(all)?;
    // What has this store's own name is of a process that had the same number.
    let is_dead = |name: &OsStr| own.file_name() == Some(name) || process_of(name).is_some_and(|it| !is_alive(it));
    let dead = names.iter().filter(|name| is_dead(name));
    Ok(dead.filter_map(|name| unchanged(spool, all.join(name))).collect())
}

/// The process that a directory is named after: `PID` or `PID-N`.
fn process_of(name: &OsStr) -> Option<i32> {
    let name = name.to_str()?;
    let (process, number) = name.split_once('-').unwrap_or((name, "0"));
    let is_number = |text: &str| text.parse().is_ok_and(|number: i32| number >= 0 && number.to_string() == text);
    process.parse().ok().filter(|found| *found > 0 && is_number(process) && is_number(number))
}

/// It as an orphan, if it is a directory, and no link to one, in which nothing was done for long enough.
fn unchanged(spool: &Spool, path: PathBuf) -> Option<Orphan> {
    let metadata = spool.disk.metadata(&path).ok()?;
    let age = spool.options.safety.clock.now().saturating_sub(metadata.modified);
    let is_orphan = metadata.is_dir && age >= UNCHANGED_FOR && spool.disk.read_link(&path).is_err();
    is_orphan.then_some(Orphan { path, modified: metadata.modified })
}

/// Removes its files and itself, as far as there are names left to be removed.
fn remove(spool: &Spool, orphan: &Orphan, left: &mut usize) -> Result<(), StoreError> {
    if *left == 0 {
        return Ok(());
    }
    let names = spool.names_in(&orphan.path)?;
    for path in names.iter().take(*left).map(|name| orphan.path.join(name)) {
        remove_if_there(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
    }
    let needed = names.len() + 1;
    if needed <= *left {
        *left -= needed;
        return remove_dir(spool, &orphan.path);
    }
    *left = 0;
    // It stays as old as it was: the next sweep goes on with it.
    spool.disk.set_modified(&orphan.path, orphan.modified).map_err(StoreError::io(&orphan.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::{RealDisk, testing::TestDir},
        options::CyrusOptions,
        safety::Clock,
    };
    use std::{fs, os::unix::fs::symlink, sync::Arc};

    /// Of all the processes that the tests name, this one lives.
    const ALIVE: i32 = 77;

    /// A partition's `sync.`, in which each directory was changed just now, and the clock to say since when.
    struct Partition {
        dir: TestDir,
        spool: Spool,
        start: i64,
    }

    impl Partition {
        fn new(directories: &[&str]) -> Partition {
            let dir = TestDir::new("sweep");
            let mut options = CyrusOptions::new(dir.path("conf"));
            let start = crate::store::cyrus::spool::now();
            options.safety.clock = Clock::standing(start + UNCHANGED_FOR + 10);
            for name in directories {
                fs::create_dir(dir.path(name)).unwrap();
                fs::write(dir.path(name).join("message"), "text").unwrap();
            }
            Partition { dir, spool: Spool::new(Arc::new(RealDisk), options, Arc::new(())), start }
        }

        fn sweep(&self) -> Vec<String> {
            sweep(&self.spool, &self.dir.path("99"), |process| process == ALIVE);
            self.names()
        }

        fn names(&self) -> Vec<String> {
            let all = fs::read_dir(self.dir.path("")).unwrap();
            let mut names: Vec<String> = all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    #[test]
    fn what_dead_processes_left_is_removed_and_nothing_else() {
        let others = ["77", "77-3", "x", "12x", "-5", "5-", "05", "0", "+6", "4-x", "4-05", "99999999999", "stage."];
        let partition = Partition::new(&[&others[..], &["5", "5-1", "4294"], &["99"]].concat());
        fs::write(partition.dir.path("6"), "a file").unwrap();
        let mut expected: Vec<&str> = [&others[..], &["6"]].concat();
        expected.sort_unstable();
        assert_eq!(partition.sweep(), expected);
        assert!(partition.dir.path("77").join("message").exists());
    }

    #[test]
    fn what_was_changed_within_the_hour_may_be_of_a_process_that_is_not_seen_from_here() {
        let partition = Partition::new(&["5", "99"]);
        // The clock that dates files may be a moment behind.
        partition.spool.options.safety.clock.set(partition.start + UNCHANGED_FOR - 10);
        assert_eq!(partition.sweep(), ["5", "99"]);
        partition.spool.options.safety.clock.set(partition.start + UNCHANGED_FOR + 10);
        assert_eq!(partition.sweep(), Vec::<String>::new());
    }

    #[test]
    fn links_are_not_followed() {
        let partition = Partition::new(&["elsewhere", "5"]);
        symlink(partition.dir.path("elsewhere"), partition.dir.path("6")).unwrap();
        symlink(partition.dir.path("elsewhere/message"), partition.dir.path("5/link")).unwrap();
        assert_eq!(partition.sweep(), ["6", "elsewhere"]);
        assert!(partition.dir.path("elsewhere/message").exists());
    }

    #[test]
    fn a_sweep_ends_after_so_many_names_and_the_next_goes_on() {
        let partition = Partition::new(&["5"]);
        (0..AT_ONCE + 5).for_each(|number| fs::write(partition.dir.path("5").join(number.to_string()), "").unwrap());
        assert_eq!(partition.sweep(), ["5"]);
        assert_eq!(fs::read_dir(partition.dir.path("5")).unwrap().count(), 6);
        assert_eq!(partition.sweep(), Vec::<String>::new());
    }

    #[test]
    fn one_that_cannot_be_removed_does_not_keep_the_others() {
        let partition = Partition::new(&["5", "6", "7"]);
        fs::create_dir(partition.dir.path("6/below")).unwrap();
        assert_eq!(partition.sweep(), ["6"]);
    }

    #[test]
    fn a_partition_without_staged_messages_is_none_to_sweep() {
        let partition = Partition::new(&[]);
        sweep(&partition.spool, &partition.dir.path("sync./5"), is_alive);
        assert!(partition.names().is_empty());
    }

    #[test]
    fn this_process_is_alive_and_one_that_has_ended_is_not() {
        assert!(is_alive(std::process::id().try_into().unwrap()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(!is_alive(child.id().try_into().unwrap()));
    }
}
