//! Journals as files, and what is done about those that are found.

use super::{
    super::{
        disk::{Disk, Durability, Lock, Mode, simulated::SimulatedDisk, testing},
        index::{IndexHeader, IndexRecord, NewMailbox, Time},
        mboxlist::{self, MailboxEntry},
        options::{CyrusOptions, PartitionDirectories},
        paths::{MailboxDirectory, MailboxPlace},
        quota::{Quota, QuotaRoot},
        recorded::Put,
        spool::{Spool, read_whole},
    },
    Database, IndexChange, Journal, QuotaChange, Replaced, Started,
    decode::{Found, decode},
    encode, replay_all, settle,
};
use crate::{
    event::{Event, Observer},
    ops::Refusal,
    types::{MailboxName, MailboxOptions, MailboxType, ModSeq, Partition, Uid, UniqueId},
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

const FILE: &str = "/conf/sync_server.journal/id1";

#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl Observer for Log {
    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(event.to_string());
    }
}

fn spool(disk: &SimulatedDisk) -> (Spool, Arc<Log>) {
    for directory in ["/conf/sync_server.journal", "/spool"] {
        disk.create_dir_all(Path::new(directory)).unwrap();
    }
    let mut options = CyrusOptions::new("/conf");
    options.partitions.insert(Partition::parse(b"default").unwrap(), PartitionDirectories::new("/spool"));
    let log = Arc::new(Log::default());
    (Spool::new(Arc::new(disk.clone()), options, log.clone()), log)
}

fn name() -> MailboxName {
    MailboxName::parse(b"user.u1").unwrap()
}

fn place() -> MailboxPlace {
    let directory = MailboxDirectory::ById(UniqueId::parse(b"id1").unwrap());
    MailboxPlace { partition: Partition::parse(b"default").unwrap(), directory }
}

fn put(before: Option<&str>, after: Option<&str>) -> Put {
    let bytes = |value: &str| value.as_bytes().to_vec();
    Put { key: b"key".to_vec(), before: before.map(bytes), after: after.map(bytes) }
}

/// Every kind of entry.
fn everything() -> Journal {
    let new = NewMailbox {
        uidvalidity: 1,
        options: MailboxOptions(0),
        highestmodseq: ModSeq(1),
        createdmodseq: ModSeq(1),
        now: Time::from_seconds(1_700_000_000),
    };
    let before = IndexHeader::create(19, &new).unwrap();
    let after = IndexHeader { highestmodseq: ModSeq(7), ..before };
    let record = |uid| (uid, IndexRecord { uid: Uid::new(uid), modseq: ModSeq(7), ..IndexRecord::default() });
    let quota = |used| Quota { used: [used; 4], ..Quota::default() };
    let root = QuotaRoot::parse(b"user.u1").unwrap();
    let puts = [Database::List, Database::Annotations, Database::OfMessages];
    Journal {
        header: Some(Replaced { before: b"old".to_vec(), after: b"new".to_vec() }),
        quotas: vec![QuotaChange { root, before: quota(1), after: quota(2) }],
        puts: puts.map(|database| (database, put(None, Some("value")))).into(),
        index: Some(IndexChange { before, after, records: vec![record(1), record(2)] }),
        gone: Some(MailboxPlace { directory: MailboxDirectory::ByName(name()), ..place() }),
        sieve: Some(name()),
        ..Journal::new(vec![name(), name()], place())
    }
}

/// A change of one value in the mailbox list.
fn of_list(before: Option<&str>, after: Option<&str>) -> Journal {
    Journal { puts: vec![(Database::List, put(before, after))], ..Journal::new(vec![name()], place()) }
}

/// The same, with a mailbox whose files go.
fn of_removal(before: Option<&str>, after: Option<&str>) -> Journal {
    Journal { gone: Some(place()), ..of_list(before, after) }
}

fn bytes_of(journal: &Journal) -> Vec<u8> {
    let mut entries = Vec::new();
    let mut add = |entry: &[u8]| {
        entries.extend_from_slice(entry);
        Ok(())
    };
    encode::entries(journal, &mut add).unwrap();
    [encode::head(entries.len() as u64, 7, crc32fast::hash(&entries)), entries].concat()
}

fn leave(disk: &SimulatedDisk, bytes: &[u8]) {
    testing::put(disk, Path::new(FILE), bytes);
}

fn value(spool: &mut Spool) -> Option<Vec<u8>> {
    spool.read_list(|list, _| Ok(list.fetch(b"key")?)).unwrap()
}

fn is_there(disk: &SimulatedDisk) -> bool {
    disk.metadata(Path::new(FILE)).is_ok()
}

#[test]
fn what_is_written_is_read() {
    let journal = everything();
    let mut bytes = bytes_of(&journal);
    let expected = Some((7, Found::Change(Box::new(journal))));
    assert_eq!(decode(&bytes), expected);
    bytes.extend_from_slice(b"the rest of a longer one");
    assert_eq!(decode(&bytes), expected);
}

#[test]
fn a_note_is_read_as_it_was_written() {
    let disk = SimulatedDisk::new();
    let (mut spool, _) = spool(&disk);
    let started = Started { name: name(), place: place(), is_new: true, uids: 3..=u32::MAX };
    let noted = started.note(&mut spool, &UniqueId::parse(b"id1").unwrap()).unwrap();
    let path = Path::new("/conf/sync_server.journal/+id1");
    let bytes = read_whole(&disk, path).unwrap();
    assert_eq!(decode(&bytes), Some((1, Found::Started(started))));
    noted.end(&mut spool);
    assert!(disk.metadata(path).is_err());
}

#[test]
fn files_of_a_mailbox_with_another_name_stay_though_a_folder_was_given_its_id() {
    let disk = SimulatedDisk::new();
    let (mut spool, _) = spool(&disk);
    let message = spool.options.message_file(&place(), Uid::MIN).unwrap();
    disk.create_dir_all(message.parent().unwrap()).unwrap();
    testing::put(&disk, &message, b"message");
    Started { name: name(), place: place(), is_new: true, uids: 1..=u32::MAX }
        .note(&mut spool, &UniqueId::parse(b"id1").unwrap())
        .unwrap();
    let entry = |name: &[u8], mailbox_type| MailboxEntry {
        uniqueid: UniqueId::parse(b"id1").ok(),
        partition: Partition::parse(b"default").ok(),
        ..MailboxEntry::new(MailboxName::parse(name).unwrap(), mailbox_type)
    };
    let folder = MailboxType { intermediate: true, ..MailboxType::EMAIL };
    for entry in [entry(b"user.u1.renamed", MailboxType::EMAIL), entry(b"user.u1.folder", folder)] {
        spool.write_list(Durability::Now, |list, options| mboxlist::update(list, options, &entry, 1)).unwrap();
    }
    replay_all(&mut spool);
    assert!(disk.metadata(&message).is_ok());
}

#[test]
fn a_journal_of_which_a_byte_is_missing_or_wrong_is_none() {
    let bytes = bytes_of(&everything());
    for at in 0..bytes.len() {
        assert_eq!(decode(&bytes[..at]), None, "cut at {at}");
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        assert_eq!(decode(&wrong), None, "byte {at}");
    }
}

#[test]
fn a_change_that_was_cut_short_is_finished() {
    let disk = SimulatedDisk::new();
    let (mut spool, log) = spool(&disk);
    leave(&disk, &bytes_of(&of_removal(None, Some("new"))));
    replay_all(&mut spool);
    assert_eq!(value(&mut spool).as_deref(), Some(&b"new"[..]));
    assert!(!is_there(&disk));
    assert_eq!(*log.0.lock().unwrap(), ["journal: a change that was cut short is finished: mailbox=<user.u1>"]);
}

#[test]
fn what_another_program_changed_since_stays() {
    let disk = SimulatedDisk::new();
    let (mut spool, log) = spool(&disk);
    let write = |list: &mut super::super::twoskip::Writer<'_>| list.store(b"key", b"other");
    spool.write_list(Durability::Now, |list, _| Ok::<_, mboxlist::ListError>(write(list)?)).unwrap();
    leave(&disk, &bytes_of(&of_removal(Some("old"), Some("new"))));
    replay_all(&mut spool);
    assert_eq!(value(&mut spool).as_deref(), Some(&b"other"[..]));
    assert!(!is_there(&disk));
    assert!(log.0.lock().unwrap()[0].contains("changed the mailbox since"));
}

#[test]
fn a_journal_that_its_process_holds_is_left_to_it() {
    let disk = SimulatedDisk::new();
    let (mut spool, _) = spool(&disk);
    leave(&disk, &bytes_of(&of_removal(None, Some("new"))));
    let held = disk.open(Path::new(FILE), Mode::Write).unwrap();
    assert!(held.try_lock(Lock::Exclusive).unwrap());
    replay_all(&mut spool);
    assert_eq!(value(&mut spool), None);
    assert!(is_there(&disk));
}

#[test]
fn who_holds_the_lock_that_a_journals_process_waits_for_is_refused_at_once() {
    let disk = SimulatedDisk::new();
    let (mut spool, _) = spool(&disk);
    leave(&disk, &bytes_of(&of_removal(None, Some("new"))));
    let held = disk.open(Path::new(FILE), Mode::Write).unwrap();
    assert!(held.try_lock(Lock::Exclusive).unwrap());
    let owner_lock = spool.lock_owner(&name(), Lock::Exclusive).unwrap();
    let id = UniqueId::parse(FILE.rsplit('/').next().unwrap().as_bytes()).unwrap();
    let refused = settle(&mut spool, &id, &owner_lock).unwrap_err();
    assert_eq!(refused.refusal(), Refusal::Locked);
}

#[test]
fn a_mailbox_without_files_is_not_listed() {
    let disk = SimulatedDisk::new();
    let (mut spool, _) = spool(&disk);
    leave(&disk, &bytes_of(&of_list(None, Some("new"))));
    replay_all(&mut spool);
    assert_eq!(value(&mut spool), None);
    assert!(!is_there(&disk));
}

#[test]
fn what_is_no_whole_journal_goes_and_nothing_else_is_touched() {
    let disk = SimulatedDisk::new();
    let (mut spool, log) = spool(&disk);
    let bytes = bytes_of(&of_list(None, Some("new")));
    leave(&disk, &bytes[..bytes.len() - 1]);
    replay_all(&mut spool);
    assert_eq!(value(&mut spool), None);
    assert!(!is_there(&disk));
    assert!(log.0.lock().unwrap().is_empty());
}
