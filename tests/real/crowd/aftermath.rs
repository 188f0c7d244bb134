//! What a crowd leaves: the replica has what the master has, tools and log say nothing, no lock is held.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sync_server::store::cyrus::disk::{Disk, Lock, Mode, RealDisk};

use super::traffic;
use crate::mail;
use crate::rig::Result;
use crate::rig::instance::Instance;
use crate::tools;

/// Replicates what is left, and checks that the replica then has all of it and is sound.
pub fn settle(master: &Instance, replica: &Instance, users: &[&str]) -> Result<()> {
    for user in users {
        master.sync(replica, &["-u", user])?;
        let again = master.sync(replica, &["-u", user])?;
        assert_eq!(again.applied(), Vec::<&str>::new(), "{user} is not what it is on the master");
        traffic::assert_same(master, replica, user)?;
    }
    tools::nothing_to_mend(replica)?;
    assert_eq!(errors(replica), Vec::<String>::new(), "the replica's log");
    assert_eq!(held_locks(replica)?, Vec::<PathBuf>::new(), "locks that are held");
    Ok(())
}

/// What killed servers left staged goes with the next message once it is old; how many directories that were.
pub fn sweep(master: &Instance, replica: &Instance, user: &str) -> Result<usize> {
    // Where files without a name can be staged there are none.
    let staged = match fs::read_dir(replica.base().join("spool/sync.")) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        staged => staged?,
    };
    let orphans: Vec<PathBuf> = staged.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    let old = SystemTime::now() - Duration::from_secs(2 * 3600);
    orphans.iter().try_for_each(|orphan| File::open(orphan)?.set_modified(old))?;
    master.imap(user)?.append("INBOX", "", &mail::message(0))?;
    master.sync(replica, &["-u", user])?;
    let left: Vec<&PathBuf> = orphans.iter().filter(|orphan| orphan.exists()).collect();
    assert_eq!(left, Vec::<&PathBuf>::new(), "staged by servers that were killed");
    Ok(orphans.len())
}

/// What a replica's programs logged as an error of theirs. That a process was killed is not one.
fn errors(replica: &Instance) -> Vec<String> {
    let is_error =
        |line: &String| ["IOERROR", "DBERROR", "SYNCERROR", "FATAL", "Fatal"].iter().any(|word| line.contains(word));
    replica.log().into_iter().filter(|line| is_error(line) && !is_of_a_race(line)).collect()
}

/// Of two clients that bring the same change one is refused, and finds nothing left to do when it tries again.
fn is_of_a_race(line: &str) -> bool {
    let lost = ["error=<IMAP_SYNC_CHANGED ", "error=<IMAP_MAILBOX_NONEXISTENT "];
    line.contains("SYNCERROR: command refused") && lost.iter().any(|error| line.contains(error))
}

/// The files of a replica that somebody has locked.
fn held_locks(replica: &Instance) -> Result<Vec<PathBuf>> {
    let mut held = Vec::new();
    for directory in ["conf/lock", "conf/quota", "conf/sync", "conf/user", "spool"] {
        held_below(&replica.base().join(directory), &mut held)?;
    }
    for file in ["mailboxes.db", "annotations.db", "statuscache.db"] {
        held_of(replica.base().join("conf").join(file), &mut held)?;
    }
    Ok(held)
}

fn held_below(directory: &Path, held: &mut Vec<PathBuf>) -> Result<()> {
    let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            held_below(&path, held)?;
        } else {
            held_of(path, held)?;
        }
    }
    Ok(())
}

fn held_of(path: PathBuf, held: &mut Vec<PathBuf>) -> Result<()> {
    let is_free = RealDisk.open(&path, Mode::Write)?.try_lock(Lock::Exclusive)?;
    held.extend((!is_free).then_some(path));
    Ok(())
}
