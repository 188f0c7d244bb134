//! Which generation of masters said an `APPLY MAILBOX`, told by the fields that it has; nothing else in the protocol says.
//!
//! | dialect | masters | told by | replies | `SYNC_CRC_ANNOT` |
//! |---|---|---|---|---|
//! | [`V2_4`](Dialect::V2_4) | 2.4 | no `POP3_SHOW_AFTER` | a mismatch is `IMAP_MAILBOX_CRC` | not sent |
//! | [`V2_5`](Dialect::V2_5) | 2.5, 3.0 | neither `CREATEDMODSEQ` nor `FOLDERMODSEQ` | a mismatch is `IMAP_SYNC_CHECKSUM` | starts at 0 |
//! | [`V3_2`](Dialect::V3_2) | 3.2 and later | one of them | the same | starts at 12345678 |
//!
//! Source: `sync_prepare_dlists`, `sync_mailbox` and `sync_parse_response` of `imap/sync_support.c`, `CRC_INIT_ANNOT` of
//! `imap/mailbox.h`, releases 2.4.22, 2.5.17, 3.0.18, 3.2.12.

use super::fields::Fields;
use crate::{ops::Refusal, types::SyncCrcs};

/// A generation of masters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// 2.4
    V2_4,
    /// 2.5 and 3.0
    V2_5,
    /// 3.2 and later
    V3_2,
}

impl Dialect {
    /// Tells it by the fields of a mailbox.
    pub(super) fn of(fields: Fields<'_>) -> Dialect {
        let has = |field| fields.find(field).is_some();
        match (has("POP3_SHOW_AFTER"), has("CREATEDMODSEQ") || has("FOLDERMODSEQ")) {
            (_, true) => Dialect::V3_2,
            (true, false) => Dialect::V2_5,
            (false, false) => Dialect::V2_4,
        }
    }

    /// Whether the master's checksums are those of the replica.
    pub fn agree(self, master: SyncCrcs, replica: SyncCrcs) -> bool {
        let from_zero = SyncCrcs { annot: replica.annot ^ SyncCrcs::EMPTY.annot, ..replica };
        master.agree(replica) || self != Dialect::V3_2 && master.agree(from_zero)
    }

    /// The refusal in words that this master acts on, where it has them: at any other it gives the mailbox up.
    pub fn word_for(self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Checksum if self == Dialect::V2_4 => Refusal::MailboxCrc,
            refusal => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Dialect; 3] = [Dialect::V2_4, Dialect::V2_5, Dialect::V3_2];

    #[test]
    fn only_a_mismatch_of_checksums_has_another_name_for_2_4() {
        for (dialect, word) in ALL.into_iter().zip([Refusal::MailboxCrc, Refusal::Checksum, Refusal::Checksum]) {
            assert_eq!(dialect.word_for(Refusal::Checksum), word, "{dialect:?}");
            assert_eq!(dialect.word_for(Refusal::Moved), Refusal::Moved, "{dialect:?}");
        }
    }

    #[test]
    fn before_3_2_the_sum_of_annotations_starts_at_0() {
        let crcs = |basic, annot| SyncCrcs { basic, annot };
        let replica = crcs(5, 0x77 ^ SyncCrcs::EMPTY.annot);
        for (dialect, agrees) in ALL.into_iter().zip([true, true, false]) {
            assert_eq!(dialect.agree(crcs(5, 0x77), replica), agrees, "{dialect:?}");
            assert!(dialect.agree(replica, replica) && dialect.agree(crcs(0, 0), replica), "{dialect:?}");
            assert!(!dialect.agree(crcs(6, 0x77), replica) && !dialect.agree(crcs(5, 0x78), replica), "{dialect:?}");
        }
    }
}
