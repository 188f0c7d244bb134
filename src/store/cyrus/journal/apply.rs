//! The change, made: each thing that is as before becomes what it is after.

use super::{
    super::{
        disk::{Durability, replace_file},
        durable::Unsynced,
        error::StoreError,
        index::IndexFile,
        mailbox::remove_files,
        options::MetaFile,
        quota::QuotaFile,
        recorded::Put,
        spool::{Spool, open_or_create},
        status_cache,
        table::{ReadTable, WriteTable},
        twoskip::Writer,
    },
    DATABASES, Database, IndexChange, Journal, QuotaChange, Replaced,
};
use crate::event::Severity;
use std::{fmt::Display, path::PathBuf};

impl Journal {
    /// Makes the change and waits until it is durable. What is neither as before nor as after is left alone and told of.
    /// Of quota roots, those that `held` has are locked.
    pub(super) fn apply(
        &self,
        spool: &mut Spool,
        index: Option<&mut IndexFile>,
        held: Vec<QuotaFile<'_>>,
    ) -> Result<(), StoreError> {
        let mut unsynced = Unsynced::default();
        let mut held = held.into_iter();
        for quota in &self.quotas {
            quota.apply(spool, held.next(), &mut unsynced)?;
        }
        self.apply_files(spool, index, unsynced)
    }

    /// The same of everything but the quota roots.
    pub(super) fn apply_files(
        &self,
        spool: &mut Spool,
        index: Option<&mut IndexFile>,
        mut unsynced: Unsynced,
    ) -> Result<(), StoreError> {
        status_cache::forget(spool, &self.names);
        if let Some(header) = &self.header {
            header.apply(spool, self, &mut unsynced)?;
        }
        for database in DATABASES.into_iter().filter(|database| *database != Database::List) {
            self.write_database(spool, database, &mut unsynced)?;
        }
        if let (Some(change), Some(index)) = (&self.index, index) {
            change.apply(index)?;
            unsynced.bytes(&spool.options.meta_file(&self.place, MetaFile::Index)?);
        }
        self.write_database(spool, Database::List, &mut unsynced)?;
        unsynced.sync(spool.disk.as_ref())?;
        self.remove_gone(spool);
        Ok(())
    }

    fn write_database(&self, spool: &mut Spool, database: Database, unsynced: &mut Unsynced) -> Result<(), StoreError> {
        let puts: Vec<&Put> = self.puts.iter().filter(|(in_it, _)| *in_it == database).map(|(_, put)| put).collect();
        if puts.is_empty() {
            return Ok(());
        }
        let path = self.path(spool, database)?;
        let left_alone = if database == Database::List {
            spool.write_list(Durability::Caller, |list, _| Ok(write_all(list, &puts)?))?
        } else {
            let mut db = open_or_create(&spool.disk, &path)?;
            let mut writer = db.write(spool.deadline())?;
            let left_alone = write_all(&mut writer, &puts)?;
            writer.commit(Durability::Caller)?;
            left_alone
        };
        unsynced.bytes(&path);
        if left_alone > 0 {
            let facts: [(&str, &dyn Display); 2] = [("file", &path.display()), ("values", &left_alone)];
            spool.tell(Severity::Warning, "journal: changed by another program since, left alone", &facts);
        }
        Ok(())
    }

    fn path(&self, spool: &Spool, database: Database) -> Result<PathBuf, StoreError> {
        Ok(match database {
            Database::List => spool.options.mailbox_list_file(),
            Database::Annotations => spool.options.annotations_file(),
            Database::OfMessages => spool.options.meta_file(&self.place, MetaFile::Annotations)?,
        })
    }

    /// From here on nothing refers to these files: what stays behind is told of.
    fn remove_gone(&self, spool: &Spool) {
        let Some(place) = &self.gone else { return };
        if let Err(error) = remove_files(spool, place) {
            spool.tell(
                Severity::Error,
                "IOERROR: unable to remove all of a mailbox",
                &[("mailbox", self.name()), ("error", &error)],
            );
        }
    }
}

/// Returns how many were left alone.
fn write_all(table: &mut Writer<'_>, puts: &[&Put]) -> Result<usize, super::super::db_error::DbError> {
    let mut left_alone = 0;
    for Put { key, before, after } in puts {
        let current = ReadTable::fetch(table, key)?;
        match after {
            after if current == *after => {}
            _ if current != *before => left_alone += 1,
            Some(value) => WriteTable::store(table, key, value)?,
            None => WriteTable::delete(table, key)?,
        }
    }
    Ok(left_alone)
}

impl QuotaChange {
    /// Makes the change by itself and waits until it is durable.
    pub(super) fn finish(&self, spool: &Spool) -> Result<(), StoreError> {
        let mut unsynced = Unsynced::default();
        self.apply(spool, None, &mut unsynced)?;
        unsynced.sync(spool.disk.as_ref())
    }

    fn apply(&self, spool: &Spool, held: Option<QuotaFile<'_>>, unsynced: &mut Unsynced) -> Result<(), StoreError> {
        let path = spool.options.quota_file(&self.root);
        let locked = || QuotaFile::lock(spool.disk.as_ref(), &path, false, spool.deadline());
        let Some(file) = held.map_or_else(locked, |held| Ok(Some(held)))? else { return Ok(()) };
        match file.quota() {
            Some(current) if *current == self.before => {
                file.commit(&self.after, Durability::Caller)?;
                unsynced.name(&path);
            }
            Some(current) if *current == self.after => unsynced.name(&path),
            _ => {
                let facts: [(&str, &dyn Display); 1] = [("root", &self.root.as_str())];
                spool.tell(Severity::Warning, "journal: a quota root was changed since, run quota -f", &facts);
            }
        }
        Ok(())
    }
}

impl Replaced {
    fn apply(&self, spool: &Spool, journal: &Journal, unsynced: &mut Unsynced) -> Result<(), StoreError> {
        let path = spool.options.meta_file(&journal.place, MetaFile::Header)?;
        unsynced.name(&path);
        if spool.read_file(&path)?.is_some_and(|current| current == self.after) {
            return Ok(());
        }
        replace_file(spool.disk.as_ref(), &path, &[&self.after], Durability::Caller).map_err(StoreError::io(&path))
    }
}

impl IndexChange {
    fn apply(&self, index: &mut IndexFile) -> Result<(), StoreError> {
        index.write_records(&self.records)?;
        Ok(index.write_header(self.after)?)
    }
}
