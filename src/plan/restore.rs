//! Changes that the replica makes by itself: what a mailbox of a backup adds to the one that is there, or what the new one is.
//!
//! Source: `sync_restore_mailbox` of `imap/sync_support.c`. Differs from it: records whose numbers cannot be kept get a modseq
//! and a time of their own, as 3.6.1 gives them in a mailbox that is there. In a new one, and in 3.12.3 always, the reference
//! gives them the mailbox's modseq as it is and 0 for the time, so that clients that know the mailbox never learn of them.

use super::{
    crc::FlagCrcs,
    flags::FlagPlaces,
    records::{self, Mismatch},
};
use crate::{
    command::RestoreMailbox,
    ops::{AnnotatedRecord, Defaults, MailboxState, Record, Refusal, SyncedHeader, Target},
    types::{Guid, MailboxOptions, ModSeq, Release, SyncCrcs, Uid},
};

/// The mailbox as it is before records are added.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its header.
    pub header: SyncedHeader,
    /// Its checksums.
    pub crcs: SyncCrcs,
    /// Whether it is the one of the backup, so that records keep their numbers where these are free.
    keeps_numbers: bool,
}

/// The mailbox that is there: nothing but its records changes.
pub fn existing(state: &MailboxState) -> Base {
    Base { header: state.header.clone(), crcs: state.crcs, keeps_numbers: false }
}

/// A new mailbox: what the backup says of it, and for the rest the defaults.
///
/// # Errors
/// [`Refusal::UnknownPartition`] where nobody names one.
pub fn new(update: &RestoreMailbox, defaults: &Defaults, release: Release) -> Result<(Target, Base), Refusal> {
    let identity = update.identity.as_ref();
    let highest_modseq = identity.map_or(ModSeq(1), |identity| identity.highest_modseq);
    let created = update.created_modseq;
    // A mailbox without messages has the option, whoever makes it (`mailbox_commit_header`).
    let is_empty = update.records.iter().all(|record| record.record.is_expunged());
    let options = update.options.0 | if is_empty { MailboxOptions::POP3_NEW_UIDL } else { 0 };
    let header = SyncedHeader {
        uidvalidity: identity.map_or(defaults.uidvalidity, |identity| identity.uidvalidity),
        last_uid: 0,
        highest_modseq,
        created_modseq: if created.0 == 0 { highest_modseq } else { created.min(highest_modseq) },
        folder_modseq: if update.folder_modseq.0 == 0 { highest_modseq } else { update.folder_modseq },
        recent_uid: 0,
        recent_time: 0,
        last_append_date: 0,
        pop3_last_login: 0,
        pop3_show_after: 0,
        options: MailboxOptions(options),
        acl: update.acl.clone().unwrap_or_else(|| defaults.acl.clone()),
    };
    let target = Target::New {
        uniqueid: identity.map_or(&defaults.uniqueid, |identity| &identity.uniqueid).clone(),
        mailbox_type: update.mailbox_type,
        partition: update
            .partition
            .as_ref()
            .or(defaults.partition.as_ref())
            .cloned()
            .ok_or(Refusal::UnknownPartition)?,
        index_version: release.index_version(),
        deleted_modseq: ModSeq::default(),
        replace: false,
    };
    Ok((target, Base { header, crcs: SyncCrcs::EMPTY, keeps_numbers: identity.is_some() }))
}

/// Adds one record: gives it its numbers, and counts it in `base`.
///
/// # Errors
/// [`Refusal::MessageMissing`] and others where there is no message; [`Refusal::Limit`] where no uid is left.
pub fn append(
    base: &mut Base,
    mut record: AnnotatedRecord,
    places: &FlagPlaces,
    flags: &FlagCrcs,
    (now, index_version): (i64, u32),
    staged: impl Fn(&Guid) -> bool,
) -> Result<AnnotatedRecord, Refusal> {
    let header = &mut base.header;
    let new = &mut record.record;
    new.user_flags = places.translate(new.user_flags);
    if !base.keeps_numbers || new.uid.get() <= header.last_uid {
        new.uid = header.last_uid.checked_add(1).and_then(Uid::new).ok_or(Refusal::Limit)?;
    }
    if !base.keeps_numbers || new.modseq.0 == 0 || new.modseq > header.highest_modseq {
        header.highest_modseq = ModSeq(header.highest_modseq.0.saturating_add(1));
        new.modseq = header.highest_modseq;
        new.last_updated = now;
        if new.created_modseq.0 == 0 || new.created_modseq > new.modseq {
            new.created_modseq = new.modseq;
        }
        if new.save_date == 0 {
            new.save_date = now;
        }
    }
    header.last_uid = new.uid.get();
    let staged = staged(&new.guid);
    let record = records::appended(record, staged).map_err(Mismatch::refusal)?;
    base.crcs = base.crcs.toggled(records::checksums(&record, flags, index_version));
    Ok(record)
}

/// Changes one record: gives it a modseq, and counts it in `base`.
pub fn rewrite(
    base: &mut Base,
    old: &Record,
    mut new: Record,
    flags: &FlagCrcs,
    (now, index_version): (i64, u32),
) -> AnnotatedRecord {
    base.header.highest_modseq = ModSeq(base.header.highest_modseq.0.saturating_add(1));
    new.modseq = base.header.highest_modseq;
    new.last_updated = now;
    let new = AnnotatedRecord::new(new, Vec::new());
    let old = AnnotatedRecord::new(old.clone(), Vec::new());
    base.crcs = base.crcs.toggled(records::checksums(&old, flags, index_version));
    base.crcs = base.crcs.toggled(records::checksums(&new, flags, index_version));
    new
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{InternalFlags, MailboxType, Partition, SystemFlags, UniqueId, UserFlags};
    use bytes::Bytes;

    const NOW: (i64, u32) = (1_700_000_000, 19);

    fn base(last_uid: u32, highest: u64, keeps_numbers: bool) -> Base {
        let header = SyncedHeader {
            uidvalidity: 7,
            last_uid,
            highest_modseq: ModSeq(highest),
            created_modseq: ModSeq(1),
            folder_modseq: ModSeq(1),
            recent_uid: 0,
            recent_time: 0,
            last_append_date: 0,
            pop3_last_login: 0,
            pop3_show_after: 0,
            options: MailboxOptions::default(),
            acl: Bytes::new(),
        };
        Base { header, crcs: SyncCrcs::EMPTY, keeps_numbers }
    }

    fn record(uid: u32, modseq: u64, created: u64) -> Record {
        Record {
            uid: Uid::new(uid).unwrap(),
            modseq: ModSeq(modseq),
            last_updated: 5,
            internal_date: 5,
            save_date: 0,
            created_modseq: ModSeq(created),
            cid: 0,
            size: 3,
            guid: Guid::from_bytes([1; 20]),
            system_flags: SystemFlags::default(),
            internal_flags: InternalFlags::default(),
            user_flags: UserFlags::default(),
        }
    }

    fn appended(base: &mut Base, record: Record) -> Result<Record, Refusal> {
        let places = FlagPlaces::assign(&[], &[], &[]).unwrap();
        let flags = FlagCrcs::new(std::iter::empty());
        append(base, AnnotatedRecord::new(record, Vec::new()), &places, &flags, NOW, |_| true)
            .map(|record| record.record)
    }

    /// Uid, modseq, time of change, modseq of creation and time of arrival.
    fn numbers(record: &Record) -> (u32, u64, i64, u64, i64) {
        (record.uid.get(), record.modseq.0, record.last_updated, record.created_modseq.0, record.save_date)
    }

    #[test]
    fn numbers_are_kept_where_they_are_free() {
        for (keeps, given, expected) in [
            (true, (9, 20, 4), (9, 20, 5, 4, 0)),
            (true, (9, 21, 4), (9, 21, NOW.0, 4, NOW.0)),
            (true, (9, 90, 80), (9, 21, NOW.0, 21, NOW.0)),
            (true, (9, 0, 0), (9, 21, NOW.0, 21, NOW.0)),
            (true, (8, 20, 4), (9, 20, 5, 4, 0)),
            (false, (90, 20, 4), (9, 21, NOW.0, 4, NOW.0)),
        ] {
            let mut base = base(8, 20, keeps);
            let (uid, modseq, created) = given;
            let appended = appended(&mut base, record(uid, modseq, created)).unwrap();
            assert_eq!(numbers(&appended), expected, "{keeps} {given:?}");
            assert_eq!(base.header.last_uid, appended.uid.get());
            assert!(base.header.highest_modseq >= appended.modseq && base.crcs != SyncCrcs::EMPTY);
        }
    }

    #[test]
    fn the_last_uid_has_no_successor() {
        let mut base = base(u32::MAX, 20, false);
        assert_eq!(appended(&mut base, record(1, 1, 1)), Err(Refusal::Limit));
    }

    #[test]
    fn a_rewritten_record_is_counted_once() {
        let (mut base, flags) = (base(8, 20, false), FlagCrcs::new(std::iter::empty()));
        let old = appended(&mut base, record(1, 1, 1)).unwrap();
        let mut expunged = old.clone();
        expunged.internal_flags.0 |= InternalFlags::EXPUNGED;
        let rewritten = rewrite(&mut base, &old, expunged, &flags, NOW);
        assert_eq!((rewritten.record.modseq, base.header.highest_modseq), (ModSeq(22), ModSeq(22)));
        assert_eq!(base.crcs, SyncCrcs::EMPTY);
    }

    #[test]
    fn a_new_mailbox_needs_a_partition() {
        let defaults = Defaults {
            now: NOW.0,
            uniqueid: UniqueId::parse(b"aa").unwrap(),
            uidvalidity: 7,
            partition: None,
            acl: Bytes::from_static(b"u1\tlrs\t"),
        };
        let mut update = RestoreMailbox {
            name: crate::types::MailboxName::parse(b"user.u1").unwrap(),
            mailbox_type: MailboxType::EMAIL,
            partition: None,
            acl: None,
            options: MailboxOptions::default(),
            identity: None,
            created_modseq: ModSeq(9),
            folder_modseq: ModSeq(0),
            annotations: Vec::new(),
            records: Vec::new(),
            record_flags: crate::command::FlagNames::default(),
        };
        assert_eq!(new(&update, &defaults, Release::V3_12).unwrap_err(), Refusal::UnknownPartition);
        update.partition = Some(Partition::parse(b"p").unwrap());
        let (_, base) = new(&update, &defaults, Release::V3_12).unwrap();
        let header = base.header;
        assert_eq!((header.uidvalidity, header.created_modseq, header.folder_modseq), (7, ModSeq(1), ModSeq(1)));
        assert_eq!((&header.acl[..], header.options.0), (&b"u1\tlrs\t"[..], MailboxOptions::POP3_NEW_UIDL));
    }
}
