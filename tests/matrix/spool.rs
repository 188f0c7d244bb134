//! A spool on a disk in memory.

use crate::common::peer::Peer;
use std::{sync::Arc, time::Duration};
use sync_server::{
    store::{
        CyrusStore,
        cyrus::{
            archive::ArchiveRule,
            disk::{Disk, simulated::SimulatedDisk},
            options::{CyrusOptions, PartitionDirectories},
        },
    },
    types::Partition,
};

/// What lies on no real disk: SQLite has its own way there.
pub const ROOT: &str = "/sync_server-faults";

/// Two partitions; locks lie apart, where nothing needs to survive. With `FAULT_HELD_FILES=0` messages are staged under names, as
/// on a file system without nameless files; with `FAULT_ARCHIVE=200`, those of 200 bytes lie on the first partition's archive.
pub fn options() -> CyrusOptions {
    let mut options = CyrusOptions::new(format!("{ROOT}/conf"));
    options.lock_directory = Some(format!("{ROOT}/lock").into());
    options.sieve_directory = Some(format!("{ROOT}/sieve").into());
    options.lock_timeout = Duration::from_secs(2);
    if let Ok(number) = std::env::var("FAULT_HELD_FILES") {
        options.held_files = number.parse().unwrap();
    }
    for name in ["default", "second"] {
        let directories = PartitionDirectories::new(format!("{ROOT}/{name}"));
        options.partitions.insert(Partition::parse(name.as_bytes()).unwrap(), directories);
    }
    if let Ok(size) = std::env::var("FAULT_ARCHIVE") {
        let first = Partition::parse(b"default").unwrap();
        options.partitions.get_mut(&first).unwrap().archive = Some(format!("{ROOT}/archive").into());
        options.archive = Some(ArchiveRule { after: 1 << 40, size: size.parse().unwrap(), keeps_flagged: false });
    }
    options
}

/// A disk with the configured directories.
pub fn empty_disk() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    for name in ["conf", "lock", "sieve", "default", "second", "archive"] {
        disk.create_dir_all(format!("{ROOT}/{name}").as_ref()).unwrap();
    }
    disk.sync_file_system(ROOT.as_ref()).unwrap();
    disk
}

/// A session that just began, of a process that just started.
pub fn connect(disk: &SimulatedDisk) -> Peer<CyrusStore> {
    connect_with(disk, options())
}

/// The same of a process with these options.
pub fn connect_with(disk: &SimulatedDisk, options: CyrusOptions) -> Peer<CyrusStore> {
    Peer::new(CyrusStore::on(Arc::new(disk.clone()), options, Arc::new(())))
}

/// Everything on a disk but locks.
pub fn files(disk: &SimulatedDisk) -> Vec<(String, Option<Vec<u8>>)> {
    let all = disk.contents().into_iter().map(|(path, bytes)| (path.to_string_lossy().into_owned(), bytes));
    all.filter(|(path, _)| !path.starts_with(&format!("{ROOT}/lock/"))).collect()
}
