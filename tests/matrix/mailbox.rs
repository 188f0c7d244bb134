//! The files of one mailbox, read and compared with each other and with the list.

use super::{
    counted::Counted,
    sound::{Inspector, Outcome, first_part},
};
use sha1::{Digest, Sha1};
use std::collections::BTreeSet;
use sync_server::{
    store::cyrus::{
        annotations::{self, Target},
        cache,
        disk::Mode,
        header::{self, MailboxHeader},
        index::{IndexFile, IndexHeader, IndexRecord},
        mboxlist::MailboxEntry,
        options::MetaFile,
        paths::MailboxPlace,
        table::ReadTable,
        twoskip::Reader,
    },
    types::{Guid, InternalFlags},
};

/// A mailbox of the list, with what its files hold.
pub struct Mailbox<'a> {
    entry: &'a MailboxEntry,
    place: MailboxPlace,
    header_file: Vec<u8>,
    header: MailboxHeader,
    index: IndexHeader,
    records: Vec<IndexRecord>,
}

/// Reads the files of a mailbox and notes what is wrong with them.
pub fn inspect(inspector: &mut Inspector, entry: &MailboxEntry) -> Outcome<()> {
    let mailbox = Mailbox::read(inspector, entry)?;
    inspector.know(entry.name.as_str(), &mailbox.place);
    mailbox.check_header(inspector);
    mailbox.check_records(inspector);
    mailbox.check_messages(inspector);
    mailbox.check_cache(inspector)?;
    mailbox.check_counts(inspector);
    let used = [mailbox.index.quota_mailbox_used, mailbox.index.exists.into(), mailbox.index.quota_annot_used, 1];
    mailbox.header.quotaroot.iter().for_each(|root| inspector.count_use(root, used));
    Ok(())
}

impl<'a> Mailbox<'a> {
    fn read(inspector: &mut Inspector, entry: &'a MailboxEntry) -> Outcome<Mailbox<'a>> {
        let place = entry.place().ok_or("has no place")?;
        let header_file = inspector.read(&inspector.meta_file(&place, MetaFile::Header))?;
        let header = header::decode(&header_file).map_err(|error| error.to_string())?;
        let path = inspector.meta_file(&place, MetaFile::Index);
        inspector.read(&path)?;
        let file = inspector.disk.open(&path, Mode::Read).map_err(|error| error.to_string())?;
        let index = IndexFile::open(file).map_err(|error| error.to_string())?;
        let records: Result<Vec<_>, _> = index.records(1).collect();
        let records = records.map_err(|error| error.to_string())?.into_iter().map(|(_, record)| record).collect();
        Ok(Mailbox { entry, place, header_file, header, index: *index.header(), records })
    }

    fn fault(&self, inspector: &mut Inspector, what: &str) {
        inspector.fault(self.entry.name.as_str(), what);
    }

    fn check_header(&self, inspector: &mut Inspector) {
        let (header, entry) = (&self.header, self.entry);
        if self.index.header_file_crc != header::checksum(&self.header_file) {
            self.fault(inspector, "cyrus.header is not what the index says");
        }
        if header.name.as_deref() != Some(entry.name.as_bytes()) {
            self.fault(inspector, "cyrus.header has another name");
        }
        if header.uniqueid.as_deref() != entry.uniqueid.as_ref().map(|id| id.as_bytes()) {
            self.fault(inspector, "cyrus.header has another unique id");
        }
        if header.acl != entry.acl {
            self.fault(inspector, "cyrus.header has other access rights than the list");
        }
    }

    fn check_records(&self, inspector: &mut Inspector) {
        if !self.records.is_sorted_by(|one, next| one.uid < next.uid) {
            self.fault(inspector, "uids do not ascend");
        }
        if self.records.iter().any(|record| record.modseq > self.index.highestmodseq) {
            self.fault(inspector, "a record has a modseq above the highest");
        }
        if self.records.last().is_some_and(|last| last.uid.is_some_and(|uid| uid.get() > self.index.last_uid)) {
            self.fault(inspector, "a record has a uid above the last");
        }
    }

    /// Records whose messages are kept.
    fn kept(&self) -> impl Iterator<Item = &IndexRecord> {
        self.records.iter().filter(|record| !record.is_unlinked())
    }

    fn check_messages(&self, inspector: &mut Inspector) {
        for record in self.kept() {
            let options = &inspector.options;
            let path = options.recorded_message_file(&self.place, record.uid.unwrap(), record.internal_flags).unwrap();
            match inspector.read(&path) {
                Ok(bytes) if Guid::from_bytes(Sha1::digest(&bytes).into()) == record.guid => {}
                Ok(_) => self.fault(inspector, "a message is not that of its record"),
                Err(_) => self.fault(inspector, "a message is not there"),
            }
        }
    }

    /// A mailbox that never had a message has no cache.
    fn check_cache(&self, inspector: &mut Inspector) -> Outcome<()> {
        let is_archived = |record: &&IndexRecord| record.internal_flags.has(InternalFlags::ARCHIVED);
        let (archived, others): (Vec<_>, Vec<_>) = self.kept().partition(is_archived);
        self.check_cache_file(inspector, MetaFile::Cache, &others)?;
        self.check_cache_file(inspector, MetaFile::ArchiveCache, &archived)
    }

    fn check_cache_file(&self, inspector: &mut Inspector, file: MetaFile, kept: &[&IndexRecord]) -> Outcome<()> {
        let cache = inspector.read(&inspector.meta_file(&self.place, file));
        if kept.is_empty() {
            return Ok(());
        }
        let cache = cache?;
        if cache.get(..cache::GENERATION_SIZE) != Some(&self.index.generation.to_be_bytes()[..]) {
            self.fault(inspector, "cyrus.cache is of another generation");
        }
        for record in kept {
            let from = cache.get(record.cache_offset as usize..).unwrap_or_default();
            let length = cache::split(from).map(|(_, length)| length);
            if length.is_none_or(|length| crc32fast::hash(&from[..length]) != record.cache_crc) {
                self.fault(inspector, "a cache record is not that of its record");
            }
        }
        Ok(())
    }

    /// The index counts what there is.
    fn check_counts(&self, inspector: &mut Inspector) {
        let mut counted = Counted::nothing(&self.index);
        let flags = self.header.flag_crcs();
        self.records.iter().for_each(|record| counted.record(record, &flags));
        self.count_message_annotations(inspector, &mut counted);
        self.count_own_annotations(inspector, &mut counted);
        let wrong = counted.differences(&self.index);
        if !wrong.is_empty() {
            self.fault(inspector, &format!("cyrus.index counts wrongly: {}", wrong.join(", ")));
        }
    }

    fn count_message_annotations(&self, inspector: &mut Inspector, counted: &mut Counted) {
        let path = inspector.meta_file(&self.place, MetaFile::Annotations);
        let count = |reader: &mut Reader<'_>| {
            let keys = ReadTable::all(reader).unwrap();
            let mut uids: BTreeSet<String> = keys.iter().map(|(key, _)| first_part(key)).collect();
            for record in &self.records {
                let uid = record.uid.unwrap();
                if uids.remove(&uid.to_string()) {
                    let target = Target::Message(uid, self.entry.name.clone());
                    counted.annotations(Some(record), &annotations::list(reader, &target).unwrap());
                }
            }
            uids
        };
        if inspector.database(&path, count).is_some_and(|left| !left.is_empty()) {
            self.fault(inspector, "has annotations of messages that are not there");
        }
    }

    fn count_own_annotations(&self, inspector: &mut Inspector, counted: &mut Counted) {
        let id = self.entry.uniqueid.clone().unwrap();
        let target = Target::Mailbox(id, self.entry.name.clone());
        let path = inspector.options.annotations_file();
        let found = inspector.database(&path, |reader| annotations::list(reader, &target).unwrap());
        counted.annotations(None, &found.unwrap_or_default());
    }
}
