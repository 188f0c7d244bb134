//! A change while it is gathered: what is to become of each file, and the locks that keep it so.

use super::{
    super::{
        disk::Disk,
        error::StoreError,
        index::{IndexFile, IndexHeader, IndexRecord},
        mailbox::OpenMailbox,
        mboxlist::ListError,
        options::CyrusOptions,
        paths::MailboxPlace,
        quota::{Amounts, QuotaFile, QuotaRoot},
        recorded::{Put, Recorded},
        spool::{Spool, open_or_create},
        twoskip::{Reader, Twoskip},
        usage::{self, Counted},
    },
    Database, IndexChange, Journal, Replaced, encode,
    file::JournalFile,
};
use crate::types::{MailboxName, UniqueId};

/// Changes that are to be made as one. Nothing is written before [`Transaction::carry_out`]; dropping it forgets them.
#[derive(Debug)]
pub(in super::super) struct Transaction<'a> {
    disk: &'a dyn Disk,
    journal: Journal,
    counted: Vec<Counted>,
}

impl<'a> Transaction<'a> {
    /// No change yet of the mailbox whose files are here. The owners of these names are locked, in this order.
    pub(in super::super) fn new(disk: &'a dyn Disk, names: Vec<MailboxName>, place: MailboxPlace) -> Self {
        Transaction { disk, journal: Journal::new(names, place), counted: Vec::new() }
    }

    /// No change yet of this mailbox.
    pub(in super::super) fn of(disk: &'a dyn Disk, mailbox: &OpenMailbox) -> Self {
        Transaction::new(disk, vec![mailbox.entry.name.clone()], mailbox.place.clone())
    }

    /// `cyrus.header` is replaced.
    pub(in super::super) fn header(&mut self, before: Vec<u8>, after: Vec<u8>) {
        self.journal.header = (before != after).then_some(Replaced { before, after });
    }

    /// The header of the index changes, and some records.
    pub(in super::super) fn index(
        &mut self,
        before: IndexHeader,
        after: IndexHeader,
        records: Vec<(u32, IndexRecord)>,
    ) {
        let is_changed = before != after || !records.is_empty();
        self.journal.index = is_changed.then_some(IndexChange { before, after, records });
    }

    /// The files of a mailbox go, when all else is done.
    pub(in super::super) fn remove(&mut self, place: MailboxPlace) {
        self.journal.gone = Some(place);
    }

    /// It is a mailbox of Sieve scripts, which the caller lists anew afterwards.
    pub(in super::super) fn lists_scripts(&mut self, name: MailboxName) {
        self.journal.sieve = Some(name);
    }

    /// A mailbox uses more of a quota root, or less.
    pub(in super::super) fn count(&mut self, root: &[u8], difference: Amounts, mailbox: &MailboxName) {
        if let Some(root) = QuotaRoot::parse(root).ok().filter(|_| difference != usage::NOTHING) {
            self.counted.push(Counted { root, difference, mailbox: mailbox.clone() });
        }
    }

    /// The mailbox list changes. Call this once.
    pub(in super::super) fn list<T>(
        &mut self,
        spool: &mut Spool,
        write: impl FnOnce(&mut Recorded<'_, Reader<'_>>, &CyrusOptions) -> Result<T, ListError>,
    ) -> Result<T, StoreError> {
        let (outcome, puts) = spool.read_list(|list, options| {
            let mut recorded = Recorded::new(list);
            let outcome = write(&mut recorded, options)?;
            Ok((outcome, recorded.into_puts()?))
        })?;
        self.put(Database::List, puts);
        Ok(outcome)
    }

    /// `annotations.db` changes. Of two calls neither sees what the other has changed: they must not be of the same mailbox.
    pub(in super::super) fn annotations<T>(
        &mut self,
        spool: &Spool,
        write: impl FnOnce(&mut Recorded<'_, Reader<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
        self.record(spool, Database::Annotations, &mut db, write)
    }

    /// The mailbox's `cyrus.annotations`, which is open, changes. Call this once.
    pub(in super::super) fn message_annotations<T>(
        &mut self,
        spool: &Spool,
        db: &mut Twoskip,
        write: impl FnOnce(&mut Recorded<'_, Reader<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.record(spool, Database::OfMessages, db, write)
    }

    fn record<T>(
        &mut self,
        spool: &Spool,
        database: Database,
        db: &mut Twoskip,
        write: impl FnOnce(&mut Recorded<'_, Reader<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = db.read(spool.deadline())?;
        let mut recorded = Recorded::new(&mut reader);
        let outcome = write(&mut recorded)?;
        let puts = recorded.into_puts()?;
        drop(reader);
        if !puts.is_empty() {
            db.sync_name()?;
        }
        self.put(database, puts);
        Ok(outcome)
    }

    fn put(&mut self, database: Database, puts: Vec<Put>) {
        self.journal.puts.extend(puts.into_iter().map(|put| (database, put)));
    }

    /// Makes sure that the change can be finished, whatever happens from here on. If this fails, nothing was changed.
    pub(in super::super) fn prepare(
        mut self,
        spool: &mut Spool,
        uniqueid: Option<&UniqueId>,
    ) -> Result<Prepared<'a>, StoreError> {
        let quotas = self.lock_roots(spool)?;
        let journal = self.journal;
        let file = match uniqueid.filter(|_| !journal.is_whole()) {
            Some(id) => Some(JournalFile::write(spool, id.as_str(), |write| encode::entries(&journal, write))?),
            None => None,
        };
        Ok(Prepared { journal, quotas, file })
    }

    /// Says what becomes of the quota roots, and locks their files in the order of their names.
    fn lock_roots(&mut self, spool: &Spool) -> Result<Vec<QuotaFile<'a>>, StoreError> {
        let mut files = Vec::new();
        self.counted.sort_by(|one, other| one.root.cmp(&other.root));
        for counted in self.counted.chunk_by(|one, other| one.root == other.root) {
            let Some(first) = counted.first() else { continue };
            if let Some((change, file)) = usage::plan(spool, self.disk, &first.root, counted)? {
                self.journal.quotas.push(change);
                files.push(file);
            }
        }
        Ok(files)
    }
}

/// A change that is about to be made.
#[derive(Debug)]
pub(in super::super) struct Prepared<'a> {
    journal: Journal,
    quotas: Vec<QuotaFile<'a>>,
    file: Option<JournalFile>,
}

impl Prepared<'_> {
    /// Makes the change and waits until it is durable. The caller holds the exclusive locks of the owners and of the index,
    /// which is open if it changes.
    ///
    /// If this fails, all or nothing of the change was made, or its journal stays and the next one finishes it.
    pub(in super::super) fn carry_out(
        self,
        spool: &mut Spool,
        mut index: Option<&mut IndexFile>,
    ) -> Result<Made, StoreError> {
        let Prepared { journal, quotas, file } = self;
        let made = journal.apply(spool, index.as_deref_mut(), quotas);
        match made {
            // What has failed once may well be done now; else a part of the change is seen until the next one finds the journal.
            Err(_) if file.is_some() => {
                journal.apply(spool, index, Vec::new()).inspect_err(|_| spool.has_unfinished = true)?;
            }
            made => made?,
        }
        Ok(Made(file))
    }
}

/// A change that is made and durable.
#[derive(Debug)]
#[must_use]
pub(in super::super) struct Made(Option<JournalFile>);

impl Made {
    /// What follows from the change is done, too, or the next one has to do it.
    pub(in super::super) fn end(self, spool: &mut Spool, is_all_done: bool) {
        match self.0 {
            Some(file) if is_all_done => file.remove(spool),
            Some(_) => spool.has_unfinished = true,
            None => {}
        }
    }
}
