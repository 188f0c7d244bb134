//! `statuscache.db`: the counts of mailboxes that `imapd` answers STATUS from, without a look at them.
//!
//! | key | value |
//! |---|---|
//! | `NAME%` | `I VERSION (messages uidnext uidvalidity … highestmodseq …)` |
//! | `NAME%%USER` | `S VERSION (recent unseen highestmodseq)`: of no use beside an `I` record with another highest modseq |
//!
//! Names are internal ones. It is kept where `statuscache` is on. A record of the first kind is believed as it is, so it goes before
//! its mailbox changes, durably, and while the mailbox is locked: it is made again from the mailbox as it then is. The
//! reference writes a new one instead; here a mailbox that nobody asks about costs nothing.
//!
//! Source: `imap/statuscache_db.c`, `mailbox_unlock_index` of `imap/mailbox.c`; the same in 3.6.1 and 3.12.3, but for the fields.

use super::{
    db_error::DbError,
    disk::Durability,
    spool::Spool,
    twoskip::{Create, Twoskip},
};
use crate::{event::Severity, types::MailboxName};
use std::{fmt::Display, path::Path};

/// Forgets the counts of mailboxes that are about to change and are locked. A cache that cannot be written is told of, and stops
/// nobody.
pub(super) fn forget(spool: &Spool, names: &[MailboxName]) {
    let Some(path) = &spool.options.status_cache else { return };
    if let Err(error) = delete(spool, path, names) {
        let facts: [(&str, &dyn Display); 2] = [("file", &path.display()), ("error", &error)];
        spool.tell(Severity::Error, "DBERROR: unable to update statuscache", &facts);
    }
}

fn delete(spool: &Spool, path: &Path, names: &[MailboxName]) -> Result<(), DbError> {
    let Some(mut db) = Twoskip::open(&spool.disk, path, Create::No)? else { return Ok(()) };
    let mut reader = db.read(spool.deadline())?;
    let mut keys = Vec::new();
    for key in names.iter().map(|name| format!("{name}%").into_bytes()) {
        if reader.fetch(&key)?.is_some() {
            keys.push(key);
        }
    }
    drop(reader);
    if keys.is_empty() {
        return Ok(());
    }
    let mut writer = db.write(spool.deadline())?;
    for key in &keys {
        writer.delete(key)?;
    }
    writer.commit(Durability::Now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::{
        disk::simulated::SimulatedDisk, options::CyrusOptions, spool::open_or_create, table::ReadTable,
    };
    use std::sync::Arc;

    #[test]
    fn counts_of_these_mailboxes_are_forgotten_and_no_others() {
        let path = Path::new("/conf/statuscache.db");
        let disk = SimulatedDisk::new();
        let options = CyrusOptions { status_cache: Some(path.to_owned()), ..CyrusOptions::new("/conf") };
        let spool = Spool::new(Arc::new(disk), options, Arc::new(()));
        let names = [&b"user.u1"[..], b"user.u1.a"].map(|name| MailboxName::parse(name).unwrap());
        forget(&spool, &names);
        assert!(!spool.is_there(path).unwrap(), "none is made");
        let mut db = open_or_create(&spool.disk, path).unwrap();
        let mut writer = db.write(spool.deadline()).unwrap();
        for key in ["user.u1%", "user.u1%%u1", "user.u1.a%", "user.u1.b%", "user.u12%"] {
            writer.store(key.as_bytes(), b"x").unwrap();
        }
        writer.commit(Durability::Now).unwrap();
        forget(&spool, &names);
        let left = db.read(spool.deadline()).unwrap().all().unwrap();
        let left: Vec<&[u8]> = left.iter().map(|(key, _)| &key[..]).collect();
        assert_eq!(left, [&b"user.u1%%u1"[..], b"user.u1.b%", b"user.u12%"]);
    }
}
