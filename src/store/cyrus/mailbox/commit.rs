//! A mailbox's change, made: files first, then the index header, which makes them count.
//!
//! Order, and what a crash leaves: messages and cache records (files and bytes that nothing refers to), annotations and the
//! header file (as the master has them, which the next sync repeats), quota (off by this change until `quota -f`), records,
//! index header, one flush of the index. After it the list entry, which the next sync repeats.
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
        index::{IndexHeader, IndexRecord, Lookup, Time, counts},
        mboxlist::{self, MailboxEntry},
        options::MetaFile,
        sieve,
        spool::{Spool, now, open_or_create},
        staging::Staging,
        usage,
    },
    append::{Appender, to_index},
    open::{OpenMailbox, whose},
};
use crate::{
    ops::{AnnotatedRecord, Annotation, FindRecords, MailboxChange, Refusal, SyncedHeader},
    plan::crc::{self, FlagCrcs},
    types::{MailboxKind, MailboxOptions, Release},
};

/// New records that are written at once: of many, not all are held in memory.
const AHEAD: usize = 4096;

/// Makes the change to a mailbox that is open for writing. `is_new`: it was made for this change, and its list entry comes last.
pub(in super::super) fn commit(
    spool: &mut Spool,
    staging: &Staging,
    mut mailbox: OpenMailbox,
    change: &MailboxChange,
    is_new: bool,
) -> Result<(), StoreError> {
    let mut unsynced = Unsynced::default();
    let before = if is_new { None } else { Some(*mailbox.index.header()) };
    let mut next = *mailbox.index.header();
    next.fill_in(Time::from_seconds(now()));
    if is_new {
        announce_new(spool, &mailbox, &mut unsynced)?;
    }
    prepare_header(&mut mailbox, change)?;
    write_mailbox_annotations(spool, &mailbox, &change.annotations, &mut next)?;
    let records = write_records(spool, staging, &mut mailbox, change, &mut next, &mut unsynced)?;
    if let Some(update) = &change.header {
        let counted = next.last_uid;
        set_header(&mut next, update);
        if update.last_uid < counted {
            next.last_uid = update.last_uid.max(highest_uid(&mailbox, &records)?);
        }
    }
    next.sync_crcs = change.crcs;
    write_header_file(spool, &mailbox, &mut next, &mut unsynced)?;
    unsynced.sync(spool.disk.as_ref())?;
    count_quota(spool, &mailbox, before.as_ref(), &next)?;
    mailbox.index.write_records(&records)?;
    mailbox.index.write_header(next)?;
    let path = spool.options.meta_file(&mailbox.place, MetaFile::Index)?;
    mailbox.index.file().sync().map_err(StoreError::io(&path))?;
    if let Some(update) = &change.header {
        finish(spool, &mailbox, update, is_new)?;
    }
    set_groups(spool, &mailbox, change)?;
    if mailbox.entry.mailbox_type.kind == MailboxKind::Sieve && !mailbox.entry.name.is_deleted() {
        sieve::refresh(spool, &mut mailbox);
    }
    Ok(())
}

/// Releases before 3.12 know no groups.
fn set_groups(spool: &mut Spool, mailbox: &OpenMailbox, change: &MailboxChange) -> Result<(), StoreError> {
    let owner = mailbox.entry.name.owner().filter(|_| spool.options.release >= Release::V3_12);
    let (Some(groups), Some(owner)) = (&change.user_groups, owner) else { return Ok(()) };
    if mailbox.has_groups(groups) {
        return Ok(());
    }
    spool.write_list(|list, _| Ok(mboxlist::set_groups(list, &owner, groups)?))
}

/// A new mailbox's files and the directories that hold them.
fn announce_new(spool: &Spool, mailbox: &OpenMailbox, unsynced: &mut Unsynced) -> Result<(), StoreError> {
    unsynced.file(&spool.options.meta_file(&mailbox.place, MetaFile::Index)?);
    for directory in spool.options.mailbox_dirs(&mailbox.place)? {
        directory.ancestors().take(3).for_each(|directory| unsynced.name(directory));
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

fn write_mailbox_annotations(
    spool: &Spool,
    mailbox: &OpenMailbox,
    changes: &[Annotation],
    next: &mut IndexHeader,
) -> Result<(), StoreError> {
    let Some(target) = mailbox.annotation_target().filter(|_| !changes.is_empty()) else { return Ok(()) };
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    for change in changes {
        let before = write_annotation(&mut writer, &target, change)?;
        let Some(before) = before else { continue };
        counts::annotate(next, None, &counted(change, &before));
    }
    Ok(writer.commit(Durability::Now)?)
}

/// Writes one annotation; returns what was there before if that was something else.
pub(super) fn write_annotation(
    table: &mut impl super::super::table::WriteTable,
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

fn counted<'a>(change: &'a Annotation, before: &'a [u8]) -> counts::Annotation<'a> {
    counts::Annotation { entry: &change.entry, userid: Some(&change.user), old: before, new: &change.value }
}

/// Places messages, writes cache and annotations, and makes the index records, by number. Nothing refers to any of it yet;
/// if this fails, the messages are taken away again.
fn write_records(
    spool: &Spool,
    staging: &Staging,
    mailbox: &mut OpenMailbox,
    change: &MailboxChange,
    next: &mut IndexHeader,
    unsynced: &mut Unsynced,
) -> Result<Vec<(u32, IndexRecord)>, StoreError> {
    let flags = mailbox.header.flag_crcs();
    let last_uid = next.last_uid;
    let (updates, appends) =
        change.records.split_at(change.records.partition_point(|record| record.record.uid.get() <= last_uid));
    let mut records = Vec::new();
    for updates in updates.chunks(FindRecords::PAGE) {
        let mut lookup = Lookup::new(&mailbox.index);
        let found = updates.iter().map(|update| lookup.find(update.record.uid)).collect::<Result<Vec<_>, _>>()?;
        for (update, found) in updates.iter().zip(found) {
            let Some((number, old)) = found else { continue };
            records.push((number, rewrite(spool, mailbox, update, &old, next, &flags)?));
        }
    }
    if !appends.is_empty() {
        let mut appender = Appender::new(spool, staging, mailbox)?;
        let appended = append_all(&mut appender, mailbox, appends, next, &flags, &mut records);
        let appended = appended.and_then(|()| appender.finish(unsynced));
        if let Err(error) = appended {
            for path in &appender.linked {
                remove_if_there(spool.disk.as_ref(), path).map_err(StoreError::io(path))?;
            }
            return Err(error);
        }
    }
    write_message_annotations(spool, mailbox, &change.records, &records, next)?;
    Ok(records)
}

fn append_all(
    appender: &mut Appender<'_>,
    mailbox: &mut OpenMailbox,
    appends: &[AnnotatedRecord],
    next: &mut IndexHeader,
    flags: &FlagCrcs,
    records: &mut Vec<(u32, IndexRecord)>,
) -> Result<(), StoreError> {
    for appends in appends.chunks(AHEAD) {
        let start = records.len();
        for append in appends {
            let record = appender.append(mailbox, &append.record)?;
            records.push((counts::append(next, &record, flags), record));
        }
        if appends.len() == AHEAD {
            write_ahead(mailbox, appends, start, records)?;
        }
    }
    Ok(())
}

/// Writes new records behind those that the header counts, and keeps only what is still asked for: those with annotations,
/// and the last.
fn write_ahead(
    mailbox: &mut OpenMailbox,
    appends: &[AnnotatedRecord],
    start: usize,
    records: &mut Vec<(u32, IndexRecord)>,
) -> Result<(), StoreError> {
    let new = records.split_off(start);
    mailbox.index.write_records(&new)?;
    let last = new.last().map(|(number, _)| *number);
    let wanted = new
        .into_iter()
        .zip(appends)
        .filter(|((number, _), append)| Some(*number) == last || !append.annotations().is_empty());
    records.extend(wanted.map(|(record, _)| record));
    Ok(())
}

/// The index record that takes the place of the stored one; what only this server knows stays as it is.
fn rewrite(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    update: &AnnotatedRecord,
    old: &IndexRecord,
    next: &mut IndexHeader,
    flags: &FlagCrcs,
) -> Result<IndexRecord, StoreError> {
    let mut new = IndexRecord {
        sentdate: old.sentdate,
        size: old.size,
        header_size: old.header_size,
        gmtime: old.gmtime,
        cache_offset: old.cache_offset,
        cache_version: old.cache_version,
        cache_crc: old.cache_crc,
        basecid: old.basecid,
        ..to_index(&update.record)
    };
    let totals = if new.is_expunged() && !old.is_expunged() {
        annotation_totals(spool, mailbox, update)?
    } else {
        counts::AnnotationTotals::default()
    };
    counts::rewrite(next, old, &mut new, totals, flags, spool.options.expunge_mode);
    Ok(new)
}

/// What the stored annotations of a message amount to.
fn annotation_totals(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    update: &AnnotatedRecord,
) -> Result<counts::AnnotationTotals, StoreError> {
    let uid = update.record.uid;
    let target = Target::Message(uid, mailbox.entry.name.clone());
    let db = mailbox.message_annotations(spool)?;
    let stored = super::open::to_wire(annotations::list(&mut db.read(spool.deadline())?, &target)?);
    Ok(stored.iter().fold(counts::AnnotationTotals::default(), |totals, annotation| counts::AnnotationTotals {
        crc: totals.crc ^ crc::annotation(uid.get(), &annotation.entry, &annotation.user, &annotation.value),
        bytes: totals.bytes + annotation.value.len() as u64,
    }))
}

/// Writes the annotations of all records in one transaction. The file is made even if there are none, as the reference does.
fn write_message_annotations(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    changes: &[AnnotatedRecord],
    records: &[(u32, IndexRecord)],
    next: &mut IndexHeader,
) -> Result<(), StoreError> {
    let name = mailbox.entry.name.clone();
    let db = mailbox.message_annotations(spool)?;
    let mut writer = db.write(spool.deadline())?;
    for change in changes.iter().filter(|change| !change.annotations().is_empty()) {
        let uid = change.record.uid;
        let at = records.binary_search_by_key(&Some(uid), |(_, record)| record.uid);
        let Some((_, record)) = at.ok().and_then(|at| records.get(at)) else { continue };
        for annotation in change.annotations() {
            let before = write_annotation(&mut writer, &Target::Message(uid, name.clone()), annotation)?;
            let Some(before) = before else { continue };
            counts::annotate(next, Some(record), &counted(annotation, &before));
        }
    }
    Ok(writer.commit(Durability::Now)?)
}

/// Replaces `cyrus.header` if it is to hold something else.
fn write_header_file(
    spool: &Spool,
    mailbox: &OpenMailbox,
    next: &mut IndexHeader,
    unsynced: &mut Unsynced,
) -> Result<(), StoreError> {
    let bytes = header::encode(&mailbox.header, header::Form::KeyValue)?;
    if bytes != mailbox.header_file {
        let path = spool.options.meta_file(&mailbox.place, MetaFile::Header)?;
        spool.replace_file(&path, &bytes)?;
        unsynced.name(&path);
    }
    next.header_file_crc = header::checksum(&bytes);
    Ok(())
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
fn highest_uid(mailbox: &OpenMailbox, written: &[(u32, IndexRecord)]) -> Result<u32, StoreError> {
    let number = mailbox.index.header().num_records;
    let stored = if number == 0 { None } else { mailbox.index.record(number)?.uid };
    let last = written.last().and_then(|(_, record)| record.uid).max(stored);
    Ok(last.map_or(0, |uid| uid.get()))
}

/// Counts the change for the mailbox's quota root. A root that is gone counts nothing.
fn count_quota(
    spool: &Spool,
    mailbox: &OpenMailbox,
    before: Option<&IndexHeader>,
    after: &IndexHeader,
) -> Result<(), StoreError> {
    let Some(root) = mailbox.header.quotaroot.as_deref() else { return Ok(()) };
    let before = before.map_or(usage::NOTHING, usage::usage_of);
    let difference = usage::difference(before, usage::usage_of(after));
    usage::count(spool, root, difference, &mailbox.entry.name)
}

/// The list entry and the counters: what names the mailbox for everybody else.
fn finish(spool: &mut Spool, mailbox: &OpenMailbox, update: &SyncedHeader, is_new: bool) -> Result<(), StoreError> {
    let entry = &mailbox.entry;
    if is_new {
        // Masters before 3.2 do not say when a mailbox was made. The list then has the state it came in (`mailbox_create`).
        let created = if update.created_modseq.0 == 0 { update.highest_modseq } else { update.created_modseq };
        let listed = MailboxEntry {
            uidvalidity: update.uidvalidity,
            created_modseq: created,
            folder_modseq: update.folder_modseq,
            acl: Some(update.acl.to_vec()),
            ..entry.clone()
        };
        spool.write_list(|list, options| mboxlist::update(list, options, &listed, now()))?;
    } else if entry.acl.as_deref() != Some(&update.acl[..]) || entry.folder_modseq < update.folder_modseq {
        spool
            .write_list(|list, options| {
                mboxlist::set_acl(list, options, &entry.name, &update.acl, update.folder_modseq, now())
            })?
            .map_err(|_| Refusal::NotSupported)?;
    }
    raise_counters(spool, entry, update)
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
