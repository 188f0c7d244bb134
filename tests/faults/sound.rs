//! What no peer is told: whether the files agree with each other, as `reconstruct`, `quota` and `cyr_dbtool` would find them.

use crate::spool::{files, options};
use sha1::{Digest, Sha1};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use sync_server::{
    store::cyrus::{
        annotations::{self, Target, Whose},
        cache,
        disk::{Deadline, Disk, Mode, simulated::SimulatedDisk},
        header::{self, MailboxHeader},
        index::{IndexFile, IndexHeader, IndexRecord, counts},
        mboxlist::{MailboxEntry, Tree, TreeFlags},
        options::{CyrusOptions, MetaFile},
        paths::MailboxPlace,
        quota::{self, QuotaRoot, RESOURCES},
        table::ReadTable,
        twoskip::{Create, Reader, Twoskip},
    },
    types::{Guid, SyncCrcs},
};

/// Entries of the mailbox list that are read at once.
const PAGE: usize = 1000;

/// What is found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What is wrong.
    pub faults: BTreeSet<String>,
    /// Files that nothing refers to: uploads, what was to replace a file, messages without a record.
    pub orphans: Vec<String>,
    /// Tombstones of the list, which no peer is told of, by name.
    pub tombstones: BTreeMap<String, String>,
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
        if let Err(fault) = inspector.mailbox(entry) {
            inspector.fault(entry.name.as_str(), &fault);
        }
    }
    inspector.mailbox_annotations(&mailboxes);
    inspector.tombstones(&entries);
    inspector.other_files(disk);
    inspector.findings
}

struct Inspector {
    disk: Arc<dyn Disk>,
    options: CyrusOptions,
    findings: Findings,
    /// What the mailboxes use of each quota root.
    used: BTreeMap<String, [i64; RESOURCES]>,
    /// The files of mailboxes.
    known: BTreeSet<PathBuf>,
}

type Outcome<T> = Result<T, String>;

impl Inspector {
    fn fault(&mut self, of: &str, what: &str) {
        self.findings.faults.insert(format!("{of}: {what}"));
    }

    /// Reads a database once it was found to be whole; `None` where there is none.
    fn database<T>(&mut self, path: &Path, read: impl FnOnce(&mut Reader<'_>) -> T) -> Option<T> {
        let opened = Twoskip::open(&self.disk, path, Create::No).unwrap();
        let mut database = opened?;
        let deadline = Deadline::after(Duration::from_secs(2));
        match database.read(deadline).and_then(|mut reader| reader.check().map(|()| read(&mut reader))) {
            Ok(read) => Some(read),
            Err(error) => {
                self.fault(&path.to_string_lossy(), &error.to_string());
                None
            }
        }
    }

    fn entries(&mut self) -> Vec<MailboxEntry> {
        let list = self.options.mailbox_list_file();
        let entries = self.database(&list, |reader| Tree::all(TreeFlags::ALL).next_page(reader, PAGE));
        entries.map_or_else(Vec::new, |page| page.unwrap())
    }

    fn read(&mut self, path: &Path) -> Outcome<Vec<u8>> {
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

    fn meta_file(&self, place: &MailboxPlace, file: MetaFile) -> PathBuf {
        self.options.meta_file(place, file).unwrap()
    }

    fn mailbox(&mut self, entry: &MailboxEntry) -> Outcome<()> {
        let place = entry.place().ok_or("has no place")?;
        let header_file = self.read(&self.meta_file(&place, MetaFile::Header))?;
        let path = self.meta_file(&place, MetaFile::Index);
        self.read(&path)?;
        let file = self.disk.open(&path, Mode::Read).map_err(|error| error.to_string())?;
        let index = IndexFile::open(file).map_err(|error| error.to_string())?;
        let records: Result<Vec<IndexRecord>, _> =
            index.records(1).map(|found| found.map(|(_, record)| record)).collect();
        let records = records.map_err(|error| error.to_string())?;
        let header = header::decode(&header_file).map_err(|error| error.to_string())?;
        self.header(entry, &header, &header_file, index.header());
        self.messages(entry, &place, &records);
        self.cache(entry, &place, index.header(), &records)?;
        self.counts(entry, &place, &header, index.header(), &records);
        self.count_use(&header, index.header());
        Ok(())
    }

    fn header(&mut self, entry: &MailboxEntry, header: &MailboxHeader, file: &[u8], index: &IndexHeader) {
        let name = entry.name.as_str();
        if index.header_file_crc != header::checksum(file) {
            self.fault(name, "cyrus.header is not what the index says");
        }
        if header.name.as_deref() != Some(entry.name.as_bytes()) {
            self.fault(name, "cyrus.header has another name");
        }
        if header.uniqueid.as_deref() != entry.uniqueid.as_ref().map(|id| id.as_bytes()) {
            self.fault(name, "cyrus.header has another unique id");
        }
        if header.acl != entry.acl {
            self.fault(name, "cyrus.header has other access rights than the list");
        }
    }

    fn messages(&mut self, entry: &MailboxEntry, place: &MailboxPlace, records: &[IndexRecord]) {
        for record in records.iter().filter(|record| !record.is_unlinked()) {
            let Some(uid) = record.uid else { continue };
            match self.read(&self.options.message_file(place, uid).unwrap()) {
                Ok(bytes) if Guid::from_bytes(Sha1::digest(&bytes).into()) == record.guid => {}
                Ok(_) => self.fault(entry.name.as_str(), "a message is not that of its record"),
                Err(_) => self.fault(entry.name.as_str(), "a message is not there"),
            }
        }
    }

    fn cache(
        &mut self,
        entry: &MailboxEntry,
        place: &MailboxPlace,
        index: &IndexHeader,
        records: &[IndexRecord],
    ) -> Outcome<()> {
        let path = self.meta_file(place, MetaFile::Cache);
        if records.iter().all(IndexRecord::is_unlinked) {
            self.read(&path).ok();
            return Ok(());
        }
        let cache = self.read(&path)?;
        if cache.get(..cache::GENERATION_SIZE) != Some(&index.generation.to_be_bytes()[..]) {
            self.fault(entry.name.as_str(), "cyrus.cache is of another generation");
        }
        for record in records.iter().filter(|record| !record.is_unlinked()) {
            let from = cache.get(record.cache_offset as usize..).unwrap_or_default();
            let length = cache::split(from).map(|(_, length)| length);
            if length.is_none_or(|length| crc32fast::hash(&from[..length]) != record.cache_crc) {
                self.fault(entry.name.as_str(), "a cache record is not that of its record");
            }
        }
        Ok(())
    }

    /// The header counts what there is.
    fn counts(
        &mut self,
        entry: &MailboxEntry,
        place: &MailboxPlace,
        header: &MailboxHeader,
        index: &IndexHeader,
        records: &[IndexRecord],
    ) {
        let mut counted = nothing_counted(index);
        let mut last = None;
        for record in records {
            if record.uid <= last || record.modseq > index.highestmodseq {
                self.fault(entry.name.as_str(), "a record has a uid out of order or a modseq above the highest");
            }
            last = record.uid;
            counts::append(&mut counted, record, &header.flag_crcs());
        }
        self.count_message_annotations(entry, place, records, &mut counted);
        self.count_mailbox_annotations(entry, &mut counted);
        let wrong = differences(index, &counted);
        if !wrong.is_empty() {
            self.fault(entry.name.as_str(), &format!("cyrus.index counts wrongly: {}", wrong.join(", ")));
        }
    }

    fn count_message_annotations(
        &mut self,
        entry: &MailboxEntry,
        place: &MailboxPlace,
        records: &[IndexRecord],
        counted: &mut IndexHeader,
    ) {
        let path = self.meta_file(place, MetaFile::Annotations);
        let list = |reader: &mut Reader<'_>| {
            let mut targets: BTreeSet<String> =
                ReadTable::all(reader).unwrap().iter().map(|(key, _)| first_part(key)).collect();
            for record in records {
                let Some(uid) = record.uid else { continue };
                if targets.remove(&uid.to_string()) {
                    let found = annotations::list(reader, &Target::Message(uid, entry.name.clone())).unwrap();
                    count_annotations(counted, Some(record), &found);
                }
            }
            targets
        };
        let left = self.database(&path, list).unwrap_or_default();
        self.known.insert(path);
        if !left.is_empty() {
            self.fault(entry.name.as_str(), "annotations of messages that are not there");
        }
    }

    fn count_mailbox_annotations(&mut self, entry: &MailboxEntry, counted: &mut IndexHeader) {
        let Some(id) = entry.uniqueid.clone() else { return };
        let target = Target::Mailbox(id, entry.name.clone());
        let path = self.options.annotations_file();
        let found = self.database(&path, |reader| annotations::list(reader, &target).unwrap());
        count_annotations(counted, None, &found.unwrap_or_default());
    }

    fn count_use(&mut self, header: &MailboxHeader, index: &IndexHeader) {
        let Some(root) = &header.quotaroot else { return };
        let used = self.used.entry(String::from_utf8_lossy(root).into_owned()).or_default();
        let own = [index.quota_mailbox_used, index.exists.into(), index.quota_annot_used, 1];
        used.iter_mut().zip(own).for_each(|(sum, own)| *sum += own as i64);
    }

    fn mailbox_annotations(&mut self, mailboxes: &[&MailboxEntry]) {
        let ids: BTreeSet<String> =
            mailboxes.iter().filter_map(|entry| Some(entry.uniqueid.as_ref()?.to_string())).collect();
        let path = self.options.annotations_file();
        let keys = self.database(&path, |reader| ReadTable::all(reader).unwrap()).unwrap_or_default();
        for id in keys.iter().map(|(key, _)| first_part(key)).filter(|id| !id.is_empty() && !ids.contains(id)) {
            self.fault("annotations.db", &format!("has annotations of {id}, which is not listed"));
        }
    }

    /// Quota roots, databases of users, and what nothing refers to.
    fn other_files(&mut self, disk: &SimulatedDisk) {
        let all: Vec<String> =
            files(disk).into_iter().filter(|(_, bytes)| bytes.is_some()).map(|(path, _)| path).collect();
        for path in &all {
            if path.ends_with(".NEW") {
                self.findings.orphans.push(path.clone());
            } else if path.contains("/quota/") {
                self.quota_root(Path::new(path));
            } else if path.ends_with("seen.db") {
                self.database(Path::new(path), |_| ());
            } else if !path.contains("/conf/") && !path.contains("/sieve/") && !self.known.contains(Path::new(path)) {
                self.findings.orphans.push(path.clone());
            }
        }
        for root in std::mem::take(&mut self.used).into_keys() {
            self.fault(&root, "is no quota root, but a mailbox counts for it");
        }
    }

    fn tombstones(&mut self, entries: &[MailboxEntry]) {
        for entry in entries.iter().filter(|entry| entry.mailbox_type.deleted) {
            let (id, modseq) = (entry.uniqueid.as_ref().map_or("", |id| id.as_str()), entry.folder_modseq.0);
            let told = format!("{} {id} {modseq}", entry.mailbox_type);
            self.findings.tombstones.insert(entry.name.to_string(), told);
        }
    }

    fn quota_root(&mut self, path: &Path) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let root = QuotaRoot::parse(name.as_bytes()).unwrap();
        let used = self.used.remove(&name).unwrap_or_default();
        match quota::read(self.disk.as_ref(), &self.options.quota_file(&root)) {
            Ok(Some(quota)) if quota.used == used => {}
            Ok(Some(_)) => self.fault(&name, "counts something else than its mailboxes use"),
            Ok(None) => {}
            Err(error) => self.fault(&name, &error.to_string()),
        }
    }
}

fn nothing_counted(index: &IndexHeader) -> IndexHeader {
    IndexHeader {
        num_records: 0,
        last_uid: index.last_uid,
        quota_mailbox_used: 0,
        deleted: 0,
        answered: 0,
        flagged: 0,
        exists: 0,
        unseen: 0,
        sync_crcs: SyncCrcs::EMPTY,
        quota_annot_used: 0,
        quota_deleted_used: 0,
        quota_expunged_used: 0,
        ..*index
    }
}

fn differences(stored: &IndexHeader, counted: &IndexHeader) -> Vec<&'static str> {
    let numbers = |index: &IndexHeader| {
        [
            ("records", index.num_records.into()),
            ("messages", index.exists.into()),
            ("\\Answered", index.answered.into()),
            ("\\Flagged", index.flagged.into()),
            ("\\Deleted", index.deleted.into()),
            ("unseen", index.unseen.into()),
            ("bytes", index.quota_mailbox_used),
            ("deleted bytes", index.quota_deleted_used),
            ("expunged bytes", index.quota_expunged_used),
            ("annotation bytes", index.quota_annot_used),
            ("checksum", index.sync_crcs.basic.into()),
            ("checksum of annotations", index.sync_crcs.annot.into()),
        ]
    };
    let pairs = numbers(stored).into_iter().zip(numbers(counted));
    let differing = pairs.filter(|(stored, counted)| stored != counted);
    differing.map(|((what, _), _)| what).collect()
}

fn count_annotations(counted: &mut IndexHeader, record: Option<&IndexRecord>, found: &[annotations::Annotation]) {
    for annotation in found {
        let userid = match &annotation.whose {
            Whose::Shared => &b""[..],
            Whose::User(user) => user.as_bytes(),
        };
        let change = counts::Annotation {
            entry: &annotation.entry,
            userid: Some(userid),
            old: b"",
            new: &annotation.value.bytes,
        };
        counts::annotate(counted, record, &change);
    }
}

/// What a key of annotations begins with: a uid or a unique id; nothing for those of the server.
fn first_part(key: &[u8]) -> String {
    let end = key.iter().position(|byte| *byte == 0).unwrap_or(key.len());
    String::from_utf8_lossy(&key[..end]).into_owned()
}
