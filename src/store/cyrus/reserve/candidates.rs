//! Records whose messages may be those that are wanted.

use super::super::{error::StoreError, index::IndexRecord, mailbox::OpenMailbox, spool::Spool};
use crate::types::Guid;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// A record, and where its message lies.
pub(super) struct Candidate {
    pub(super) record: IndexRecord,
    pub(super) path: PathBuf,
}

impl AsRef<Path> for Candidate {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// Those that were not looked at yet.
#[derive(Default)]
pub(super) struct Candidates {
    waiting: Vec<Candidate>,
    /// Their GUIDs.
    guids: HashSet<Guid>,
}

impl Candidates {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many different messages they may be.
    pub(super) fn wanted(&self) -> usize {
        self.guids.len()
    }

    /// Adds those of the records that have a message. `reconstruct` leaves some without a uid.
    pub(super) fn add(
        &mut self,
        spool: &Spool,
        mailbox: &OpenMailbox,
        page: Vec<IndexRecord>,
    ) -> Result<(), StoreError> {
        for record in page.into_iter().filter(|record| !record.is_unlinked()) {
            let Some(uid) = record.uid else { continue };
            let path = spool.options.recorded_message_file(&mailbox.place, uid, record.internal_flags)?;
            self.guids.insert(record.guid);
            self.waiting.push(Candidate { record, path });
        }
        Ok(())
    }

    /// Takes so many at most: of those with the same GUID only one, for the others are of use if that one is not sound.
    pub(super) fn take(&mut self, most: usize) -> Vec<Candidate> {
        let mut taken = HashSet::new();
        let is_taken = |candidate: &mut Candidate| taken.len() < most && taken.insert(candidate.record.guid);
        let some = self.waiting.extract_if(.., is_taken).collect();
        self.guids = self.waiting.iter().map(|candidate| candidate.record.guid).collect();
        some
    }

    /// Forgets those with a GUID that is not missing any more.
    pub(super) fn forget(&mut self, guid: Guid) {
        if self.guids.remove(&guid) {
            self.waiting.retain(|candidate| candidate.record.guid != guid);
        }
    }
}
