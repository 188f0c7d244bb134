//! Where each file lies.
//!
//! Paths are built from validated names and configured roots only; none of those names can hold a separator or a part of
//! dots, so a path always lies beneath its root. A mailbox's files lie under its unique id, or, with
//! `mailbox_legacy_dirs`, under its name:
//!
//! ```text
//! PARTITION/uuid/6/8/68sfdjgka240cw09oe3s9s4f/cyrus.index
//! PARTITION[/domain[/H]/DOMAIN][/H]/user/jane^doe/Sub folder/cyrus.index
//! ```
//!
//! `H` is the hash letter of [`hash_letter`]. Sources: `mboxname_hash`, `mboxname_id_hash`, `mboxname_datapath`,
//! `mboxname_metapath`, `mboxname_lockpath`, `mboxname_conf_getpath` (imap/mboxname.c), `hash_quota`
//! (lib/cyrusdb_quotalegacy.c), `dlist_reserve_path` (imap/dlist.c); the same in 3.6.1 and 3.12.3.

use super::options::{CyrusOptions, MetaFile, PartitionDirectories, VirtualDomains};
use crate::types::{InternalFlags, MailboxName, Partition, Uid, UniqueId, UserId};
use std::path::{Path, PathBuf};

/// What decides where a mailbox's files lie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxPlace {
    /// Its partition.
    pub partition: Partition,
    /// By unique id, or by name.
    pub directory: MailboxDirectory,
}

/// What a mailbox's directory is named after.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailboxDirectory {
    /// Its unique id.
    ById(UniqueId),
    /// Its name (`mailbox_legacy_dirs`).
    ByName(MailboxName),
}

/// What a user's own files are named after: it depends on the list entry of the user's INBOX.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UserPlace {
    /// The unique id of the INBOX.
    ById(UniqueId),
    /// The user's name: where there is no INBOX, or one with its files by name.
    ByName(UserId),
    /// No user: the files of shared mailboxes, of a domain if the mailbox is in one.
    Shared(Option<String>),
}

impl UserPlace {
    /// The place of the files of mailboxes without a user.
    pub fn shared(options: &CyrusOptions, mailbox: &MailboxName) -> UserPlace {
        UserPlace::Shared(options.domain_of(mailbox.domain()).map(str::to_owned))
    }
}

/// A partition that is not in `imapd.conf`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("partition {partition} is not configured")]
pub struct UnknownPartition {
    /// Its name.
    pub partition: Partition,
}

impl CyrusOptions {
    /// A mailbox's data directory.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn mailbox_data_dir(&self, place: &MailboxPlace) -> Result<PathBuf, UnknownPartition> {
        Ok(self.mailbox_dir(&self.partition(&place.partition)?.data, &place.directory))
    }

    /// The file of a message: `UID.` in the data directory.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn message_file(&self, place: &MailboxPlace, uid: Uid) -> Result<PathBuf, UnknownPartition> {
        Ok(self.mailbox_data_dir(place)?.join(format!("{uid}.")))
    }

    /// The directory of a mailbox's archived messages; the data directory where the partition has no archive.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn mailbox_archive_dir(&self, place: &MailboxPlace) -> Result<PathBuf, UnknownPartition> {
        let partition = self.partition(&place.partition)?;
        Ok(self.mailbox_dir(partition.archive.as_ref().unwrap_or(&partition.data), &place.directory))
    }

    /// The file of a message that was archived.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn archived_message_file(&self, place: &MailboxPlace, uid: Uid) -> Result<PathBuf, UnknownPartition> {
        Ok(self.mailbox_archive_dir(place)?.join(format!("{uid}.")))
    }

    /// The file of a message whose record has these flags.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn recorded_message_file(
        &self,
        place: &MailboxPlace,
        uid: Uid,
        flags: InternalFlags,
    ) -> Result<PathBuf, UnknownPartition> {
        match flags.has(InternalFlags::ARCHIVED) {
            true => self.archived_message_file(place, uid),
            false => self.message_file(place, uid),
        }
    }

    /// The directories that messages of a mailbox can lie in: the data directory, and that of the archive if it is another.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn message_dirs(&self, place: &MailboxPlace) -> Result<Vec<PathBuf>, UnknownPartition> {
        let mut dirs = vec![self.mailbox_data_dir(place)?, self.mailbox_archive_dir(place)?];
        dirs.dedup();
        Ok(dirs)
    }

    /// The files that a message can have, in these directories.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn message_files(&self, place: &MailboxPlace, uid: Uid) -> Result<Vec<PathBuf>, UnknownPartition> {
        let mut files = self.message_dirs(place)?;
        files.iter_mut().for_each(|path| path.push(format!("{uid}.")));
        Ok(files)
    }

    /// One of a mailbox's other files.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn meta_file(&self, place: &MailboxPlace, file: MetaFile) -> Result<PathBuf, UnknownPartition> {
        let root = self.meta_root(self.partition(&place.partition)?, file);
        Ok(self.mailbox_dir(root, &place.directory).join(file.name()))
    }

    /// All directories that hold files of a mailbox: data, meta, archive and those of single files, each once.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn mailbox_dirs(&self, place: &MailboxPlace) -> Result<Vec<PathBuf>, UnknownPartition> {
        Ok(self.each_once(place, self.partition(&place.partition)?.roots()))
    }

    /// Those of them that a mailbox has before a message is archived.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn new_mailbox_dirs(&self, place: &MailboxPlace) -> Result<Vec<PathBuf>, UnknownPartition> {
        Ok(self.each_once(place, self.partition(&place.partition)?.own_roots()))
    }

    fn each_once<'a>(&self, place: &MailboxPlace, roots: impl Iterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = roots.map(|root| self.mailbox_dir(root, &place.directory)).collect();
        dirs.sort();
        dirs.dedup();
        dirs
    }

    /// Whether this is a directory that a partition was given, or above all partitions.
    pub(super) fn is_partition_root(&self, partition: &Partition, path: &Path) -> bool {
        let directories = self.partitions.get(partition);
        path.parent().is_none() || directories.is_none_or(|found| found.roots().any(|root| root == path))
    }

    /// The directory that a partition's messages lie beneath.
    pub(super) fn partition_root(&self, partition: &Partition) -> Result<&Path, UnknownPartition> {
        Ok(&self.partition(partition)?.data)
    }

    /// The directory of this process's uploads on a partition.
    ///
    /// # Errors
    /// [`UnknownPartition`]
    pub fn staging_dir(&self, partition: &Partition, process: u32) -> Result<PathBuf, UnknownPartition> {
        Ok(self.partition_root(partition)?.join("sync.").join(process.to_string()))
    }

    /// One of a user's own files: `seen`, `sub`, `counters`, `conversations`, `dav`, …
    pub fn user_file(&self, place: &UserPlace, suffix: &str) -> PathBuf {
        match place {
            UserPlace::ById(id) => id_dir(&self.config_directory.join("user"), id).join(format!("{suffix}.db")),
            UserPlace::ByName(user) => {
                let (local, domain) = self.split_user(user);
                let hash = hash_letter(local, self.full_dir_hash).to_string();
                self.config_domain_dir(domain).join("user").join(hash).join(format!("{local}.{suffix}"))
            }
            UserPlace::Shared(domain) => self.config_domain_dir(domain.as_deref()).join(format!("shared.{suffix}")),
        }
    }

    /// The directory of a user's own files, where it is the user's alone.
    pub fn user_dir(&self, place: &UserPlace) -> Option<PathBuf> {
        match place {
            UserPlace::ById(id) => Some(id_dir(&self.config_directory.join("user"), id)),
            UserPlace::ByName(_) | UserPlace::Shared(_) => None,
        }
    }

    /// The directory of a user's Sieve scripts, which is the user's alone (`user_sieve_path`); `None` where there is no
    /// `sievedir`, and for shared mailboxes.
    pub fn sieve_dir(&self, place: &UserPlace) -> Option<PathBuf> {
        let root = self.sieve_directory.as_ref()?;
        match place {
            UserPlace::ById(id) => Some(id_dir(root, id)),
            UserPlace::ByName(user) => {
                let (local, domain) = self.split_user(user);
                let hash = hash_letter(local, self.full_dir_hash).to_string();
                let of_domain = domain.map(|domain| {
                    root.join("domain").join(hash_letter(domain, self.full_dir_hash).to_string()).join(domain)
                });
                Some(of_domain.unwrap_or_else(|| root.clone()).join(hash).join(local))
            }
            UserPlace::Shared(_) => None,
        }
    }

    /// The file of a quota root where `quota_db` is `quotalegacy`.
    pub fn quota_file(&self, root: &super::quota::QuotaRoot) -> PathBuf {
        let base = self.quota_base();
        let (domain, local) = match (self.virtual_domains, root.as_str().split_once('!')) {
            (VirtualDomains::UserId | VirtualDomains::On, Some((domain, local))) => (Some(domain), local),
            _ => (None, root.as_str()),
        };
        let dir = domain.map_or(base.clone(), |domain| {
            base.join("domain").join(hash_letter(domain, self.full_dir_hash).to_string()).join(domain)
        });
        if local.is_empty() {
            return dir.join("quota").join("root");
        }
        let hashed = local.split_once('.').map_or(local, |(_, rest)| rest);
        dir.join("quota").join(hash_letter(hashed, self.full_dir_hash).to_string()).join(local)
    }

    /// `mailboxes.db`
    pub fn mailbox_list_file(&self) -> PathBuf {
        self.mailbox_list.path.clone().unwrap_or_else(|| self.config_directory.join("mailboxes.db"))
    }

    /// The sync log of a channel; the default one is empty.
    pub fn sync_log_file(&self, channel: &str) -> PathBuf {
        self.config_directory.join("sync").join(channel).join("log")
    }

    /// `annotations.db`, of server and mailbox annotations.
    pub fn annotations_file(&self) -> PathBuf {
        self.annotations.path.clone().unwrap_or_else(|| self.config_directory.join("annotations.db"))
    }

    /// The file of a lock by name; `name` is made from validated names (see [`super::lock`]) and read as a mailbox's.
    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        let root = self.lock_directory.clone().unwrap_or_else(|| self.config_directory.join("lock"));
        let mut file = self.name_dir(&root, name).into_os_string();
        file.push(".lock");
        file.into()
    }

    /// The domain that counts: the default one is as good as none.
    pub(super) fn domain_of<'a>(&self, domain: Option<&'a str>) -> Option<&'a str> {
        domain.filter(|domain| *domain != self.default_domain)
    }

    /// A user's name without and with its domain, unless that is the default one (`mbname_from_userid`).
    pub(super) fn split_user<'a>(&self, user: &'a UserId) -> (&'a str, Option<&'a str>) {
        match user.as_str().rsplit_once('@') {
            Some((local, domain)) => (local, self.domain_of(Some(domain))),
            None => (user.as_str(), None),
        }
    }

    fn partition(&self, partition: &Partition) -> Result<&PartitionDirectories, UnknownPartition> {
        self.partitions.get(partition).ok_or_else(|| UnknownPartition { partition: partition.clone() })
    }

    fn meta_root<'a>(&self, partition: &'a PartitionDirectories, file: MetaFile) -> &'a Path {
        // `cyrus.annotations` is moved by `metadir-index-NAME`: there is no key of its own.
        let key = if file == MetaFile::Annotations { MetaFile::Index } else { file };
        let meta = partition.meta.as_ref().filter(|_| self.metapartition_files.contains(&file));
        let archive = partition.archive.as_ref().filter(|_| file == MetaFile::ArchiveCache);
        partition.single.get(&key).or(meta).or(archive).unwrap_or(&partition.data)
    }

    fn mailbox_dir(&self, root: &Path, directory: &MailboxDirectory) -> PathBuf {
        match directory {
            MailboxDirectory::ById(id) => id_dir(root, id),
            MailboxDirectory::ByName(name) => self.name_dir(root, name.as_str()),
        }
    }

    /// `mboxname_hash`. The hash letter is taken of the second part, or of the only one, with `^` read as a dot.
    fn name_dir(&self, root: &Path, name: &str) -> PathBuf {
        let (domain, local) = name.split_once('!').map_or((None, name), |(domain, local)| (Some(domain), local));
        let mut dir = root.to_owned();
        if let Some(domain) = self.domain_of(domain) {
            dir.push("domain");
            if self.hash_spool {
                dir.push(hash_letter(domain, self.full_dir_hash).to_string());
            }
            dir.push(domain);
        }
        let parts: Vec<&str> = local.split('.').collect();
        if let Some(hashed) = parts.get(1).or(parts.first()).filter(|_| self.hash_spool) {
            dir.push(hash_letter(&hashed.replace('^', "."), self.full_dir_hash).to_string());
        }
        dir.extend(parts);
        dir
    }

    fn config_domain_dir(&self, domain: Option<&str>) -> PathBuf {
        domain.map_or_else(
            || self.config_directory.clone(),
            |domain| {
                let hash = hash_letter(domain, self.full_dir_hash).to_string();
                self.config_directory.join("domain").join(hash).join(domain)
            },
        )
    }

    fn quota_base(&self) -> PathBuf {
        let path = self.quota.path.as_ref().and_then(|path| path.parent());
        path.map_or_else(|| self.config_directory.clone(), Path::to_owned)
    }
}

impl MetaFile {
    /// The file's name.
    pub fn name(self) -> &'static str {
        match self {
            MetaFile::Header => "cyrus.header",
            MetaFile::Index => "cyrus.index",
            MetaFile::Cache | MetaFile::ArchiveCache => "cyrus.cache",
            MetaFile::Expunge => "cyrus.expunge",
            MetaFile::Squat => "cyrus.squat",
            MetaFile::Annotations => "cyrus.annotations",
            MetaFile::Dav => "cyrus.dav",
        }
    }
}

/// The letter a name hashes to (`dir_hash_c`): its first, or with `fulldirhash` one of A to W computed from the name up
/// to its first dot.
pub fn hash_letter(name: &str, full: bool) -> char {
    if full {
        let sum =
            name.bytes().take_while(|byte| *byte != b'.').fold(0_u32, |n, byte| n << 3 ^ n >> 5 ^ u32::from(byte));
        return char::from(b'A' + (sum % 23) as u8);
    }
    name.chars().next().map(|first| first.to_ascii_lowercase()).filter(char::is_ascii_lowercase).unwrap_or('q')
}

fn id_dir(root: &Path, id: &UniqueId) -> PathBuf {
    let mut letters = id.as_str().chars();
    let mut dir = root.join("uuid");
    // A unique id has at least two characters.
    dir.extend(letters.by_ref().take(2).map(|letter| letter.to_string()));
    dir.join(id.as_str())
}

#[cfg(test)]
mod tests;
