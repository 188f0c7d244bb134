//! A replica's directory: its configuration and spool, on disk or in memory.
//!
//! Both servers run in the tree of Cyrus 3.12 and see the directory as `/mnt`, bound there in a mount namespace of their own,
//! so that nothing stays mounted.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Failure, Result};

/// Where the directory appears to a server.
pub const INSIDE: &str = "/mnt";

/// What holds a replica's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// The file system of the build directory.
    Disk,
    /// Shared memory.
    Memory,
}

/// A replica's directory; removed when dropped.
pub struct Area(PathBuf);

impl Area {
    pub fn new(medium: Medium, name: &str) -> Result<Area> {
        let parent = match medium {
            Medium::Disk => Path::new(env!("CARGO_TARGET_TMPDIR")).to_owned(),
            Medium::Memory => PathBuf::from("/dev/shm"),
        };
        let area = Area(parent.join(format!("replica-{}-{name}", std::process::id())));
        area.clear()?;
        Ok(area)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Empties it, but for its configuration.
    pub fn clear(&self) -> Result<()> {
        let _ = fs::remove_dir_all(&self.0);
        let (user, group) = owner()?;
        for folder in ["", "conf", "conf/proc", "conf/lock", "conf/socket", "conf/db", "conf/log", "spool", "sieve"] {
            let path = self.0.join(folder);
            fs::create_dir_all(&path)?;
            chown(&path, Some(user), Some(group))?;
        }
        let conf = self.0.join("imapd.conf");
        fs::write(&conf, CONFIGURATION.replace("{d}", INSIDE))?;
        Ok(chown(&conf, Some(user), Some(group))?)
    }
}

impl Drop for Area {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const CONFIGURATION: &str = "configdirectory: {d}/conf\nproc_path: {d}/conf/proc\nmboxname_lockpath: {d}/conf/lock\n\
    defaultpartition: default\npartition-default: {d}/spool\nsievedir: {d}/sieve\nservername: replica.example.org\n\
    admins: cyrus\nallowplaintext: yes\nannotation_allow_undefined: yes\n";

/// The root directory of Cyrus 3.12, as `scripts/cyrus-setup` makes it.
pub fn tree() -> PathBuf {
    let here = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cyrus/trixie");
    std::env::var_os("CYRUS_TREE").map_or_else(here, PathBuf::from)
}

/// A program within the tree, as user `cyrus`, with this area in its place.
pub fn command(area: &Area, program: &str, user: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
    command.arg(
        "mount --bind \"$1\" \"$2/mnt\"; user=$3 tree=$2; shift 3; exec chroot --userspec=\"$user\" \"$tree\" \"$@\"",
    );
    command.arg("sh").arg(area.path()).arg(tree()).arg(user).arg(program);
    command.env("LC_ALL", "C").current_dir("/");
    command
}

/// The user and group `cyrus` and `mail` of the tree.
fn owner() -> Result<(u32, u32)> {
    let number = |file: &str, name: &str| -> Result<u32> {
        let path = tree().join(file);
        let text =
            fs::read_to_string(&path).map_err(|e| Failure(format!("{}: {e}: run `make setup`", path.display())))?;
        let line = text.lines().find(|line| line.split(':').next() == Some(name));
        let id = line.and_then(|line| line.split(':').nth(2)).and_then(|id| id.parse().ok());
        id.ok_or_else(|| Failure(format!("{} has no {name}", path.display())))
    };
    Ok((number("etc/passwd", "cyrus")?, number("etc/group", "mail")?))
}
