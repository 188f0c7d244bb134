//! Mailboxes: what is known of one, its records, and the operations that read them.

use super::Operation;
use crate::types::{
    FlagName, Guid, InternalFlags, MAX_USER_FLAGS, MailboxName, MailboxOptions, MailboxType, ModSeq, Partition,
    SyncCrcs, SystemFlags, Uid, UniqueId, UserFlags,
};
use bytes::Bytes;

/// What an open mailbox is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Intent {
    /// Others may read it too.
    Read,
    /// Nobody else may read or change it, nor make, rename or remove mailboxes of its owner.
    Write,
}

/// Lock a mailbox until [`Commit`](super::Commit) or [`CloseMailbox`]. The reply is `None` where no mailbox has this name;
/// with [`Intent::Write`] the name is locked all the same, so that it can be made. It is also `None` for an intermediate
/// folder or a tombstone.
#[derive(Debug)]
pub struct OpenMailbox {
    /// Its name.
    pub name: MailboxName,
    /// Whether it may be changed.
    pub intent: Intent,
}

impl Operation for OpenMailbox {
    type Reply = Option<MailboxState>;
}

/// Let go of the open mailbox, unchanged.
#[derive(Debug)]
pub struct CloseMailbox;

impl Operation for CloseMailbox {
    type Reply = ();
}

/// Look up records of the open mailbox. The reply has one place for each uid, in order.
#[derive(Debug)]
pub struct FindRecords {
    /// The uids, ascending; at most [`FindRecords::PAGE`].
    pub uids: Vec<Uid>,
}

impl FindRecords {
    /// How many records are asked for at once: enough to make the call's cost small, few enough to hold.
    pub const PAGE: usize = 512;
}

impl Operation for FindRecords {
    type Reply = Vec<Option<AnnotatedRecord>>;
}

/// Read the open mailbox's records in the order of their uids, expunged ones included. An empty reply is the end.
#[derive(Debug)]
pub struct ReadRecords {
    /// The last uid that was read; `None` starts at the first.
    pub after: Option<Uid>,
    /// How many to read at most.
    pub limit: usize,
}

impl Operation for ReadRecords {
    type Reply = Vec<AnnotatedRecord>;
}

/// Compute the open mailbox's checksums from its records, for where the stored ones are in doubt. Reads every record.
#[derive(Debug)]
pub struct ScanCrcs;

impl Operation for ScanCrcs {
    type Reply = SyncCrcs;
}

/// How a mailbox is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailboxRef {
    /// By its name.
    Name(MailboxName),
    /// By its unique id. Where several entries have it, a mailbox goes before an entry without one, and that before a
    /// tombstone; in a [`CyrusStore`](crate::store::CyrusStore) the entry that was written last does, as in Cyrus.
    UniqueId(UniqueId),
}

/// What the mailbox list says of a name or unique id, and the mailbox's header. The reply is `None` where nothing is listed,
/// or where the mailbox is just being made or removed.
#[derive(Debug)]
pub struct ReadListed(pub MailboxRef);

impl Operation for ReadListed {
    type Reply = Option<Listed>;
}

/// What a new mailbox is made with where nobody says it, and the time. Nothing is reserved: of two that ask, one may come late.
#[derive(Debug)]
pub struct ReadDefaults {
    /// The mailbox's name.
    pub name: MailboxName,
}

impl Operation for ReadDefaults {
    type Reply = Defaults;
}

/// What a new mailbox is made with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Defaults {
    /// The time, in seconds since 1970.
    pub now: i64,
    /// A unique id that nothing has.
    pub uniqueid: UniqueId,
    /// UIDVALIDITY.
    pub uidvalidity: u32,
    /// That of the mailbox above it, or the configured one; `None` where no partition is configured.
    pub partition: Option<Partition>,
    /// The access control list of the mailbox above it; else all rights for its owner, or the configured ones.
    pub acl: Bytes,
}

/// What is listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listed {
    /// An intermediate folder or a tombstone: there is no mailbox.
    Entry(ListedEntry),
    /// A mailbox.
    Mailbox(Box<MailboxState>),
}

impl Listed {
    /// Its name.
    pub fn name(&self) -> &MailboxName {
        match self {
            Listed::Entry(entry) => &entry.name,
            Listed::Mailbox(mailbox) => &mailbox.name,
        }
    }
}

/// An entry of the mailbox list that has no mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedEntry {
    /// Its name.
    pub name: MailboxName,
    /// Its unique id; old entries have none.
    pub uniqueid: Option<UniqueId>,
    /// Intermediate or tombstone.
    pub mailbox_type: MailboxType,
    /// Where the mailbox was or would be.
    pub partition: Option<Partition>,
    /// Access control list, as in [`SyncedHeader::acl`].
    pub acl: Option<Bytes>,
    /// UIDVALIDITY of the mailbox that was here; 0 if none.
    pub uidvalidity: u32,
    /// When it was made.
    pub created_modseq: ModSeq,
    /// When the entry was changed last.
    pub folder_modseq: ModSeq,
}

/// What a master says of a mailbox: its header and its entry in the mailbox list are written with these values as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SyncedHeader {
    /// UIDVALIDITY.
    pub uidvalidity: u32,
    /// The highest uid ever given; 0 if none was.
    pub last_uid: u32,
    /// The highest modseq of any change.
    pub highest_modseq: ModSeq,
    /// When the mailbox was made; 0 where unknown.
    pub created_modseq: ModSeq,
    /// When its entry in the mailbox list was changed last; 0 where unknown.
    pub folder_modseq: ModSeq,
    /// The highest uid that the owner's client was told is `\Recent`.
    pub recent_uid: u32,
    /// When that was, in seconds since 1970.
    pub recent_time: i64,
    /// When the last message was appended, in seconds since 1970.
    pub last_append_date: i64,
    /// Last POP3 login, in seconds since 1970.
    pub pop3_last_login: i64,
    /// Messages older than this are hidden from POP3, in seconds since 1970.
    pub pop3_show_after: i64,
    /// Access control list: identifier TAB rights TAB, repeated.
    pub acl: Bytes,
    /// The options that replicate.
    pub options: MailboxOptions,
}

/// A mailbox, without its records.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxState {
    /// Its name.
    pub name: MailboxName,
    /// Its unique id.
    pub uniqueid: UniqueId,
    /// What it holds.
    pub mailbox_type: MailboxType,
    /// Where its files lie.
    pub partition: Partition,
    /// The quota root it counts for.
    pub quota_root: Option<MailboxName>,
    /// What a master says of it.
    pub header: SyncedHeader,
    /// The stored checksums.
    pub crcs: SyncCrcs,
    /// The names of user flags: the place in the list is the bit in [`Record::user_flags`]. At most 128.
    pub user_flags: Vec<Option<FlagName>>,
    /// The mailbox's own annotations, in the order of entry and user.
    pub annotations: Vec<Annotation>,
    /// Minor version of the index: which facts of a record count as annotations depends on it.
    pub index_version: u32,
    /// The groups that the owner is in, in the order of their names; kept since 3.12.
    pub user_groups: Vec<Bytes>,
    /// Modseq of the last change of other users' rights in the owner's mailboxes; 0 if there is none.
    pub racl_modseq: ModSeq,
}

/// An annotation (RFC 5257, RFC 5464) of a mailbox, a message or the server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Annotation {
    /// Which one, such as `/comment`.
    pub entry: Bytes,
    /// Whose: empty for a shared one.
    pub user: Bytes,
    /// Its value; empty only in a change, where it removes the annotation.
    pub value: Bytes,
    /// When it was changed.
    pub modseq: ModSeq,
}

/// A message's record, without its annotations and without what only the store knows (where in the cache it is, …).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Its uid.
    pub uid: Uid,
    /// When it was changed.
    pub modseq: ModSeq,
    /// When it was changed, in seconds since 1970.
    pub last_updated: i64,
    /// When it was received, in seconds since 1970.
    pub internal_date: i64,
    /// When it came into this mailbox, in seconds since 1970; 0 where unknown.
    pub save_date: i64,
    /// When it came into this mailbox; 0 where unknown.
    pub created_modseq: ModSeq,
    /// The conversation it belongs to; 0 if none.
    pub cid: u64,
    /// Bytes.
    pub size: u32,
    /// SHA-1 of its bytes.
    pub guid: Guid,
    /// `\Seen` and so on.
    pub system_flags: SystemFlags,
    /// Expunged and so on.
    pub internal_flags: InternalFlags,
    /// User flags, by their place in [`MailboxState::user_flags`].
    pub user_flags: UserFlags,
}

impl Record {
    /// Whether it is expunged.
    pub fn is_expunged(&self) -> bool {
        self.internal_flags.has(InternalFlags::EXPUNGED)
    }

    /// The names of the flags that are set, in the order in which the reference lists them; `user_flags` are the mailbox's,
    /// by place.
    pub fn flag_names<'a>(&self, user_flags: &'a [Option<FlagName>]) -> impl Iterator<Item = &'a str> {
        let system = |flag| self.system_flags.has(flag);
        let standard = [
            (system(SystemFlags::DELETED), "\\Deleted"),
            (system(SystemFlags::ANSWERED), "\\Answered"),
            (system(SystemFlags::FLAGGED), "\\Flagged"),
            (system(SystemFlags::DRAFT), "\\Draft"),
            (self.internal_flags.has(InternalFlags::EXPUNGED), "\\Expunged"),
            (system(SystemFlags::SEEN), "\\Seen"),
        ];
        let own = self.user_flag_places().filter_map(|place| user_flags.get(place)?.as_ref());
        let standard = standard.into_iter().filter(|(set, _)| *set).map(|(_, name)| name);
        standard.chain(own.map(FlagName::as_str))
    }

    /// The places of the user flags that are set, ascending.
    pub fn user_flag_places(&self) -> impl Iterator<Item = usize> + '_ {
        (0..MAX_USER_FLAGS)
            .filter(|place| self.user_flags.get(place / 32).is_some_and(|word| word >> (place % 32) & 1 == 1))
    }
}

/// A record and annotations of its message, those left out that are fields of the record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AnnotatedRecord {
    /// The record.
    pub record: Record,
    /// In the order of entry and user. `None` for none, which is the usual case; the box keeps that at 8 bytes a record.
    pub annotations: Option<Box<Vec<Annotation>>>,
}

impl AnnotatedRecord {
    /// A record with these annotations.
    pub fn new(record: Record, annotations: Vec<Annotation>) -> AnnotatedRecord {
        AnnotatedRecord { record, annotations: (!annotations.is_empty()).then(|| Box::new(annotations)) }
    }

    /// The annotations, perhaps none.
    pub fn annotations(&self) -> &[Annotation] {
        self.annotations.as_deref().map_or(&[], Vec::as_slice)
    }
}
