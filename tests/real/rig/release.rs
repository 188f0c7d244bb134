//! The two Cyrus installations that `scripts/cyrus-setup` makes, and how a program of each is run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Failure, Result};

pub const PROGRAMS: &str = "/usr/lib/cyrus/bin";

/// A Cyrus release: 3.6 is this system's own, 3.12 lies in a root directory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    V36,
    V312,
}

/// Who a program runs as. Cyrus programs refuse root, except `master`, which is started as root.
#[derive(Clone, Copy)]
pub enum User {
    Root,
    Cyrus,
}

impl Release {
    /// The root directory of the installation as seen from outside.
    pub fn root(self) -> PathBuf {
        match self {
            Release::V36 => PathBuf::from("/"),
            Release::V312 => std::env::var_os("CYRUS_TREE")
                .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cyrus/trixie"), PathBuf::from),
        }
    }

    /// What our side is told to be like.
    pub fn ours(self) -> sync_server::types::Release {
        match self {
            Release::V36 => sync_server::types::Release::V3_6,
            Release::V312 => sync_server::types::Release::V3_12,
        }
    }

    /// Where a path of the installation is found from outside.
    pub fn outside(self, inside: &str) -> PathBuf {
        self.root().join(inside.trim_start_matches('/'))
    }

    /// A directory, as the installation sees it, that user `cyrus` can reach and instances may lie in.
    pub fn scratch(self) -> String {
        match self {
            Release::V36 => std::env::temp_dir().display().to_string(),
            Release::V312 => "/var/tmp".to_string(),
        }
    }

    pub fn command(self, user: User, program: &str) -> Command {
        let (name, group) = match user {
            User::Root => ("root", "root"),
            User::Cyrus => ("cyrus", "mail"),
        };
        let mut command;
        match self {
            Release::V36 => {
                command = Command::new("setpriv");
                command.args([format!("--reuid={name}"), format!("--regid={group}"), "--init-groups".to_string()]);
            }
            Release::V312 => {
                command = Command::new("chroot");
                command.arg(format!("--userspec={name}:{group}")).arg(self.root());
            }
        }
        command.arg(program).stdin(Stdio::null()).env("LC_ALL", "C").current_dir("/");
        command
    }

    /// Fails with the remedy when the installation is not there.
    pub fn check(self) -> Result<()> {
        let sync_client = self.outside(PROGRAMS).join("sync_client");
        if sync_client.exists() {
            return Ok(());
        }
        Err(Failure::new(format!("{} is missing: run `make setup` as root", sync_client.display())))
    }

    /// Tests of one release run one after the other: two machines' worth of Cyrus on two cores is enough.
    pub fn lock(self) -> MutexGuard<'static, ()> {
        static V36: Mutex<()> = Mutex::new(());
        static V312: Mutex<()> = Mutex::new(());
        let lock = match self {
            Release::V36 => &V36,
            Release::V312 => &V312,
        };
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a command to its end; its failure carries what it printed.
pub fn run(mut command: Command) -> Result<Output> {
    let output = command.output().map_err(|e| Failure::new(format!("{command:?}: {e}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let printed = [&output.stdout[..], &output.stderr[..]].concat();
    Err(Failure::new(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&printed))))
}
