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
    ops::{AnnotatedRecord, Defaults, HeaderUpdate, MailboxState, Record, Refusal, Target},
    types::{Guid, MailboxOptions, ModSeq, SyncCrcs, Uid},
};

/// The mailbox as it is before records are added.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its header.
    pub header: HeaderUpdate,
    /// Its checksums.
    pub crcs: SyncCrcs,
    /// Whether it is the one of the backup, so that records keep their numbers where these are free.
    keeps_numbers: bool,
}

/// The mailbox that is there: nothing but its records changes.
pub fn existing(state: &MailboxState) -> Base {
    let header = HeaderUpdate {
        uidvalidity: state.uidvalidity,
        last_uid: state.last_uid,
        highest_modseq: state.highest_modseq,
        created_modseq: state.created_modseq,
        folder_modseq: state.folder_modseq,
        recent_uid: state.recent_uid,
        recent_time: state.recent_time,
        last_append_date: state.last_append_date,
        pop3_last_login: state.pop3_last_login,
        pop3_show_after: state.pop3_show_after,
        options: state.options,
        acl: state.acl.clone(),
    };
    Base { header, crcs: state.crcs, keeps_numbers: false }
}

/// A new mailbox: what the backup says of it, and for the rest the defaults.
///
/// # Errors
/// [`Refusal::UnknownPartition`] where nobody names one.
pub fn new(update: &RestoreMailbox, defaults: &Defaults) -> Result<(Target, Base), Refusal> {
    let identity = update.identity.as_ref();
    let highest_modseq = identity.map_or(ModSeq(1), |identity| identity.highest_modseq);
    let created = update.created_modseq;
    // A mailbox without messages has the option, whoever makes it (`mailbox_commit_header`).
    let is_empty = update.records.iter().all(|record| record.record.is_expunged());
    let options = update.options.0 | if is_empty { MailboxOptions::POP3_NEW_UIDL } else { 0 };
    let header = HeaderUpdate {
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
