//! Changes: what one command does to the store, decided in full before it is handed over.

use super::{AnnotatedRecord, Annotation, QuotaLimits, Seen, SyncedHeader};
use crate::types::{FlagName, MailboxName, MailboxType, ModSeq, Partition, SyncCrcs, UniqueId, UserId};
use bytes::Bytes;

/// All that one command changes.
#[derive(Debug)]
pub enum Change {
    /// A mailbox: make or replace it, set its header, write records. The mailbox is open for writing.
    Mailbox(Box<MailboxChange>),
    /// List an intermediate folder or a tombstone.
    ListEntry {
        /// Its name.
        name: MailboxName,
        /// Its unique id.
        uniqueid: UniqueId,
        /// Which of the two it is.
        mailbox_type: MailboxType,
        /// When it was made.
        created_modseq: ModSeq,
        /// When the entry was changed last.
        folder_modseq: ModSeq,
    },
    /// Remove a mailbox and its files, leaving a tombstone. Refused with [`Refusal::Nonexistent`](super::Refusal) where there
    /// is none, and with [`Refusal::Moved`](super::Refusal) where it is not the one that is meant.
    DeleteMailbox {
        /// Its name.
        name: MailboxName,
        /// Which mailbox of that name, if the peer says.
        meant: Option<MailboxIdentity>,
    },
    /// Rename a mailbox, or move it to another partition.
    RenameMailbox {
        /// What it is called.
        old: MailboxName,
        /// What it shall be called.
        new: MailboxName,
        /// Where its files shall lie.
        partition: Partition,
        /// Its UIDVALIDITY from now on; `None` keeps it.
        uidvalidity: Option<u32>,
    },
    /// Remove a user's mailboxes, each leaving a tombstone, with the quota roots, subscriptions and all else that is the
    /// user's. Deleted mailboxes that are still kept stay. It is no error if there is nothing. Where this is cut short, doing
    /// it again finishes it.
    RemoveUser {
        /// Who.
        user: UserId,
    },
    /// Subscribe a user to a mailbox, or end it.
    Subscription {
        /// Who.
        user: UserId,
        /// To what; it need not exist.
        mailbox: MailboxName,
        /// Whether subscribed from now on.
        subscribed: bool,
    },
    /// Set which messages of a mailbox a user has seen.
    Seen {
        /// Who.
        user: UserId,
        /// The mailbox.
        uniqueid: UniqueId,
        /// What was seen.
        seen: Seen,
    },
    /// Set the limits of a quota root, making it if need be.
    Quota {
        /// The root.
        root: MailboxName,
        /// The limits.
        limits: QuotaLimits,
        /// When they were changed.
        modseq: ModSeq,
    },
    /// Remove a quota root. It is no error if there is none.
    RemoveQuota {
        /// The root.
        root: MailboxName,
    },
    /// Set or remove one annotation of a mailbox, or of the server where `mailbox` is `None`.
    Annotation {
        /// Whose.
        mailbox: Option<MailboxName>,
        /// Which one.
        entry: Bytes,
        /// Which user's: empty for a shared one.
        user: Bytes,
        /// Its value; empty removes it.
        value: Bytes,
    },
}

/// Which mailbox is meant by a name that may have been given to another one since.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxIdentity {
    /// Its unique id.
    pub uniqueid: UniqueId,
    /// Its UIDVALIDITY; `None`: any.
    pub uidvalidity: Option<u32>,
}

impl MailboxIdentity {
    /// Whether it is the mailbox with this unique id and UIDVALIDITY.
    pub fn is(&self, uniqueid: Option<&UniqueId>, uidvalidity: u32) -> bool {
        uniqueid == Some(&self.uniqueid) && self.uidvalidity.is_none_or(|meant| meant == uidvalidity)
    }
}

/// What becomes of the open mailbox.
#[derive(Debug)]
pub struct MailboxChange {
    /// The mailbox that is changed: the open one, a new one, or one in place of the open one.
    pub target: Target,
    /// The header's new values; `None` leaves all but counters and checksums as they are.
    pub header: Option<SyncedHeader>,
    /// The groups that the mailbox's owner is in from now on, if the master says; of no meaning for shared mailboxes.
    pub user_groups: Option<Vec<Bytes>>,
    /// User flags to give the first free places to, in this order; none of them has a place yet.
    pub new_user_flags: Vec<FlagName>,
    /// The mailbox's own annotations that change; an empty value removes one.
    pub annotations: Vec<Annotation>,
    /// Records to write, as they shall be, ascending by uid, with those of their annotations that change; an empty value
    /// removes one. A record is new if its uid is above the mailbox's last uid.
    pub records: Vec<AnnotatedRecord>,
    /// The checksums after the change.
    pub crcs: SyncCrcs,
}

/// Which mailbox a [`MailboxChange`] is made to.
#[derive(Debug)]
pub enum Target {
    /// The open one.
    Existing,
    /// One that does not exist yet; made with no records, then changed.
    New {
        /// Its unique id.
        uniqueid: UniqueId,
        /// What it holds.
        mailbox_type: MailboxType,
        /// Where its files shall lie.
        partition: Partition,
        /// Minor version of its index: 10 at least. A store that knows no such version takes its own highest.
        index_version: u32,
        /// The highest modseq of a record that was removed for good; 0 where unknown.
        deleted_modseq: ModSeq,
        /// Whether the open mailbox, which has another unique id, is removed first.
        replace: bool,
    },
}
