//! The table `sieve_scripts` of a user's dav.db.
//!
//! | column | holds |
//! |---|---|
//! | `rowid` | |
//! | `creationdate`, `lastupdated` | internal dates of the first message of this id, and of the last |
//! | `mailbox`, `imap_uid` | the mailbox's unique id, the message's uid |
//! | `modseq`, `createdmodseq` | of the record |
//! | `id`, `name`, `contentid` | id, name and SHA-1 of the script |
//! | `isactive`, `alive` | 1 or 0: whether it is flagged; whether it is not expunged |
//!
//! The file also has tables for calendars and address books. Where there is no file, one with this table only is made, whose
//! version (`user_version`) stays 0: whichever release of Cyrus opens it first adds its other tables and sets its version.
//!
//! SQLite has its own way to files and locks, so this does not go through [`Disk`](super::super::disk::Disk).
//!
//! Source: `imap/sieve_db.c`, `imap/dav_db.c`, `lib/sqldb.c`; version 14 in 3.6.1 and 16 in 3.12.3, with the same table.

use super::{Row, StoreError};
use crate::store::cyrus::spool::Spool;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::{collections::HashSet, path::Path};

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS sieve_scripts (
        rowid INTEGER PRIMARY KEY, creationdate INTEGER, lastupdated INTEGER, mailbox TEXT NOT NULL, imap_uid INTEGER,
        modseq INTEGER, createdmodseq INTEGER, id TEXT NOT NULL, name TEXT NOT NULL, contentid TEXT NOT NULL,
        isactive INTEGER, alive INTEGER, UNIQUE (mailbox, imap_uid), UNIQUE (id));
    CREATE INDEX IF NOT EXISTS idx_sieve_name ON sieve_scripts (name);";

const UPDATE: &str = "
    UPDATE sieve_scripts SET lastupdated = ?2, mailbox = ?3, imap_uid = ?4, modseq = ?5, name = ?7, contentid = ?8,
        isactive = ?9, alive = ?10
    WHERE id = ?1 AND ?6 = ?6";

const INSERT: &str = "
    INSERT INTO sieve_scripts (id, creationdate, lastupdated, mailbox, imap_uid, modseq, createdmodseq, name, contentid,
        isactive, alive)
    VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Makes these the rows of the table.
pub(super) fn write(spool: &Spool, path: &Path, mailbox: &str, rows: &[Row]) -> Result<(), StoreError> {
    if rows.is_empty() && !path.exists() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        spool.disk.create_dir_all(directory).map_err(StoreError::io(directory))?;
    }
    let change = || {
        let mut db = Connection::open(path)?;
        db.busy_timeout(spool.options.lock_timeout)?;
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(TABLE)?;
        remove_others(&transaction, rows)?;
        rows.iter().try_for_each(|row| write_row(&transaction, mailbox, row))?;
        transaction.commit()
    };
    change().map_err(|source| StoreError::Sqlite { path: path.to_owned(), source })
}

fn remove_others(db: &Transaction<'_>, rows: &[Row]) -> rusqlite::Result<()> {
    let ids: HashSet<&str> = rows.iter().map(|row| row.script.id.as_str()).collect();
    let mut stored = db.prepare("SELECT id FROM sieve_scripts")?;
    let stored = stored.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for id in stored.iter().filter(|id| !ids.contains(id.as_str())) {
        db.execute("DELETE FROM sieve_scripts WHERE id = ?1", [id])?;
    }
    Ok(())
}

fn write_row(db: &Transaction<'_>, mailbox: &str, row: &Row) -> rusqlite::Result<()> {
    let Row { script, record } = row;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = params![
        script.id,
        record.internal_date,
        mailbox,
        record.uid.get(),
        number(record.modseq.0),
        number(record.created_modseq.0),
        script.name.as_str(),
        script.guid.to_string(),
        row.is_active(),
        row.is_alive(),
    ];
    if db.execute(UPDATE, values)? == 0 {
        db.execute(INSERT, values)?;
    }
    Ok(())
}
