//! Records: by uid, in pages, and all of them for the checksums.

use super::{
    super::{
        annotations::{self, Target},
        error::StoreError,
        index::{Found, IndexRecord, Lookup},
        spool::Spool,
    },
    open::{OpenMailbox, to_wire},
};
use crate::{
    ops::{AnnotatedRecord, Annotation, Record},
    plan::records,
    types::{SyncCrcs, Uid},
};

/// The records with these uids.
pub(in super::super) fn find_records(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    uids: &[Uid],
) -> Result<Vec<Option<AnnotatedRecord>>, StoreError> {
    let mut lookup = Lookup::new(&mailbox.index);
    let find = |uid: &Uid| Ok(lookup.find(*uid)?.and_then(|(_, record)| to_record(&record)));
    let records = uids.iter().map(find).collect::<Result<_, StoreError>>()?;
    with_annotations(spool, mailbox, records)
}

/// Up to `limit` records behind `after`.
pub(in super::super) fn read_records(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    after: Option<Uid>,
    limit: usize,
) -> Result<Vec<AnnotatedRecord>, StoreError> {
    let first = match after.map(|uid| mailbox.index.find(uid)).transpose()? {
        None => 1,
        Some(Found::Record(number, _)) => number.saturating_add(1),
        Some(Found::Before(number)) => number,
    };
    let mut page = Vec::new();
    for found in mailbox.index.records(first) {
        // In a damaged file a uid may come twice; a walk through it ends all the same.
        page.extend(to_record(&found?.1).filter(|record| Some(record.uid) > after).map(Some));
        if page.len() >= limit {
            break;
        }
    }
    Ok(with_annotations(spool, mailbox, page)?.into_iter().flatten().collect())
}

/// The checksums over all records.
pub(in super::super) fn scan_crcs(spool: &Spool, mailbox: &mut OpenMailbox) -> Result<SyncCrcs, StoreError> {
    /// Records that are held at once.
    const PAGE: usize = 512;
    let flags = mailbox.header.flag_crcs();
    let version = mailbox.index.header().minor_version;
    let (mut crcs, mut after) = (SyncCrcs::EMPTY, None);
    loop {
        let page = read_records(spool, mailbox, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(crcs) };
        after = Some(last.record.uid);
        crcs = page.iter().fold(crcs, |crcs, record| crcs.toggled(records::checksums(record, &flags, version)));
    }
}

/// Adds what `cyrus.annotations` has for these records: looked up for each, but where the file is empty.
fn with_annotations(
    spool: &Spool,
    mailbox: &mut OpenMailbox,
    records: Vec<Option<Record>>,
) -> Result<Vec<Option<AnnotatedRecord>>, StoreError> {
    let name = mailbox.entry.name.clone();
    let db = mailbox.message_annotations(spool)?;
    let mut reader = db.read(spool.deadline())?;
    let is_empty = reader.next_after(b"")?.is_none();
    let mut annotated = |record: Record| -> Result<AnnotatedRecord, StoreError> {
        if is_empty {
            return Ok(AnnotatedRecord { record, annotations: None });
        }
        let found = annotations::list(&mut reader, &Target::Message(record.uid, name.clone()))?;
        let own: Vec<Annotation> = to_wire(found);
        Ok(AnnotatedRecord::new(record, own))
    };
    records.into_iter().map(|record| record.map(&mut annotated).transpose()).collect()
}

/// A record as the session knows it; `None` for one that `reconstruct` has wiped.
fn to_record(record: &IndexRecord) -> Option<Record> {
    Some(Record {
        uid: record.uid?,
        modseq: record.modseq,
        last_updated: record.last_updated.seconds,
        internal_date: record.internaldate.seconds,
        save_date: record.savedate.seconds,
        created_modseq: record.createdmodseq,
        cid: record.cid,
        size: u32::try_from(record.size).unwrap_or(u32::MAX),
        guid: record.guid,
        system_flags: record.system_flags,
        internal_flags: record.internal_flags,
        user_flags: record.user_flags,
    })
}
