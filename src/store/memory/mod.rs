//! `MemoryStore`: the smallest store that is correct. Tests compare other stores with it, and hosts can start from it.

mod change;

use crate::{
    ops::{
        AbortUpload, AnnotatedRecord, Annotation, BeginUpload, CloseMailbox, Commit, Defaults, DiscardStaged,
        FindRecords, FinishUpload, Intent, ListUserMailboxes, Listed, ListedEntry, MailboxRef, MailboxState,
        MessageInfo, OpenMailbox, OpenMessage, Quota, ReadAnnotations, ReadDefaults, ReadListed, ReadMessage,
        ReadQuota, ReadRecords, ReadSeen, ReadSubscriptions, Refusal, Reserve, ScanCrcs, Seen, SeenEntry, Store,
        UploadChunk,
    },
    plan::{crc::FlagCrcs, records},
    types::{Guid, InternalFlags, MailboxName, Partition, SyncCrcs, Uid, UniqueId, UserId},
};
use bytes::{Bytes, BytesMut};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    time::{SystemTime, UNIX_EPOCH},
};

/// Mailboxes in memory. One session uses it at a time.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    mailboxes: BTreeMap<MailboxName, Mailbox>,
    entries: BTreeMap<MailboxName, ListedEntry>,
    quotas: BTreeMap<MailboxName, Quota>,
    seen: BTreeMap<(UserId, UniqueId), Seen>,
    subscriptions: BTreeSet<(UserId, MailboxName)>,
    groups: BTreeMap<UserId, Vec<Bytes>>,
    server_annotations: Vec<Annotation>,
    staged: BTreeMap<(Partition, Guid), Bytes>,
    upload: Option<(Partition, Guid, BytesMut)>,
    open: Option<MailboxName>,
    /// How many unique ids were made up.
    made: u64,
    /// The message that was opened last.
    message: Bytes,
    /// The seconds since 1970 at which the clock stands still.
    clock: Option<i64>,
}

/// One mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// Its header.
    pub state: MailboxState,
    /// Its records.
    pub records: BTreeMap<Uid, AnnotatedRecord>,
    /// The bytes of its messages.
    pub messages: BTreeMap<Uid, Bytes>,
}

impl MemoryStore {
    /// A store without mailboxes.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// A store without mailboxes for which it is always this time, in seconds since 1970: the same commands make the same
    /// mailboxes.
    pub fn at(time: i64) -> MemoryStore {
        MemoryStore { clock: Some(time), ..MemoryStore::default() }
    }

    fn now(&self) -> i64 {
        self.clock.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
    }

    /// A mailbox, by name.
    pub fn mailbox(&self, name: &MailboxName) -> Option<&Mailbox> {
        self.mailboxes.get(name)
    }

    /// The names of all mailboxes.
    pub fn names(&self) -> impl Iterator<Item = &MailboxName> {
        self.mailboxes.keys()
    }

    fn opened(&self) -> Result<&Mailbox, Refusal> {
        self.open.as_ref().and_then(|name| self.mailboxes.get(name)).ok_or(Refusal::Nonexistent)
    }

    fn snapshot(&self, name: &MailboxName) -> Option<MailboxState> {
        let mailbox = self.mailboxes.get(name)?;
        let mut state = mailbox.state.clone();
        let messages = mailbox.records.values().any(|record| !record.record.is_expunged());
        state.header.options = state.header.options.of_mailbox_with(messages);
        state.user_groups = name.owner().and_then(|owner| self.groups.get(&owner).cloned()).unwrap_or_default();
        Some(state)
    }

    fn listed(&self, name: &MailboxName) -> Option<Listed> {
        let mailbox = self.snapshot(name).map(|state| Listed::Mailbox(Box::new(state)));
        mailbox.or_else(|| self.entries.get(name).cloned().map(Listed::Entry))
    }

    fn belongs(name: &MailboxName, user: &UserId) -> bool {
        name.owner().as_ref() == Some(user)
    }
}

impl Store for MemoryStore {
    fn begin_upload(&mut self, upload: &BeginUpload) -> Result<(), Refusal> {
        self.upload = Some((upload.partition.clone(), upload.guid, BytesMut::new()));
        Ok(())
    }

    fn upload_chunk(&mut self, UploadChunk(data): &UploadChunk) -> Result<(), Refusal> {
        let (_, _, bytes) = self.upload.as_mut().ok_or(Refusal::Io)?;
        bytes.extend_from_slice(data);
        Ok(())
    }

    fn finish_upload(&mut self, FinishUpload: &FinishUpload) -> Result<(), Refusal> {
        let (partition, guid, bytes) = self.upload.take().ok_or(Refusal::Io)?;
        self.staged.insert((partition, guid), bytes.freeze());
        Ok(())
    }

    fn abort_upload(&mut self, AbortUpload: &AbortUpload) -> Result<(), Refusal> {
        self.upload = None;
        Ok(())
    }

    fn reserve(&mut self, Reserve { partition, mailboxes, guids }: &Reserve) -> Result<Vec<Guid>, Refusal> {
        let mut missing = guids.clone();
        for mailbox in mailboxes.iter().filter_map(|name| self.mailboxes.get(name)) {
            for (uid, message) in &mailbox.messages {
                let Some(guid) = mailbox.records.get(uid).map(|record| record.record.guid) else { continue };
                if let Some(place) = missing.iter().position(|wanted| *wanted == guid) {
                    missing.swap_remove(place);
                    self.staged.insert((partition.clone(), guid), message.clone());
                }
            }
        }
        Ok(missing)
    }

    fn discard_staged(&mut self, DiscardStaged: &DiscardStaged) -> Result<(), Refusal> {
        self.staged.clear();
        self.upload = None;
        Ok(())
    }

    fn open_message(&mut self, wanted: &OpenMessage) -> Result<MessageInfo, Refusal> {
        // As where files lie by unique id: the name does not matter.
        let is_wanted = |state: &MailboxState| state.uniqueid == wanted.uniqueid && state.partition == wanted.partition;
        let mailbox = self.mailboxes.values().find(|mailbox| is_wanted(&mailbox.state)).ok_or(Refusal::Nonexistent)?;
        let message = mailbox.messages.get(&wanted.uid).ok_or(Refusal::Nonexistent)?.clone();
        let guid = mailbox.records.get(&wanted.uid).map_or(Guid::NULL, |record| record.record.guid);
        let size = u32::try_from(message.len()).map_err(|_| Refusal::Io)?;
        self.message = message;
        Ok(MessageInfo { guid, size })
    }

    fn read_message(&mut self, ReadMessage { offset, length }: &ReadMessage) -> Result<Bytes, Refusal> {
        let (start, length) = (*offset as usize, *length as usize);
        let end = start.saturating_add(length).min(self.message.len());
        Ok(self.message.slice(start.min(end)..end))
    }

    fn open_mailbox(&mut self, OpenMailbox { name, intent }: &OpenMailbox) -> Result<Option<MailboxState>, Refusal> {
        let state = self.snapshot(name);
        self.open = (state.is_some() || *intent == Intent::Write).then(|| name.clone());
        Ok(state)
    }

    fn close_mailbox(&mut self, CloseMailbox: &CloseMailbox) -> Result<(), Refusal> {
        self.open = None;
        Ok(())
    }

    fn find_records(&mut self, find: &FindRecords) -> Result<Vec<Option<AnnotatedRecord>>, Refusal> {
        let mailbox = self.opened()?;
        Ok(find.uids.iter().map(|uid| mailbox.records.get(uid).cloned()).collect())
    }

    fn read_records(&mut self, ReadRecords { after, limit }: &ReadRecords) -> Result<Vec<AnnotatedRecord>, Refusal> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.opened()?.records.range((from, Bound::Unbounded)).take(*limit);
        Ok(page.map(|(_, record)| record.clone()).collect())
    }

    fn scan_crcs(&mut self, ScanCrcs: &ScanCrcs) -> Result<SyncCrcs, Refusal> {
        let Mailbox { state, records, .. } = self.opened()?;
        let flags = FlagCrcs::named(&state.user_flags);
        let add = |crcs: SyncCrcs, record| crcs.toggled(records::checksums(record, &flags, state.index_version));
        Ok(records.values().fold(SyncCrcs::EMPTY, add))
    }

    fn read_listed(&mut self, ReadListed(wanted): &ReadListed) -> Result<Option<Listed>, Refusal> {
        let name = match wanted {
            MailboxRef::Name(name) => Some(name.clone()),
            MailboxRef::UniqueId(id) => {
                let mailbox = self.mailboxes.values().find(|mailbox| mailbox.state.uniqueid == *id);
                let entries = self.entries.values().filter(|entry| entry.uniqueid.as_ref() == Some(id));
                // A folder that was renamed left a tombstone behind.
                let entry = || entries.min_by_key(|entry| entry.mailbox_type.deleted);
                mailbox.map(|mailbox| mailbox.state.name.clone()).or_else(|| entry().map(|entry| entry.name.clone()))
            }
        };
        Ok(name.and_then(|name| self.listed(&name)))
    }

    fn read_defaults(&mut self, ReadDefaults { name }: &ReadDefaults) -> Result<Defaults, Refusal> {
        let above = |other: &&Mailbox| {
            let rest = name.as_str().strip_prefix(other.state.name.as_str());
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let parent = self.mailboxes.values().filter(above).max_by_key(|above| above.state.name.as_str().len());
        let parent = parent.map(|parent| (parent.state.partition.clone(), parent.state.header.acl.clone()));
        let own = name.owner().map_or_else(|| "anyone\tlrs\t".to_owned(), |owner| format!("{owner}\tlrswipkxtecdan\t"));
        let now = self.now();
        self.made += 1;
        Ok(Defaults {
            now,
            uniqueid: UniqueId::parse(format!("made-{}", self.made).as_bytes()).map_err(|_| Refusal::Io)?,
            uidvalidity: u32::try_from(now).unwrap_or(u32::MAX),
            partition: parent.as_ref().map(|(partition, _)| partition.clone()).or(Partition::parse(b"default").ok()),
            acl: parent.map_or_else(|| own.into(), |(_, acl)| acl),
        })
    }

    fn list_user_mailboxes(&mut self, list: &ListUserMailboxes) -> Result<Vec<Listed>, Refusal> {
        let mut names: BTreeSet<&MailboxName> = self.mailboxes.keys().chain(self.entries.keys()).collect();
        names.retain(|name| Self::belongs(name, &list.user));
        let order = |name: &MailboxName| (name.is_deleted(), hierarchical(name.as_str()));
        let mut names: Vec<MailboxName> = names.into_iter().cloned().collect();
        names.sort_by_key(order);
        let after = list.after.as_ref().map(order);
        names.retain(|name| after.as_ref().is_none_or(|after| order(name) > *after));
        names.truncate(list.limit);
        Ok(names.iter().filter_map(|name| self.listed(name)).collect())
    }

    fn read_quota(&mut self, ReadQuota { root }: &ReadQuota) -> Result<Option<Quota>, Refusal> {
        Ok(self.quotas.get(root).copied())
    }

    fn read_seen(&mut self, ReadSeen { user, after, limit }: &ReadSeen) -> Result<Vec<SeenEntry>, Refusal> {
        let of_user = self.seen.iter().filter(|((owner, _), _)| owner == user);
        let page = of_user.filter(|((_, id), _)| after.as_ref().is_none_or(|after| id > after)).take(*limit);
        Ok(page.map(|((_, id), seen)| SeenEntry { uniqueid: id.clone(), seen: seen.clone() }).collect())
    }

    fn read_subscriptions(
        &mut self,
        ReadSubscriptions { user }: &ReadSubscriptions,
    ) -> Result<Vec<MailboxName>, Refusal> {
        let of_user = self.subscriptions.iter().filter(|(owner, _)| owner == user);
        let mut names: Vec<MailboxName> = of_user.map(|(_, name)| name.clone()).collect();
        let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
        names.sort_by_key(|name| hierarchical(&seen_by_owner(name.as_str(), inbox.as_str())));
        Ok(names)
    }

    fn read_annotations(&mut self, ReadAnnotations { mailbox }: &ReadAnnotations) -> Result<Vec<Annotation>, Refusal> {
        let Some(name) = mailbox else { return Ok(self.server_annotations.clone()) };
        self.mailboxes.get(name).map(|mailbox| mailbox.state.annotations.clone()).ok_or(Refusal::Nonexistent)
    }

    fn commit(&mut self, Commit(change): &Commit) -> Result<(), Refusal> {
        let outcome = self.apply(change);
        self.open = None;
        outcome
    }
}

/// A name in the order of Cyrus's mailbox list, in which what is below a mailbox comes before all else that begins like it.
fn hierarchical(name: &str) -> String {
    name.replace('.', "\u{1f}")
}

/// A name as subscriptions have it: the user's own mailboxes begin with `INBOX`.
fn seen_by_owner(name: &str, inbox: &str) -> String {
    match name.strip_prefix(inbox).filter(|rest| rest.is_empty() || rest.starts_with('.')) {
        Some(rest) => format!("INBOX{rest}"),
        None => name.to_owned(),
    }
}

/// Whether a record's message is kept.
fn has_message(record: &AnnotatedRecord) -> bool {
    !record.record.internal_flags.has(InternalFlags::UNLINKED)
}
