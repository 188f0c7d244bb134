//! A mailbox's change, made: what nothing refers to yet is written and made durable first, then all that refers to it changes
//! as one.
//!
//! First come messages, their cache records, and new index records behind those that the index counts: a power cut leaves
//! files and bytes that nobody looks at, and the next change writes over them. The rest is a [`Transaction`]: annotations,
//! records that take the place of others, the header of the index, `cyrus.header`, the use of the quota root, and the list
//! entry. For nothing but new messages that is one sector of the index.
//!
//! A new mailbox is written whole, and is nobody's before its list entry.
//!
//! Source: `mailbox_commit` and its callers in `imap/mailbox.c`, `sync_apply_mailbox` of `imap/sync_support.c`.

use super::{
    super::{
        annotations::{self, Target, Written},
        counters::{self, CountersFile},
        disk::{Durability, remove_if_there},
        durable::Unsynced,
        error::StoreError,
        header,
        index::{IndexHeader, Time, counts},
        journal::{Prepared, Transaction},
        mboxlist::{self, ListError, MailboxEntry},
        options::{CyrusOptions, MetaFile},
        sieve,
        spool::{Spool, now},
        staging::Staging,
        table::WriteTable,
        usage,
    },
    delete::remove_files,
    open::{OpenMailbox, whose},
    records::{Written as Records, write_records},
};
use crate::{
    event::Severity,
    ops::{AnnotatedRecord, Annotation, MailboxChange, Refusal, SyncedHeader},
    types::{MailboxKind, MailboxOptions, ModSeq, Release, UserId},
};
use bytes::Bytes;
use std::{fmt::Display, path::Path};

/// Makes the change to a mailbox that is open for writing. `is_new`: it was made for this change, and its list entry comes last.
pub(in super::super) fn commit(
    spool: &mut Spool,
    staging: &Staging,
    mut mailbox: OpenMailbox,
    change: &MailboxChange,
    is_new: bool,
) -> Result<(), StoreError> {
    let disk = spool.disk.clone();
    let transaction = Transaction::new(disk.as_ref(), vec![mailbox.entry.name.clone()], mailbox.place.clone());
    let last_uid = mailbox.index.header().last_uid;
    let prepared = match prepare(spool, staging, &mut mailbox, change, is_new, transaction) {
        Ok(prepared) => prepared,
        Err(error) => {
            clean_up(spool, &mailbox, change, is_new, last_uid);
            return Err(error);
        }
    };
    let made = prepared.carry_out(spool, Some(&mut mailbox.index))?;
    if let Some(update) = &change.header {
        raise_counters(spool, &mailbox.entry, update)?;
    }
    if is_of_scripts(&mailbox) {
        sieve::refresh(spool, &mut mailbox);
    }
    made.end(spool);
    Ok(())
}

fn is_of_scripts(mailbox: &OpenMailbox) -> bool {
    mailbox.entry.mailbox_type.kind == MailboxKind::Sieve && !mailbox.entry.name.is_deleted()
}

/// Writes what nothing refers to, and says all that is to change then.
fn prepare<'a>(
    spool: &mut Spool,
    staging: &Staging,
    mailbox: &mut OpenMailbox,
    change: &MailboxChange,
    is_new: bool,
    mut transaction: Transaction<'a>,
) -> Result<Prepared<'a>, StoreError> {
    let mut unsynced = Unsynced::default();
    let before = *mailbox.index.header();
    let mut next = before;
    next.fill_in(Time::from_seconds(now()));
    prepare_header(mailbox, change)?;
    annotate(spool, mailbox, &change.annotations, &mut next, &mut transaction)?;
    let records = write_records(spool, staging, mailbox, change, &mut next, &mut transaction, &mut unsynced)?;
    if let Some(update) = &change.header {
        let counted = next.last_uid;
        set_header(&mut next, update);
        if update.last_uid < counted {
            next.last_uid = update.last_uid.max(highest_uid(mailbox, &records)?);
        }
    }
    next.sync_crcs = change.crcs;
    let header = header::encode(&mailbox.header, header::Form::KeyValue)?;
    next.header_file_crc = header::checksum(&header);
    let used = if is_new { usage::NOTHING } else { usage::usage_of(&before) };
    if is_new {
        write_new(spool, mailbox, &header, next, &mut unsynced)?;
    } else {
        transaction.header(mailbox.header_file.clone(), header);
        transaction.index(before, next, records.updates);
    }
    unsynced.sync(spool.disk.as_ref())?;
    list(spool, mailbox, change, is_new, &mut transaction)?;
    if is_of_scripts(mailbox) {
        transaction.lists_scripts(mailbox.entry.name.clone());
    }
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        let difference = usage::difference(used, usage::usage_of(&next));
        transaction.count(spool, root, difference, &mailbox.entry.name)?;
    }
    transaction.prepare(spool, mailbox.entry.uniqueid.as_ref())
}

/// Nothing refers to the new messages, or to the new mailbox: they go again. What stays is replaced when they come again.
fn clean_up(spool: &Spool, mailbox: &OpenMailbox, change: &MailboxChange, is_new: bool, last_uid: u32) {
    let outcome = match is_new {
        true => remove_files(spool, &mailbox.place),
        false => remove_messages(spool, mailbox, &change.records, last_uid),
    };
    if let Err(error) = outcome {
        let facts: [(&str, &dyn Display); 2] = [("mailbox", &mailbox.entry.name), ("error", &error)];
        spool.tell(Severity::Warning, "unable to remove files of a change that failed", &facts);
    }
}

fn remove_messages(
    spool: &Spool,
    mailbox: &OpenMailbox,
    records: &[AnnotatedRecord],
    last_uid: u32,
) -> Result<(), StoreError> {
    for appended in records.iter().filter(|record| record.record.uid.get() > last_uid) {
        let path = spool.options.message_file(&mailbox.place, appended.record.uid)?;
        remove_if_there(spool.disk.as_ref(), &path).map_err(StoreError::io(&path))?;
    }
    Ok(())
}

/// The files of a mailbox that is not listed yet, and the directories that hold them.
fn write_new(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    header: &[u8],
    next: IndexHeader,
    unsynced: &mut Unsynced,
) -> Result<(), StoreError> {
    if header != mailbox.header_file {
        spool.replace_file(&spool.options.meta_file(&mailbox.place, MetaFile::Header)?, header)?;
    }
    mailbox.index.write_header(next)?;
    unsynced.file(&spool.options.meta_file(&mailbox.place, MetaFile::Index)?);
    for directory in spool.options.mailbox_dirs(&mailbox.place)? {
        let is_in_partition = |path: &&Path| !spool.options.is_partition_root(&mailbox.place.partition, path);
        directory.ancestors().take_while(is_in_partition).for_each(|directory| unsynced.name(directory));
    }
    Ok(())
}

/// Gives new user flags their places, and takes over the ACL.
fn prepare_header(mailbox: &mut OpenMailbox, change: &MailboxChange) -> Result<(), StoreError> {
    for flag in &change.new_user_flags {
        mailbox.header.flag_number_or_new(flag).map_err(|_| Refusal::UserFlagsExhausted)?;
    }
    if let Some(update) = &change.header {
        mailbox.header.acl = Some(update.acl.to_vec());
    }
    Ok(())
}

/// The mailbox's own annotations.
fn annotate(
    spool: &Spool,
    mailbox: &OpenMailbox,
    changes: &[Annotation],
    next: &mut IndexHeader,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let Some(target) = mailbox.annotation_target().filter(|_| !changes.is_empty()) else { return Ok(()) };
    transaction.annotations(spool, |table| {
        for change in changes {
            let before = write_annotation(table, &target, change)?;
            let Some(before) = before else { continue };
            counts::annotate(next, None, &counted(change, &before));
        }
        Ok(())
    })
}

/// Writes one annotation; returns what was there before if that was something else.
pub(super) fn write_annotation(
    table: &mut impl WriteTable,
    target: &Target,
    change: &Annotation,
) -> Result<Option<Vec<u8>>, StoreError> {
    let written =
        annotations::write(table, target, &change.entry, &whose(&change.user)?, &change.value, change.modseq)?;
    Ok(match written {
        Written::Unchanged => None,
        Written::Changed { before } => Some(before),
    })
}

pub(super) fn counted<'a>(change: &'a Annotation, before: &'a [u8]) -> counts::Annotation<'a> {
    counts::Annotation { entry: &change.entry, userid: Some(&change.user), old: before, new: &change.value }
}

fn set_header(next: &mut IndexHeader, update: &SyncedHeader) {
    next.uidvalidity = update.uidvalidity;
    next.last_uid = update.last_uid;
    next.highestmodseq = update.highest_modseq;
    next.createdmodseq = update.created_modseq;
    next.recentuid = update.recent_uid;
    next.recenttime = Time::from_seconds(update.recent_time);
    next.last_appenddate = Time::from_seconds(update.last_append_date);
    next.pop3_last_login = Time::from_seconds(update.pop3_last_login);
    next.pop3_show_after = Time::from_seconds(update.pop3_show_after);
    let own = next.options.0 & !MailboxOptions::SYNCED;
    next.options = MailboxOptions(own | update.options.0 & MailboxOptions::SYNCED);
}

/// The uid of the last record. However the master counts, no uid is given twice: records are found by halving.
fn highest_uid(mailbox: &OpenMailbox, written: &Records) -> Result<u32, StoreError> {
    let number = mailbox.index.header().num_records;
    let stored = if number == 0 { None } else { mailbox.index.record(number)?.uid };
    Ok(written.last_uid.max(stored).map_or(0, |uid| uid.get()))
}

/// The list entry, and the groups that the owner is in.
fn list(
    spool: &mut Spool,
    mailbox: &OpenMailbox,
    change: &MailboxChange,
    is_new: bool,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let groups = new_groups(&spool.options, mailbox, change);
    let update = change.header.as_ref().filter(|update| is_new || is_listed_otherwise(&mailbox.entry, update));
    if groups.is_none() && update.is_none() {
        return Ok(());
    }
    transaction.list(spool, |list, options| {
        if let Some((owner, groups)) = &groups {
            mboxlist::set_groups(list, owner, groups)?;
        }
        match update {
            Some(update) if is_new => mboxlist::update(list, options, &listed(&mailbox.entry, update), now()).map(Ok),
            Some(update) => change_entry(list, options, &mailbox.entry, update),
            None => Ok(Ok(())),
        }
    })?
}

fn is_listed_otherwise(entry: &MailboxEntry, update: &SyncedHeader) -> bool {
    entry.acl.as_deref() != Some(&update.acl[..]) || entry.folder_modseq < update.folder_modseq
}

fn change_entry(
    list: &mut impl WriteTable,
    options: &CyrusOptions,
    entry: &MailboxEntry,
    update: &SyncedHeader,
) -> Result<Result<(), StoreError>, ListError> {
    let changed = mboxlist::set_acl(list, options, &entry.name, &update.acl, update.folder_modseq, now())?;
    Ok(changed.map_err(|_| Refusal::NotSupported.into()))
}

/// The entry of a new mailbox. Masters before 3.2 do not say when it was made: the list then has the state it came in
/// (`mailbox_create`).
fn listed(entry: &MailboxEntry, update: &SyncedHeader) -> MailboxEntry {
    let is_known = update.created_modseq != ModSeq::default();
    MailboxEntry {
        uidvalidity: update.uidvalidity,
        created_modseq: if is_known { update.created_modseq } else { update.highest_modseq },
        folder_modseq: update.folder_modseq,
        acl: Some(update.acl.to_vec()),
        ..entry.clone()
    }
}

/// The groups that the owner is to be in, where that changes. Releases before 3.12 know no groups.
fn new_groups<'a>(
    options: &CyrusOptions,
    mailbox: &OpenMailbox,
    change: &'a MailboxChange,
) -> Option<(UserId, &'a [Bytes])> {
    let owner = mailbox.entry.name.owner().filter(|_| options.release >= Release::V3_12)?;
    let groups = change.user_groups.as_deref()?;
    (!mailbox.has_groups(groups)).then_some((owner, groups))
}

/// Counters exist only with conversations.
fn raise_counters(spool: &mut Spool, entry: &MailboxEntry, update: &SyncedHeader) -> Result<(), StoreError> {
    if !spool.options.conversations {
        return Ok(());
    }
    let place = spool.owner_place(&entry.name)?;
    let path = spool.options.user_file(&place, "counters");
    let mut file = CountersFile::lock(spool.disk.as_ref(), &path, spool.deadline())?;
    for counter in counters::counters_of(&spool.options, &entry.name, entry.mailbox_type, counters::Change::default()) {
        file.counters.raise(counter, update.highest_modseq);
    }
    file.commit(Durability::Now)?;
    Ok(())
}
