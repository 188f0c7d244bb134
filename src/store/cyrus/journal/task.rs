//! Changes of many mailboxes, each of them whole by itself: a note says what is to be done to all of them, and whoever finds it
//! does the rest.

use super::{
    super::{error::StoreError, quota::Quota, quotas, remove_user, spool::Spool},
    encode::Entry,
    file::JournalFile,
};
use crate::types::{MailboxName, UniqueId, UserId};

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Task {
    /// A user goes, whose INBOX, if there was one, had this unique id.
    RemoveUser { user: UserId, inbox: Option<UniqueId> },
    /// A new quota root counts the mailboxes below it.
    MakeRoot { root: MailboxName, quota: Quota },
    /// A quota root goes.
    RemoveRoot { root: MailboxName },
}

impl Task {
    /// Does the work with a note of it on the disk, which goes when the work is done and durable. It stays when the disk fails, so
    /// that the rest is done when that is well again. What is refused the peer says again.
    pub(in super::super) fn note<T>(
        &self,
        spool: &mut Spool,
        work: impl FnOnce(&mut Spool) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let entry = self.entry();
        let name = format!("={:08x}", crc32fast::hash(&entry));
        let file = JournalFile::write_alone(spool, &name, &entry)?;
        let outcome = work(spool).and_then(|outcome| make_durable(spool).map(|()| outcome));
        match &outcome {
            Err(error) if error.is_of_disk() => spool.has_unfinished = true,
            _ => file.remove(spool),
        }
        outcome
    }

    /// Does what is left of the work.
    pub(super) fn finish(&self, spool: &mut Spool) -> Result<(), StoreError> {
        match self {
            Task::RemoveUser { user, inbox } => remove_user::finish(spool, user, inbox.as_ref()),
            Task::MakeRoot { root, quota } => quotas::finish(spool, root, quota),
            Task::RemoveRoot { root } => quotas::remove_root(spool, root),
        }?;
        make_durable(spool)
    }

    fn entry(&self) -> Vec<u8> {
        match self {
            Task::RemoveUser { user, inbox } => {
                let inbox = inbox.as_ref().map(|id| id.as_bytes().to_vec());
                Entry::new(b'U').string(user.as_bytes()).optional(&inbox)
            }
            Task::MakeRoot { root, quota } => Entry::new(b'T').string(root.as_bytes()).string(&quota.encode()),
            Task::RemoveRoot { root } => Entry::new(b'V').string(root.as_bytes()),
        }
        .into_bytes()
    }
}

/// What lies outside of mailboxes is in the configuration directory.
fn make_durable(spool: &Spool) -> Result<(), StoreError> {
    let path = &spool.options.config_directory;
    spool.disk.sync_file_system(path).map_err(StoreError::io(path))
}
