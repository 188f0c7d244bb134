use super::*;
use crate::store::cyrus::{
    disk::{Deadline, Durability, RealDisk, testing::TestDir},
    options::{CyrusOptions, Release},
    table::testing::{golden_lines, unescaped},
};
use crate::types::{MailboxName, MailboxType};
use std::time::Duration;

const NEW: &str = include_str!("../../../../tests/golden/mboxlist/3.12.3-by-id.txt");
const OLD: &str = include_str!("../../../../tests/golden/mboxlist/3.6.1-by-id.txt");
const FILE: &str = "conf/user/uuid/a/b/abcdefghijklmnopqrstuvw1/counters.db";

fn golden(text: &str) -> Vec<u8> {
    unescaped(golden_lines(text, FILE)[0])
}

fn options(release: Release) -> CyrusOptions {
    CyrusOptions { release, ..CyrusOptions::new("/conf") }
}

#[test]
fn what_cyrus_wrote_is_read_and_written_back() {
    for text in [OLD, NEW] {
        let bytes = golden(text);
        assert_eq!(Counters::decode(&bytes).unwrap().encode(), bytes);
    }
    let counters = Counters::decode(&golden(NEW)).unwrap();
    assert_eq!(counters.uidvalidity, 1_700_000_000);
    assert_eq!(counters.modseq(Counter::AddressbookFolders), ModSeq(11));
}

/// The mailboxes of the golden file, each with its modseq.
#[test]
fn each_kind_of_mailbox_has_its_counters() {
    let mailboxes = [
        ("user.u1", "e", 5),
        ("user.u1.#calendars", "b", 9),
        ("user.u1.#calendars.Default", "c", 10),
        ("user.u1.#addressbooks.Default", "a", 11),
        ("user.u1.Notes", "e", 12),
        ("user.u1.#jmapnotification", "j", 13),
        ("user.u1.#jmapsubmission", "s", 14),
        ("user.u1.#notifications", "b", 15),
        ("user.u1.gone", "ed", 17),
    ];
    let mut counters = Counters::ZERO;
    for (name, letters, modseq) in mailboxes {
        let name = MailboxName::parse(name.as_bytes()).unwrap();
        let mailbox_type = MailboxType::from_letters(letters.as_bytes()).unwrap();
        let change = Change { folder: true, delete: false };
        for counter in counters_of(&options(Release::V3_12), &name, mailbox_type, change) {
            counters.raise(counter, ModSeq(modseq));
        }
    }
    let expected = Counters::decode(&golden(NEW)).unwrap();
    for counter in [
        Counter::MailFolders,
        Counter::Calendar,
        Counter::CalendarFolders,
        Counter::Addressbook,
        Counter::Submission,
        Counter::SubmissionFolders,
        Counter::DavNotificationFolders,
        Counter::JmapNotification,
        Counter::JmapNotificationFolders,
        Counter::NotesFolders,
    ] {
        assert_eq!(counters.modseq(counter), expected.modseq(counter), "{counter:?}");
    }
}

#[test]
fn releases_differ_in_what_counts_as_mail() {
    let counter = |release, name: &[u8], letters: &[u8]| {
        let name = MailboxName::parse(name).unwrap();
        counters_of(&options(release), &name, MailboxType::from_letters(letters).unwrap(), Change::default())[0]
    };
    assert_eq!(counter(Release::V3_6, b"user.u1.#jmapnotification", b"j"), Counter::Mail);
    assert_eq!(counter(Release::V3_6, b"user.u1.#drive", b"b"), Counter::DavNotification);
    assert_eq!(counter(Release::V3_12, b"user.u1.#drive", b"b"), Counter::Mail);
    assert_eq!(counter(Release::V3_12, b"DELETED.user.u1.#calendars.x.65A0B1C2", b"e"), Counter::Calendar);
    assert_eq!(counter(Release::V3_12, b"shared", b"e"), Counter::Mail);
}

#[test]
fn earlier_versions_are_read() {
    for (version, count) in MODSEQS_OF_VERSION.into_iter().enumerate() {
        let mut bytes = vec![0, 0, 0, 7, 0, 0, 0, u8::try_from(version).unwrap()];
        bytes.extend((1..=count as u64).flat_map(u64::to_be_bytes));
        bytes.extend(99_u32.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        let counters = Counters::decode(&bytes).unwrap();
        assert_eq!((counters.generation, counters.uidvalidity), (7, 99), "version {version}");
        assert_eq!(counters.modseqs.iter().sum::<u64>(), (count * (count + 1) / 2) as u64);
    }
}

#[test]
fn damage_is_noticed() {
    let bytes = golden(NEW);
    for length in 1..bytes.len() {
        assert_eq!(Counters::decode(&bytes[..length]), None);
    }
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x55;
        assert_eq!(Counters::decode(&bytes), None, "byte {at}");
    }
    assert_eq!(Counters::decode(b""), Some(Counters::ZERO));
}

#[test]
fn a_file_is_written_only_if_something_changed() {
    let dir = TestDir::new("counters");
    let path = dir.path("user/u/u1.counters");
    let lock = || CountersFile::lock(&RealDisk, &path, Deadline::after(Duration::from_secs(5))).unwrap();
    lock().commit(Durability::Now).unwrap();
    assert_eq!(read(&RealDisk, &path).unwrap(), Counters::ZERO);
    let mut file = lock();
    file.counters.raise(Counter::Mail, ModSeq(5));
    assert_eq!(file.commit(Durability::Now).unwrap().generation, 1);
    assert_eq!(lock().commit(Durability::Now).unwrap().generation, 1);
    assert_eq!(read(&RealDisk, &path).unwrap().modseq(Counter::Highest), ModSeq(5));
}

#[test]
fn a_later_releases_file_is_not_touched_and_a_damaged_one_is_replaced() {
    let dir = TestDir::new("countersversion");
    let path = dir.path("c");
    let deadline = || Deadline::after(Duration::from_secs(5));
    let mut bytes = golden(NEW);
    bytes[7] = 10;
    std::fs::write(&path, &bytes).unwrap();
    assert!(CountersFile::lock(&RealDisk, &path, deadline()).is_err());
    assert!(read(&RealDisk, &path).is_err());
    bytes[7] = 9;
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let mut file = CountersFile::lock(&RealDisk, &path, deadline()).unwrap();
    assert_eq!(file.counters, Counters::ZERO);
    file.counters.raise(Counter::Quota, ModSeq(3));
    file.commit(Durability::Caller).unwrap();
    assert_eq!(read(&RealDisk, &path).unwrap().modseq(Counter::Quota), ModSeq(3));
}
