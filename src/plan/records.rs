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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::{Annotation, Record},
        plan::crc::{basic, virtual_annotations},
        types::{Guid, SystemFlags, Uid, UserFlags},
    };

    const EXPUNGED: u32 = InternalFlags::EXPUNGED;

    fn record(uid: u32, modseq: u64, guid: u8, internal_flags: u32) -> AnnotatedRecord {
        let record = Record {
            uid: Uid::new(uid).unwrap(),
            modseq: ModSeq(modseq),
            last_updated: 9,
            internal_date: 10,
            save_date: 0,
            created_modseq: ModSeq(0),
            cid: 0,
            size: 11,
            guid: Guid::from_bytes([guid; 20]),
            system_flags: SystemFlags(0),
            internal_flags: InternalFlags(internal_flags),
            user_flags: UserFlags::default(),
        };
        AnnotatedRecord::new(record, Vec::new())
    }

    fn annotation(entry: &'static str, value: &'static str) -> Annotation {
        Annotation { entry: entry.into(), user: "".into(), value: value.into(), modseq: ModSeq(3) }
    }

    /// The master's flags; the replica's modseq, GUID and flags, and its last uid; the decision without and with force.
    type Row = (u32, Option<(u64, u8, u32)>, u32, Result<Decision, Mismatch>, Result<Decision, Mismatch>);

    #[test]
    fn every_case_of_two_records() {
        use Decision::{Append, Skip, Update};
        use Mismatch::{ExpungedHere, Guid, Unknown};
        let higher = Mismatch::HigherModseq { master: ModSeq(5), replica: ModSeq(6) };
        // The master's record has uid 7, modseq 5 and GUID 1.
        #[rustfmt::skip]
        let table: [Row; 15] = [
            // master    replica: modseq, GUID, flags   its last uid  decision        with force
            (0,          None,                          6,            Ok(Append),     Ok(Append)),
            (EXPUNGED,   None,                          6,            Ok(Append),     Ok(Append)),
            (0,          None,                          7,            Err(Unknown),   Err(Unknown)),
            (EXPUNGED,   None,                          7,            Ok(Skip),       Ok(Skip)),
            (0,          Some((5, 1, 0)),               7,            Ok(Update),     Ok(Update)),
            (0,          Some((4, 1, 0)),               7,            Ok(Update),     Ok(Update)),
            (0,          Some((6, 1, 0)),               7,            Err(higher),    Ok(Update)),
            (0,          Some((5, 2, 0)),               7,            Err(Guid),      Err(Guid)),
            (0,          Some((6, 2, 0)),               7,            Err(Guid),      Err(Guid)),
            (0,          Some((5, 1, EXPUNGED)),        7,            Err(ExpungedHere), Err(ExpungedHere)),
            (0,          Some((6, 1, EXPUNGED)),        7,            Err(higher),    Err(ExpungedHere)),
            (EXPUNGED,   Some((5, 1, 0)),               7,            Ok(Update),     Ok(Update)),
            (EXPUNGED,   Some((5, 2, 0)),               7,            Err(Guid),      Err(Guid)),
            (EXPUNGED,   Some((6, 1, 0)),               7,            Err(higher),    Ok(Update)),
            (EXPUNGED,   Some((9, 2, EXPUNGED)),        7,            Ok(Skip),       Ok(Skip)),
        ];
        for (flags, replica, last_uid, expected, forced) in table {
            let master = record(7, 5, 1, flags);
            let replica = replica.map(|(modseq, guid, flags)| record(7, modseq, guid, flags));
            let decide = |force| decide(&master, replica.as_ref(), last_uid, force);
            assert_eq!(decide(false), expected, "{flags:x} {replica:?} {last_uid}");
            assert_eq!(decide(true), forced, "{flags:x} {replica:?} {last_uid} with force");
        }
    }

    #[test]
    fn what_the_master_is_told() {
        for (mismatch, refusal) in [
            (Mismatch::Guid, Refusal::Checksum),
            (Mismatch::HigherModseq { master: ModSeq(1), replica: ModSeq(2) }, Refusal::Checksum),
            (Mismatch::ExpungedHere, Refusal::Checksum),
            (Mismatch::Unknown, Refusal::Checksum),
            (Mismatch::NotStaged, Refusal::MessageMissing),
            (Mismatch::Impossible, Refusal::BadParameters),
        ] {
            assert_eq!(mismatch.refusal(), refusal, "{mismatch:?}");
        }
    }

    #[test]
    fn an_updated_record_keeps_what_is_the_replicas_own_affair() {
        let own = InternalFlags::ARCHIVED | InternalFlags::NEEDS_CLEANUP;
        let mut replica = record(7, 4, 1, own | InternalFlags::SNOOZED);
        replica.record.size = 12;
        let updated_flags = |master_flags| {
            let updated = updated(record(7, 5, 1, master_flags), &replica).record;
            assert_eq!((updated.modseq, updated.size), (ModSeq(5), 12));
            updated.internal_flags.0
        };
        assert_eq!(updated_flags(0), own);
        assert_eq!(updated_flags(EXPUNGED), own | EXPUNGED);
    }

    #[test]
    fn an_updated_record_carries_the_annotations_that_change() {
        let snoozed = "/vendor/cmu/cyrus-imapd/snoozed";
        let of = |annotations: &[Annotation]| AnnotatedRecord::new(record(7, 5, 1, 0).record, annotations.to_vec());
        let replica = of(&[annotation("/a", "1"), annotation("/b", "2")]);
        let updated = updated(of(&[annotation("/b", "2"), annotation(snoozed, "x")]), &replica);
        assert_eq!(updated.annotations(), [annotation("/a", ""), annotation(snoozed, "x")]);
        assert!(updated.record.internal_flags.has(InternalFlags::SNOOZED));
    }

    #[test]
    fn an_appended_record_has_a_message_or_is_expunged() {
        let append = |flags, staged| appended(record(7, 5, 1, flags), staged).map(|one| one.record.internal_flags.0);
        assert_eq!(append(0, true), Ok(0));
        assert_eq!(append(EXPUNGED, true), Ok(EXPUNGED));
        assert_eq!(append(EXPUNGED, false), Ok(EXPUNGED | InternalFlags::UNLINKED));
        assert_eq!(append(0, false), Err(Mismatch::NotStaged));
    }

    #[test]
    fn an_appended_record_has_a_size_and_a_guid() {
        let mut empty = record(7, 5, 1, 0);
        empty.record.size = 0;
        assert_eq!(appended(empty, true), Err(Mismatch::Impossible));
        assert_eq!(appended(record(7, 5, 0, EXPUNGED), true), Err(Mismatch::Impossible));
    }

    #[test]
    fn an_appended_record_repeats_that_its_message_is_snoozed() {
        let snoozed = annotation("/vendor/cmu/cyrus-imapd/snoozed", "x");
        let master = AnnotatedRecord::new(record(7, 5, 1, 0).record, vec![snoozed.clone()]);
        let appended = appended(master, true).unwrap();
        assert_eq!(appended.record.internal_flags.0, InternalFlags::SNOOZED);
        assert_eq!(appended.annotations(), [snoozed]);
    }

    #[test]
    fn an_expunged_record_adds_nothing_to_the_checksums() {
        let mut expunged = record(7, 5, 1, EXPUNGED);
        (expunged.record.cid, expunged.record.save_date) = (1, 2);
        let expunged = AnnotatedRecord::new(expunged.record, vec![annotation("/a", "1")]);
        assert_eq!(checksums(&expunged, &FlagCrcs::NONE, 19), SyncCrcs { basic: 0, annot: 0 });
    }

    #[test]
    fn the_checksums_are_those_of_the_record_its_fields_and_its_annotations() {
        let mut one = record(7, 5, 1, InternalFlags::ARCHIVED);
        one.record.user_flags = [0b10, 0, 0, 0];
        one.record.system_flags = SystemFlags(SystemFlags::SEEN);
        (one.record.cid, one.record.save_date, one.record.created_modseq) = (255, 6, ModSeq(4));
        let one = AnnotatedRecord::new(one.record, vec![annotation("/a", "1"), annotation("/b", "2")]);
        let flags = FlagCrcs::new([None, Some(&b"Foo"[..])]);
        let facts = RecordFacts {
            uid: 7,
            modseq: ModSeq(5),
            last_updated: 9,
            internaldate: 10,
            system_flags: SystemFlags(SystemFlags::SEEN),
            user_flags: crc::flag(b"foo"),
            guid: Guid::from_bytes([1; 20]),
            expunged: false,
        };
        let fields =
            VirtualFacts { uid: 7, cid: 255, savedate: 6, createdmodseq: ModSeq(4), ..VirtualFacts::default() };
        let own = crc::annotation(7, b"/a", b"", b"1") ^ crc::annotation(7, b"/b", b"", b"2");
        for version in [12, 13, 15, 16, 19] {
            let annot = virtual_annotations(&fields, version) ^ own;
            let expected = SyncCrcs { basic: basic(&facts), annot };
            assert_eq!(checksums(&one, &flags, version), expected, "version {version}");
        }
        assert_eq!(checksums(&one, &flags, 12).annot, own);
    }
}
