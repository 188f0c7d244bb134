//! Bytes to a journal. `None`: it is not whole, so that nothing of its change was made.

use super::{
    super::{
        index::{decode_header, decode_record},
        paths::{MailboxDirectory, MailboxPlace},
        quota::{Quota, QuotaRoot},
        recorded::Put,
    },
    DATABASES, Database, IndexChange, Journal, QuotaChange, Replaced, Started, Task,
    encode::{HEAD, head, letter},
};
use crate::types::{MailboxName, Partition, UniqueId, UserId};

/// What a file says is to be finished.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Change(Box<Journal>),
    Task(Task),
    Started(Started),
}

/// What a file says, and the number of the change. What follows the entries is of an earlier one.
pub(super) fn decode(bytes: &[u8]) -> Option<(u64, Found)> {
    let (found, entries) = bytes.split_at_checked(HEAD)?;
    let [length, number] = [8, 16].map(|at| found.get(at..)?.first_chunk().copied().map(u64::from_be_bytes));
    let (length, number) = (length?, number?);
    let entries = entries.get(..usize::try_from(length).ok()?)?;
    if found != head(length, number, crc32fast::hash(entries)) {
        return None;
    }
    let mut fields = Fields(entries);
    let letter = fields.byte()?;
    let found = match letter {
        b'U' | b'T' | b'V' => Found::Task(task(letter, &mut fields)?),
        b'W' => Found::Started(started(&mut fields)?),
        _ => Found::Change(Box::new(change(letter, fields)?)),
    };
    Some((number, found))
}

fn started(fields: &mut Fields<'_>) -> Option<Started> {
    let (name, place, is_new) = (fields.name()?, fields.place()?, fields.byte()? != 0);
    Some(Started { name, place, is_new, uids: fields.number()?..=fields.number()? })
}

fn task(letter: u8, fields: &mut Fields<'_>) -> Option<Task> {
    Some(match letter {
        b'U' => {
            let user = UserId::parse(fields.string()?).ok()?;
            let inbox = fields.optional()?.map(|id| UniqueId::parse(&id)).transpose().ok()?;
            Task::RemoveUser { user, inbox }
        }
        b'T' => Task::MakeRoot { root: fields.name()?, quota: Quota::decode(fields.string()?)? },
        b'V' => Task::RemoveRoot { root: fields.name()? },
        _ => return None,
    })
}

fn change(mut letter: u8, mut fields: Fields<'_>) -> Option<Journal> {
    let mut names = Vec::new();
    while letter == b'N' {
        names.push(fields.name()?);
        letter = fields.byte()?;
    }
    let place = fields.place().filter(|_| letter == b'P')?;
    let mut journal = Journal::new(names, place);
    while let Some(letter) = fields.byte() {
        entry(&mut journal, letter, &mut fields)?;
    }
    Some(journal)
}

fn entry(journal: &mut Journal, letter: u8, fields: &mut Fields<'_>) -> Option<()> {
    match letter {
        b'H' => journal.header = Some(Replaced { before: fields.string()?.to_vec(), after: fields.string()?.to_vec() }),
        b'Q' => journal.quotas.push(QuotaChange {
            root: QuotaRoot::parse(fields.string()?).ok()?,
            before: Quota::decode(fields.string()?)?,
            after: Quota::decode(fields.string()?)?,
        }),
        b'D' => {
            let database = fields.database()?;
            let key = fields.string()?.to_vec();
            journal.puts.push((database, Put { key, before: fields.optional()?, after: fields.optional()? }));
        }
        b'I' => {
            let [before, after] = [decode_header(fields.string()?).ok()?, decode_header(fields.string()?).ok()?];
            journal.index = Some(IndexChange { before, after, records: Vec::new() });
        }
        b'R' => {
            let index = journal.index.as_mut()?;
            let number = fields.number()?;
            index.records.push((number, decode_record(fields.string()?, index.after.minor_version).ok()?));
        }
        b'G' => journal.gone = Some(fields.place()?),
        b'S' => journal.sieve = Some(fields.name()?),
        _ => return None,
    }
    Some(())
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn optional(&mut self) -> Option<Option<Vec<u8>>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(self.string()?.to_vec())),
            _ => None,
        }
    }

    fn database(&mut self) -> Option<Database> {
        let found = self.byte()?;
        DATABASES.into_iter().find(|database| letter(*database) == found)
    }

    fn name(&mut self) -> Option<MailboxName> {
        MailboxName::parse(self.string()?).ok()
    }

    fn place(&mut self) -> Option<MailboxPlace> {
        let partition = Partition::parse(self.string()?).ok()?;
        let directory = match self.byte()? {
            0 => MailboxDirectory::ById(UniqueId::parse(self.string()?).ok()?),
            1 => MailboxDirectory::ByName(self.name()?),
            _ => return None,
        };
        Some(MailboxPlace { partition, directory })
    }
}
