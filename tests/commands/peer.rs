//! What a client says, and what it hears, on either store.

use super::common::strict::Strict;
use bytes::Bytes;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use sync_server::{
    drive::ServeError,
    session::{Config, Session, Step},
    store::{
        CyrusStore, MemoryStore, Store,
        cyrus::options::{CyrusOptions, PartitionDirectories},
    },
    types::{Partition, Release},
};

/// An empty spool, removed when dropped.
pub struct Spool(PathBuf);

impl Spool {
    pub fn new() -> Spool {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Spool(std::env::temp_dir().join(format!("sync_server-commands-{}-{count}", std::process::id())))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn store(&self, release: Release) -> CyrusStore {
        let mut options = CyrusOptions { release, ..CyrusOptions::new(self.0.join("conf")) };
        options.sieve_directory = Some(self.0.join("sieve"));
        let partition = Partition::parse(b"default").unwrap();
        options.partitions.insert(partition, PartitionDirectories::new(self.0.join("spool")));
        fs::create_dir_all(self.0.join("conf")).unwrap();
        CyrusStore::new(options, Arc::new(()))
    }

    /// The files beneath a directory, directories included, from there on.
    pub fn files(&self, directory: &str) -> Vec<String> {
        let root = self.0.join(directory);
        let (mut found, mut left) = (Vec::new(), vec![root.clone()]);
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                found.push(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
                if path.is_dir() {
                    left.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A directory that stays behind fails no test.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Says lines that end in CRLF; returns the replies to them, without the banner.
pub fn say(store: &mut dyn Store, release: Release, said: &str) -> String {
    let mut store = Strict::new(store);
    let mut session = Session::new(Config { release, ..Config::trusted("replica") });
    let (mut input, mut heard) = (Bytes::copy_from_slice(said.as_bytes()), Vec::new());
    loop {
        match session.poll().map_err(ServeError::from).unwrap() {
            Step::NeedInput => session.receive(std::mem::take(&mut input)),
            Step::Write(output) => heard.extend_from_slice(&output),
            Step::Perform(operation) => operation.perform(&mut session, &mut store).unwrap(),
            Step::Channel(_) | Step::Return(_) | Step::Paused => panic!("nothing is outstanding"),
            Step::Closed => break,
        }
    }
    store.assert_idle();
    let heard = String::from_utf8(heard).unwrap();
    heard.split_once("\r\n").unwrap().1.to_owned()
}

/// Says lines to both stores, which give the same replies, and returns these.
pub fn say_to_both(memory: &mut MemoryStore, spool: &Spool, said: &str) -> String {
    let heard = say(memory, Release::V3_12, said);
    assert_eq!(heard, say(&mut spool.store(Release::V3_12), Release::V3_12, said), "{said}");
    heard
}

/// `APPLY MAILBOX` of an empty mailbox with this name and unique id.
pub fn empty_mailbox(name: &str, uniqueid: &str) -> String {
    format!(
        "APPLY MAILBOX %(UNIQUEID {uniqueid} MBOXNAME {name} SYNC_CRC 0 SYNC_CRC_ANNOT 12345678 LAST_UID 0 HIGHESTMODSEQ 4 \
         RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 UIDVALIDITY 1700000000 \
         PARTITION default ACL \"u1\tlrswipkxtecdan\t\" OPTIONS P CREATEDMODSEQ 1 FOLDERMODSEQ 1 RECORD ())\r\n"
    )
}
