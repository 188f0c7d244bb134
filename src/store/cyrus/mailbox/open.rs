//! Opening a mailbox: the locks, the list entry, the two headers.

use super::super::{
    annotations::{self, Target, Whose},
    disk::{Lock, Mode, lock_named},
    error::StoreError,
    header::{self, MailboxHeader},
    index::{IndexFile, IndexHeader},
    journal,
    lock::{LockName, NameLock},
    mboxlist::{self, MailboxEntry},
    options::MetaFile,
    paths::MailboxPlace,
    spool::{Spool, open_or_create},
    twoskip::{Create, Twoskip},
};
use crate::{
    event::Severity,
    ops::{Annotation, Intent, MailboxState, SyncedHeader},
    types::{FlagName, MailboxName, MailboxOptions, ModSeq, Release, UserId},
};
use bytes::Bytes;
use std::{io::ErrorKind, sync::Arc};

/// A mailbox and the locks on it.
#[derive(Debug)]
pub(in super::super) struct OpenMailbox {
    pub(in super::super) entry: MailboxEntry,
    pub(in super::super) place: MailboxPlace,
    pub(in super::super) header: MailboxHeader,
    /// What `cyrus.header` holds.
    pub(super) header_file: Vec<u8>,
    pub(in super::super) index: IndexFile,
    /// The groups that the owner is in.
    groups: Vec<Vec<u8>>,
    /// `cyrus.annotations`, once it was needed.
    message_annotations: Option<Twoskip>,
    // Dropped in this order: the mailbox's lock before its owner's.
    pub(super) lock: NameLock,
    pub(super) owner_lock: Arc<NameLock>,
}

/// What an `OpenMailbox` operation left open.
#[derive(Debug)]
pub(in super::super) enum Opened {
    /// No mailbox has this name; its owner's lock is held, so that it can be made.
    Missing { name: MailboxName, owner_lock: Arc<NameLock> },
    /// The mailbox.
    Mailbox(Box<OpenMailbox>),
}

fn lock_for(intent: Intent) -> Lock {
    match intent {
        Intent::Read => Lock::Shared,
        Intent::Write => Lock::Exclusive,
    }
}

/// Opens a mailbox by name.
pub(in super::super) fn open(spool: &mut Spool, name: &MailboxName, intent: Intent) -> Result<Opened, StoreError> {
    let owner_lock = spool.lock_owner(name, lock_for(intent))?;
    let entry = match intent {
        Intent::Read => spool.entry(name)?,
        Intent::Write => settled_entry(spool, name, &owner_lock)?,
    };
    let Some(entry) = entry.filter(|entry| !entry.mailbox_type.is_entry_only()) else {
        return Ok(Opened::Missing { name: name.clone(), owner_lock });
    };
    let Some(place) = entry.place() else { return Ok(Opened::Missing { name: name.clone(), owner_lock }) };
    let lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Shared)?;
    let mut mailbox = open_files(spool, entry, place, lock, owner_lock, lock_for(intent))?;
    mailbox.groups = groups(spool, name)?;
    Ok(Opened::Mailbox(Box::new(mailbox)))
}

/// The entry of a name whose owner is locked exclusively. A change that a process left unfinished is finished first.
pub(super) fn settled_entry(
    spool: &mut Spool,
    name: &MailboxName,
    owner_lock: &NameLock,
) -> Result<Option<MailboxEntry>, StoreError> {
    let entry = spool.entry(name)?;
    match entry.as_ref().and_then(|entry| entry.uniqueid.as_ref()) {
        Some(id) if journal::settle(spool, id, owner_lock)? => spool.entry(name),
        _ => Ok(entry),
    }
}

pub(super) fn groups(spool: &mut Spool, name: &MailboxName) -> Result<Vec<Vec<u8>>, StoreError> {
    match name.owner().filter(|_| spool.options.release >= Release::V3_12) {
        Some(owner) => spool.read_list(|list, _| Ok(mboxlist::groups_of(list, &owner)?)),
        None => Ok(Vec::new()),
    }
}

/// Opens the files of a mailbox whose locks by name are held.
pub(in super::super) fn open_files(
    spool: &Spool,
    entry: MailboxEntry,
    place: MailboxPlace,
    lock: NameLock,
    owner_lock: Arc<NameLock>,
    index_lock: Lock,
) -> Result<OpenMailbox, StoreError> {
    let (index, header, header_file) = read_headers(spool, &entry, &place, index_lock)?;
    let (groups, message_annotations) = (Vec::new(), None);
    Ok(OpenMailbox { entry, place, header, header_file, index, groups, message_annotations, lock, owner_lock })
}

/// Opens and locks the index of a mailbox and reads `cyrus.header`, whose bytes come last.
pub(super) fn read_headers(
    spool: &Spool,
    entry: &MailboxEntry,
    place: &MailboxPlace,
    lock: Lock,
) -> Result<(IndexFile, MailboxHeader, Vec<u8>), StoreError> {
    let index = open_index(spool, place, lock)?;
    let path = spool.options.meta_file(place, MetaFile::Header)?;
    let bytes = spool.read_file(&path)?.ok_or_else(|| StoreError::io(&path)(ErrorKind::NotFound.into()))?;
    let stored = index.header().header_file_crc;
    if stored != 0 && stored != header::checksum(&bytes) {
        // The reference logs this and goes on: the file is whole, or it could not be decoded.
        spool.tell(Severity::Error, "IOERROR: header CRC doesn't match", &[("mailbox", &entry.name)]);
    }
    Ok((index, header::decode(&bytes)?, bytes))
}

/// Opens and locks the index of a mailbox.
pub(in super::super) fn open_index(spool: &Spool, place: &MailboxPlace, lock: Lock) -> Result<IndexFile, StoreError> {
    let path = spool.options.meta_file(place, MetaFile::Index)?;
    let mut file = spool.disk.open(&path, Mode::Write).map_err(StoreError::io(&path))?;
    let locked = lock_named(spool.disk.as_ref(), &path, &mut file, lock, spool.deadline());
    let size = locked.map_err(StoreError::io(&path))?.size;
    Ok(IndexFile::open_sized(file, size)?)
}

impl OpenMailbox {
    /// The mailbox's own annotations as a target.
    pub(super) fn annotation_target(&self) -> Option<Target> {
        Some(Target::Mailbox(self.entry.uniqueid.clone()?, self.entry.name.clone()))
    }

    /// Whether these are the groups that the owner was in when this was opened.
    pub(super) fn has_groups(&self, groups: &[Bytes]) -> bool {
        let known = |group: &Bytes| self.groups.iter().any(|known| known[..] == group[..]);
        self.groups.len() == groups.len() && groups.iter().all(known)
    }

    /// `cyrus.annotations`; made if need be.
    pub(super) fn message_annotations(&mut self, spool: &Spool) -> Result<&mut Twoskip, StoreError> {
        let path = spool.options.meta_file(&self.place, MetaFile::Annotations)?;
        match &mut self.message_annotations {
            Some(db) => Ok(db),
            closed => Ok(closed.insert(open_or_create(&spool.disk, &path)?)),
        }
    }
}

/// What is known of a mailbox without its records.
pub(in super::super) fn state_of(spool: &Spool, mailbox: &OpenMailbox) -> Result<MailboxState, StoreError> {
    let OpenMailbox { entry, place, header, groups, .. } = mailbox;
    let mut state = describe(entry, place, header, mailbox.index.header(), groups)?;
    if let Some(target) = mailbox.annotation_target() {
        state.annotations = read_annotations(spool, &target)?;
    }
    Ok(state)
}

/// What the list entry and the two headers say of a mailbox.
pub(super) fn describe(
    entry: &MailboxEntry,
    place: &MailboxPlace,
    header: &MailboxHeader,
    index: &IndexHeader,
    groups: &[Vec<u8>],
) -> Result<MailboxState, StoreError> {
    let damaged = |problem| StoreError::Damaged { path: "mailboxes.db".into(), problem };
    Ok(MailboxState {
        name: entry.name.clone(),
        uniqueid: entry.uniqueid.clone().ok_or_else(|| damaged("a mailbox has no unique id"))?,
        mailbox_type: entry.mailbox_type,
        partition: place.partition.clone(),
        quota_root: header.quotaroot.as_deref().and_then(|root| MailboxName::parse(root).ok()),
        header: SyncedHeader {
            acl: Bytes::from(entry.acl.clone().unwrap_or_default()),
            options: MailboxOptions(index.options.0 & MailboxOptions::SYNCED).of_mailbox_with(index.exists != 0),
            uidvalidity: index.uidvalidity,
            last_uid: index.last_uid,
            highest_modseq: index.highestmodseq,
            created_modseq: index.createdmodseq,
            folder_modseq: entry.folder_modseq,
            recent_uid: index.recentuid,
            recent_time: index.recenttime.seconds,
            last_append_date: index.last_appenddate.seconds,
            pop3_last_login: index.pop3_last_login.seconds,
            pop3_show_after: index.pop3_show_after.seconds,
        },
        crcs: index.sync_crcs,
        user_flags: header.user_flags.iter().map(|name| FlagName::parse(name.as_deref()?).ok()).collect(),
        annotations: Vec::new(),
        index_version: index.minor_version,
        user_groups: groups.iter().map(|group| Bytes::copy_from_slice(group)).collect(),
        racl_modseq: ModSeq::default(),
    })
}

/// The annotations of a mailbox or of the server.
pub(in super::super) fn read_annotations(spool: &Spool, target: &Target) -> Result<Vec<Annotation>, StoreError> {
    let path = spool.options.annotations_file();
    let Some(mut db) = Twoskip::open(&spool.disk, &path, Create::No)? else { return Ok(Vec::new()) };
    let found = annotations::list(&mut db.read(spool.deadline())?, target)?;
    Ok(to_wire(found))
}

/// Annotations as the session knows them, without tombstones, in its order.
pub(super) fn to_wire(found: Vec<annotations::Annotation>) -> Vec<Annotation> {
    let mut list: Vec<Annotation> = found
        .into_iter()
        .filter(|annotation| !annotation.value.bytes.is_empty())
        .map(|annotation| Annotation {
            entry: annotation.entry.into(),
            user: match annotation.whose {
                Whose::Shared => Bytes::new(),
                Whose::User(user) => Bytes::copy_from_slice(user.as_bytes()),
            },
            value: annotation.value.bytes.into(),
            modseq: annotation.value.modseq,
        })
        .collect();
    list.sort();
    list
}

/// Whose an annotation of the session's is.
pub(in super::super) fn whose(user: &[u8]) -> Result<Whose, StoreError> {
    if user.is_empty() {
        return Ok(Whose::Shared);
    }
    UserId::parse(user).map(Whose::User).map_err(|_| crate::ops::Refusal::InvalidUser.into())
}
