//! What the header of an index counts, counted anew from its records and annotations.

use std::collections::BTreeSet;
use sync_server::{
    plan::crc::FlagCrcs,
    store::cyrus::{
        annotations::{Annotation, Whose},
        index::{IndexHeader, IndexRecord, counts},
    },
    types::SyncCrcs,
};

/// A header that counts nothing else than what it was given.
pub struct Counted(IndexHeader);

impl Counted {
    /// Nothing, in an index like this.
    pub fn nothing(index: &IndexHeader) -> Counted {
        Counted(IndexHeader {
            num_records: 0,
            quota_mailbox_used: 0,
            deleted: 0,
            answered: 0,
            flagged: 0,
            exists: 0,
            unseen: 0,
            sync_crcs: SyncCrcs::EMPTY,
            quota_annot_used: 0,
            quota_deleted_used: 0,
            quota_expunged_used: 0,
            ..*index
        })
    }

    pub fn record(&mut self, record: &IndexRecord, flags: &FlagCrcs) {
        counts::append(&mut self.0, record, flags);
    }

    /// Annotations of a message, or of the mailbox.
    pub fn annotations(&mut self, record: Option<&IndexRecord>, found: &[Annotation]) {
        for Annotation { entry, whose, value, .. } in found {
            let userid = match whose {
                Whose::Shared => &b""[..],
                Whose::User(user) => user.as_bytes(),
            };
            let change = counts::Annotation { entry, userid: Some(userid), old: b"", new: &value.bytes };
            counts::annotate(&mut self.0, record, &change);
        }
    }

    /// What a header counts otherwise.
    pub fn differences(&self, stored: &IndexHeader) -> Vec<&'static str> {
        let counted: BTreeSet<_> = numbers(&self.0).into_iter().collect();
        numbers(stored).into_iter().filter(|number| !counted.contains(number)).map(|(what, _)| what).collect()
    }
}

fn numbers(index: &IndexHeader) -> [(&'static str, u64); 12] {
    [
        ("records", index.num_records.into()),
        ("messages", index.exists.into()),
        ("\\Answered", index.answered.into()),
        ("\\Flagged", index.flagged.into()),
        ("\\Deleted", index.deleted.into()),
        ("unseen", index.unseen.into()),
        ("bytes", index.quota_mailbox_used),
        ("deleted bytes", index.quota_deleted_used),
        ("expunged bytes", index.quota_expunged_used),
        ("annotation bytes", index.quota_annot_used),
        ("checksum", index.sync_crcs.basic.into()),
        ("checksum of annotations", index.sync_crcs.annot.into()),
    ]
}
