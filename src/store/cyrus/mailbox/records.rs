//! The records of a change: new ones are written behind those that the index counts, others wait for the transaction.

use super::{
    super::{
        annotations::{self, Target},
        durable::Unsynced,
        error::StoreError,
        index::{IndexHeader, IndexRecord, Lookup, counts},
        journal::Transaction,
        options::MetaFile,
        spool::Spool,
        staging::Staging,
    },
    append::{Appender, to_index},
    commit::{counted, write_annotation},
    open::{OpenMailbox, to_wire},
};
use crate::{
    ops::{AnnotatedRecord, FindRecords, MailboxChange},
    plan::crc::{self, FlagCrcs},
    types::Uid,
};

/// New records that are written at once: of many, not all are held in memory.
const AHEAD: usize = 512;

/// What was written, and what is still to be.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Records that take the place of others, by number.
    pub(super) updates: Vec<(u32, IndexRecord)>,
    /// New records that have annotations.
    annotated: Vec<IndexRecord>,
    /// Messages whose files are to go.
    pub(super) unlinked: Vec<Uid>,
    /// The uid of the last of all these records.
    pub(super) last_uid: Option<Uid>,
}

impl Written {
    fn find(&self, uid: Uid) -> Option<&IndexRecord> {
        let is_update = |(_, record): &(u32, IndexRecord)| record.uid.cmp(&Some(uid));
        match self.updates.binary_search_by(is_update) {
            Ok(at) => self.updates.get(at).map(|(_, record)| record),
            Err(_) => {
                let at = self.annotated.binary_search_by_key(&Some(uid), |record| record.uid).ok()?;
                self.annotated.get(at)
            }
        }
    }
}

/// Places messages, writes their cache and index records, and says what else changes.
pub(super) fn write_records(
    spool: &Spool,
    staging: &mut Staging,
    mailbox: &mut OpenMailbox,
    change: &MailboxChange,
    next: &mut IndexHeader,
    transaction: &mut Transaction<'_>,
    unsynced: &mut Unsynced,
) -> Result<Written, StoreError> {
    let flags = mailbox.header.flag_crcs();
    let last_uid = next.last_uid;
    let (updates, appends) =
        change.records.split_at(change.records.partition_point(|record| record.record.uid.get() <= last_uid));
    let mut written = Written::default();
    for updates in updates.chunks(FindRecords::PAGE) {
        let mut lookup = Lookup::new(&mailbox.index);
        let found = updates.iter().map(|update| lookup.find(update.record.uid)).collect::<Result<Vec<_>, _>>()?;
        for (update, found) in updates.iter().zip(found) {
            let Some((number, old)) = found else { continue };
            let new = rewrite(spool, mailbox, update, &old, next, &flags)?;
            if new.is_unlinked() && !old.is_unlinked() {
                written.unlinked.push(update.record.uid);
            }
            written.updates.push((number, new));
            written.last_uid = Some(update.record.uid);
        }
    }
    if !appends.is_empty() {
        let mut appender = Appender::new(spool, staging, mailbox, unsynced)?;
        for appends in appends.chunks(AHEAD) {
            append(&mut appender, mailbox, appends, next, &flags, &mut written)?;
        }
        appender.finish()?;
        unsynced.bytes(&spool.options.meta_file(&mailbox.place, MetaFile::Index)?);
    }
    annotate(spool, mailbox, &change.records, &written, next, transaction)?;
    Ok(written)
}

fn append(
    appender: &mut Appender<'_>,
    mailbox: &mut OpenMailbox,
    appends: &[AnnotatedRecord],
    next: &mut IndexHeader,
    flags: &FlagCrcs,
    written: &mut Written,
) -> Result<(), StoreError> {
    let mut new = Vec::with_capacity(appends.len());
    for append in appends {
        let record = appender.append(mailbox, &append.record)?;
        new.push((counts::append(next, &record, flags), record));
        if !append.annotations().is_empty() {
            written.annotated.push(record);
        }
        written.last_uid = Some(append.record.uid);
    }
    Ok(mailbox.index.write_records(&new)?)
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
    let stored = to_wire(annotations::list(&mut db.read(spool.deadline())?, &target)?);
    Ok(stored.iter().fold(counts::AnnotationTotals::default(), |totals, annotation| counts::AnnotationTotals {
        crc: totals.crc ^ crc::annotation(uid.get(), &annotation.entry, &annotation.user, &annotation.value),
        bytes: totals.bytes + annotation.value.len() as u64,
    }))
}

/// The annotations of all records. The file is made even if there are none, as the reference does.
fn annotate(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    changes: &[AnnotatedRecord],
    written: &Written,
    next: &mut IndexHeader,
    transaction: &mut Transaction<'_>,
) -> Result<(), StoreError> {
    let name = mailbox.entry.name.clone();
    let db = mailbox.message_annotations(spool)?;
    transaction.message_annotations(spool, db, |table| {
        for change in changes.iter().filter(|change| !change.annotations().is_empty()) {
            let uid = change.record.uid;
            let Some(record) = written.find(uid) else { continue };
            for annotation in change.annotations() {
                let before = write_annotation(table, &Target::Message(uid, name.clone()), annotation)?;
                let Some(before) = before else { continue };
                counts::annotate(next, Some(record), &counted(annotation, &before));
            }
        }
        Ok(())
    })
}
