//! What Cyrus keeps beside a mailbox of Sieve scripts: where `lmtpd` looks for the active script, and where all look scripts up.
//!
//! | file | holds |
//! |---|---|
//! | `sievedir/…/defaultbc` | a link to `NAME.bc` of the active script, compiled or not |
//! | `sievedir/…/NAME.bc` | the script, compiled |
//! | `dav.db` of the user | a row for each script (table `sieve_scripts`) |
//!
//! All of it follows from the mailbox, and is made anew from it after each change: what a failure left behind is put right by
//! the next change, by the journal of this one, or by `dav_reconstruct USER`. Scripts are not compiled here. Where the compiled form is missing or older
//! than the script, `lmtpd` compiles it when it is needed (`sieve_script_rebuild` of `imap/sieve_db.c`), so it is enough to
//! remove one that is not of the script as it is.
//!
//! Source: `mailbox_update_sieve` of `imap/mailbox.c`, `imap/sievedir.c`; the same in 3.6.1 and 3.12.3.

#[cfg(feature = "dav")]
mod dav;

use super::{
    disk::{make_directories, remove_if_there},
    error::StoreError,
    mailbox::{OpenMailbox, read_records},
    spool::Spool,
};
use crate::{
    event::Severity,
    ops::Record,
    plan::sieve::{self, Script, Summary},
    types::{InternalFlags, MailboxName, SystemFlags},
};
use bytes::Bytes;
use std::{collections::HashMap, io::ErrorKind, path::Path};

/// Records that are read at once.
const PAGE: usize = 512;
/// The link to the active script (`DEFAULTBC_NAME`).
const ACTIVE: &str = "defaultbc";
const BYTECODE_SUFFIX: &str = ".bc";

/// A script, and the last record of its id.
struct Row {
    script: Summary,
    record: Record,
}

impl Row {
    fn is_alive(&self) -> bool {
        !self.record.is_expunged()
    }

    fn is_active(&self) -> bool {
        self.is_alive() && self.record.system_flags.has(SystemFlags::FLAGGED)
    }
}

/// Follows a change of the mailbox, which is open; whether that was done. Failures are told of: the mailbox is what counts, and
/// it is changed.
pub(super) fn refresh(spool: &mut Spool, mailbox: &mut OpenMailbox) -> bool {
    let name = mailbox.entry.name.clone();
    let outcome = rows(spool, mailbox)
        .and_then(|rows| write(spool, &name, mailbox.entry.uniqueid.as_ref().map_or("", |id| id.as_str()), &rows));
    is_done(spool, &name, outcome)
}

/// The mailbox is removed, and its scripts with it; whether that was done.
pub(super) fn forget(spool: &mut Spool, name: &MailboxName) -> bool {
    let outcome = write(spool, name, "", &[]);
    is_done(spool, name, outcome)
}

fn is_done(spool: &Spool, name: &MailboxName, outcome: Result<(), StoreError>) -> bool {
    let told = outcome.inspect_err(|error| {
        let what = "IOERROR: sieve scripts are not listed, dav_reconstruct lists them";
        spool.tell(Severity::Error, what, &[("mailbox", name), ("error", error)]);
    });
    told.is_ok()
}

/// All scripts whose messages are there, dead ones included. Messages that are no scripts are passed over.
fn rows(spool: &Spool, mailbox: &mut OpenMailbox) -> Result<Vec<Row>, StoreError> {
    let (mut rows, mut after): (Vec<Row>, _) = (Vec::new(), None);
    let mut places: HashMap<String, usize> = HashMap::new();
    loop {
        let page = read_records(spool, mailbox, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = Some(last.record.uid);
        let kept = |record: &Record| !record.internal_flags.has(InternalFlags::UNLINKED);
        for record in page.into_iter().map(|annotated| annotated.record).filter(kept) {
            let path = spool.options.recorded_message_file(&mailbox.place, record.uid, record.internal_flags)?;
            let Some(message) = message(spool, &path)? else { continue };
            let Some(script) = sieve::parse(&message).map(Script::into_summary) else { continue };
            let place = *places.entry(script.id.clone()).or_insert(rows.len());
            match rows.get_mut(place) {
                Some(row) => *row = Row { script, record },
                None => rows.push(Row { script, record }),
            }
        }
    }
}

/// A message that is not too long for one of a script; `None` where there is none.
fn message(spool: &Spool, path: &Path) -> Result<Option<Bytes>, StoreError> {
    match spool.disk.metadata(path) {
        Ok(metadata) if metadata.size > u64::from(sieve::MAX_MESSAGE) => Ok(None),
        _ => Ok(spool.read_file(path)?.map(Bytes::from)),
    }
}

fn write(spool: &mut Spool, name: &MailboxName, uniqueid: &str, rows: &[Row]) -> Result<(), StoreError> {
    let place = spool.owner_place(name)?;
    if let Some(directory) = spool.options.sieve_dir(&place) {
        write_directory(spool, &directory, rows)?;
    }
    #[cfg(feature = "dav")]
    dav::write(spool, &spool.options.user_file(&place, "dav"), uniqueid, rows)?;
    #[cfg(not(feature = "dav"))]
    let _ = uniqueid;
    Ok(())
}

fn write_directory(spool: &Spool, directory: &Path, rows: &[Row]) -> Result<(), StoreError> {
    let disk = spool.disk.as_ref();
    if rows.is_empty() && disk.metadata(directory).is_err() {
        return Ok(());
    }
    make_directories(disk, directory).map_err(StoreError::io(directory))?;
    for name in disk.read_dir(directory).map_err(StoreError::io(directory))? {
        let Some(script) = name.to_str().and_then(|name| name.strip_suffix(BYTECODE_SUFFIX)) else { continue };
        let path = directory.join(&name);
        let compiled = disk.metadata(&path).map_err(StoreError::io(&path))?.modified;
        let is_current =
            |row: &Row| row.is_alive() && row.script.name.as_str() == script && row.record.internal_date < compiled;
        if !rows.iter().any(is_current) {
            remove_if_there(disk, &path).map_err(StoreError::io(&path))?;
        }
    }
    let active = rows.iter().rev().find(|row| row.is_active());
    link(spool, directory, active.map(|row| format!("{}{BYTECODE_SUFFIX}", row.script.name)).as_deref())
}

/// Makes the link point to this file, or takes it away.
fn link(spool: &Spool, directory: &Path, target: Option<&str>) -> Result<(), StoreError> {
    let (disk, path) = (spool.disk.as_ref(), directory.join(ACTIVE));
    let current = match disk.read_link(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        link => Some(link.map_err(StoreError::io(&path))?),
    };
    if current.as_ref().and_then(|current| current.to_str()) == target {
        return Ok(());
    }
    let change = || match target {
        Some(target) => {
            let new = directory.join(format!("{ACTIVE}.NEW"));
            remove_if_there(disk, &new)?;
            disk.symlink(target, &new)?;
            disk.rename(&new, &path).inspect_err(|_| drop(disk.unlink(&new)))
        }
        None => remove_if_there(disk, &path),
    };
    change().and_then(|()| disk.sync_dir(directory)).map_err(StoreError::io(&path))
}
