//! The judge judged: two real replicas do not differ, and every kind of damage done to one of them is seen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::compare;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::{Release, run};
use crate::rig::{Failure, Result};
use crate::scenarios::SCENARIOS;
use crate::tools::repairs;

/// A way to damage a replica, by hand or by a tool.
type Damage = fn(&Instance) -> Result<()>;

const DAMAGES: [(&str, Damage); 11] = [
    ("a byte of a message", |replica| flip(&find(replica, "1.")?, 100)),
    ("the time of a message", |replica| Ok(fs::File::open(find(replica, "1.")?)?.set_modified(long_ago())?)),
    ("a message removed", |replica| Ok(fs::remove_file(find(replica, "2.")?)?)),
    ("a second link to a message", |replica| {
        Ok(fs::hard_link(find(replica, "1.")?, replica.base().join("spool/more"))?)
    }),
    ("the mode of a file", |replica| Ok(fs::set_permissions(find(replica, "3.")?, fs::Permissions::from_mode(0o644))?)),
    ("a flag in cyrus.index", |replica| flip(&find(replica, "cyrus.index")?, 160 + 35)),
    ("a checksum in cyrus.index", |replica| flip(&find(replica, "cyrus.index")?, 159)),
    ("a byte of cyrus.cache", |replica| flip(&find(replica, "cyrus.cache")?, 40)),
    ("a byte of cyrus.header", |replica| flip(&find(replica, "cyrus.header")?, 60)),
    ("an entry of mailboxes.db", |replica| store(replica, "conf/mailboxes.db", "Nuser\x1fu9", "%(T e)")),
    ("a file of quota", |replica| Ok(fs::create_dir_all(replica.base().join("conf/quota/z"))?)),
];

#[test]
fn two_real_replicas_are_equal_and_no_damage_to_one_goes_unseen() -> Result<()> {
    let release = Release::V36;
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &[])?;
    let [one, other] = ["one", "other"].map(|name| Instance::start(release, name, SyncServer::Reference, &[]));
    let (one, other) = (one?, other?);
    (SCENARIOS[0].change)(&master)?;
    for replica in [&one, &other] {
        master.sync(replica, &["-u", "u1"])?;
    }
    let mut known = compare::replicas(&one, &other)?;
    assert!(known.is_empty(), "{}", compare::report(&known));
    for (what, damage) in DAMAGES {
        damage(&other)?;
        let differences = compare::replicas(&one, &other)?;
        assert!(differences.iter().any(|d| !known.contains(d)), "{what} is not seen");
        known = differences;
    }
    assert!(repairs(&one)?.is_empty(), "reconstruct finds fault with a sound replica");
    assert!(!repairs(&other)?.is_empty(), "reconstruct finds nothing wrong with a damaged replica");
    Ok(())
}

/// The first file of that name in the spool, which is of user u1's only mailbox.
fn find(replica: &Instance, name: &str) -> Result<PathBuf> {
    let mut directories = vec![replica.base().join("spool/uuid")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_name() == name {
                return Ok(entry.path());
            }
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            }
        }
    }
    Err(Failure::new(format!("no {name} in {}", replica.name)))
}

fn flip(file: &Path, at: usize) -> Result<()> {
    let modified = fs::metadata(file)?.modified()?;
    let mut bytes = fs::read(file)?;
    bytes[at] ^= 1;
    fs::write(file, bytes)?;
    Ok(fs::File::options().append(true).open(file)?.set_modified(modified)?)
}

fn store(replica: &Instance, path: &str, key: &str, value: &str) -> Result<()> {
    let mut command = replica.tool("cyr_dbtool");
    command.args([&format!("{}/{path}", replica.directory), "twoskip", "set", key, value]);
    run(command).map(drop)
}

fn long_ago() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}
