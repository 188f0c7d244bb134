//! Changes of several files, made as one.
//!
//! A power cut or a killed process leaves any part of what was being written. Where a change is more than one file can take
//! whole, it is first written to a journal, `sync_server.journal/UNIQUEID` in the configuration directory, which is made
//! durable; then it is made; then that is made durable; then the journal gives up its name (see [`idle`]). Whoever finds a journal finishes the change:
//! a store when it is made, for journals of processes that are gone, and a session that wants to change the mailbox. What is
//! done to many mailboxes, one after the other, is noted in the same way.
//!
//! Where the disk fails so that a change can neither be made nor be taken back, its journal stays, too, and the same session
//! finishes it before the next operation. A mailbox that takes the place of another is written beside it; the journal has the
//! unique id of the one that goes, by which the list finds it until the change is made.
//!
//! No journal is needed for what counts as a whole by itself: messages with their cache and index records, which nothing
//! refers to before the header of the index counts them (160 bytes in the file's first sector, written at once), a transaction
//! of one database, or one file that is replaced. For such messages, and for a new mailbox before its list entry, there is only a
//! note of what is to be removed where they never came to count (see [`started`]).
//!
//! Before the journal is found, other Cyrus programs see some of the change and not the rest: index records with new flags
//! under a header that counts the old ones, or the reverse; a message's annotations without its new modseq; a quota root that
//! counts a change of a mailbox that is not there yet. Each file is whole by itself. `reconstruct` and `quota -f` would repair
//! all of it, and so does the journal. If another program has changed the mailbox by then, the index is neither as before nor
//! as after: the journal is dropped with a line in the log that asks for `reconstruct`.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `csyncjr1` |
//! | 8 | 8 | length n of the entries, big-endian as all numbers here |
//! | 16 | 8 | number of the change, of those that the file has taken |
//! | 24 | 4 | CRC-32 of the entries |
//! | 28 | 4 | CRC-32 of the 28 bytes before |
//! | 32 | n | entries; behind them may be the rest of an earlier change |
//!
//! An entry is a letter and its fields; a string is its length in 4 bytes, and its bytes; *if any* is 0, or 1 and a string.
//!
//! | letter | fields | what it says |
//! |---|---|---|
//! | `N` | string | a mailbox whose owner's lock is held |
//! | `P` | partition string, 0 or 1, string | where the mailbox's files are: by unique id or by name |
//! | `H` | string, string | `cyrus.header`, before and after |
//! | `Q` | root string, string, string | a quota root, before and after |
//! | `D` | which database byte, key string, if any, if any | a value, before and after |
//! | `I` | string, string | the header of `cyrus.index`, before and after |
//! | `R` | number 4 bytes, string | a record of `cyrus.index`, after |
//! | `G` | as `P` | files of a mailbox that go |
//! | `S` | string | a mailbox of Sieve scripts, which are then listed anew |
//! | `U` | user string, if any | instead of all this: a user goes, with the INBOX of this unique id |
//! | `T` | root string, string | instead: a quota root is made |
//! | `V` | root string | instead: a quota root goes |
//! | `W` | name string, place as `P`, 0 or 1, two numbers | instead: messages from one uid to another are about to be written; with 1, all of a new mailbox |
//!
//! Every item is set to what it is after, if it is as it was before, and quota roots are counted anew. So nothing is done twice, and a
//! journal that outlives its change (its removal is not waited for) does no harm.

mod apply;
mod decode;
mod encode;
mod file;
mod idle;
mod recount;
mod replay;
mod started;
mod task;
mod transaction;

#[cfg(test)]
mod tests;

pub(super) use idle::{IdleJournal, remove_idle};
pub(super) use replay::{replay_all, settle};
pub(super) use started::{Noted, Started};
pub(super) use task::Task;
pub(super) use transaction::{Prepared, Transaction};

use super::{
    index::{IndexHeader, IndexRecord},
    paths::MailboxPlace,
    quota::{Quota, QuotaRoot},
    recorded::Put,
};
use crate::types::MailboxName;
use std::fmt::Display;

/// What changes together.
#[derive(Clone, PartialEq, Debug)]
struct Journal {
    /// Whose owners' locks are held, in the order in which they are taken: one mailbox's, or two when it gets another name.
    names: Vec<MailboxName>,
    /// Where the mailbox's files are.
    place: MailboxPlace,
    header: Option<Replaced>,
    quotas: Vec<QuotaChange>,
    puts: Vec<(Database, Put)>,
    index: Option<IndexChange>,
    /// The place of files that go, at the end.
    gone: Option<MailboxPlace>,
    /// The mailbox of Sieve scripts that this is.
    sieve: Option<MailboxName>,
}

/// A small file that is replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Replaced {
    before: Vec<u8>,
    after: Vec<u8>,
}

/// What a quota root says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct QuotaChange {
    pub(super) root: QuotaRoot,
    pub(super) before: Quota,
    pub(super) after: Quota,
}

/// Which database a value is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Database {
    /// `mailboxes.db`
    List,
    /// `annotations.db`
    Annotations,
    /// The mailbox's `cyrus.annotations`.
    OfMessages,
}

/// In the order in which they are changed: the mailbox list last, where others find the mailbox.
const DATABASES: [Database; 3] = [Database::OfMessages, Database::Annotations, Database::List];

/// The header of an index, and records that take the place of others.
#[derive(Clone, PartialEq, Debug)]
struct IndexChange {
    before: IndexHeader,
    after: IndexHeader,
    records: Vec<(u32, IndexRecord)>,
}

impl Journal {
    /// No change yet of a mailbox whose files are here.
    fn new(names: Vec<MailboxName>, place: MailboxPlace) -> Journal {
        let (quotas, puts) = (Vec::new(), Vec::new());
        Journal { names, place, header: None, quotas, puts, index: None, gone: None, sieve: None }
    }

    /// The mailbox's name, for the log.
    fn name(&self) -> &dyn Display {
        self.names.first().map_or(&"", |name| name)
    }

    /// Whether a crash leaves all or nothing of it even so: it is one sector, one transaction, or one file.
    fn is_whole(&self) -> bool {
        let databases = DATABASES.iter().filter(|database| self.puts.iter().any(|(in_it, _)| in_it == *database));
        let index = self.index.as_ref().map_or(0, |index| if index.records.is_empty() { 1 } else { 2 });
        let others = [self.header.is_some(), self.gone.is_some(), self.sieve.is_some()];
        let others = others.into_iter().filter(|is_there| *is_there).count();
        databases.count() + self.quotas.len() + index + others <= 1
    }
}
