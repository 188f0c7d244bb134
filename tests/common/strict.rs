//! A store around a store that insists on the order of operations which `sync_server::ops` promises, and that can refuse one.

use sha1::{Digest, Sha1};
use std::collections::HashSet;
use sync_server::{
    ops::{
        AbortUpload, AnnotatedRecord, Annotation, BeginUpload, Change, CloseMailbox, Commit, Defaults, DiscardStaged,
        FindRecords, FinishUpload, Intent, ListUserMailboxes, Listed, MailboxState, MessageInfo, OpenMailbox,
        OpenMessage, Quota, ReadAnnotations, ReadDefaults, ReadListed, ReadMessage, ReadQuota, ReadRecords, ReadSeen,
        ReadSubscriptions, Refusal, Reserve, ScanCrcs, SeenEntry, Store, Target, UploadChunk,
    },
    types::{Guid, MailboxName, Partition, SyncCrcs, Uid},
};

/// Panics where the session breaks a rule of its operations.
pub struct Strict<S> {
    pub inner: S,
    /// Operations asked for so far.
    pub operations: usize,
    refuse: Option<(usize, Refusal)>,
    /// Whether it was refused.
    pub refused: bool,
    open: Option<(MailboxName, Intent, bool)>,
    upload: Option<Upload>,
    staged: HashSet<(Partition, Guid)>,
    message: Option<MessageInfo>,
}

struct Upload {
    partition: Partition,
    guid: Guid,
    size: u32,
    received: u64,
    sum: Sha1,
    broken: bool,
}

impl<S: Store> Strict<S> {
    pub fn new(inner: S) -> Strict<S> {
        Strict {
            inner,
            operations: 0,
            refuse: None,
            refused: false,
            open: None,
            upload: None,
            staged: HashSet::new(),
            message: None,
        }
    }

    /// Refuses the operation with this number, from 0 on.
    pub fn refusing(inner: S, operation: usize, refusal: Refusal) -> Strict<S> {
        Strict { refuse: Some((operation, refusal)), ..Strict::new(inner) }
    }

    /// Nothing is open and nothing is staged: how a session leaves a store.
    pub fn assert_idle(&self) {
        assert_eq!(self.open.as_ref().map(|(name, ..)| name), None, "a mailbox was left open");
        assert!(self.upload.is_none(), "an upload was left unfinished");
        assert!(self.staged.is_empty(), "staged messages were left");
    }

    /// Counts an operation and refuses it if it is its turn.
    fn next(&mut self) -> Result<(), Refusal> {
        let number = self.operations;
        self.operations += 1;
        match self.refuse {
            Some((refused, refusal)) if refused == number => {
                self.refused = true;
                Err(refusal)
            }
            _ => Ok(()),
        }
    }

    fn assert_open(&self) {
        assert!(self.open.as_ref().is_some_and(|(_, _, exists)| *exists), "no mailbox is open");
    }

    fn check_commit(&self, change: &Change) {
        let Change::Mailbox(change) = change else {
            assert!(self.open.is_none(), "a mailbox is open while something else changes");
            return;
        };
        let (_, intent, exists) = self.open.as_ref().expect("a mailbox is changed that is not open");
        assert_eq!(*intent, Intent::Write);
        match change.target {
            Target::Existing => assert!(exists, "a mailbox is changed that does not exist"),
            Target::New { replace, .. } => assert_eq!(replace, *exists, "a mailbox is made or replaced"),
        }
        assert!(change.records.is_sorted_by(|a, b| a.record.uid < b.record.uid), "records do not ascend");
        if let Some(header) = &change.header {
            let last = change.records.last().map_or(0, |record| record.record.uid.get());
            assert!(last <= header.last_uid, "a record is above the highest uid");
        }
        let annotations = change.records.iter().map(AnnotatedRecord::annotations).chain([&change.annotations[..]]);
        for annotations in annotations {
            let ascend = annotations.is_sorted_by(|a, b| (&a.entry, &a.user) < (&b.entry, &b.user));
            assert!(ascend, "annotations do not ascend");
        }
    }
}

impl<S: Store> Store for Strict<S> {
    fn begin_upload(&mut self, upload: &BeginUpload) -> Result<(), Refusal> {
        assert!(self.upload.is_none(), "two uploads at once");
        self.next()?;
        self.inner.begin_upload(upload)?;
        self.upload = Some(Upload {
            partition: upload.partition.clone(),
            guid: upload.guid,
            size: upload.size,
            received: 0,
            sum: Sha1::new(),
            broken: false,
        });
        Ok(())
    }

    fn upload_chunk(&mut self, chunk: &UploadChunk) -> Result<(), Refusal> {
        let outcome = self.next();
        let upload = self.upload.as_mut().expect("a chunk without an upload");
        assert!(!chunk.0.is_empty(), "an empty chunk");
        assert!(!upload.broken, "a chunk after a refusal");
        upload.received += chunk.0.len() as u64;
        upload.sum.update(&chunk.0);
        assert!(upload.received <= u64::from(upload.size), "more bytes than announced");
        let outcome = outcome.and_then(|()| self.inner.upload_chunk(chunk));
        upload.broken = outcome.is_err();
        outcome
    }

    fn finish_upload(&mut self, finish: &FinishUpload) -> Result<(), Refusal> {
        let upload = self.upload.take().expect("an end without an upload");
        assert!(!upload.broken, "an end after a refusal");
        assert_eq!(upload.received, u64::from(upload.size), "bytes are missing");
        assert_eq!(Guid::from_bytes(upload.sum.finalize().into()), upload.guid, "the bytes are others");
        self.next()?;
        self.inner.finish_upload(finish)?;
        self.staged.insert((upload.partition, upload.guid));
        Ok(())
    }

    fn abort_upload(&mut self, abort: &AbortUpload) -> Result<(), Refusal> {
        assert!(self.upload.take().is_some(), "no upload to give up");
        self.next()?;
        self.inner.abort_upload(abort)
    }

    fn reserve(&mut self, reserve: &Reserve) -> Result<Vec<Guid>, Refusal> {
        let unique: HashSet<&Guid> = reserve.guids.iter().collect();
        assert_eq!(unique.len(), reserve.guids.len(), "a message is looked for twice");
        let is_staged = |guid: &Guid| self.staged.contains(&(reserve.partition.clone(), *guid));
        assert!(!reserve.guids.iter().any(is_staged), "a message is looked for that is staged");
        assert!(!reserve.guids.is_empty(), "nothing is looked for");
        self.next()?;
        let missing = self.inner.reserve(reserve)?;
        let found = reserve.guids.iter().filter(|guid| !missing.contains(guid));
        self.staged.extend(found.map(|guid| (reserve.partition.clone(), *guid)));
        Ok(missing)
    }

    fn discard_staged(&mut self, discard: &DiscardStaged) -> Result<(), Refusal> {
        assert!(self.open.is_none(), "staged messages are discarded while a mailbox is open");
        self.upload = None;
        // Whatever the store says, the session counts on none of them any more.
        self.staged.clear();
        self.next()?;
        self.inner.discard_staged(discard)
    }

    fn open_message(&mut self, open: &OpenMessage) -> Result<MessageInfo, Refusal> {
        self.message = None;
        self.next()?;
        let found = self.inner.open_message(open)?;
        self.message = Some(found);
        Ok(found)
    }

    fn read_message(&mut self, read: &ReadMessage) -> Result<bytes::Bytes, Refusal> {
        let message = self.message.expect("a message is read that was not opened");
        let end = u64::from(read.offset) + u64::from(read.length);
        assert!(read.length > 0 && end <= u64::from(message.size), "a piece outside of the message");
        self.next()?;
        self.inner.read_message(read)
    }

    fn open_mailbox(&mut self, open: &OpenMailbox) -> Result<Option<MailboxState>, Refusal> {
        assert!(self.open.is_none(), "two mailboxes are open");
        assert!(self.upload.is_none(), "a mailbox is opened within an upload");
        self.next()?;
        let state = self.inner.open_mailbox(open)?;
        if state.is_some() || open.intent == Intent::Write {
            self.open = Some((open.name.clone(), open.intent, state.is_some()));
        }
        Ok(state)
    }

    fn close_mailbox(&mut self, close: &CloseMailbox) -> Result<(), Refusal> {
        assert!(self.open.take().is_some(), "no mailbox to close");
        self.inner.close_mailbox(close)?;
        self.next()
    }

    fn find_records(&mut self, find: &FindRecords) -> Result<Vec<Option<AnnotatedRecord>>, Refusal> {
        self.assert_open();
        assert!((1..=FindRecords::PAGE).contains(&find.uids.len()), "{} uids are asked for", find.uids.len());
        assert!(find.uids.is_sorted_by(|a: &Uid, b: &Uid| a < b), "uids do not ascend");
        self.next()?;
        self.inner.find_records(find)
    }

    fn read_records(&mut self, read: &ReadRecords) -> Result<Vec<AnnotatedRecord>, Refusal> {
        self.assert_open();
        self.next()?;
        self.inner.read_records(read)
    }

    fn scan_crcs(&mut self, scan: &ScanCrcs) -> Result<SyncCrcs, Refusal> {
        self.assert_open();
        self.next()?;
        self.inner.scan_crcs(scan)
    }

    fn read_listed(&mut self, read: &ReadListed) -> Result<Option<Listed>, Refusal> {
        self.next()?;
        self.inner.read_listed(read)
    }

    fn list_user_mailboxes(&mut self, list: &ListUserMailboxes) -> Result<Vec<Listed>, Refusal> {
        self.next()?;
        self.inner.list_user_mailboxes(list)
    }

    fn read_defaults(&mut self, read: &ReadDefaults) -> Result<Defaults, Refusal> {
        self.next()?;
        self.inner.read_defaults(read)
    }

    fn read_quota(&mut self, read: &ReadQuota) -> Result<Option<Quota>, Refusal> {
        self.next()?;
        self.inner.read_quota(read)
    }

    fn read_seen(&mut self, read: &ReadSeen) -> Result<Vec<SeenEntry>, Refusal> {
        self.next()?;
        self.inner.read_seen(read)
    }

    fn read_subscriptions(&mut self, read: &ReadSubscriptions) -> Result<Vec<MailboxName>, Refusal> {
        self.next()?;
        self.inner.read_subscriptions(read)
    }

    fn read_annotations(&mut self, read: &ReadAnnotations) -> Result<Vec<Annotation>, Refusal> {
        self.next()?;
        self.inner.read_annotations(read)
    }

    fn commit(&mut self, commit: &Commit) -> Result<(), Refusal> {
        self.check_commit(&commit.0);
        self.open = None;
        if let Err(refusal) = self.next() {
            self.inner.close_mailbox(&CloseMailbox)?;
            return Err(refusal);
        }
        self.inner.commit(commit)
    }
}
