//! Cyrus's own programs look at a disk, and complete it.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::matrix::case::{Case, find};
use crate::matrix::sound::{Findings, inspect};
use crate::matrix::state::USERS;
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::tools;

use super::found::Found;
use super::known;
use super::transfer::{SETTINGS, read, write};

/// A master and a replica, which nobody runs.
pub struct Judges {
    master: Instance,
    replica: Instance,
}

impl Judges {
    pub fn new(number: usize) -> Result<Judges> {
        let set_up =
            |name: &str, server| Instance::set_up(Release::V312, &format!("{name}{number}"), server, &SETTINGS);
        Ok(Judges { master: set_up("whole", SyncServer::Reference)?, replica: set_up("judged", SyncServer::Ours)? })
    }

    /// What is wrong with a disk.
    pub fn faults_of(&self, found: &Found) -> Result<BTreeSet<String>> {
        write(&found.disk, &self.replica)?;
        let findings = inspect(&found.disk);
        let mut mends = self.mends(&findings)?;
        known::leave_out_halves_of_roots(&mut mends, &findings);
        Ok(mends)
    }

    /// What is wrong with the disk once a master has replicated to it that has all that there is after the command.
    pub fn faults_after_replication(&self, case: &Case, found: &Found) -> Result<BTreeSet<String>> {
        write(&case.done, &self.master)?;
        // `quota -f -n` changes the roots of mailboxes all the same (`fixquota_fixroot`).
        write(&found.disk, &self.replica)?;
        if let Err(failure) = self.replicate(case) {
            return Ok(BTreeSet::from([failure.0]));
        }
        let (on_master, _) = find(&read(&self.master)?);
        let (on_replica, findings) = find(&read(&self.replica)?);
        let mut faults = self.mends(&findings)?;
        let others = on_replica.compare(&on_master, &on_master).neither;
        let others = others.iter().filter(|part| known::is_replicated(part));
        faults.extend(others.map(|part| format!("is something else on the master: {part}")));
        faults.extend(findings.faults);
        Ok(faults)
    }

    /// Does what an administrator's `sync_client -u` does; with what that does not know of, what rolling replication does.
    fn replicate(&self, case: &Case) -> Result<()> {
        let force = if case.command.before.contains("APPLY FORCE") { &["--no-copyback"][..] } else { &[] };
        let users = [force, &["-u"], &USERS].concat();
        self.master.sync_once(&self.replica, &users)?;
        let log = log_of(case);
        if log.is_empty() {
            return Ok(());
        }
        let path = format!("{}/run/log", self.master.directory);
        let file = self.master.release.outside(&path);
        fs::write(&file, log)?;
        fs::set_permissions(file, Permissions::from_mode(0o666))?;
        self.master.sync_once(&self.replica, &["-r", "-f", &path]).map(drop)
    }

    /// What Cyrus's tools would mend.
    fn mends(&self, findings: &Findings) -> Result<BTreeSet<String>> {
        let mailboxes: BTreeSet<&str> = findings.mailboxes.keys().map(String::as_str).collect();
        let by_tool = [
            ("reconstruct", tools::repairs_among(&self.replica, &mailboxes)?),
            ("quota", tools::quota_changes(&self.replica)?),
            ("cyr_dbtool", tools::inconsistent_databases(&self.replica)?),
        ];
        let each =
            by_tool.into_iter().flat_map(|(tool, lines)| lines.into_iter().map(move |line| format!("{tool}: {line}")));
        let mut mends = each.collect();
        known::leave_out_what_the_reference_leaves(&mut mends);
        Ok(mends)
    }
}

/// What `sync_client -u` does not know of, as a master's programs log it: users that are gone, mailboxes of others that are gone,
/// annotations of the server.
fn log_of(case: &Case) -> String {
    let owner = |name: &str| name.split('.').nth(1).unwrap_or_default().to_owned();
    let gone = USERS.iter().filter(|user| case.before.has_user(user) && !case.after.has_user(user));
    let users = gone.map(|user| format!("UNUSER {user}\n"));
    let of_others = case.after.tombstones().filter(|name| case.after.has_user(&owner(name)));
    let mailboxes = of_others.map(|name| format!("UNMAILBOX {name}\n"));
    let server = (case.before.server() != case.after.server()).then(|| "ANNOTATION \"\"\n".to_owned());
    users.chain(mailboxes).chain(server).collect()
}
