//! `USER.counters`: the highest modseq given out of each kind, for a user or for all shared mailboxes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | generation: one more with each write |
//! | 4 | 4 | version: 9 |
//! | 8 | 8 each | the modseqs, in the order of [`Counter`] |
//! | 288 | 4 | uidvalidity |
//! | 292 | 4 | CRC-32 of all before |
//!
//! All are big-endian. Earlier versions have fewer modseqs; version 0 has a length of 48 and may have any number in the
//! version's place. The file is replaced by one that was written beside it, under a lock on the one that is replaced.
//! Without `conversations` there are no such files. Source: `mboxname_buf_to_counters`, `mboxname_counters_to_buf`,
//! `mboxname_load_fcounters`, `mboxname_set_fcounters`, `mboxname_domodseq` (imap/mboxname.c); 3.6.1 and 3.12.3 write the
//! same version.

mod file;
mod kind;

#[cfg(test)]
mod tests;

pub use file::{CountersFile, read};
pub use kind::{Change, counters_of};

use crate::types::ModSeq;

/// The modseqs in a counters file, in the order of their places.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Counter {
    Highest,
    Mail,
    Calendar,
    Addressbook,
    Notes,
    MailFolders,
    CalendarFolders,
    AddressbookFolders,
    NotesFolders,
    Quota,
    ReverseAcl,
    Submission,
    SubmissionFolders,
    MailDeleted,
    CalendarDeleted,
    AddressbookDeleted,
    NotesDeleted,
    SubmissionDeleted,
    MailFoldersDeleted,
    CalendarFoldersDeleted,
    AddressbookFoldersDeleted,
    NotesFoldersDeleted,
    SubmissionFoldersDeleted,
    DavNotification,
    DavNotificationDeleted,
    DavNotificationFolders,
    DavNotificationFoldersDeleted,
    JmapNotification,
    JmapNotificationDeleted,
    JmapNotificationFolders,
    JmapNotificationFoldersDeleted,
    Sieve,
    SieveDeleted,
    SieveFolders,
    SieveFoldersDeleted,
}

const MODSEQS: usize = Counter::SieveFoldersDeleted as usize + 1;
const VERSION: u32 = 9;
/// How many modseqs each version has.
const MODSEQS_OF_VERSION: [usize; 10] = [4, 5, 6, 9, 11, 13, 23, 27, 31, MODSEQS];
/// Generation and version before the modseqs, uidvalidity and checksum behind them.
const AROUND_MODSEQS: usize = 16;

/// What a counters file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counters {
    /// How often the file was written.
    pub generation: u32,
    /// The highest UIDVALIDITY given out.
    pub uidvalidity: u32,
    modseqs: [u64; MODSEQS],
}

impl Counters {
    /// Nothing given out yet.
    pub const ZERO: Counters = Counters { generation: 0, uidvalidity: 0, modseqs: [0; MODSEQS] };

    /// Reads a file's bytes; `None` for damage or an unknown version. An empty file is [`ZERO`](Counters::ZERO).
    pub fn decode(bytes: &[u8]) -> Option<Counters> {
        if bytes.is_empty() {
            return Some(Counters::ZERO);
        }
        let (generation, rest) = bytes.split_first_chunk()?;
        let (_, rest) = rest.split_first_chunk::<4>()?;
        let count = *MODSEQS_OF_VERSION.get(usize::try_from(version(bytes)?).ok()?)?;
        let (rest, crc) = rest.split_last_chunk()?;
        let (rest, uidvalidity) = rest.split_last_chunk()?;
        let checked = bytes.get(..bytes.len() - crc.len())?;
        if bytes.len() != length(count) || crc32fast::hash(checked) != u32::from_be_bytes(*crc) {
            return None;
        }
        let mut counters = Counters {
            generation: u32::from_be_bytes(*generation),
            uidvalidity: u32::from_be_bytes(*uidvalidity),
            ..Counters::ZERO
        };
        for (modseq, bytes) in counters.modseqs.iter_mut().zip(rest.as_chunks().0) {
            *modseq = u64::from_be_bytes(*bytes);
        }
        Some(counters)
    }

    /// A file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length(MODSEQS));
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(self.modseqs.iter().flat_map(|modseq| modseq.to_be_bytes()));
        bytes.extend(self.uidvalidity.to_be_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        bytes
    }

    /// One of the modseqs.
    pub fn modseq(&self, counter: Counter) -> ModSeq {
        ModSeq(self.modseqs[counter as usize])
    }

    /// Raises a modseq, and [`Counter::Highest`] with it, to at least this; returns the highest.
    pub fn raise(&mut self, counter: Counter, modseq: ModSeq) -> ModSeq {
        for counter in [Counter::Highest, counter] {
            let old = &mut self.modseqs[counter as usize];
            *old = modseq.0.max(*old);
        }
        self.modseq(Counter::Highest)
    }
}

/// The version a file says it has; version 0 is known by its length.
fn version(bytes: &[u8]) -> Option<u32> {
    if bytes.len() == length(MODSEQS_OF_VERSION[0]) {
        return Some(0);
    }
    bytes.get(4..)?.first_chunk().map(|version| u32::from_be_bytes(*version))
}

const fn length(modseqs: usize) -> usize {
    AROUND_MODSEQS + modseqs * 8
}
