//! Changes: checked first, then made, so that a refused one has changed nothing.

use super::{Mailbox, MemoryStore, has_message};
use crate::{
    ops::{
        AnnotatedRecord, Annotation, Change, ListedEntry, MailboxChange, MailboxIdentity, MailboxState, Quota, Refusal,
        SyncedHeader, Target,
    },
    types::{MailboxName, MailboxType, ModSeq, Partition, SyncCrcs, UniqueId, UserId},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

impl MemoryStore {
    pub(super) fn apply(&mut self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Mailbox(change) => self.change_mailbox(change),
            Change::ListEntry { name, uniqueid, mailbox_type, created_modseq, folder_modseq } => {
                if self.mailboxes.contains_key(name) {
                    self.delete_mailbox(name)?;
                }
                let entry = entry(name, Some(uniqueid), *mailbox_type, *created_modseq, *folder_modseq);
                self.entries.insert(name.clone(), entry);
                Ok(())
            }
            Change::DeleteMailbox { name, meant } => {
                self.check_identity(name, meant.as_ref())?;
                self.delete_mailbox(name)
            }
            Change::RemoveUser { user } => self.remove_user(user),
            Change::RenameMailbox { old, new, partition, uidvalidity } => {
                self.rename(old, new, partition, *uidvalidity)
            }
            Change::Subscription { user, mailbox, subscribed: true } => {
                self.subscriptions.insert((user.clone(), mailbox.clone()));
                Ok(())
            }
            Change::Subscription { user, mailbox, subscribed: false } => {
                self.subscriptions.remove(&(user.clone(), mailbox.clone()));
                Ok(())
            }
            Change::Seen { user, uniqueid, seen } => {
                self.seen.insert((user.clone(), uniqueid.clone()), seen.clone());
                Ok(())
            }
            Change::Quota { root, limits, modseq } => {
                self.set_quota(root, Quota { limits: *limits, modseq: *modseq });
                Ok(())
            }
            Change::RemoveQuota { root } => {
                self.quotas.remove(root);
                let mailboxes = self.mailboxes.values_mut();
                let of_root = mailboxes.filter(|mailbox| mailbox.state.quota_root.as_ref() == Some(root));
                of_root.for_each(|mailbox| mailbox.state.quota_root = None);
                Ok(())
            }
            Change::Annotation { mailbox, entry, user, value } => {
                let list = match mailbox {
                    Some(name) => &mut self.mailboxes.get_mut(name).ok_or(Refusal::Nonexistent)?.state.annotations,
                    None => &mut self.server_annotations,
                };
                let (entry, user, value) = (entry.clone(), user.clone(), value.clone());
                write_annotation(list, Annotation { entry, user, value, modseq: ModSeq::default() });
                Ok(())
            }
        }
    }

    fn change_mailbox(&mut self, change: &MailboxChange) -> Result<(), Refusal> {
        let name = self.open.clone().ok_or(Refusal::Nonexistent)?;
        let mut mailbox = match &change.target {
            Target::Existing => self.mailboxes.get(&name).ok_or(Refusal::Nonexistent)?.clone(),
            Target::New { uniqueid, mailbox_type, partition, index_version, .. } => {
                let mut mailbox = new_mailbox(&name, uniqueid, *mailbox_type, partition);
                mailbox.state.index_version = *index_version;
                mailbox.state.quota_root = self.closest_quota_root(&name);
                mailbox
            }
        };
        let staged = |record: &AnnotatedRecord| {
            let key = (mailbox.state.partition.clone(), record.record.guid);
            self.staged.get(&key).cloned().ok_or(Refusal::MessageMissing)
        };
        let is_new = |record: &&AnnotatedRecord| record.record.uid.get() > mailbox.state.header.last_uid;
        let arrived = change.records.iter().filter(is_new).filter(|record| has_message(record));
        let arrived = arrived.map(|record| Ok((record.record.uid, staged(record)?)));
        let arrived = arrived.collect::<Result<Vec<_>, Refusal>>()?;
        mailbox.change(change);
        for (uid, message) in &arrived {
            // Whatever the peer says of it.
            let record = mailbox.records.get_mut(uid).map(|record| &mut record.record.size);
            if let (Some(size), Ok(length)) = (record, u32::try_from(message.len())) {
                *size = length;
            }
        }
        mailbox.messages.extend(arrived);
        if let (Some(groups), Some(owner)) = (&change.user_groups, name.owner()) {
            let groups: BTreeSet<Bytes> = groups.iter().cloned().collect();
            self.groups.insert(owner, groups.into_iter().collect());
        }
        self.entries.remove(&name);
        self.mailboxes.insert(name, mailbox);
        Ok(())
    }

    fn check_identity(&self, name: &MailboxName, meant: Option<&MailboxIdentity>) -> Result<(), Refusal> {
        let mailbox = self.mailboxes.get(name).map(|mailbox| &mailbox.state);
        let mailbox = mailbox.map(|state| (Some(&state.uniqueid), state.header.uidvalidity));
        let listed = self.entries.get(name).map(|entry| (entry.uniqueid.as_ref(), entry.uidvalidity));
        match (meant, mailbox.or(listed)) {
            (Some(meant), Some((uniqueid, uidvalidity))) if !meant.is(uniqueid, uidvalidity) => Err(Refusal::Moved),
            _ => Ok(()),
        }
    }

    /// A tombstone stays, or an intermediate folder where there are mailboxes below; but not of a mailbox that was deleted
    /// before and is kept.
    fn delete_mailbox(&mut self, name: &MailboxName) -> Result<(), Refusal> {
        let mailbox = self.mailboxes.remove(name).map(|mailbox| mailbox.state.mailbox_type);
        let listed = self.entries.remove(name);
        if name.is_deleted() {
            return mailbox.or(listed.map(|entry| entry.mailbox_type)).map(drop).ok_or(Refusal::Nonexistent);
        }
        let left = match (listed, mailbox) {
            (Some(folder), None) if folder.mailbox_type.intermediate => {
                ListedEntry { mailbox_type: MailboxType { deleted: true, ..folder.mailbox_type }, ..folder }
            }
            (listed, mailbox) => {
                let was = mailbox.or(listed.map(|entry| entry.mailbox_type)).ok_or(Refusal::Nonexistent)?;
                let has_children = self.mailboxes.keys().any(|below| is_at_or_below(below, name));
                let deleted = was.deleted || !has_children;
                let mailbox_type = MailboxType { deleted, intermediate: has_children, ..was };
                entry(name, None, mailbox_type, ModSeq::default(), ModSeq::default())
            }
        };
        self.entries.insert(name.clone(), left);
        Ok(())
    }

    fn remove_user(&mut self, user: &UserId) -> Result<(), Refusal> {
        let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
        if self.mailboxes.contains_key(&inbox) {
            self.seen.retain(|(owner, _), _| owner != user);
        }
        let names = self.mailboxes.keys().filter(|name| !name.is_deleted() && Self::belongs(name, user));
        // Those below go first: nothing is left for a place holder to stand above.
        for name in names.cloned().collect::<Vec<_>>().iter().rev() {
            self.delete_mailbox(name)?;
        }
        self.quotas.retain(|root, _| root.is_deleted() || !Self::belongs(root, user));
        self.subscriptions.retain(|(owner, _)| owner != user);
        Ok(())
    }

    fn rename(
        &mut self,
        old: &MailboxName,
        new: &MailboxName,
        partition: &Partition,
        uidvalidity: Option<u32>,
    ) -> Result<(), Refusal> {
        let folder = self.entries.get(old).filter(|entry| !entry.mailbox_type.deleted).cloned();
        if folder.is_none() && !self.mailboxes.contains_key(old) {
            return Err(Refusal::Nonexistent);
        }
        if old != new && self.mailboxes.contains_key(new) {
            return Err(Refusal::Exists);
        }
        if let Some(folder) = folder {
            let mailbox_type = MailboxType { deleted: true, ..folder.mailbox_type };
            self.entries.insert(old.clone(), ListedEntry { mailbox_type, ..folder.clone() });
            self.entries.insert(new.clone(), ListedEntry { name: new.clone(), acl: Some(Bytes::new()), ..folder });
            return Ok(());
        }
        let mut mailbox = self.mailboxes.remove(old).ok_or(Refusal::Nonexistent)?;
        let state = &mut mailbox.state;
        if old != new {
            state.quota_root = self.closest_quota_root(new);
            let MailboxState { uniqueid, mailbox_type, header, .. } = &*state;
            let tombstone = MailboxType { deleted: true, ..*mailbox_type };
            let left_behind = entry(old, Some(uniqueid), tombstone, header.created_modseq, header.highest_modseq);
            self.entries.insert(old.clone(), left_behind);
        }
        state.name = new.clone();
        state.partition = partition.clone();
        state.header.folder_modseq = state.header.highest_modseq;
        state.header.uidvalidity = uidvalidity.unwrap_or(state.header.uidvalidity);
        self.entries.remove(new);
        self.mailboxes.insert(new.clone(), mailbox);
        Ok(())
    }

    /// A new root counts the mailboxes below it that no nearer one counts. One whose limits stay keeps its modseq.
    fn set_quota(&mut self, root: &MailboxName, quota: Quota) {
        match self.quotas.get_mut(root) {
            Some(known) if known.limits == quota.limits => {}
            Some(known) => {
                let modseq = if quota.modseq.0 == 0 { known.modseq } else { quota.modseq };
                *known = Quota { modseq, ..quota };
            }
            None => {
                self.quotas.insert(root.clone(), quota);
                for (name, Mailbox { state, .. }) in &mut self.mailboxes {
                    let has_nearer = state.quota_root.as_ref().is_some_and(|current| is_at_or_below(current, root));
                    if is_at_or_below(name, root) && !has_nearer {
                        state.quota_root = Some(root.clone());
                    }
                }
            }
        }
    }

    fn closest_quota_root(&self, name: &MailboxName) -> Option<MailboxName> {
        let above = self.quotas.keys().filter(|root| is_at_or_below(name, root));
        above.max_by_key(|root| root.as_str().len()).cloned()
    }
}

fn is_at_or_below(name: &MailboxName, root: &MailboxName) -> bool {
    name.as_str().strip_prefix(root.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl Mailbox {
    fn change(&mut self, change: &MailboxChange) {
        let state = &mut self.state;
        for flag in &change.new_user_flags {
            match state.user_flags.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(flag.clone()),
                None => state.user_flags.push(Some(flag.clone())),
            }
        }
        for annotation in &change.annotations {
            write_annotation(&mut state.annotations, annotation.clone());
        }
        for changed in &change.records {
            let uid = changed.record.uid;
            let mut annotations =
                self.records.get(&uid).map(|record| record.annotations().to_vec()).unwrap_or_default();
            for annotation in changed.annotations() {
                write_annotation(&mut annotations, annotation.clone());
            }
            self.records.insert(uid, AnnotatedRecord::new(changed.record.clone(), annotations));
        }
        if let Some(header) = &change.header {
            set_header(state, header);
            let highest = self.records.last_key_value().map_or(0, |(uid, _)| uid.get());
            state.header.last_uid = state.header.last_uid.max(highest);
        }
        state.crcs = change.crcs;
    }
}

fn set_header(state: &mut MailboxState, header: &SyncedHeader) {
    let folder_modseq = state.header.folder_modseq.max(header.folder_modseq);
    state.header = SyncedHeader { folder_modseq, ..header.clone() };
}

fn write_annotation(list: &mut Vec<Annotation>, annotation: Annotation) {
    list.retain(|known| (&known.entry, &known.user) != (&annotation.entry, &annotation.user));
    if !annotation.value.is_empty() {
        list.push(annotation);
        list.sort();
    }
}

fn new_mailbox(name: &MailboxName, uniqueid: &UniqueId, mailbox_type: MailboxType, partition: &Partition) -> Mailbox {
    let state = MailboxState {
        name: name.clone(),
        uniqueid: uniqueid.clone(),
        mailbox_type,
        partition: partition.clone(),
        quota_root: None,
        header: SyncedHeader::default(),
        crcs: SyncCrcs::EMPTY,
        user_flags: Vec::new(),
        annotations: Vec::new(),
        index_version: 0,
        user_groups: Vec::new(),
        racl_modseq: ModSeq::default(),
    };
    Mailbox { state, records: BTreeMap::new(), messages: BTreeMap::new() }
}

fn entry(
    name: &MailboxName,
    uniqueid: Option<&UniqueId>,
    mailbox_type: MailboxType,
    created_modseq: ModSeq,
    folder_modseq: ModSeq,
) -> ListedEntry {
    ListedEntry {
        name: name.clone(),
        uniqueid: uniqueid.cloned(),
        mailbox_type,
        partition: None,
        acl: None,
        uidvalidity: 0,
        created_modseq,
        folder_modseq,
    }
}
