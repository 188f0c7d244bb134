//! A mailbox's change, made: what nothing refers to yet is written and made durable first, then all that refers to it changes
//! as one.
//!
//! First come messages, their cache records, and new index records behind those that the index counts: a power cut leaves
//! files and bytes that nobody looks at, and a note of the messages, so that they are removed. The rest is a [`Transaction`]: annotations,
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
        disk::Durability,
        durable::Unsynced,
        error::StoreError,
        header,
        index::{IndexHeader, Time, counts},
        journal::{Noted, Prepared, Started, Transaction},
        mboxlist::MailboxEntry,
        options::MetaFile,
        sieve,
        spool::{Spool, now},
        staging::Staging,
        table::WriteTable,
        usage,
    },
    create::{Changed, Origin, end_note},
    delete::{remove_files_durably, remove_messages},
    entry,
    leaving::{forget, is_of_scripts},
    open::{OpenMailbox, whose},
    records::{Written as Records, write_records},
    unlinked,
};
use crate::{
    event::Severity,
    ops::{AnnotatedRecord, Annotation, MailboxChange, Refusal, SyncedHeader},
    types::{InternalFlags, MailboxOptions, Uid},
};
use std::{fmt::Display, path::Path};

/// Makes the change to a mailbox that is open for writing.
pub(in super::super) fn commit(
    spool: &mut Spool,
    staging: &mut Staging,
    Changed { mut mailbox, origin, noted }: Changed,
    change: &MailboxChange,
) -> Result<(), StoreError> {
    let disk = spool.disk.clone();
    let transaction = Transaction::of(disk.as_ref(), &mailbox);
    let last_uid = mailbox.index.header().last_uid;
    let noted = match noted {
        None => note_messages(spool, &mailbox, change, last_uid)?,
        noted => noted,
    };
    let (prepared, unlinked) = match prepare(spool, staging, &mut mailbox, &origin, change, transaction) {
        Ok(prepared) => prepared,
        Err(error) => {
            let is_clean = clean_up(spool, &mailbox, &origin, change, last_uid);
            end_note(spool, noted, is_clean);
            return Err(error);
        }
    };
    let made = match prepared.carry_out(spool, Some(&mut mailbox.index)) {
        Ok(made) => made,
        Err(error) => {
            end_note(spool, noted, false);
            return Err(error);
        }
    };
    end_note(spool, noted, true);
    if let Some(update) = &change.header {
        raise_counters(spool, &mailbox.entry, update)?;
    }
    let mut is_all_done = true;
    if let Origin::MadeInPlaceOf(old) = origin {
        is_all_done &= old.is_gone(spool);
    }
    if is_of_scripts(&mailbox) {
        is_all_done &= sieve::refresh(spool, &mut mailbox);
    }
    made.end(spool, is_all_done);
    unlinked::close(spool, mailbox, &unlinked);
    Ok(())
}

/// Writes what nothing refers to, and says all that is to change then, and which messages are gone with it.
fn prepare<'a>(
    spool: &mut Spool,
    staging: &mut Staging,
    mailbox: &mut OpenMailbox,
    origin: &Origin,
    change: &MailboxChange,
    mut transaction: Transaction<'a>,
) -> Result<(Prepared<'a>, Vec<Uid>), StoreError> {
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
    let mut used = usage::NOTHING;
    if let Origin::Listed = origin {
        used = usage::usage_of(&before);
        transaction.header(mailbox.header_file.clone(), header);
        transaction.index(before, next, records.updates);
    } else {
        write_new(spool, mailbox, &header, next, &mut unsynced)?;
    }
    unsynced.sync(spool.disk.as_ref())?;
    entry::list(spool, mailbox, origin, change, &mut transaction)?;
    if is_of_scripts(mailbox) {
        transaction.lists_scripts(mailbox.entry.name.clone());
    }
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        transaction.count(root, usage::difference(used, usage::usage_of(&next)), &mailbox.entry.name);
    }
    let mut uniqueid = mailbox.entry.uniqueid.as_ref();
    if let Origin::MadeInPlaceOf(old) = origin {
        forget(spool, &old.mailbox, &mut transaction)?;
        // By this the list finds its mailbox until the change is made.
        uniqueid = old.uniqueid().or(uniqueid);
    }
    Ok((transaction.prepare(spool, uniqueid)?, records.unlinked))
}

/// Notes the new messages of a mailbox that is listed.
fn note_messages(
    spool: &mut Spool,
    mailbox: &OpenMailbox,
    change: &MailboxChange,
    last_uid: u32,
) -> Result<Option<Noted>, StoreError> {
    let uids = || change.records.iter().filter(|record| is_message(record, last_uid)).map(|new| new.record.uid.get());
    let (Some(first), Some(last), Some(id)) = (uids().next(), uids().next_back(), &mailbox.entry.uniqueid) else {
        return Ok(None);
    };
    let (name, place) = (mailbox.entry.name.clone(), mailbox.place.clone());
    Started { name, place, is_new: false, uids: first..=last }.note(spool, id).map(Some)
}

/// Whether a record brings a message.
fn is_message(record: &AnnotatedRecord, last_uid: u32) -> bool {
    record.record.uid.get() > last_uid && !record.record.internal_flags.has(InternalFlags::UNLINKED)
}

/// Nothing refers to the new messages, or to the new mailbox: they go again; whether all of them are gone.
fn clean_up(spool: &Spool, mailbox: &OpenMailbox, origin: &Origin, change: &MailboxChange, last_uid: u32) -> bool {
    if let Origin::MadeInPlaceOf(old) = origin {
        old.stays(spool);
    }
    let outcome = match origin {
        Origin::Listed => {
            let messages = change.records.iter().filter(|record| is_message(record, last_uid));
            remove_messages(spool, &mailbox.place, messages.map(|message| message.record.uid))
        }
        Origin::Made | Origin::MadeInPlaceOf(_) => remove_files_durably(spool, &mailbox.place),
    };
    if let Err(error) = outcome {
        let facts: [(&str, &dyn Display); 2] = [("mailbox", &mailbox.entry.name), ("error", &error)];
        spool.tell(Severity::Warning, "unable to remove files of a change that failed", &facts);
        return false;
    }
    true
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
    for directory in spool.options.new_mailbox_dirs(&mailbox.place)? {
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
