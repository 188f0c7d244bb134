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

/// Half of a file that was to replace a quota root lies beside it until the next one replaces it: `quota` takes it for a root. The
/// reference leaves the same.
pub fn leave_out_halves_of_roots(mends: &mut BTreeSet<String>, findings: &Findings) {
    for path in findings.orphans.iter().filter(|path| path.contains("/quota/")) {
        let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
        mends.remove(&format!("quota: {name}: removed"));
    }
}

/// Whether a part of a state is as on the master after a replication. Not scripts: `sync_client` looks them up in `dav.db`, which
/// lies on no simulated disk, and removes them. And not tombstones, which only those replicas have that had the mailbox.
pub fn is_replicated(part: &str) -> bool {
    !["SIEVE of ", "link to the active script", "tombstone "].iter().any(|start| part.starts_with(start))
}
