//! Waiting for a lock, but not for ever.
//!
//! Linux has no lock request that gives up after a while, so a lock that is not free is asked for again, with growing
//! pauses, until a [`Deadline`].

use std::{
    io::{self, ErrorKind},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{Disk, DiskFile, Lock, Metadata, Mode};

/// The first pause between two requests; each following pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_micros(100);
/// The longest pause: what a lock that becomes free may cost on top.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Until when to wait for a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// The given time from now; never, if the clock does not go so far.
    pub fn after(wait: Duration) -> Deadline {
        Deadline(Instant::now().checked_add(wait))
    }

    /// A point in time.
    pub fn at(instant: Instant) -> Deadline {
        Deadline(Some(instant))
    }

    /// What is left of the wait; zero when the deadline has passed.
    pub fn remaining(self) -> Duration {
        match self.0 {
            Some(instant) => instant.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        }
    }
}

/// Takes a lock on an open file; at least one request is made however late it is.
///
/// # Errors
/// `TimedOut` if the lock is still another's at the deadline; otherwise the system's error.
pub fn wait_lock(file: &dyn DiskFile, lock: Lock, deadline: Deadline) -> io::Result<()> {
    let mut pause = FIRST_PAUSE;
    while !file.try_lock(lock)? {
        let remaining = deadline.remaining();
        if remaining.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(pause.min(remaining));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Takes a lock on the file that a path names. A file that was replaced by a rename, before or during the wait, is
/// opened again, in place of the one given. Returns what is known of the locked file. As `lock_reopen_ex`
/// (lib/lock_fcntl.c) and `mappedfile_readlock` (lib/mappedfile.c).
///
/// # Errors
/// `TimedOut` as [`wait_lock`]; `NotFound` if the path no longer names a file; then no lock is held.
pub fn lock_named(
    disk: &dyn Disk,
    path: &Path,
    file: &mut Box<dyn DiskFile>,
    lock: Lock,
    deadline: Deadline,
) -> io::Result<Metadata> {
    loop {
        wait_lock(file.as_ref(), lock, deadline)?;
        let now = file.metadata().and_then(|open| Ok((open, disk.metadata(path)?)));
        let reopened = match now {
            Ok((open, named)) if open.inode == named.inode => return Ok(open),
            Ok(_) => disk.open(path, Mode::Write),
            Err(error) => Err(error),
        };
        match reopened {
            Ok(reopened) => *file = reopened,
            Err(error) => {
                file.unlock()?;
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::{RealDisk, testing::TestDir};

    #[test]
    fn a_lock_that_stays_another_s_times_out() {
        let dir = TestDir::new("wait");
        let first = RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        let second = RealDisk.open(&dir.path("f"), Mode::Write).unwrap();
        wait_lock(first.as_ref(), Lock::Exclusive, Deadline::after(Duration::ZERO)).unwrap();
        let error = wait_lock(second.as_ref(), Lock::Shared, Deadline::after(Duration::from_millis(5))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_lock_that_becomes_free_is_taken() {
        let dir = TestDir::new("free");
        let first = RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        let second = RealDisk.open(&dir.path("f"), Mode::Write).unwrap();
        wait_lock(first.as_ref(), Lock::Exclusive, Deadline::after(Duration::ZERO)).unwrap();
        thread::scope(|scope| {
            let late = Deadline::after(Duration::from_secs(10));
            let waiter = scope.spawn(move || wait_lock(second.as_ref(), Lock::Shared, late));
            thread::sleep(Duration::from_millis(5));
            first.unlock().unwrap();
            waiter.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_replaced_file_is_opened_again_and_locked() {
        let dir = TestDir::new("replaced");
        let (name, new) = (dir.path("f"), dir.path("f.NEW"));
        let mut file = RealDisk.open(&name, Mode::Create).unwrap();
        RealDisk.open(&new, Mode::Create).unwrap().write_at(0, &[b"new"]).unwrap();
        RealDisk.rename(&new, &name).unwrap();
        let soon = Deadline::after(Duration::ZERO);
        let locked = lock_named(&RealDisk, &name, &mut file, Lock::Exclusive, soon).unwrap();
        assert_eq!(locked.size, 3);
        let other = RealDisk.open(&name, Mode::Write).unwrap();
        assert!(!other.try_lock(Lock::Shared).unwrap());
    }

    #[test]
    fn a_removed_file_is_an_error_and_not_locked() {
        let dir = TestDir::new("removed");
        let mut file = RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        RealDisk.unlink(&dir.path("f")).unwrap();
        let soon = Deadline::after(Duration::ZERO);
        let error = lock_named(&RealDisk, &dir.path("f"), &mut file, Lock::Shared, soon).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}
