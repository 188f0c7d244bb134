//! Many mailboxes of one owner: their headers, read one after the other under the owner's lock.

use super::{
    super::{
        annotations::{self, Target},
        disk::Lock,
        error::StoreError,
        lock::LockName,
        mboxlist::{MailboxEntry, Tree},
        spool::Spool,
        trash,
        twoskip::{Create, Twoskip},
    },
    open::{describe, groups, read_headers, to_wire},
};
use crate::{
    ops::{Listed, MailboxState},
    types::MailboxName,
};

/// The next part of an owner's tree: entries, and mailboxes with their headers. What is just being made or removed is left
/// out; nothing at all is the end.
pub(in super::super) fn list(
    spool: &mut Spool,
    inbox: &MailboxName,
    tree: &mut Tree,
    limit: usize,
) -> Result<Vec<Listed>, StoreError> {
    // Nobody makes, renames or removes one of these while it is held.
    let _owner_lock = spool.lock(LockName::user_of(inbox), Lock::Shared)?;
    let groups = groups(spool, inbox)?;
    loop {
        let entries = spool.read_list(|db, _| tree.next_page(db, limit))?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let seen = entries.into_iter().filter(|entry| !trash::is_kept(entry));
        let listed = seen.map(|entry| read(spool, entry, &groups).transpose());
        let mut listed: Vec<Listed> = listed.flatten().collect::<Result<_, _>>()?;
        annotate(spool, &mut listed)?;
        if !listed.is_empty() {
            return Ok(listed);
        }
    }
}

fn read(spool: &Spool, entry: MailboxEntry, groups: &[Vec<u8>]) -> Result<Option<Listed>, StoreError> {
    if entry.mailbox_type.is_entry_only() {
        return Ok(Some(Listed::Entry(entry.into())));
    }
    match read_mailbox(spool, &entry, groups) {
        Ok(mailbox) => Ok(mailbox.map(|mailbox| Listed::Mailbox(Box::new(mailbox)))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_mailbox(spool: &Spool, entry: &MailboxEntry, groups: &[Vec<u8>]) -> Result<Option<MailboxState>, StoreError> {
    let Some(place) = entry.place() else { return Ok(None) };
    let _lock = spool.lock(LockName::Mailbox(place.directory.clone()), Lock::Shared)?;
    let (index, header, _) = read_headers(spool, entry, &place, Lock::Shared)?;
    describe(entry, &place, &header, index.header(), groups).map(Some)
}

/// Adds the annotations of all of these mailboxes, which lie in one file.
fn annotate(spool: &Spool, listed: &mut [Listed]) -> Result<(), StoreError> {
    let path = spool.options.annotations_file();
    let Some(mut db) = Twoskip::open(&spool.disk, &path, Create::No)? else { return Ok(()) };
    let mut reader = db.read(spool.deadline())?;
    for listed in listed {
        let Listed::Mailbox(mailbox) = listed else { continue };
        let target = Target::Mailbox(mailbox.uniqueid.clone(), mailbox.name.clone());
        mailbox.annotations = to_wire(annotations::list(&mut reader, &target)?);
    }
    Ok(())
}
