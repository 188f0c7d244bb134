//! The same changes that a real replica was told to make, counted by us: the files must come out equal.

use super::{super::counts::*, decode, encode, golden};
use crate::{
    plan::crc::{self, FlagCrcs},
    store::cyrus::{
        header,
        index::{IndexHeader, IndexRecord, NewMailbox, Time, options},
    },
    types::{Guid, InternalFlags, MailboxOptions, ModSeq, SystemFlags, Uid},
};

fn flags() -> FlagCrcs {
    header::decode(&golden("v19-replica-1.header")).unwrap().flag_crcs()
}

fn totals(uid: u32, comments: &[(&str, &str)]) -> AnnotationTotals {
    let mut totals = AnnotationTotals::default();
    for (userid, value) in comments {
        totals.crc ^= crc::annotation(uid, b"/comment", userid.as_bytes(), value.as_bytes());
        totals.bytes += value.len() as u64;
    }
    totals
}

/// What the fields are set to that the command itself names, and the checksum of `cyrus.header`.
fn take_from_command(header: &mut IndexHeader, real: &IndexHeader) {
    header.highestmodseq = real.highestmodseq;
    header.recentuid = real.recentuid;
    header.recenttime = real.recenttime;
    header.last_appenddate = real.last_appenddate;
    header.header_file_crc = real.header_file_crc;
    header.createdmodseq = real.createdmodseq;
}

/// Makes the records of `before` into those of `after`, as APPLY MAILBOX does.
fn apply(
    header: &mut IndexHeader,
    before: &[IndexRecord],
    after: &[IndexRecord],
    comments: &[(u32, &str, &str)],
    mode: ExpungeMode,
) -> Vec<IndexRecord> {
    let mut records = before.to_vec();
    for new in after {
        let mut new = *new;
        if let Some(old) = records.iter_mut().find(|old| old.uid == new.uid) {
            if *old != new {
                new.cache_offset = old.cache_offset;
                let annotations = if new.uid == Uid::new(4) { totals(4, &[("", "four")]) } else { totals(0, &[]) };
                rewrite(header, old, &mut new, annotations, &flags(), mode);
                *old = new;
            }
            continue;
        }
        assert_eq!(append(header, &new, &flags()) as usize, records.len() + 1);
        for (_, userid, value) in comments.iter().filter(|(uid, ..)| Uid::new(*uid) == new.uid) {
            let (userid, value) = (Some(userid.as_bytes()), value.as_bytes());
            annotate(header, Some(&new), &Annotation { entry: b"/comment", userid, old: b"", new: value });
        }
        records.push(new);
    }
    records
}

const COMMENTS: &[(u32, &str, &str)] = &[(1, "", "shared one"), (1, "u1", "private one"), (4, "", "four")];

#[test]
fn a_replica_that_keeps_expunged_messages_ends_with_the_same_bytes() {
    for version in ["v17", "v19"] {
        for step in 1..=4 {
            let (mut header, before) = decode(&golden(&format!("{version}-replica-{}.index", step - 1)));
            let file = golden(&format!("{version}-replica-{step}.index"));
            let (real, after) = decode(&file);
            let records = apply(&mut header, &before, &after, COMMENTS, ExpungeMode::Delayed);
            take_from_command(&mut header, &real);
            assert_eq!(header, if version == "v17" { without_usage(header, real) } else { real }, "{version}, {step}");
            assert_eq!(encode(&header, &records), file, "{version}, step {step}");
        }
    }
}

/// Version 17 has no room for the usage of deleted and expunged messages.
fn without_usage(header: IndexHeader, real: IndexHeader) -> IndexHeader {
    let IndexHeader { quota_deleted_used, quota_expunged_used, .. } = header;
    IndexHeader { quota_deleted_used, quota_expunged_used, ..real }
}

#[test]
fn a_replica_that_expunges_at_once_ends_with_the_same_bytes_after_its_clean_up() {
    for version in ["v17", "v19"] {
        for step in 2..=4 {
            let (mut header, before) = decode(&golden(&format!("{version}-immediate-{}.index", step - 1)));
            let file = golden(&format!("{version}-immediate-{step}.index"));
            let (real, real_records) = decode(&file);
            // What the master has, less what this replica has already forgotten.
            let (_, master) = decode(&golden(&format!("{version}-replica-{step}.index")));
            let gone = |record: &IndexRecord| {
                record.is_expunged()
                    && record.uid <= before.last().unwrap().uid
                    && !before.iter().any(|b| b.uid == record.uid)
            };
            let master: Vec<_> = master.into_iter().filter(|record| !gone(record)).collect();
            let mut records = apply(&mut header, &before, &master, COMMENTS, ExpungeMode::Immediate);
            take_from_command(&mut header, &real);
            if header.options.0 & options::NEEDS_REPACK != 0 {
                records = repack(&mut header, records, &real);
            }
            for (record, real) in records.iter_mut().zip(&real_records) {
                record.cache_offset = real.cache_offset;
            }
            assert_eq!(encode(&header, &records), file, "{version}, step {step}");
        }
    }
}

fn repack(header: &mut IndexHeader, records: Vec<IndexRecord>, real: &IndexHeader) -> Vec<IndexRecord> {
    let (gone, kept): (Vec<_>, Vec<_>) = records.into_iter().partition(IndexRecord::is_unlinked);
    gone.iter().for_each(|record| forget(header, record));
    header.num_records = kept.len() as u32;
    header.generation += 1;
    header.options.0 &= !(options::NEEDS_REPACK | options::NEEDS_UNLINK);
    header.last_repack_time = real.last_repack_time;
    kept
}

fn message(uid: u32) -> IndexRecord {
    IndexRecord {
        uid: Uid::new(uid),
        size: 100,
        modseq: ModSeq(5),
        last_updated: Time::from_seconds(50),
        ..IndexRecord::default()
    }
}

fn with(record: IndexRecord, system: u32, internal: u32) -> IndexRecord {
    IndexRecord { system_flags: SystemFlags(system), internal_flags: InternalFlags(internal), ..record }
}

#[test]
fn adding_and_taking_away_a_record_leaves_what_was_there() {
    for (_, record) in std::iter::zip(0.., decode(&golden("v19-replica-4.index")).1) {
        let (start, _) = decode(&golden("v19-replica-1.index"));
        let mut header = start;
        let (mut there, mut gone) = (record, with(record, 0, InternalFlags::EXPUNGED | InternalFlags::UNLINKED));
        rewrite(&mut header, &gone.clone(), &mut there, AnnotationTotals::default(), &flags(), ExpungeMode::Delayed);
        rewrite(&mut header, &record, &mut gone, AnnotationTotals::default(), &flags(), ExpungeMode::Delayed);
        header.options = start.options;
        header.first_expunged = start.first_expunged;
        assert_eq!(header, start, "{record:?}");
    }
}

#[test]
fn the_expunge_mode_decides_what_happens_to_a_record_when_it_is_expunged() {
    use ExpungeMode::*;
    const MARKED: u32 = InternalFlags::EXPUNGED | InternalFlags::UNLINKED | InternalFlags::NEEDS_CLEANUP;
    for (mode, version, internal, wanted) in [
        (Delayed, 19, InternalFlags::EXPUNGED, 0),
        (SemiDelayed, 19, MARKED, options::NEEDS_UNLINK),
        (Immediate, 19, MARKED, options::NEEDS_UNLINK | options::NEEDS_REPACK),
        (Delayed, 10, MARKED, options::NEEDS_UNLINK | options::NEEDS_REPACK),
    ] {
        let (mut header, old) = (IndexHeader { minor_version: version, ..IndexHeader::ZERO }, message(1));
        append(&mut header, &old, &FlagCrcs::NONE);
        let mut new = with(old, 0, InternalFlags::EXPUNGED);
        rewrite(&mut header, &old, &mut new, AnnotationTotals { crc: 0, bytes: 3 }, &FlagCrcs::NONE, mode);
        assert_eq!((new.internal_flags.0, header.options.0), (internal, wanted), "{mode:?}");
        assert_eq!((header.exists, header.quota_mailbox_used, header.quota_annot_used), (0, 0, 0));
        assert_eq!(header.quota_expunged_used, if new.is_unlinked() { 0 } else { 100 });
        assert_eq!(header.first_expunged, Time::from_seconds(50));

        let cleaned = cleaned_up(&new, mode).map(|record| record.internal_flags.0);
        let expected = (mode != Delayed).then_some(MARKED);
        if version == 19 {
            assert_eq!(cleaned, expected, "{mode:?}");
        }
    }
}

#[test]
fn a_tombstone_without_a_file_is_written_as_a_replica_did() {
    for version in [17, 19] {
        let file = golden(&format!("v{version}-tombstone.index"));
        let (real, _) = decode(&file);
        let new = NewMailbox {
            uidvalidity: 1_795_464_235,
            options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL),
            highestmodseq: ModSeq(9),
            createdmodseq: ModSeq(2),
            now: real.changes_epoch,
        };
        let mut header = IndexHeader::create(version, &new).unwrap();
        header.header_file_crc = real.header_file_crc;
        let sent = IndexRecord {
            uid: Uid::new(3),
            internaldate: Time::from_seconds(1_795_460_000),
            size: 777,
            last_updated: Time::from_seconds(1_795_464_000),
            savedate: Time::from_seconds(1_795_461_000),
            guid: Guid::from_hex(b"0123456789abcdef0123456789abcdef01234567").unwrap(),
            modseq: ModSeq(7),
            ..IndexRecord::default()
        };
        let mut record = with(sent, SystemFlags::DELETED, InternalFlags::EXPUNGED | InternalFlags::UNLINKED);
        complete_dates(&mut record, Time::from_seconds(1), |seconds| seconds - seconds.rem_euclid(86400));
        assert_eq!(append(&mut header, &record, &FlagCrcs::NONE), 1);
        assert_eq!(encode(&header, &[record]), file, "version {version}");
    }
    let mut dateless = IndexRecord::default();
    complete_dates(&mut dateless, Time { seconds: 100_000, nanoseconds: 5 }, |_| 86400);
    assert_eq!(dateless.internaldate, Time { seconds: 100_000, nanoseconds: 5 });
    assert_eq!((dateless.gmtime.seconds, dateless.sentdate.seconds), (100_000, 86400));
}

#[test]
fn tombstones_without_a_file_count_nowhere_but_in_the_number_of_records() {
    let mut header = IndexHeader { minor_version: 19, ..IndexHeader::ZERO };
    append(&mut header, &with(message(7), 0, InternalFlags::EXPUNGED | InternalFlags::UNLINKED), &FlagCrcs::NONE);
    let expected = IndexHeader {
        minor_version: 19,
        num_records: 1,
        last_uid: 7,
        first_expunged: Time::from_seconds(50),
        ..IndexHeader::ZERO
    };
    assert_eq!(header, expected);
}

#[test]
fn annotations_of_expunged_messages_and_of_the_mailbox_are_in_no_checksum() {
    let header = IndexHeader { minor_version: 19, ..IndexHeader::ZERO };
    let comment = Annotation { entry: b"/comment", userid: Some(b""), old: b"", new: b"four" };
    let count = |record: Option<&IndexRecord>, change: &Annotation<'_>| {
        let mut header = header;
        annotate(&mut header, record, change);
        (header.sync_crcs.annot, header.quota_annot_used)
    };
    let expunged = with(message(4), 0, InternalFlags::EXPUNGED);
    assert_eq!(count(Some(&message(4)), &comment), (crc::annotation(4, b"/comment", b"", b"four"), 4));
    assert_eq!(count(Some(&expunged), &comment), (0, 0));
    assert_eq!(count(None, &comment), (0, 4));
    assert_eq!(count(Some(&message(4)), &Annotation { userid: None, ..comment }), (0, 4));
    let thrid = Annotation { entry: b"/vendor/cmu/cyrus-imapd/thrid", ..comment };
    assert_eq!(count(Some(&message(4)), &thrid), (0, 4));
    let same = Annotation { old: b"four", ..comment };
    assert_eq!(count(Some(&message(4)), &same), (0, 4), "more bytes taken away than there were");
}
