//! Records: what becomes of one, and what that does to the mailbox's checksums.

use super::{
    annotations,
    crc::{self, FlagCrcs, RecordFacts, VirtualFacts},
};
use crate::{
    ops::{AnnotatedRecord, Refusal},
    types::{InternalFlags, ModSeq, SyncCrcs},
};

/// What is done with a record that the master sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Nothing: it is expunged on both sides.
    Skip,
    /// The replica's record becomes the master's.
    Update,
    /// The record is new.
    Append,
}

/// Why the two sides' records do not go together: the master and the replica were both changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are the two sides' values")]
pub enum Mismatch {
    /// They are two messages.
    Guid,
    /// The replica's record was changed later.
    HigherModseq { master: ModSeq, replica: ModSeq },
    /// The message is expunged here and not there.
    ExpungedHere,
    /// The uid was given here before, and the message is gone without a trace.
    Unknown,
    /// The message was neither uploaded nor reserved.
    NotStaged,
    /// No message has no bytes, and none has a GUID of zeros.
    Impossible,
}

impl Mismatch {
    /// What the master is told.
    pub fn refusal(self) -> Refusal {
        match self {
            Mismatch::NotStaged => Refusal::MessageMissing,
            Mismatch::Impossible => Refusal::BadParameters,
            _ => Refusal::Checksum,
        }
    }
}

/// Decides about a record, given the replica's record with the same uid and the highest uid that the replica has given.
///
/// With `force` a later change on the replica is overruled.
///
/// # Errors
/// [`Mismatch`] where only a comparison of the whole mailbox can help.
pub fn decide(
    master: &AnnotatedRecord,
    replica: Option<&AnnotatedRecord>,
    last_uid: u32,
    force: bool,
) -> Result<Decision, Mismatch> {
    let master = &master.record;
    let Some(AnnotatedRecord { record: replica, .. }) = replica else {
        return match (master.uid.get() > last_uid, master.is_expunged()) {
            (true, _) => Ok(Decision::Append),
            (false, true) => Ok(Decision::Skip),
            (false, false) => Err(Mismatch::Unknown),
        };
    };
    if master.is_expunged() && replica.is_expunged() {
        return Ok(Decision::Skip);
    }
    if master.guid != replica.guid {
        return Err(Mismatch::Guid);
    }
    if replica.modseq > master.modseq && !force {
        return Err(Mismatch::HigherModseq { master: master.modseq, replica: replica.modseq });
    }
    if replica.is_expunged() {
        return Err(Mismatch::ExpungedHere);
    }
    Ok(Decision::Update)
}

/// The record to write where the replica has `replica` and the master `master`: the master's, but for the flags that are the
/// replica's own affair. Its annotations are those that change.
pub fn updated(master: AnnotatedRecord, replica: &AnnotatedRecord) -> AnnotatedRecord {
    let mut record = master.record.clone();
    let own = !(InternalFlags::EXPUNGED | InternalFlags::SNOOZED);
    record.internal_flags.0 |= replica.record.internal_flags.0 & own;
    if annotations::snoozed(master.annotations()) {
        record.internal_flags.0 |= InternalFlags::SNOOZED;
    }
    record.size = replica.record.size;
    AnnotatedRecord::new(record, annotations::changes(replica.annotations(), master.annotations()))
}

/// The record to append for `master`. Its message is staged, or else it must be expunged: then there is nothing to keep.
///
/// # Errors
/// [`Mismatch`] where there is no message.
pub fn appended(mut master: AnnotatedRecord, staged: bool) -> Result<AnnotatedRecord, Mismatch> {
    let snoozed = annotations::snoozed(master.annotations());
    let record = &mut master.record;
    if record.size == 0 || record.guid.is_null() {
        return Err(Mismatch::Impossible);
    }
    match (staged, record.is_expunged()) {
        (true, _) => {}
        (false, true) => record.internal_flags.0 |= InternalFlags::UNLINKED,
        (false, false) => return Err(Mismatch::NotStaged),
    }
    if snoozed {
        record.internal_flags.0 |= InternalFlags::SNOOZED;
    }
    Ok(master)
}

/// What a record with these annotations, all of them, adds to the mailbox's checksums; an expunged record adds nothing.
pub fn checksums(annotated: &AnnotatedRecord, flags: &FlagCrcs, index_version: u32) -> SyncCrcs {
    let record = &annotated.record;
    let uid = record.uid.get();
    if record.is_expunged() {
        return SyncCrcs { basic: 0, annot: 0 };
    }
    let basic = crc::basic(&RecordFacts {
        uid,
        modseq: record.modseq,
        last_updated: record.last_updated,
        internaldate: record.internal_date,
        system_flags: record.system_flags,
        user_flags: flags.of(&record.user_flags),
        guid: record.guid,
        expunged: false,
    });
    let fields = VirtualFacts {
        uid,
        cid: record.cid,
        savedate: record.save_date,
        createdmodseq: record.created_modseq,
        ..VirtualFacts::default()
    };
    let own = annotated.annotations().iter().map(|a| crc::annotation(uid, &a.entry, &a.user, &a.value));
    SyncCrcs { basic, annot: own.fold(crc::virtual_annotations(&fields, index_version), |all, one| all ^ one) }
}
