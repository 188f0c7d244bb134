//! Where the mail is, and how it is kept: the partitions, and what the store needs to know.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{
    ConfigError, ImapdConf, annotations,
    lock_names::{self, LockNames},
    options, safety, support,
    value::Text,
};
use crate::{
    store::cyrus::archive::ArchiveRule,
    store::cyrus::index::counts::ExpungeMode,
    store::cyrus::mime::{CacheOptions, CacheRelease},
    store::cyrus::options::{
        CyrusOptions, DatabaseFormat, DatabaseOptions, FolderNames, IndexVersion, MetaFile, PartitionDirectories,
        Release, VirtualDomains,
    },
    types::Partition,
};

/// The longest `partition-NAME` that `config_partitiondir` looks up, in bytes.
const LONGEST_KEY: usize = 79;

/// What the store needs to know, from a configuration that it can serve.
///
/// The index version of new mailboxes also tells whose conventions to follow: 17 is what 3.6 writes.
///
/// # Errors
/// What [`support::check`], [`check`] and [`partitions`] find.
pub fn cyrus_options(conf: &ImapdConf) -> Result<CyrusOptions, ConfigError> {
    support::check(conf)?;
    check(conf)?;
    let path = |option: &Text| conf.value(option).map(PathBuf::from);
    let database = |format, option: &Text| DatabaseOptions { format, path: path(option) };
    let (index_version, release) = release(conf)?;
    Ok(CyrusOptions {
        partitions: partition_directories(conf)?,
        default_partition: conf.value(&options::DEFAULTPARTITION).map(|name| partition(conf, &name)).transpose()?,
        metapartition_files: meta_files(conf),
        hash_spool: conf.value(&options::HASHIMAPSPOOL),
        full_dir_hash: conf.value(&options::FULLDIRHASH),
        virtual_domains: virtual_domains(conf),
        default_domain: text(conf, &options::DEFAULTDOMAIN),
        mailbox_legacy_dirs: conf.value(&options::MAILBOX_LEGACY_DIRS),
        lock_directory: path(&options::MBOXNAME_LOCKPATH),
        sieve_directory: path(&options::SIEVEDIR).filter(|_| !conf.value(&options::SIEVEUSEHOMEDIR)),
        mailbox_list: database(DatabaseFormat::Twoskip, &options::MBOXLIST_DB_PATH),
        annotations: database(DatabaseFormat::Twoskip, &options::ANNOTATION_DB_PATH),
        quota: database(DatabaseFormat::QuotaLegacy, &options::QUOTA_DB_PATH),
        subscriptions: match conf.value(&options::SUBSCRIPTION_DB) {
            "twoskip" => DatabaseFormat::Twoskip,
            _ => DatabaseFormat::Flat,
        },
        seen_state: DatabaseFormat::Twoskip,
        undefined_annotations: conf.value(&options::ANNOTATION_ALLOW_UNDEFINED),
        annotation_definitions: path(&options::ANNOTATION_DEFINITIONS)
            .map(|file| annotations::read(&file))
            .unwrap_or_default(),
        extra_special_uses: text(conf, &options::SPECIALUSE_EXTRA)
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect(),
        expunge_mode: match conf.value(&options::EXPUNGE_MODE) {
            "immediate" => ExpungeMode::Immediate,
            "semidelayed" => ExpungeMode::SemiDelayed,
            _ => ExpungeMode::Delayed,
        },
        global_lock: conf.value(&options::GLOBAL_LOCK),
        folders: folders(conf),
        cache: cache_options(release),
        index_version,
        release,
        umask: umask(conf),
        archive: conf.value(&options::ARCHIVE_ENABLED).then(|| ArchiveRule {
            after: conf.value(&options::ARCHIVE_AFTER).into(),
            size: u64::try_from(conf.value(&options::ARCHIVE_MAXSIZE)).unwrap_or(0),
            keeps_flagged: conf.value(&options::ARCHIVE_KEEPFLAGGED),
        }),
        status_cache: conf.value(&options::STATUSCACHE).then(|| status_cache_file(conf)),
        admins: text(conf, &options::ADMINS).split_ascii_whitespace().map(str::to_owned).collect(),
        sync_log: sync_log_channels(conf),
        safety: safety::safety(conf)?,
        ..CyrusOptions::new(conf.config_directory())
    })
}

fn status_cache_file(conf: &ImapdConf) -> PathBuf {
    let given = conf.value(&options::STATUSCACHE_DB_PATH).map(PathBuf::from);
    given.unwrap_or_else(|| Path::new(&conf.config_directory()).join("statuscache.db"))
}

/// The channels that a replica's server logs to: all of them in a chain, else those that cannot be suppressed
/// (`sync_log_enabled` of imap/sync_log.c).
fn sync_log_channels(conf: &ImapdConf) -> Vec<String> {
    if !conf.value(&options::SYNC_LOG) {
        return Vec::new();
    }
    let named = |option: &Text| conf.value(option).unwrap_or_default();
    let words = |text: &str| -> Vec<String> {
        // The default channel is written as `""`.
        text.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace("\"\"", "")).collect()
    };
    let kept = words(&named(&options::SYNC_LOG_UNSUPPRESSABLE_CHANNELS));
    let is_chain = conf.value(&options::SYNC_LOG_CHAIN);
    let all = words(&conf.value(&options::SYNC_LOG_CHANNELS).unwrap_or_else(|| "\"\"".to_owned()));
    all.into_iter().filter(|channel| is_chain || kept.contains(channel)).collect()
}

/// The index version of new mailboxes, and whose conventions go with it. 3.10 and 3.12 write the same version, and name the
/// locks of users differently.
fn release(conf: &ImapdConf) -> Result<(IndexVersion, Release), ConfigError> {
    let is_given = conf.is_given(&options::SYNC_SERVER_INDEX_VERSION);
    match conf.value(&options::SYNC_SERVER_INDEX_VERSION) {
        "17" => return Ok((IndexVersion::V17, Release::V3_6)),
        "20" => return Ok((IndexVersion::V20, Release::V3_13)),
        _ => {}
    }
    let locks = conf.value(&options::MBOXNAME_LOCKPATH).map(PathBuf::from);
    match lock_names::look(&locks.unwrap_or_else(|| Path::new(&conf.config_directory()).join("lock"))) {
        LockNames::Before312(evidence) if !is_given => {
            Err(ConfigError::OlderSpool { file: conf.path.to_string(), evidence })
        }
        LockNames::Before312(_) => Ok((IndexVersion::V19, Release::V3_10)),
        LockNames::Unknown | LockNames::From312 => Ok((IndexVersion::V19, Release::V3_12)),
    }
}

/// What of the configuration changes a cache record: `support` refuses all but the defaults of the other options.
fn cache_options(release: Release) -> CacheOptions {
    let release = if release < Release::V3_10 { CacheRelease::V3_6 } else { CacheRelease::V3_12 };
    CacheOptions { utc_offset, ..CacheOptions::new(release) }
}

/// Seconds east of UTC, in the time zone of the process, at a time.
fn utc_offset(seconds: i64) -> i64 {
    let timestamp = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    jiff::tz::TimeZone::system().to_offset(timestamp).seconds().into()
}

/// `umask`: what is not an octal digit is skipped, as in `cyrus_init`.
pub fn umask(conf: &ImapdConf) -> u32 {
    let text = text(conf, &options::UMASK);
    let digits = text.bytes().filter(|byte| (b'0'..=b'7').contains(byte));
    digits.fold(0, |mask, digit| ((mask << 3) | u32::from(digit - b'0')) & 0o777)
}

/// The directories of `partition-NAME`, by name.
///
/// # Errors
/// `defaultpartition` names one that is not there, or there is none at all.
pub fn partitions(conf: &ImapdConf) -> Result<BTreeMap<String, PathBuf>, ConfigError> {
    let partitions = named(conf, "partition-");
    match conf.value(&options::DEFAULTPARTITION) {
        Some(default) if !partitions.contains_key(&default) => Err(missing(conf, &default)),
        None if partitions.is_empty() => Err(missing(conf, "NAME")),
        _ => Ok(partitions),
    }
}

/// The directories of `metapartition-NAME`, by name.
pub fn metapartitions(conf: &ImapdConf) -> BTreeMap<String, PathBuf> {
    named(conf, "metapartition-")
}

/// Checks that the configuration directory and all partitions are directories that can be read.
///
/// # Errors
/// The first that is not; and those of [`partitions`].
pub fn check(conf: &ImapdConf) -> Result<(), ConfigError> {
    directory(conf, options::CONFIGDIRECTORY.name, Path::new(&conf.config_directory()))?;
    for (name, path) in &partitions(conf)? {
        directory(conf, &format!("partition-{name}"), path)?;
    }
    for (name, path) in &metapartitions(conf) {
        directory(conf, &format!("metapartition-{name}"), path)?;
    }
    Ok(())
}

/// The value of an option, or nothing.
fn text(conf: &ImapdConf, option: &Text) -> String {
    conf.value(option).unwrap_or_default()
}

/// The options of `metadir-FILE-NAME`, which `mboxname_metapath` looks up before the meta partition.
const SINGLE: &[(&str, MetaFile)] = &[
    ("header", MetaFile::Header),
    ("index", MetaFile::Index),
    ("cache", MetaFile::Cache),
    ("squat", MetaFile::Squat),
    ("dav", MetaFile::Dav),
    ("archivecache", MetaFile::ArchiveCache),
];

fn partition_directories(conf: &ImapdConf) -> Result<BTreeMap<Partition, PartitionDirectories>, ConfigError> {
    let mut metapartitions = metapartitions(conf);
    let mut directories = BTreeMap::new();
    for (name, data) in partitions(conf)? {
        let single = |(word, file): &(&str, MetaFile)| {
            conf.overflow(&format!("metadir-{word}-{name}")).map(|path| (*file, PathBuf::from(path)))
        };
        let single = SINGLE.iter().filter_map(single).collect();
        let meta = metapartitions.remove(&name);
        let archive = conf.overflow(&format!("archivepartition-{name}")).map(PathBuf::from);
        let archive = archive.filter(|_| conf.value(&options::ARCHIVE_ENABLED));
        directories.insert(partition(conf, &name)?, PartitionDirectories { data, meta, archive, single });
    }
    Ok(directories)
}

fn partition(conf: &ImapdConf, name: &str) -> Result<Partition, ConfigError> {
    Partition::parse(name.as_bytes()).map_err(|_| ConfigError::BadValue {
        place: conf.place(&format!("partition-{name}")),
        option: "partition-NAME".into(),
        value: name.to_owned(),
        expected: format!("a name of at most {} letters and digits", Partition::MAX_LENGTH),
    })
}

/// `lock`, which they may have too, names no file (`mboxname_metapath`).
fn meta_files(conf: &ImapdConf) -> BTreeSet<MetaFile> {
    let words = conf.value(&options::METAPARTITION_FILES);
    let file = |word: &str| match word {
        "header" => Some(MetaFile::Header),
        "index" => Some(MetaFile::Index),
        "cache" => Some(MetaFile::Cache),
        "expunge" => Some(MetaFile::Expunge),
        "squat" => Some(MetaFile::Squat),
        "annotations" => Some(MetaFile::Annotations),
        "dav" => Some(MetaFile::Dav),
        "archivecache" => Some(MetaFile::ArchiveCache),
        _ => None,
    };
    words.into_iter().filter_map(file).collect()
}

fn virtual_domains(conf: &ImapdConf) -> VirtualDomains {
    match conf.value(&options::VIRTDOMAINS) {
        "userid" => VirtualDomains::UserId,
        "on" => VirtualDomains::On,
        _ => VirtualDomains::Off,
    }
}

fn folders(conf: &ImapdConf) -> FolderNames {
    FolderNames {
        calendars: text(conf, &options::CALENDARPREFIX),
        addressbooks: text(conf, &options::ADDRESSBOOKPREFIX),
        notes: conf.value(&options::NOTESMAILBOX),
        dav_notifications: text(conf, &options::DAVNOTIFICATIONSPREFIX),
        jmap_submissions: text(conf, &options::JMAPSUBMISSIONFOLDER),
        jmap_notifications: text(conf, &options::JMAPNOTIFICATIONFOLDER),
        sieve: text(conf, &options::SIEVE_FOLDER),
    }
}

fn named(conf: &ImapdConf, prefix: &str) -> BTreeMap<String, PathBuf> {
    let names = conf.overflow_names(prefix).into_iter().filter(|name| prefix.len() + name.len() <= LONGEST_KEY);
    let found = names.filter_map(|name| Some((name.to_owned(), conf.overflow(&format!("{prefix}{name}"))?.into())));
    found.collect()
}

fn directory(conf: &ImapdConf, option: &str, path: &Path) -> Result<(), ConfigError> {
    if !path.is_absolute() {
        return Err(ConfigError::BadValue {
            place: conf.place(option),
            option: option.to_owned(),
            value: path.display().to_string(),
            expected: "a path that begins with /".into(),
        });
    }
    let usable = fs::read_dir(path);
    usable.map(drop).map_err(|error| ConfigError::Directory {
        place: conf.place(option),
        option: option.to_owned(),
        directory: path.to_owned(),
        error,
    })
}

fn missing(conf: &ImapdConf, name: &str) -> ConfigError {
    ConfigError::Missing { file: conf.path.to_string(), option: format!("partition-{name}") }
}
