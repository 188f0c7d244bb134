//! What `cyrus.index` holds, whatever the version.

use super::layout::Layout;
use crate::{
    plan::crc::{RecordFacts, VirtualFacts},
    types::{Guid, InternalFlags, MailboxOptions, ModSeq, SyncCrcs, SystemFlags, Uid, UserFlags},
};

/// A point in time; all zero stands for "never" or "unknown".
///
/// Versions up to 19 keep whole seconds in 32 bits without a sign, so 1970 to 2106.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Time {
    /// Seconds since 1970.
    pub seconds: i64,
    /// Nanoseconds in that second, 0 to 999999999; 0 stands for "unknown" (`UTIME_OMIT`).
    pub nanoseconds: u32,
}

impl Time {
    /// "Never" or "unknown".
    pub const UNSET: Time = Time { seconds: 0, nanoseconds: 0 };

    /// This many seconds after 1970.
    pub const fn from_seconds(seconds: i64) -> Time {
        Time { seconds, nanoseconds: 0 }
    }

    /// Whether this is "never" or "unknown": the seconds decide, as in the reference.
    pub fn is_unset(self) -> bool {
        self.seconds == 0
    }
}

/// The header of `cyrus.index`.
///
/// A field that the file's version does not have is 0 after decoding and left out when encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexHeader {
    /// Counts rewrites of the whole file; `cyrus.cache` begins with the same number.
    pub generation: u32,
    /// Always 0.
    pub format: u32,
    /// The version of the layout: 10 to 20.
    pub minor_version: u32,
    /// The byte at which records begin.
    pub start_offset: u32,
    /// Bytes of a record.
    pub record_size: u32,
    /// Records in the file, expunged ones included.
    pub num_records: u32,
    /// When a message was last added.
    pub last_appenddate: Time,
    /// The highest UID ever given out; 0 for none.
    pub last_uid: u32,
    /// Bytes of messages that are not expunged.
    pub quota_mailbox_used: u64,
    /// When the mailbox was last read by POP3.
    pub pop3_last_login: Time,
    /// IMAP's UIDVALIDITY.
    pub uidvalidity: u32,
    /// Messages with `\Deleted`. As the counts below, of those not expunged.
    pub deleted: u32,
    /// Messages with `\Answered`.
    pub answered: u32,
    /// Messages with `\Flagged`.
    pub flagged: u32,
    /// Messages.
    pub exists: u32,
    /// Messages without `\Seen`. From version 14 on.
    pub unseen: u32,
    /// The options that replicate and those of [`options`].
    pub options: MailboxOptions,
    /// Records in `cyrus.cache` that no record refers to any longer. No release since 2.4 counts it.
    pub leaked_cache: u32,
    /// The highest modification sequence number in the mailbox.
    pub highestmodseq: ModSeq,
    /// The highest one among records that are gone from the file.
    pub deletedmodseq: ModSeq,
    /// `last_updated` of the expunged record that has waited longest.
    pub first_expunged: Time,
    /// When the file was last rewritten.
    pub last_repack_time: Time,
    /// CRC-32 of `cyrus.header`; 0 for unknown.
    pub header_file_crc: u32,
    /// The checksums that master and replica compare.
    pub sync_crcs: SyncCrcs,
    /// The highest UID that the owner was told of.
    pub recentuid: u32,
    /// When the owner's seen state changed last.
    pub recenttime: Time,
    /// POP3 shows only messages that came after.
    pub pop3_show_after: Time,
    /// Bytes of annotations, of the mailbox and of its messages.
    pub quota_annot_used: u64,
    /// The modification sequence number that the mailbox was made with.
    pub createdmodseq: ModSeq,
    /// Bytes of messages with `\Deleted`. From version 18 on.
    pub quota_deleted_used: u64,
    /// Bytes of messages that are expunged but whose files are still there. From version 18 on.
    pub quota_expunged_used: u64,
    /// Since when changes are complete: `last_updated` of the newest record that is gone, or when the mailbox was made.
    pub changes_epoch: Time,
}

/// The options of an index header that do not replicate.
pub mod options {
    /// Some record needs its files removed (`OPT_MAILBOX_NEEDS_UNLINK`).
    pub const NEEDS_UNLINK: u32 = 1 << 29;
    /// The file is to be rewritten without its unlinked records (`OPT_MAILBOX_NEEDS_REPACK`).
    pub const NEEDS_REPACK: u32 = 1 << 30;
    /// The mailbox is deleted and waits to be cleaned up (`OPT_MAILBOX_DELETED`).
    pub const DELETED: u32 = 1 << 31;
    /// What is ever written; other bits are dropped (`MAILBOX_OPT_VALID`).
    pub const VALID: u32 = crate::types::MailboxOptions::SYNCED | NEEDS_UNLINK | NEEDS_REPACK | DELETED;
}

/// What a mailbox is made with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewMailbox {
    /// IMAP's UIDVALIDITY, not 0.
    pub uidvalidity: u32,
    /// The options that replicate.
    pub options: MailboxOptions,
    /// The modification sequence number to begin with, not 0.
    pub highestmodseq: ModSeq,
    /// The one it was made with; 0, or one above `highestmodseq`, stands for `highestmodseq`.
    pub createdmodseq: ModSeq,
    /// Now.
    pub now: Time,
}

impl IndexHeader {
    /// The header of a new, empty mailbox (`mailbox_create`); `None` if the version is not known.
    ///
    /// Set `header_file_crc` once `cyrus.header` is written.
    pub fn create(minor_version: u32, new: &NewMailbox) -> Option<IndexHeader> {
        let layout = Layout::of(minor_version)?;
        let given = new.createdmodseq;
        let createdmodseq = if given.0 == 0 || given > new.highestmodseq { new.highestmodseq } else { given };
        Some(IndexHeader {
            minor_version,
            start_offset: u32::try_from(layout.header_size).ok()?,
            record_size: u32::try_from(layout.record_size).ok()?,
            options: new.options,
            uidvalidity: new.uidvalidity,
            createdmodseq,
            highestmodseq: new.highestmodseq,
            changes_epoch: new.now,
            sync_crcs: SyncCrcs::EMPTY,
            ..IndexHeader::ZERO
        })
    }

    /// The header as the reference sees it after reading: empty fields and those that the version lacks get the values
    /// that it gives them (end of `mailbox_buf_to_index_header`, 3.12.3). Whatever is written next then carries them.
    pub fn fill_in(&mut self, now: Time) {
        if self.exists == 0 {
            self.options.0 |= MailboxOptions::POP3_NEW_UIDL;
        }
        if self.highestmodseq.0 == 0 {
            self.highestmodseq = ModSeq(1);
        }
        if self.minor_version < 12 {
            self.deletedmodseq = self.highestmodseq;
            self.exists = self.num_records;
        }
        if self.minor_version < 17 {
            self.changes_epoch = if self.last_repack_time.is_unset() { now } else { self.last_repack_time };
        }
    }

    /// The byte at which a record begins, the first being number 1.
    pub(super) fn offset_of(&self, number: u32) -> u64 {
        u64::from(self.start_offset) + u64::from(number.saturating_sub(1)) * u64::from(self.record_size)
    }

    /// Nothing at all: what decoding starts from.
    pub(super) const ZERO: IndexHeader = IndexHeader {
        generation: 0,
        format: 0,
        minor_version: 0,
        start_offset: 0,
        record_size: 0,
        num_records: 0,
        last_appenddate: Time::UNSET,
        last_uid: 0,
        quota_mailbox_used: 0,
        pop3_last_login: Time::UNSET,
        uidvalidity: 0,
        deleted: 0,
        answered: 0,
        flagged: 0,
        exists: 0,
        unseen: 0,
        options: MailboxOptions(0),
        leaked_cache: 0,
        highestmodseq: ModSeq(0),
        deletedmodseq: ModSeq(0),
        first_expunged: Time::UNSET,
        last_repack_time: Time::UNSET,
        header_file_crc: 0,
        sync_crcs: SyncCrcs { basic: 0, annot: 0 },
        recentuid: 0,
        recenttime: Time::UNSET,
        pop3_show_after: Time::UNSET,
        quota_annot_used: 0,
        createdmodseq: ModSeq(0),
        quota_deleted_used: 0,
        quota_expunged_used: 0,
        changes_epoch: Time::UNSET,
    };
}

/// A record of `cyrus.index`: one message.
///
/// A field that the file's version does not have is 0 after decoding and left out when encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IndexRecord {
    /// The message's UID; `None` for a record that `reconstruct` has wiped (`mailbox_wipe_index_record`).
    pub uid: Option<Uid>,
    /// IMAP's INTERNALDATE.
    pub internaldate: Time,
    /// The day of the `Date` header field, at midnight.
    pub sentdate: Time,
    /// Bytes of the message. 32 bits up to version 19.
    pub size: u64,
    /// Bytes of its header.
    pub header_size: u32,
    /// The time of the `Date` header field. From version 12 on.
    pub gmtime: Time,
    /// Where its record in `cyrus.cache` begins, 48 bits; 0 for none.
    pub cache_offset: u64,
    /// When this record changed last.
    pub last_updated: Time,
    /// The flags that IMAP defines: bits 0 to 15.
    pub system_flags: SystemFlags,
    /// The flags that only Cyrus knows: bits 16 to 31.
    pub internal_flags: InternalFlags,
    /// The user flags, by their numbers in `cyrus.header`.
    pub user_flags: UserFlags,
    /// When the message was saved in this mailbox. From version 15 on.
    pub savedate: Time,
    /// The version of its record in `cyrus.cache`.
    pub cache_version: u16,
    /// The message's GUID.
    pub guid: Guid,
    /// The modification sequence number of the last change.
    pub modseq: ModSeq,
    /// Its conversation; 0 for none. From version 13 on.
    pub cid: u64,
    /// The modification sequence number that it was made with. From version 16 on.
    pub createdmodseq: ModSeq,
    /// The conversation that its own was split off; 0 for none. From version 20 on; until then an annotation.
    pub basecid: u64,
    /// CRC-32 of its record in `cyrus.cache`. From version 12 on.
    pub cache_crc: u32,
}

impl IndexRecord {
    /// Whether the message is gone for IMAP.
    pub fn is_expunged(&self) -> bool {
        self.internal_flags.has(InternalFlags::EXPUNGED)
    }

    /// Whether the message's file is gone, too.
    pub fn is_unlinked(&self) -> bool {
        self.internal_flags.has(InternalFlags::UNLINKED)
    }

    /// What goes into the checksum of records, with the user flags' sum from
    /// [`FlagCrcs::of`](crate::plan::crc::FlagCrcs::of).
    pub fn facts(&self, user_flags: u32) -> RecordFacts {
        RecordFacts {
            uid: self.uid.map_or(0, Uid::get),
            modseq: self.modseq,
            last_updated: self.last_updated.seconds,
            internaldate: self.internaldate.seconds,
            system_flags: self.system_flags,
            user_flags,
            guid: self.guid,
            expunged: self.is_expunged(),
        }
    }

    /// What goes into the checksum of annotations from the record itself.
    pub fn virtual_facts(&self) -> VirtualFacts {
        VirtualFacts {
            uid: self.uid.map_or(0, Uid::get),
            cid: self.cid,
            savedate: self.savedate.seconds,
            createdmodseq: self.createdmodseq,
            internaldate_nanoseconds: self.internaldate.nanoseconds,
            basecid: self.basecid,
            expunged: self.is_expunged(),
        }
    }
}
