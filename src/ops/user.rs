//! Users, quota roots and annotations: what is kept beside the mailboxes.

use super::{Annotation, Listed, Operation};
use crate::types::{MailboxName, ModSeq, UniqueId, UserId};
use bytes::Bytes;

/// What is listed of a user: INBOX, what is below it, and the deleted mailboxes that are still kept; intermediate folders and
/// tombstones included. An empty reply is the end.
#[derive(Debug)]
pub struct ListUserMailboxes {
    /// Whose.
    pub user: UserId,
    /// The last name of the page before; `None` starts.
    pub after: Option<MailboxName>,
    /// How many at most.
    pub limit: usize,
}

impl Operation for ListUserMailboxes {
    type Reply = Vec<Listed>;
}

/// A quota root's limits. The reply is `None` where there is no such root.
#[derive(Debug)]
pub struct ReadQuota {
    /// The root.
    pub root: MailboxName,
}

impl Operation for ReadQuota {
    type Reply = Option<Quota>;
}

/// A quota root.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// What may be used.
    pub limits: QuotaLimits,
    /// When the limits were changed.
    pub modseq: ModSeq,
}

/// Limits of a quota root; `None` is unlimited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuotaLimits {
    /// `STORAGE`: kibibytes of messages.
    pub storage: Option<u32>,
    /// `MESSAGE`: messages.
    pub message: Option<u32>,
    /// `ANNOTATION-STORAGE`, before 3.10 `X-ANNOTATION-STORAGE`: kibibytes of annotations.
    pub annotation_storage: Option<u32>,
    /// `MAILBOX`, before 3.10 `X-NUM-FOLDERS`: mailboxes.
    pub mailbox: Option<u32>,
}

/// Which messages of shared or SHAREDSEEN-less mailboxes a user has seen, by the mailbox's unique id. An empty reply is the end.
#[derive(Debug)]
pub struct ReadSeen {
    /// Whose.
    pub user: UserId,
    /// The last unique id of the page before; `None` starts.
    pub after: Option<UniqueId>,
    /// How many entries at most.
    pub limit: usize,
}

impl Operation for ReadSeen {
    type Reply = Vec<SeenEntry>;
}

/// One mailbox's entry in a user's seen state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenEntry {
    /// The mailbox.
    pub uniqueid: UniqueId,
    /// What was seen there.
    pub seen: Seen,
}

/// What a user has seen of a mailbox.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// When the user read it last, in seconds since 1970.
    pub last_read: i64,
    /// The highest uid at that time.
    pub last_uid: u32,
    /// When `uids` changed, in seconds since 1970.
    pub last_change: i64,
    /// The uids seen, as an IMAP sequence set; may be empty.
    pub uids: Bytes,
}

/// A user's subscriptions, in the order they are kept in.
#[derive(Debug)]
pub struct ReadSubscriptions {
    /// Whose.
    pub user: UserId,
}

impl Operation for ReadSubscriptions {
    type Reply = Vec<MailboxName>;
}

/// The annotations of a mailbox, all users' and in order, or of the server. Refused with [`Refusal::Nonexistent`](super::Refusal) where the
/// mailbox is not there.
#[derive(Debug)]
pub struct ReadAnnotations {
    /// The mailbox; `None` for the server's own.
    pub mailbox: Option<MailboxName>,
}

impl Operation for ReadAnnotations {
    type Reply = Vec<Annotation>;
}
