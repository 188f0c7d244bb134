//! [`CyrusStore`]: each operation, carried out on the spool.

use super::{
    annotate,
    annotations::Target,
    defaults,
    disk::{Disk, Durability, Lock, RealDisk},
    error::StoreError,
    journal,
    lock::LockName,
    mailbox::{self, OpenMailbox, Opened},
    mboxlist::{MailboxEntry, Tree, TreeFlags, update},
    messages::Message,
    options::CyrusOptions,
    quotas, remove_user, reserve,
    room::Room,
    spool::{Spool, now},
    staging::Staging,
    sync_log, users,
};
use crate::{
    event::{Observer, Severity},
    ops::{
        AbortUpload, AnnotatedRecord, Annotation, BeginUpload, Change, CloseMailbox, Commit, Defaults, DiscardStaged,
        FindRecords, FinishUpload, Intent, ListUserMailboxes, Listed, ListedEntry, MailboxChange, MailboxRef,
        MailboxState, MessageInfo, OpenMailbox as Open, OpenMessage, Quota, ReadAnnotations, ReadDefaults, ReadListed,
        ReadMessage, ReadQuota, ReadRecords, ReadSeen, ReadSubscriptions, Refusal, Reserve, ScanCrcs, SeenEntry, Store,
        UploadChunk,
    },
    types::{Guid, MailboxName, SyncCrcs, UserId},
};
use bytes::Bytes;
use std::sync::Arc;

/// A Cyrus spool, as one session's store. Other processes, of Cyrus's own and other sessions, may use the same spool at the
/// same time.
///
/// Its calls block. Where a master reserves many messages, a second thread helps to sum them and ends with the operation.
#[derive(Debug)]
pub struct CyrusStore {
    pub(super) spool: Spool,
    staging: Staging,
    room: Room,
    pub(super) open: Option<Opened>,
    message: Option<Message>,
    /// Where the listing of a user's mailboxes has come to: the user, the last name, and what follows.
    listing: Option<(UserId, MailboxName, Tree)>,
}

impl CyrusStore {
    /// A store on the disk that the operating system has.
    pub fn new(options: CyrusOptions, observer: Arc<dyn Observer>) -> CyrusStore {
        CyrusStore::on(Arc::new(RealDisk), options, observer)
    }

    /// A store on another disk. Changes that a power cut or a killed process has cut short are finished first; what stands in
    /// the way of that is told to the observer.
    pub fn on(disk: Arc<dyn Disk>, options: CyrusOptions, observer: Arc<dyn Observer>) -> CyrusStore {
        let mut spool = Spool::new(disk, options, observer);
        journal::replay_all(&mut spool);
        CyrusStore {
            spool,
            staging: Staging::default(),
            room: Room::default(),
            open: None,
            message: None,
            listing: None,
        }
    }

    /// What the peer is told of an outcome; the administrator is told why.
    pub(super) fn told<T>(&self, outcome: Result<T, StoreError>) -> Result<T, Refusal> {
        outcome.map_err(|error| {
            if !matches!(error, StoreError::Refused(_)) {
                self.spool.tell(Severity::Error, "IOERROR: storage operation failed", &[("error", &error)]);
            }
            error.refusal()
        })
    }

    /// The mailbox that is open.
    fn opened(&mut self) -> Result<(&Spool, &mut OpenMailbox), StoreError> {
        match &mut self.open {
            Some(Opened::Mailbox(mailbox)) => Ok((&self.spool, mailbox)),
            _ => Err(Refusal::Nonexistent.into()),
        }
    }

    /// Finishes what this store could not finish when the disk failed; no lock may be held.
    fn finish_changes(&mut self) {
        if self.spool.has_unfinished && self.open.is_none() {
            journal::replay_all(&mut self.spool);
        }
    }

    fn open_named(&mut self, name: &MailboxName, intent: Intent) -> Result<Option<MailboxState>, StoreError> {
        self.open = None;
        self.finish_changes();
        let opened = mailbox::open(&mut self.spool, name, intent)?;
        let state = match &opened {
            Opened::Mailbox(mailbox) => Some(mailbox::state_of(&self.spool, mailbox)?),
            // Only who wants to make it goes on from here: nobody else gives the owner's lock back.
            Opened::Missing { .. } if intent == Intent::Read => return Ok(None),
            Opened::Missing { .. } => None,
        };
        self.open = Some(opened);
        Ok(state)
    }

    fn listed(&mut self, wanted: &MailboxRef) -> Result<Option<Listed>, StoreError> {
        self.finish_changes();
        let entry = match wanted {
            MailboxRef::Name(name) => self.spool.entry(name)?,
            MailboxRef::UniqueId(id) => self.spool.entry_by_id(id)?,
        };
        let Some(entry) = entry else { return Ok(None) };
        if entry.mailbox_type.is_entry_only() {
            return Ok(Some(Listed::Entry(entry.into())));
        }
        // The mailbox that is open for writing holds the locks that reading it would wait for.
        if let Some(Opened::Mailbox(open)) = self.open.as_ref().filter(|open| is_named(open, &entry.name)) {
            return Ok(Some(Listed::Mailbox(Box::new(mailbox::state_of(&self.spool, open)?))));
        }
        if self.open.is_some() {
            return Ok(Some(Listed::Entry(entry.into())));
        }
        match mailbox::open(&mut self.spool, &entry.name, Intent::Read) {
            Ok(Opened::Mailbox(mailbox)) => {
                Ok(Some(Listed::Mailbox(Box::new(mailbox::state_of(&self.spool, &mailbox)?))))
            }
            // It was just removed, or is not finished yet.
            Ok(Opened::Missing { .. }) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn list(&mut self, list: &ListUserMailboxes) -> Result<Vec<Listed>, StoreError> {
        // It would be waited for.
        self.open = None;
        self.finish_changes();
        let inbox = list.user.inbox().map_err(|_| Refusal::InvalidUser)?;
        let mut tree = match self.listing.take() {
            Some((user, last, tree)) if user == list.user && Some(&last) == list.after.as_ref() => tree,
            _ if list.after.is_some() => return Err(Refusal::Protocol.into()),
            _ => Tree::of(&self.spool.options, &inbox, TreeFlags::ALL),
        };
        let page = mailbox::list(&mut self.spool, &inbox, &mut tree, list.limit)?;
        self.listing = page.last().map(|last| (list.user.clone(), last.name().clone(), tree));
        Ok(page)
    }

    fn mailbox_annotations(&mut self, name: &MailboxName) -> Result<Vec<Annotation>, StoreError> {
        // A tombstone has the unique id that the mailbox took along when it was renamed.
        let entry = self.spool.entry(name)?.filter(|entry| !entry.mailbox_type.is_entry_only());
        let id = entry.and_then(|entry| entry.uniqueid);
        let id = id.ok_or(Refusal::Nonexistent)?;
        mailbox::read_annotations(&self.spool, &Target::Mailbox(id, name.clone()))
    }

    fn apply(&mut self, change: &Change) -> Result<(), StoreError> {
        let spool = &mut self.spool;
        match change {
            Change::Mailbox(change) => self.apply_mailbox(change),
            Change::ListEntry { name, uniqueid, mailbox_type, created_modseq, folder_modseq } => {
                let entry = MailboxEntry {
                    uniqueid: Some(uniqueid.clone()),
                    created_modseq: *created_modseq,
                    folder_modseq: *folder_modseq,
                    ..MailboxEntry::new(name.clone(), *mailbox_type)
                };
                let _lock = spool.lock(LockName::user_of(name), Lock::Exclusive)?;
                spool.write_list(Durability::Now, |list, options| update(list, options, &entry, now()))
            }
            Change::DeleteMailbox { name, meant } => mailbox::delete(spool, name, meant.as_ref()),
            Change::RemoveUser { user } => remove_user::remove(spool, user),
            Change::RenameMailbox { old, new, partition, uidvalidity } => {
                mailbox::rename(spool, old, new, partition, *uidvalidity)
            }
            Change::Subscription { user, mailbox, subscribed } => users::subscribe(spool, user, mailbox, *subscribed),
            Change::Seen { user, uniqueid, seen } => users::set_seen(spool, user, uniqueid, seen),
            Change::Quota { root, limits, modseq } => quotas::set(spool, root, limits, *modseq),
            Change::RemoveQuota { root } => quotas::remove(spool, root),
            Change::Annotation { mailbox, entry, user, value } => {
                annotate::set(spool, mailbox.as_ref(), entry, user, value)
            }
        }
    }

    fn apply_mailbox(&mut self, change: &MailboxChange) -> Result<(), StoreError> {
        let opened = self.open.take().ok_or(Refusal::Nonexistent)?;
        let changed = mailbox::target(&mut self.spool, opened, change)?;
        mailbox::commit(&mut self.spool, &mut self.staging, changed, change)
    }
}

/// What a session that was dropped had staged is of no use to anybody.
impl Drop for CyrusStore {
    fn drop(&mut self) {
        journal::remove_idle(&mut self.spool);
        let outcome = self.staging.discard(&self.spool);
        // It is told of; nobody is left to be answered.
        self.told(outcome).ok();
    }
}

fn is_named(open: &Opened, name: &MailboxName) -> bool {
    match open {
        Opened::Mailbox(mailbox) => mailbox.entry.name == *name,
        Opened::Missing { .. } => false,
    }
}

impl From<MailboxEntry> for ListedEntry {
    fn from(entry: MailboxEntry) -> ListedEntry {
        ListedEntry {
            name: entry.name,
            uniqueid: entry.uniqueid,
            mailbox_type: entry.mailbox_type,
            partition: entry.partition,
            acl: entry.acl.map(Bytes::from),
            uidvalidity: entry.uidvalidity,
            created_modseq: entry.created_modseq,
            folder_modseq: entry.folder_modseq,
        }
    }
}

impl Store for CyrusStore {
    fn begin_upload(&mut self, upload: &BeginUpload) -> Result<(), Refusal> {
        let room = self.room.take(&self.spool, &upload.partition, upload.size.into());
        let outcome = room.and_then(|()| self.staging.begin(&self.spool, &upload.partition, upload.guid));
        self.told(outcome)
    }

    fn upload_chunk(&mut self, UploadChunk(bytes): &UploadChunk) -> Result<(), Refusal> {
        let outcome = self.staging.write(self.spool.disk.as_ref(), bytes);
        self.told(outcome)
    }

    fn finish_upload(&mut self, FinishUpload: &FinishUpload) -> Result<(), Refusal> {
        let outcome = self.staging.finish(&self.spool);
        self.told(outcome)
    }

    fn abort_upload(&mut self, AbortUpload: &AbortUpload) -> Result<(), Refusal> {
        let outcome = self.staging.abort(self.spool.disk.as_ref());
        self.told(outcome)
    }

    fn reserve(&mut self, wanted: &Reserve) -> Result<Vec<Guid>, Refusal> {
        let outcome = reserve::reserve(&mut self.spool, &mut self.staging, wanted);
        self.told(outcome)
    }

    fn discard_staged(&mut self, DiscardStaged: &DiscardStaged) -> Result<(), Refusal> {
        self.room.forget();
        let outcome = self.staging.discard(&self.spool);
        self.told(outcome)
    }

    fn open_message(&mut self, wanted: &OpenMessage) -> Result<MessageInfo, Refusal> {
        let outcome = Message::open(&self.spool, wanted);
        let (message, info) = self.told(outcome)?;
        self.message = Some(message);
        Ok(info)
    }

    fn read_message(&mut self, ReadMessage { offset, length }: &ReadMessage) -> Result<Bytes, Refusal> {
        let message = self.message.as_ref().ok_or(Refusal::NoMessage)?;
        self.told(message.read(*offset, *length))
    }

    fn open_mailbox(&mut self, Open { name, intent }: &Open) -> Result<Option<MailboxState>, Refusal> {
        let outcome = self.open_named(name, *intent);
        self.told(outcome)
    }

    fn close_mailbox(&mut self, CloseMailbox: &CloseMailbox) -> Result<(), Refusal> {
        self.open = None;
        Ok(())
    }

    fn find_records(&mut self, find: &FindRecords) -> Result<Vec<Option<AnnotatedRecord>>, Refusal> {
        let outcome = self.opened().and_then(|(spool, open)| mailbox::find_records(spool, open, &find.uids));
        self.told(outcome)
    }

    fn read_records(&mut self, ReadRecords { after, limit }: &ReadRecords) -> Result<Vec<AnnotatedRecord>, Refusal> {
        let outcome = self.opened().and_then(|(spool, open)| mailbox::read_records(spool, open, *after, *limit));
        self.told(outcome)
    }

    fn scan_crcs(&mut self, ScanCrcs: &ScanCrcs) -> Result<SyncCrcs, Refusal> {
        let outcome = self.opened().and_then(|(spool, open)| mailbox::scan_crcs(spool, open));
        self.told(outcome)
    }

    fn read_listed(&mut self, ReadListed(wanted): &ReadListed) -> Result<Option<Listed>, Refusal> {
        let outcome = self.listed(wanted);
        self.told(outcome)
    }

    fn read_defaults(&mut self, ReadDefaults { name }: &ReadDefaults) -> Result<Defaults, Refusal> {
        let outcome = defaults::defaults(&mut self.spool, name);
        self.told(outcome)
    }

    fn list_user_mailboxes(&mut self, list: &ListUserMailboxes) -> Result<Vec<Listed>, Refusal> {
        let outcome = self.list(list);
        self.told(outcome)
    }

    fn read_quota(&mut self, ReadQuota { root }: &ReadQuota) -> Result<Option<Quota>, Refusal> {
        self.finish_changes();
        self.told(quotas::read(&self.spool, root))
    }

    fn read_seen(&mut self, ReadSeen { user, after, limit }: &ReadSeen) -> Result<Vec<SeenEntry>, Refusal> {
        let outcome = users::read_seen(&mut self.spool, user, after.as_ref(), *limit);
        self.told(outcome)
    }

    fn read_subscriptions(&mut self, wanted: &ReadSubscriptions) -> Result<Vec<MailboxName>, Refusal> {
        let outcome = users::read_subscriptions(&mut self.spool, &wanted.user);
        self.told(outcome)
    }

    fn read_annotations(&mut self, wanted: &ReadAnnotations) -> Result<Vec<Annotation>, Refusal> {
        self.finish_changes();
        let outcome = match &wanted.mailbox {
            None => mailbox::read_annotations(&self.spool, &Target::Server),
            Some(name) => self.mailbox_annotations(name),
        };
        self.told(outcome)
    }

    fn commit(&mut self, Commit(change): &Commit) -> Result<(), Refusal> {
        self.finish_changes();
        let open = self.open.as_ref().map(|open| match open {
            Opened::Mailbox(mailbox) => (&mailbox.entry.name, mailbox.index.header().last_uid),
            Opened::Missing { name, .. } => (name, 0),
        });
        let logged = sync_log::Entry::of(&self.spool.options, change, open);
        logged.iter().for_each(|entry| entry.before(&self.spool));
        let outcome = self.apply(change);
        self.open = None;
        logged.iter().filter(|_| outcome.is_ok()).for_each(|entry| entry.after(&self.spool));
        self.room.forget();
        self.told(outcome)
    }
}
