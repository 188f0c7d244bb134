//! The arithmetic of one mailbox's change: what happens to the header when a record is added, rewritten or cleaned up.
//!
//! Pure functions on values; the cost is that of the change. As `header_update_counts`, `mailbox_index_update_counts`,
//! `mailbox_append_index_record`, `mailbox_rewrite_index_record` and `mailbox_annot_changed` of 3.12.3 do on the path that
//! replication takes (`silentupdate`: modification sequence numbers and times come from the master). 3.6.1 differs in what
//! cannot be seen in sound files: it lets counts of flags run below 0, and has no room for the usage of deleted and
//! expunged messages.

use super::types::{IndexHeader, IndexRecord, Time, options};
use crate::{
    plan::crc::{self, FlagCrcs},
    types::{InternalFlags, SyncCrcs, SystemFlags},
};

/// What becomes of expunged messages (`expunge_mode` of imapd.conf).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExpungeMode {
    /// Files and records stay until `cyr_expire` takes them: `delayed` and `default`.
    #[default]
    Delayed,
    /// Files go at once, records stay: `semidelayed`.
    SemiDelayed,
    /// Files and records go at once: `immediate`.
    Immediate,
}

/// What the stored annotations of one message amount to; those that [`crc::is_virtual`] do not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AnnotationTotals {
    /// The exclusive or of their [`crc::annotation`]s.
    pub crc: u32,
    /// Bytes of their values.
    pub bytes: u64,
}

/// Gives a record that is about to be appended the dates that it lacks: now, the internaldate, and midnight of its day.
///
/// `midnight` is that of the server's time zone in the reference, of what it is given in seconds. All other dates and
/// numbers stay 0 if the master sent none.
pub fn complete_dates(record: &mut IndexRecord, now: Time, midnight: impl FnOnce(i64) -> i64) {
    if record.internaldate.is_unset() {
        record.internaldate = now;
    }
    if record.gmtime.is_unset() {
        record.gmtime = Time::from_seconds(record.internaldate.seconds);
    }
    if record.sentdate.is_unset() {
        record.sentdate = Time::from_seconds(midnight(record.internaldate.seconds));
    }
}

/// Counts a new record and gives its number. Its UID must be above `last_uid`.
///
/// `first_expunged` follows a record that comes expunged; such a record keeps its file, whatever the expunge mode.
pub fn append(header: &mut IndexHeader, new: &IndexRecord, flags: &FlagCrcs) -> u32 {
    count(header, new, flags, Sign::Add);
    header.num_records = header.num_records.saturating_add(1);
    header.last_uid = new.uid.map_or(header.last_uid, |uid| uid.get().max(header.last_uid));
    note_expunged(header, new);
    header.num_records
}

/// Counts the change of a record, and marks it for clean-up where the expunge mode says so.
///
/// `annotations` are those stored for the message: they stop counting at the moment it is expunged, and are not looked at
/// otherwise. Write `new` to the file afterwards, as this leaves it.
pub fn rewrite(
    header: &mut IndexHeader,
    old: &IndexRecord,
    new: &mut IndexRecord,
    annotations: AnnotationTotals,
    flags: &FlagCrcs,
    mode: ExpungeMode,
) {
    let repack = mode == ExpungeMode::Immediate || header.minor_version < 12;
    if (repack || mode == ExpungeMode::SemiDelayed) && new.is_expunged() {
        new.internal_flags.0 |= InternalFlags::UNLINKED | InternalFlags::NEEDS_CLEANUP;
    }
    if new.is_unlinked() {
        header.options.0 |= options::NEEDS_UNLINK | if repack { options::NEEDS_REPACK } else { 0 };
    }
    count(header, old, flags, Sign::Remove);
    count(header, new, flags, Sign::Add);
    if new.is_expunged() && !old.is_expunged() {
        header.sync_crcs.annot ^= annotations.crc;
        header.quota_annot_used = header.quota_annot_used.saturating_sub(annotations.bytes);
    }
    note_expunged(header, new);
}

/// A stored annotation, old or new; an empty value is the same as none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Annotation<'a> {
    /// Its name, such as `/comment`.
    pub entry: &'a [u8],
    /// Whose it is; empty for the shared one, `None` for those of 2.5 and 3.0 that the sum passes over.
    pub userid: Option<&'a [u8]>,
    /// The value until now.
    pub old: &'a [u8],
    /// The value from now on.
    pub new: &'a [u8],
}

/// Counts the change of a mailbox's annotation (`record` is `None`) or of a message's.
///
/// Nothing is counted for a message that is expunged, though the annotation is stored; so write annotations of a new
/// message after [`append`], and those of a message about to be expunged before [`rewrite`].
pub fn annotate(header: &mut IndexHeader, record: Option<&IndexRecord>, change: &Annotation<'_>) {
    if record.is_some_and(IndexRecord::is_expunged) {
        return;
    }
    let uid = record.and_then(|record| record.uid).map(|uid| uid.get());
    if let (Some(uid), Some(userid), false) = (uid, change.userid, crc::is_virtual(change.entry, header.minor_version))
    {
        for value in [change.old, change.new].into_iter().filter(|value| !value.is_empty()) {
            header.sync_crcs.annot ^= crc::annotation(uid, change.entry, userid, value);
        }
    }
    let used = header.quota_annot_used.saturating_sub(change.old.len() as u64);
    header.quota_annot_used = used.saturating_add(change.new.len() as u64);
}

/// A record once its files are gone, or `None` if there was nothing to do for it (`mailbox_index_unlink`).
///
/// Remove the files of an unlinked record, and its annotations, before. In the modes other than `delayed` the mark stays
/// on expunged records, because the reference rewrites the record in the same way as any other.
pub fn cleaned_up(record: &IndexRecord, mode: ExpungeMode) -> Option<IndexRecord> {
    if !record.internal_flags.has(InternalFlags::NEEDS_CLEANUP | InternalFlags::UNLINKED) {
        return None;
    }
    let mut clean = *record;
    clean.internal_flags.0 &= !InternalFlags::NEEDS_CLEANUP;
    if mode != ExpungeMode::Delayed && clean.is_expunged() {
        clean.internal_flags.0 |= InternalFlags::UNLINKED | InternalFlags::NEEDS_CLEANUP;
    }
    Some(clean)
}

/// Notes that a record leaves the file for good, when the file is rewritten (`mailbox_index_repack`).
///
/// The counts do not change: an unlinked record is in none. Subtract it from `num_records` by what is written.
pub fn forget(header: &mut IndexHeader, gone: &IndexRecord) {
    if gone.modseq > header.deletedmodseq {
        header.deletedmodseq = gone.modseq;
        header.changes_epoch = gone.last_updated;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Remove,
}

impl Sign {
    fn count(self, counter: &mut u32, one: bool) {
        *counter = match self {
            Sign::Add => counter.saturating_add(one.into()),
            Sign::Remove => counter.saturating_sub(one.into()),
        };
    }

    fn bytes(self, counter: &mut u64, bytes: u64) {
        *counter = match self {
            Sign::Add => counter.saturating_add(bytes),
            Sign::Remove => counter.saturating_sub(bytes),
        };
    }
}

/// Adds a record to what the header counts, or takes it away.
fn count(header: &mut IndexHeader, record: &IndexRecord, flags: &FlagCrcs, sign: Sign) {
    let facts = record.facts(flags.of(&record.user_flags));
    let annot = crc::virtual_annotations(&record.virtual_facts(), header.minor_version);
    header.sync_crcs = header.sync_crcs.toggled(SyncCrcs { basic: crc::basic(&facts), annot });
    if record.is_unlinked() {
        return;
    }
    if record.is_expunged() {
        return sign.bytes(&mut header.quota_expunged_used, record.size);
    }
    let has = |flag| record.system_flags.has(flag);
    sign.count(&mut header.answered, has(SystemFlags::ANSWERED));
    sign.count(&mut header.flagged, has(SystemFlags::FLAGGED));
    sign.count(&mut header.deleted, has(SystemFlags::DELETED));
    sign.count(&mut header.unseen, !has(SystemFlags::SEEN));
    sign.count(&mut header.exists, true);
    sign.bytes(&mut header.quota_mailbox_used, record.size);
    if has(SystemFlags::DELETED) {
        sign.bytes(&mut header.quota_deleted_used, record.size);
    }
}

/// `first_expunged` is the earliest `last_updated` of an expunged record.
fn note_expunged(header: &mut IndexHeader, record: &IndexRecord) {
    let first = header.first_expunged;
    if record.is_expunged() && (first.is_unset() || first.seconds > record.last_updated.seconds) {
        header.first_expunged = record.last_updated;
    }
}
