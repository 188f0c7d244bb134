//! What the store needs to know from `imapd.conf`.
//!
//! [`CyrusOptions`] is plain data: whoever reads `imapd.conf` fills it, the store only looks at it. [`Release`] says whose
//! conventions a *new* file or entry follows; what exists already is read whatever release wrote it.
//!
//! The places where releases differ on disk, apart from mailbox indexes. 3.6.1 and 3.12.3 were seen to
//! (`tests/golden/mboxlist`); what the releases between them do is taken from their source.
//!
//! | what | before | and from |
//! |---|---|---|
//! | modseq of a JMAP notification mailbox | counted as mail | 3.8: has its own counters |
//! | a WebDAV collection outside `#notifications` | counted as a notification | 3.8: by its folder, else as mail |
//! | entry of a mailbox under `DELETED.` that goes away | the `N` record goes, the `I` record stays | 3.8 (and 3.6.2): both go |
//! | tombstone of a deleted mailbox that was not mail | is of type mail | 3.8.1 (and 3.6.3): keeps its kind |
//! | index version of a new mailbox | 17 | 3.10: 19; 3.13: 20 |
//! | tombstone of a deleted mailbox | `%(T ed I … V … C … F … M …)`, its `I` record stays, also as a tombstone | 3.12: `%(T ed M …)`, no `I` record; 3.13: all that the entry had |
//! | a name in an `I` record with 0x1f in it, no other odd byte | bare atom | 3.12: quoted |
//! | subscription file's version | 2; `INBOX` also stands for a mere prefix of the user's name (`NINBOX2` for `user.u12`) | 3.12: 3; only for the INBOX and what is below |
//! | user lock file | of the name `*U*jane^doe` | 3.12: of the name `*U*user.jane^doe` |
//! | lock on everything | none | 3.12: `$GLOBAL` |
//! | `J` field and `J` records (JMAP ids) | none | 3.13: fields are kept, records are not written here |

use super::{
    archive::ArchiveRule,
    index::counts::ExpungeMode,
    mime::{CacheOptions, CacheRelease},
    safety::Safety,
};
pub use crate::types::Release;
use crate::types::{InternalFlags, Partition};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

/// Everything of `imapd.conf` that decides where the store's files lie and how they are written.
#[derive(Clone, Debug)]
pub struct CyrusOptions {
    /// `configdirectory`
    pub config_directory: PathBuf,
    /// `partition-NAME` and what belongs to each.
    pub partitions: BTreeMap<Partition, PartitionDirectories>,
    /// `defaultpartition`: where a mailbox goes whose partition is not configured here.
    pub default_partition: Option<Partition>,
    /// `metapartition_files`: the files that lie on a partition's meta directory, where it has one.
    pub metapartition_files: BTreeSet<MetaFile>,
    /// `hashimapspool`
    pub hash_spool: bool,
    /// `fulldirhash`
    pub full_dir_hash: bool,
    /// `virtdomains`
    pub virtual_domains: VirtualDomains,
    /// `defaultdomain`: names in it are written without a domain.
    pub default_domain: String,
    /// `mailbox_legacy_dirs`: whether a new mailbox's files lie under directories by name.
    pub mailbox_legacy_dirs: bool,
    /// `mboxname_lockpath`; `None`: `lock` beneath the configuration directory.
    pub lock_directory: Option<PathBuf>,
    /// `sievedir`: where links to active scripts are kept; `None`: nowhere, as with `sieveusehomedir`, which puts scripts where
    /// only their users have a say.
    pub sieve_directory: Option<PathBuf>,
    /// `mboxlist_db` and `mboxlist_db_path`
    pub mailbox_list: DatabaseOptions,
    /// `annotation_db` and `annotation_db_path`; the format also holds for each mailbox's `cyrus.annotations`.
    pub annotations: DatabaseOptions,
    /// `quota_db` and `quota_db_path`
    pub quota: DatabaseOptions,
    /// `subscription_db`
    pub subscriptions: DatabaseFormat,
    /// `seenstate_db`
    pub seen_state: DatabaseFormat,
    /// `conversations`: without it there are no counters files.
    pub conversations: bool,
    /// `annotation_allow_undefined`
    pub undefined_annotations: bool,
    /// `annotation_definitions`: what stands in that file.
    pub annotation_definitions: Vec<AnnotationDefinition>,
    /// `specialuse_extra`
    pub extra_special_uses: Vec<String>,
    /// `global_lock`, of 3.12: whether exclusive locks by name go with a shared one on everything.
    pub global_lock: bool,
    /// Top-level folders whose mailboxes count as something other than mail.
    pub folders: FolderNames,
    /// `expunge_mode`
    pub expunge_mode: ExpungeMode,
    /// What of the configuration changes a cache record.
    pub cache: CacheOptions,
    /// The index version that a new mailbox gets.
    pub index_version: IndexVersion,
    /// Whose conventions new files and entries follow.
    pub release: Release,
    /// The longest wait for a lock that another process holds.
    pub lock_timeout: Duration,
    /// Messages that a session has reserved or that were uploaded, and that it keeps open, each of which takes a file descriptor;
    /// above this number they get a name of their own instead, which costs more.
    pub held_files: usize,
    /// `umask`
    pub umask: u32,
    /// `archive_enabled`: which new messages lie on the archive partition.
    pub archive: Option<ArchiveRule>,
    /// `statuscache` and `statuscache_db_path`: the cache of what STATUS says, where there is one.
    pub status_cache: Option<PathBuf>,
    /// `admins`: who has no reverse ACLs.
    pub admins: Vec<String>,
    /// The channels whose sync logs tell of changes made here (`sync_log`, `sync_log_channels`); the default one is empty.
    pub sync_log: Vec<String>,
    /// `sync_server_trash`, `sync_server_max_deletes`, `sync_server_min_free`
    pub safety: Safety,
}

/// A partition's directories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionDirectories {
    /// `partition-NAME`
    pub data: PathBuf,
    /// `metapartition-NAME`
    pub meta: Option<PathBuf>,
    /// `archivepartition-NAME`
    pub archive: Option<PathBuf>,
    /// `metadir-FILE-NAME`: a directory for one kind of file.
    pub single: BTreeMap<MetaFile, PathBuf>,
}

impl PartitionDirectories {
    /// A partition with a data directory only.
    pub fn new(data: impl Into<PathBuf>) -> PartitionDirectories {
        PartitionDirectories { data: data.into(), meta: None, archive: None, single: BTreeMap::new() }
    }

    /// All of them; some may be the same.
    pub(super) fn roots(&self) -> impl Iterator<Item = &PathBuf> {
        let archive_cache = self.single.get(&MetaFile::ArchiveCache);
        self.own_roots().chain(&self.archive).chain(archive_cache)
    }

    /// Those that hold files of each mailbox, archived messages or not.
    pub(super) fn own_roots(&self) -> impl Iterator<Item = &PathBuf> {
        let single = self.single.iter().filter(|(file, _)| **file != MetaFile::ArchiveCache).map(|(_, path)| path);
        std::iter::once(&self.data).chain(&self.meta).chain(single)
    }
}

/// A mailbox's files other than its messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum MetaFile {
    /// `cyrus.header`
    Header,
    /// `cyrus.index`
    Index,
    /// `cyrus.cache`
    Cache,
    /// `cyrus.expunge`, from before 2.4
    Expunge,
    /// `cyrus.squat`
    Squat,
    /// `cyrus.annotations`
    Annotations,
    /// `cyrus.dav`
    Dav,
    /// `cyrus.cache` on the archive partition
    ArchiveCache,
}

impl MetaFile {
    /// Where the cache record of a message is whose record has these flags.
    pub(super) fn cache_of(flags: InternalFlags) -> MetaFile {
        match flags.has(InternalFlags::ARCHIVED) {
            true => MetaFile::ArchiveCache,
            false => MetaFile::Cache,
        }
    }
}

/// A database's format and, where it is not in its usual place, its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DatabaseOptions {
    /// The format a new file gets.
    pub format: DatabaseFormat,
    /// `…_db_path`
    pub path: Option<PathBuf>,
}

impl DatabaseOptions {
    /// A database of this format in its usual place.
    pub fn new(format: DatabaseFormat) -> DatabaseOptions {
        DatabaseOptions { format, path: None }
    }
}

/// The database formats that the options name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DatabaseFormat {
    /// `twoskip`
    Twoskip,
    /// `skiplist`
    Skiplist,
    /// `flat`
    Flat,
    /// `quotalegacy`: a file for each quota root
    QuotaLegacy,
}

/// `virtdomains`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VirtualDomains {
    /// `off`
    Off,
    /// `userid`
    UserId,
    /// `on`
    On,
}

/// The version of `cyrus.index` that a new mailbox gets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum IndexVersion {
    /// 17, of 3.4 to 3.8
    V17,
    /// 19, of 3.10 and 3.12
    V19,
    /// 20, of 3.13
    V20,
}

impl IndexVersion {
    /// The number in the index header.
    pub fn number(self) -> u32 {
        match self {
            IndexVersion::V17 => 17,
            IndexVersion::V19 => 19,
            IndexVersion::V20 => 20,
        }
    }
}

/// Top-level folders of a user that count as something other than mail (`mboxname_isa`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderNames {
    /// `calendarprefix`
    pub calendars: String,
    /// `addressbookprefix`
    pub addressbooks: String,
    /// `notesmailbox`
    pub notes: Option<String>,
    /// `davnotificationsprefix`
    pub dav_notifications: String,
    /// `jmapsubmissionfolder`
    pub jmap_submissions: String,
    /// `jmapnotificationfolder`
    pub jmap_notifications: String,
    /// `sieve_folder`
    pub sieve: String,
}

impl Default for FolderNames {
    fn default() -> FolderNames {
        FolderNames {
            calendars: "#calendars".to_owned(),
            addressbooks: "#addressbooks".to_owned(),
            notes: None,
            dav_notifications: "#notifications".to_owned(),
            jmap_submissions: "#jmapsubmission".to_owned(),
            jmap_notifications: "#jmapnotification".to_owned(),
            sieve: "#sieve".to_owned(),
        }
    }
}

/// A line of the file that `annotation_definitions` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnnotationDefinition {
    /// The entry's name, in lower case.
    pub entry: String,
    /// What it is on.
    pub scope: AnnotationScope,
    /// What its values are.
    pub value: AnnotationType,
    /// Whether it has a value for all.
    pub shared: bool,
    /// Whether it has a value for each user.
    pub private: bool,
}

/// What an annotation is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnotationScope {
    /// The server.
    Server,
    /// A mailbox.
    Mailbox,
    /// A message.
    Message,
}

/// What an annotation's values are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AnnotationType {
    /// Any bytes.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number of 64 bits without sign.
    Unsigned,
    /// A number of 64 bits with sign.
    Signed,
    /// A time span: seconds, or numbers each with one of `d`, `h`, `m` and `s` behind it.
    Duration,
}

impl CyrusOptions {
    /// The reference's defaults beneath a configuration directory: no partition, release 3.12.
    pub fn new(config_directory: impl Into<PathBuf>) -> CyrusOptions {
        CyrusOptions {
            config_directory: config_directory.into(),
            partitions: BTreeMap::new(),
            default_partition: None,
            metapartition_files: BTreeSet::new(),
            hash_spool: false,
            full_dir_hash: false,
            virtual_domains: VirtualDomains::Off,
            default_domain: "internal".to_owned(),
            mailbox_legacy_dirs: false,
            lock_directory: None,
            sieve_directory: None,
            mailbox_list: DatabaseOptions::new(DatabaseFormat::Twoskip),
            annotations: DatabaseOptions::new(DatabaseFormat::Twoskip),
            quota: DatabaseOptions::new(DatabaseFormat::QuotaLegacy),
            subscriptions: DatabaseFormat::Flat,
            seen_state: DatabaseFormat::Twoskip,
            conversations: false,
            undefined_annotations: false,
            annotation_definitions: Vec::new(),
            extra_special_uses: Vec::new(),
            global_lock: true,
            folders: FolderNames::default(),
            expunge_mode: ExpungeMode::Delayed,
            cache: CacheOptions::new(CacheRelease::V3_12),
            index_version: IndexVersion::V19,
            release: Release::V3_12,
            lock_timeout: Duration::from_secs(60),
            held_files: 256,
            umask: 0o077,
            archive: None,
            status_cache: None,
            admins: Vec::new(),
            sync_log: Vec::new(),
            safety: Safety::default(),
        }
    }
}
