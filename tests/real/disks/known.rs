//! What Cyrus's programs say of disks on which nothing is lost.

use std::collections::BTreeSet;
use std::path::Path;

use crate::matrix::sound::Findings;

/// The reference leaves this, too:
///
/// - A uidvalidity that changes is changed in the index and not in the list (`sync_apply_mailbox`).
/// - Mailboxes below a quota root that is removed count for none, not for the root above (`mboxlist_rmquota`), whose amounts
///   `quota` then finds too low.
pub fn leave_out_what_the_reference_leaves(mends: &mut BTreeSet<String>) {
    mends.retain(|line| !line.starts_with("reconstruct: Wrong uidvalidity in mbentry, fixing "));
    let is_rootless = |line: &str| line.starts_with("quota: ") && line.contains(": quota root (none) --> ");
    if mends.iter().any(|line| is_rootless(line)) {
        mends.retain(|line| !is_rootless(line) && !line.contains(" usage was "));
    }
}

/// What a command leaves that was cut short and nothing refers to, until it is said again. The reference has the same files in
/// between.
pub struct Orphans {
    /// Messages without a record, by mailbox and uid.
    messages: Vec<(String, String)>,
    /// Halves of files that were to replace quota roots, which `quota` takes for some.
    roots: Vec<String>,
}

impl Orphans {
    pub fn of(findings: &Findings) -> Orphans {
        let messages = findings.unrecorded().into_iter().map(|(mailbox, uid)| (mailbox.to_owned(), uid.to_owned()));
        let roots = findings.orphans.iter().filter(|path| path.contains("/quota/"));
        let name = |path: &String| Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        Orphans { messages: messages.collect(), roots: roots.map(name).collect() }
    }

    /// Those that a replication leaves: of scripts, which are not said again ([`is_replicated`]).
    pub fn of_scripts(findings: &Findings) -> Orphans {
        let mut orphans = Orphans::of(findings);
        orphans.messages.retain(|(mailbox, _)| mailbox.ends_with("#sieve"));
        orphans.roots.clear();
        orphans
    }

    /// What `reconstruct` remarks of those that are empty, without an end of line (`mailbox_reconstruct_append`).
    pub fn remarks(&self) -> Vec<String> {
        self.messages.iter().map(|(mailbox, uid)| format!("{mailbox} uid {uid} not found")).collect()
    }

    /// What the tools would do about the others.
    pub fn leave_out(&self, mends: &mut BTreeSet<String>) {
        for (mailbox, uid) in &self.messages {
            mends.remove(&format!("reconstruct: {mailbox} uid {uid} found - adding"));
        }
        for root in &self.roots {
            mends.remove(&format!("quota: {root}: removed"));
        }
    }
}

/// Whether a part of a state is as on the master after a replication. Not scripts: `sync_client` looks them up in `dav.db`, which
/// lies on no simulated disk, and removes them. And not tombstones, which only those replicas have that had the mailbox.
pub fn is_replicated(part: &str) -> bool {
    !["SIEVE of ", "link to the active script", "tombstone "].iter().any(|start| part.starts_with(start))
}
