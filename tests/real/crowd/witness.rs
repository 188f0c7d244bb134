//! Whether anything that a replica had is lost again: what it once showed to a client, it shows to the end.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use crate::mail;
use crate::rig::Result;
use crate::rig::instance::Instance;

/// Where messages come and never go.
const FOLDER: &str = "INBOX.kept";

/// What became of messages.
#[derive(Clone, Copy, Default, Debug)]
pub struct Kept {
    /// They were seen on the replica.
    pub seen: u64,
    /// They were, and then not any more.
    pub lost: u64,
}

/// Sends a user of the master messages until the end, and looks at each step what the replica has of them.
pub fn until(end: Instant, master: &Instance, replica: &Instance, user: &str) -> Result<Kept> {
    master.imap(user)?.ok(&format!("CREATE {FOLDER}"))?;
    let (mut kept, mut before) = (Kept::default(), BTreeSet::new());
    for number in 0.. {
        if Instant::now() >= end {
            break;
        }
        master.imap(user)?.append(FOLDER, "", &mail::message(number))?;
        let now = uids(replica, user)?;
        kept.lost += before.difference(&now).count() as u64;
        kept.seen += now.difference(&before).count() as u64;
        before = now;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(kept)
}

/// The uids that a client of the replica sees in the folder; none before it is there.
fn uids(replica: &Instance, user: &str) -> Result<BTreeSet<u32>> {
    let Ok(mut imap) = replica.imap(user) else { return Ok(BTreeSet::new()) };
    let examined = imap.answer(&format!("EXAMINE {FOLDER}"))?;
    if examined.last().is_none_or(|ending| !ending.starts_with("OK")) {
        return Ok(BTreeSet::new());
    }
    let found = imap.ok("UID SEARCH ALL")?;
    let uids = found.iter().filter_map(|line| line.strip_prefix("* SEARCH")).flat_map(str::split_whitespace);
    Ok(uids.filter_map(|uid| uid.parse().ok()).collect())
}
