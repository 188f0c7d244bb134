//! `USER.counters`: the highest modseq given out of each kind, for a user or for all shared mailboxes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | generation: one more with each write |
//! | 4 | 4 | version: 9 |
//! | 8 | 8 each | the modseqs, in the order of [`Counter`] |
//! | 288 | 4 | uidvalidity |
//! | 292 | 4 | CRC-32 of all before |
//!
//! All are big-endian. Earlier versions have fewer modseqs; version 0 has a length of 48 and may have any number in the
//! version's place. The file is replaced by one that was written beside it, under a lock on the one that is replaced.
//! Without `conversations` there are no such files. Source: `mboxname_buf_to_counters`, `mboxname_counters_to_buf`,
//! `mboxname_load_fcounters`, `mboxname_set_fcounters`, `mboxname_domodseq` (imap/mboxname.c); 3.6.1 and 3.12.3 write the
//! same version.

use super::{
    db_error::DbError,
    disk::{Deadline, Disk, DiskFile, Lock, Mode, lock_named},
    options::{CyrusOptions, Release},
    twoskip::Durability,
};
use crate::types::{MailboxKind, MailboxName, MailboxType, ModSeq};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// The modseqs in a counters file, in the order of their places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Counter {
    Highest,
    Mail,
    Calendar,
    Addressbook,
    Notes,
    MailFolders,
    CalendarFolders,
    AddressbookFolders,
    NotesFolders,
    Quota,
    ReverseAcl,
    Submission,
    SubmissionFolders,
    MailDeleted,
    CalendarDeleted,
    AddressbookDeleted,
    NotesDeleted,
    SubmissionDeleted,
    MailFoldersDeleted,
    CalendarFoldersDeleted,
    AddressbookFoldersDeleted,
    NotesFoldersDeleted,
    SubmissionFoldersDeleted,
    DavNotification,
    DavNotificationDeleted,
    DavNotificationFolders,
    DavNotificationFoldersDeleted,
    JmapNotification,
    JmapNotificationDeleted,
    JmapNotificationFolders,
    JmapNotificationFoldersDeleted,
    Sieve,
    SieveDeleted,
    SieveFolders,
    SieveFoldersDeleted,
}

const MODSEQS: usize = Counter::SieveFoldersDeleted as usize + 1;
const VERSION: u32 = 9;
/// How many modseqs each version has.
const MODSEQS_OF_VERSION: [usize; 10] = [4, 5, 6, 9, 11, 13, 23, 27, 31, MODSEQS];
/// Generation and version before the modseqs, uidvalidity and checksum behind them.
const AROUND_MODSEQS: usize = 16;

/// What a counters file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters {
    /// How often the file was written.
    pub generation: u32,
    /// The highest UIDVALIDITY given out.
    pub uidvalidity: u32,
    modseqs: [u64; MODSEQS],
}

impl Counters {
    /// Nothing given out yet.
    pub const ZERO: Counters = Counters { generation: 0, uidvalidity: 0, modseqs: [0; MODSEQS] };

    /// Reads a file's bytes; `None` for damage or an unknown version. An empty file is [`ZERO`](Counters::ZERO).
    pub fn decode(bytes: &[u8]) -> Option<Counters> {
        if bytes.is_empty() {
            return Some(Counters::ZERO);
        }
        let (generation, rest) = bytes.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let version = if bytes.len() == length(MODSEQS_OF_VERSION[0]) { 0 } else { u32::from_be_bytes(*version) };
        let count = *MODSEQS_OF_VERSION.get(usize::try_from(version).ok()?)?;
        let (rest, crc) = rest.split_last_chunk()?;
        let (rest, uidvalidity) = rest.split_last_chunk()?;
        let checked = bytes.get(..bytes.len() - crc.len())?;
        if bytes.len() != length(count) || crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut counters = Counters {
            generation: u32::from_be_bytes(*generation),
            uidvalidity: u32::from_be_bytes(*uidvalidity),
            ..Counters::ZERO
        };
        for (modseq, bytes) in counters.modseqs.iter_mut().zip(rest.as_chunks().0) {
            *modseq = u64::from_be_bytes(*bytes);
        }
        Some(counters)
    }

    /// A file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length(MODSEQS));
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.modseqs.iter().flat_map(|modseq| modseq.to_be_bytes()));
        bytes.extend(self.uidvalidity.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// One of the modseqs.
    pub fn modseq(&self, counter: Counter) -> ModSeq {
        ModSeq(self.modseqs[counter as usize])
    }

    /// Raises a modseq, and [`Counter::Highest`] with it, to at least this; returns the highest.
    pub fn raise(&mut self, counter: Counter, modseq: ModSeq) -> ModSeq {
        for counter in [Counter::Highest, counter] {
            let old = &mut self.modseqs[counter as usize];
            *old = modseq.0.max(*old);
        }
        self.modseq(Counter::Highest)
    }
}

const fn length(modseqs: usize) -> usize {
    AROUND_MODSEQS + modseqs * 8
}

/// What a modseq was given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// The folder as such, not only what is in it (`MBOXMODSEQ_ISFOLDER`).
    pub folder: bool,
    /// Something that is gone (`MBOXMODSEQ_ISDELETE`).
    pub delete: bool,
}

/// The counters of a mailbox's kind that a change raises.
pub fn counters_of(
    options: &CyrusOptions,
    mailbox: &MailboxName,
    mailbox_type: MailboxType,
    change: Change,
) -> Vec<Counter> {
    use Counter::*;
    // Contents, contents deleted, folders, folders deleted.
    let counters = match counted_as(options, mailbox, mailbox_type.kind) {
        Kind::Addressbook => [Addressbook, AddressbookDeleted, AddressbookFolders, AddressbookFoldersDeleted],
        Kind::Calendar => [Calendar, CalendarDeleted, CalendarFolders, CalendarFoldersDeleted],
        Kind::Notes => [Notes, NotesDeleted, NotesFolders, NotesFoldersDeleted],
        Kind::Submission => [Submission, SubmissionDeleted, SubmissionFolders, SubmissionFoldersDeleted],
        Kind::DavNotification => {
            [DavNotification, DavNotificationDeleted, DavNotificationFolders, DavNotificationFoldersDeleted]
        }
        Kind::JmapNotification => {
            [JmapNotification, JmapNotificationDeleted, JmapNotificationFolders, JmapNotificationFoldersDeleted]
        }
        Kind::Sieve => [Sieve, SieveDeleted, SieveFolders, SieveFoldersDeleted],
        Kind::Mail => [Mail, MailDeleted, MailFolders, MailFoldersDeleted],
    };
    let [contents, contents_deleted, folders, folders_deleted] = counters;
    match (change.folder, change.delete) {
        (false, false) => vec![contents],
        (false, true) => vec![contents_deleted],
        (true, false) => vec![contents, folders],
        (true, true) => vec![contents_deleted, folders_deleted],
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Addressbook,
    Calendar,
    Notes,
    Submission,
    DavNotification,
    JmapNotification,
    Sieve,
    Mail,
}

/// By the mailbox's type, else by the folder it lies in (`mboxname_is…mailbox`); the first that fits.
fn counted_as(options: &CyrusOptions, mailbox: &MailboxName, kind: MailboxKind) -> Kind {
    let names = &options.folders;
    let is_new = options.release > Release::V3_6;
    let folder = top_folder(mailbox);
    let lies_in = |name: &str| folder.as_deref() == Some(name);
    // For these a type means one folder; for mail and collections several, so that only another type rules a folder out.
    let is = |wanted: MailboxKind, name: &str| kind == wanted || lies_in(name);
    let is_one_of =
        |wanted: MailboxKind, name: &str| (!is_new || kind == MailboxKind::Email || kind == wanted) && lies_in(name);
    if is(MailboxKind::Addressbook, &names.addressbooks) {
        Kind::Addressbook
    } else if is(MailboxKind::Calendar, &names.calendars) {
        Kind::Calendar
    } else if names.notes.as_deref().is_some_and(|notes| is_one_of(MailboxKind::Email, notes)) {
        Kind::Notes
    } else if is(MailboxKind::JmapSubmission, &names.jmap_submissions) {
        Kind::Submission
    } else if is_one_of(MailboxKind::Collection, &names.dav_notifications) || !is_new && kind == MailboxKind::Collection
    {
        Kind::DavNotification
    } else if is_new && is(MailboxKind::JmapNotify, &names.jmap_notifications) {
        Kind::JmapNotification
    } else if is(MailboxKind::Sieve, &names.sieve) {
        Kind::Sieve
    } else {
        Kind::Mail
    }
}

/// The first part of a name behind the user's, or behind none (`mbname_boxes`).
fn top_folder(mailbox: &MailboxName) -> Option<String> {
    let mut parts: Vec<&str> = mailbox.local_part().split('.').collect();
    if mailbox.is_deleted() && parts.len() > 2 {
        parts.remove(0);
        parts.pop();
    }
    let skipped = if parts.len() > 1 && parts.first() == Some(&"user") { 2 } else { 0 };
    parts.get(skipped).map(|part| part.replace('^', "."))
}

/// A counters file under its lock.
#[derive(Debug)]
pub struct CountersFile<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    _file: Box<dyn DiskFile>,
    before: Counters,
    /// What is to be written.
    pub counters: Counters,
}

impl<'a> CountersFile<'a> {
    /// Opens and locks a file, making an empty one where there is none.
    ///
    /// # Errors
    /// [`DbError`]: `Locked` at the deadline, or the system's error. A damaged file counts as an empty one, and so will be
    /// replaced; the reference leaves it and loses all counts.
    pub fn lock(disk: &'a dyn Disk, path: &Path, deadline: Deadline) -> Result<CountersFile<'a>, DbError> {
        let locked = open_and_lock(disk, path, deadline);
        let (file, bytes) = locked.map_err(|source| DbError::io(path, source))?;
        let before = Counters::decode(&bytes).unwrap_or(Counters::ZERO);
        Ok(CountersFile { disk, path: path.to_owned(), _file: file, counters: before.clone(), before })
    }

    /// Writes the counters, if they changed, and gives the lock back. With [`Durability::Caller`] a power cut keeps either the
    /// old file or the new one until the caller syncs the directory.
    ///
    /// # Errors
    /// [`DbError`]
    pub fn commit(mut self, durability: Durability) -> Result<Counters, DbError> {
        if self.counters != self.before {
            self.counters.generation = self.before.generation.wrapping_add(1);
            self.replace(durability).map_err(|source| DbError::io(&self.path, source))?;
        }
        Ok(self.counters)
    }

    fn replace(&self, durability: Durability) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".NEW");
        let beside = PathBuf::from(beside);
        let file = self.disk.open(&beside, Mode::Create)?;
        file.set_size(0)?;
        file.write_at(0, &[&self.counters.encode()])?;
        file.sync()?;
        self.disk.rename(&beside, &self.path)?;
        match (durability, self.path.parent()) {
            (Durability::Now, Some(dir)) => self.disk.sync_dir(dir),
            _ => Ok(()),
        }
    }
}

/// Reads a file without a lock; no file is as good as an empty one.
///
/// # Errors
/// [`DbError::Io`]
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Counters, DbError> {
    let bytes = match disk.open(path, Mode::Read).and_then(|file| read_all(file.as_ref())) {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        read => read.map_err(|source| DbError::io(path, source))?,
    };
    Ok(Counters::decode(&bytes).unwrap_or(Counters::ZERO))
}

fn open_and_lock(disk: &dyn Disk, path: &Path, deadline: Deadline) -> io::Result<(Box<dyn DiskFile>, Vec<u8>)> {
    let opened = match disk.open(path, Mode::Create) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            disk.create_dir_all(path.parent().unwrap_or(path))?;
            disk.open(path, Mode::Create)
        }
        opened => opened,
    };
    let mut file = opened?;
    lock_named(disk, path, &mut file, Lock::Exclusive, deadline)?;
    let bytes = read_all(file.as_ref())?;
    Ok((file, bytes))
}

/// A file of another size than any version's is not read beyond the longest.
fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length(MODSEQS) + 1];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::{RealDisk, testing::TestDir},
        table::testing::{golden_lines, unescaped},
    };
    use std::time::Duration;

    const NEW: &str = include_str!("../../../tests/golden/mboxlist/3.12.3-by-id.txt");
    const OLD: &str = include_str!("../../../tests/golden/mboxlist/3.6.1-by-id.txt");
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
            for counter in counters_of(&options(Release::V3_10), &name, mailbox_type, change) {
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
        assert_eq!(counter(Release::V3_10, b"user.u1.#drive", b"b"), Counter::Mail);
        assert_eq!(counter(Release::V3_10, b"DELETED.user.u1.#calendars.x.65A0B1C2", b"e"), Counter::Calendar);
        assert_eq!(counter(Release::V3_10, b"shared", b"e"), Counter::Mail);
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
}
