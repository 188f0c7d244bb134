//! What no peer is told: whether the files agree with each other, as `reconstruct`, `quota` and `cyr_dbtool` would find them.

use super::{
    mailbox,
    spool::{files, options},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use sync_server::store::cyrus::{
    disk::{Deadline, Disk, Mode, simulated::SimulatedDisk},
    mboxlist::{MailboxEntry, Tree, TreeFlags, find_by_uniqueid},
    options::{CyrusOptions, MetaFile},
    paths::MailboxPlace,
    quota::{self, Amounts},
    table::ReadTable,
    twoskip::{Create, Reader, Twoskip},
};

/// Entries of the mailbox list that are read at once.
const PAGE: usize = 1000;

/// What is found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub faults: BTreeSet<String>,
    /// Files that nothing refers to, which harm nobody: uploads, what was to replace a file, messages without a record.
    pub orphans: Vec<String>,
    /// Tombstones of the list and links to active scripts, which no peer is told of.
    pub untold: BTreeMap<String, String>,
    /// All mailboxes, and where their messages lie.
    pub mailboxes: BTreeMap<String, [PathBuf; 2]>,
}

impl Findings {
    /// Messages without a record, by mailbox and uid.
    pub fn unrecorded(&self) -> Vec<(&str, &str)> {
        let mut found = Vec::new();
        for (name, directories) in &self.mailboxes {
            let directories: BTreeSet<&PathBuf> = directories.iter().collect();
            let paths = directories.iter().flat_map(|dir| self.orphans.iter().map(move |path| (dir, path)));
            let names = paths.filter_map(|(dir, path)| Path::new(path).strip_prefix(dir).ok()?.to_str());
            found.extend(names.filter_map(|file| Some((name.as_str(), file.strip_suffix('.')?))));
        }
        found
    }
}

/// Looks at everything.
pub fn inspect(disk: &SimulatedDisk) -> Findings {
    let mut inspector = Inspector {
        disk: Arc::new(disk.clone()),
        options: options(),
        findings: Findings::default(),
        used: BTreeMap::new(),
        known: BTreeSet::new(),
    };
    let entries = inspector.entries();
    let mailboxes: Vec<&MailboxEntry> = entries.iter().filter(|entry| !entry.mailbox_type.is_entry_only()).collect();
    for entry in &mailboxes {
        if let Err(fault) = mailbox::inspect(&mut inspector, entry) {
            inspector.fault(entry.name.as_str(), &fault);
        }
    }
    inspector.ids(&mailboxes);
    inspector.annotations(&mailboxes);
    inspector.other_files(disk);
    inspector.findings
}

pub struct Inspector {
    pub disk: Arc<dyn Disk>,
    pub options: CyrusOptions,
    findings: Findings,
    /// What the mailboxes use of each quota root.
    used: BTreeMap<String, Amounts>,
    /// The files of mailboxes.
    known: BTreeSet<PathBuf>,
}

/// A failure is a fault, too.
pub type Outcome<T> = Result<T, String>;

impl Inspector {
    /// Notes what is wrong.
    pub fn fault(&mut self, of: &str, what: &str) {
        self.findings.faults.insert(format!("{of}: {what}"));
    }

    /// Reads a database once it was found to be whole; `None` where there is none.
    pub fn database<T>(&mut self, path: &Path, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        self.known.insert(path.to_owned());
        let mut database = Twoskip::open(&self.disk, path, Create::No).unwrap()?;
        let deadline = Deadline::after(Duration::from_secs(2));
        let found = database.read(deadline).and_then(|mut reader| reader.check().map(|()| read(&mut reader)));
        found.inspect_err(|error| self.fault(&path.to_string_lossy(), &error.to_string())).ok()
    }

    /// Reads a file of a mailbox.
    pub fn read(&mut self, path: &Path) -> Outcome<Vec<u8>> {
        let read = || {
            let file = self.disk.open(path, Mode::Read)?;
            let mut bytes = vec![0; file.metadata()?.size as usize];
            file.read_at(0, &mut bytes)?;
            Ok::<_, std::io::Error>(bytes)
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = read().map_err(|error| format!("{name}: {error}"))?;
        self.known.insert(path.to_owned());
        Ok(bytes)
    }

    pub fn meta_file(&self, place: &MailboxPlace, file: MetaFile) -> PathBuf {
        self.options.meta_file(place, file).unwrap()
    }

    /// There is such a mailbox.
    pub fn know(&mut self, name: &str, place: &MailboxPlace) {
        let directories =
            [self.options.mailbox_data_dir(place).unwrap(), self.options.mailbox_archive_dir(place).unwrap()];
        self.findings.mailboxes.insert(name.to_owned(), directories);
    }

    /// A mailbox uses so much of its quota root.
    pub fn count_use(&mut self, root: &[u8], used: [u64; 4]) {
        let sum = self.used.entry(String::from_utf8_lossy(root).into_owned()).or_default();
        sum.iter_mut().zip(used).for_each(|(sum, used)| *sum += used as i64);
    }

    fn entries(&mut self) -> Vec<MailboxEntry> {
        let list = self.options.mailbox_list_file();
        let page = self.database(&list, |reader| Tree::all(TreeFlags::ALL).next_page(reader, PAGE));
        let entries = page.map_or_else(Vec::new, |page| page.unwrap());
        for entry in entries.iter().filter(|entry| entry.mailbox_type.deleted) {
            let id = entry.uniqueid.as_ref().map_or("", |id| id.as_str());
            let told = format!("{} {id} {}", entry.mailbox_type, entry.folder_modseq.0);
            self.findings.untold.insert(format!("tombstone {}", entry.name), told);
        }
        entries
    }

    /// Each mailbox is found by its unique id.
    fn ids(&mut self, mailboxes: &[&MailboxEntry]) {
        let list = self.options.mailbox_list_file();
        let is_found = |reader: &mut Reader<'_>, entry: &MailboxEntry| {
            let found = find_by_uniqueid(reader, entry.uniqueid.as_ref().unwrap()).unwrap();
            found.is_some_and(|found| found.name == entry.name)
        };
        let missing = self.database(&list, |reader| mailboxes.iter().find(|entry| !is_found(reader, entry)));
        if let Some(entry) = missing.flatten() {
            self.fault(entry.name.as_str(), "its unique id is another's or nobody's in the list");
        }
    }

    fn annotations(&mut self, mailboxes: &[&MailboxEntry]) {
        let ids: BTreeSet<&str> =
            mailboxes.iter().filter_map(|entry| Some(entry.uniqueid.as_ref()?.as_str())).collect();
        let path = self.options.annotations_file();
        let keys = self.database(&path, |reader| ReadTable::all(reader).unwrap()).unwrap_or_default();
        let unlisted = |id: &String| !id.is_empty() && !ids.contains(id.as_str());
        for id in keys.iter().map(|(key, _)| first_part(key)).filter(unlisted) {
            self.fault("annotations.db", &format!("has annotations of {id}, which is not listed"));
        }
    }

    /// Quota roots, databases of users, and what nothing refers to.
    fn other_files(&mut self, disk: &SimulatedDisk) {
        for (path, bytes) in files(disk) {
            match Path::new(&path) {
                link if path.ends_with("/defaultbc") => self.active_script(link),
                _ if bytes.is_none() => {}
                _ if path.ends_with(".NEW") => self.findings.orphans.push(path),
                file if path.contains("/quota/") => self.quota_root(file),
                file if path.ends_with("seen.db") => drop(self.database(file, |_| ())),
                file if is_configuration(&path) || self.known.contains(file) => {}
                _ => self.findings.orphans.push(path),
            }
        }
        for root in std::mem::take(&mut self.used).into_keys() {
            self.fault(&root, "is no quota root, but a mailbox counts for it");
        }
    }

    fn active_script(&mut self, link: &Path) {
        let target = self.disk.read_link(link).unwrap();
        self.findings.untold.insert("link to the active script".to_owned(), target.to_string_lossy().into_owned());
    }

    fn quota_root(&mut self, path: &Path) {
        let root = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let used = self.used.remove(&root).unwrap_or_default();
        match quota::read(self.disk.as_ref(), path) {
            Ok(quota) if quota.clone().unwrap_or_default().used == used => {}
            Ok(_) => self.fault(&root, "counts something else than its mailboxes use"),
            Err(error) => self.fault(&root, &error.to_string()),
        }
    }
}

/// Whether a file is none of a mailbox.
fn is_configuration(path: &str) -> bool {
    path.contains("/conf/") || path.contains("/sieve/")
}

/// What a key of annotations begins with: a uid or a unique id; nothing for those of the server.
pub fn first_part(key: &[u8]) -> String {
    let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
    String::from_utf8_lossy(&key[..end]).into_owned()
}
