//! A spool in a directory of its own.

use crate::{
    disk::TestDisk,
    lock_order::{Ordered, Taken},
    tree,
};
use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use sync_server::{
    event::{Event, Observer},
    store::{
        CyrusStore,
        cyrus::{
            disk::Disk,
            options::{CyrusOptions, PartitionDirectories},
        },
    },
    types::Partition,
};

/// A configuration directory and two partitions, in a directory that goes away when this is dropped.
pub struct TestSpool {
    root: PathBuf,
    pub options: CyrusOptions,
    pub disk: TestDisk,
    pub log: Arc<Log>,
    /// The locks of all its stores, each of which is held to their order.
    pub locks: Taken,
}

impl TestSpool {
    pub fn new(word: &str) -> TestSpool {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let root = std::env::temp_dir().join(format!("sync_server-store-{word}-{}-{count}", std::process::id()));
        // One level deeper, so that what escapes from the spool is seen beside it.
        let base = root.join("spool");
        let mut options = CyrusOptions::new(base.join("conf"));
        fs::create_dir_all(base.join("conf")).unwrap();
        for name in ["default", "second"] {
            fs::create_dir_all(base.join(name)).unwrap();
            let directories = PartitionDirectories::new(base.join(name));
            options.partitions.insert(Partition::parse(name.as_bytes()).unwrap(), directories);
        }
        options.lock_timeout = Duration::from_secs(10);
        // Others follow what is changed, so that these files' locks are seen among the others.
        options.sync_log = vec![String::new(), "squatter".to_owned()];
        options.status_cache = Some(base.join("conf/statuscache.db"));
        TestSpool { root, options, disk: TestDisk::default(), log: Arc::default(), locks: Taken::default() }
    }

    /// The directory that all of it lies in.
    pub fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// A store on this spool, as a process that is just starting has it.
    pub fn store(&self) -> CyrusStore {
        self.store_on(self.disk.clone())
    }

    /// The same on another disk.
    pub fn store_on(&self, disk: impl Disk + 'static) -> CyrusStore {
        CyrusStore::on(Ordered::new(disk, &self.locks), self.options.clone(), self.log.clone())
    }

    /// Asserts that a session that is over has left nothing behind that nobody needs.
    pub fn assert_tidy(&self, when: &str) {
        for path in tree::read(&self.root).keys() {
            let text = path.to_string_lossy();
            let staged = text.contains("sync./");
            assert!(!staged && !text.ends_with(".NEW"), "{when}: {text} was left behind; {}", self.log.text());
        }
    }
}

impl Drop for TestSpool {
    fn drop(&mut self) {
        // A directory that stays behind fails no test.
        fs::remove_dir_all(&self.root).ok();
    }
}

/// What the administrator was told.
#[derive(Debug, Default)]
pub struct Log(Mutex<Vec<String>>);

impl Log {
    /// The last lines, for a test that fails.
    pub fn text(&self) -> String {
        let lines = self.0.lock().unwrap();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }

    /// How many lines hold these words.
    pub fn count(&self, words: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }
}

impl Observer for Log {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}
