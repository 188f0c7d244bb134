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
        let (counted, now) = look(replica, user)?;
        assert!(counted >= before.len(), "STATUS of {user} says {counted}, {} were there before", before.len());
        kept.lost += before.difference(&now).count() as u64;
        kept.seen += now.difference(&before).count() as u64;
        before = now;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(kept)
}

/// How many messages STATUS says are in the folder of the replica, and the uids that a client then sees; none before it is there.
fn look(replica: &Instance, user: &str) -> Result<(usize, BTreeSet<u32>)> {
    let Ok(mut imap) = replica.imap(user) else { return Ok((0, BTreeSet::new())) };
    let status = imap.answer(&format!("STATUS {FOLDER} (MESSAGES)"))?;
    let counted = status.iter().find_map(|line| line.split_once("(MESSAGES ")?.1.strip_suffix(')')?.parse().ok());
    let examined = imap.answer(&format!("EXAMINE {FOLDER}"))?;
    if examined.last().is_none_or(|ending| !ending.starts_with("OK")) {
        return Ok((0, BTreeSet::new()));
    }
    let found = imap.ok("UID SEARCH ALL")?;
    let uids = found.iter().filter_map(|line| line.strip_prefix("* SEARCH")).flat_map(str::split_whitespace);
    Ok((counted.unwrap_or(0), uids.filter_map(|uid| uid.parse().ok()).collect()))
}
