//! Changes of the list, each inside one transaction of the caller's.
//!
//! They are those of a replica: silent, so that no modseq is made here; and without `mboxlist_update_intermediaries`, which
//! a replica must not run, because its master sends the place holders (3.12 asserts this).

use super::{
    EntryError, FormerName, ListError, MailboxEntry, find, find_by_uniqueid, has_children, id_key, name_key, reverse,
};
use crate::{
    store::cyrus::{
        options::{CyrusOptions, Release},
        table::WriteTable,
    },
    types::{MailboxName, MailboxType, ModSeq, UniqueId},
};

/// What a mailbox's index said when it was deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClosedMailbox {
    /// Its unique id.
    pub uniqueid: UniqueId,
    /// UIDVALIDITY
    pub uidvalidity: u32,
    /// The modseq at which it was made.
    pub created_modseq: ModSeq,
    /// The highest modseq.
    pub highest_modseq: ModSeq,
}

/// Why an entry was left as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotChanged {
    /// There is none.
    Nonexistent,
    /// It is being moved, reserved, or a tombstone.
    NotSupported,
}

/// Writes an entry, in place of the one that its name has, and the `I` record to it; `now` becomes its `M`
/// (`mboxlist_update_entry_full`).
///
/// Where the unique id had another name, that becomes the first of its former names. Where the name had another unique
/// id, that one's `I` record goes, if it still has this name.
///
/// # Errors
/// [`ListError`]
pub fn update(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    entry: &MailboxEntry,
    now: i64,
) -> Result<(), ListError> {
    let old = readable(find(table, options, &entry.name))?;
    reverse::update(table, options, &entry.name, old.as_ref(), Some(entry))?;
    if let Some(old_id) = old.and_then(|old| old.uniqueid).filter(|old| Some(old) != entry.uniqueid.as_ref()) {
        delete_id_record(table, &old_id, &entry.name)?;
    }
    let mut entry = MailboxEntry { mtime: now, name_history: Vec::new(), ..entry.clone() };
    table.store(&name_key(options, &entry.name), &entry.encode_name_record())?;
    if let Some(id) = entry.uniqueid.clone() {
        let before = readable(find_by_uniqueid(table, &id))?;
        entry.name_history = before.map_or_else(Vec::new, |before| history(before, &entry.name));
        table.store(&id_key(&id), &entry.encode_id_record(options))?;
    }
    Ok(())
}

/// Makes a tombstone of an entry, or a place holder if mailboxes are below it; under `DELETED.` the entry goes for good
/// (`mboxlist_deletemailbox` with `FORCE` and `SILENT`). `closed` is `None` for an entry without a mailbox behind it.
///
/// Returns what the entry was.
///
/// # Errors
/// [`ListError`]
pub fn delete(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    name: &MailboxName,
    closed: Option<&ClosedMailbox>,
    now: i64,
) -> Result<Result<MailboxEntry, NotChanged>, ListError> {
    let Some(entry) = find(table, options, name)? else { return Ok(Err(NotChanged::Nonexistent)) };
    if name.is_deleted() {
        remove(table, options, &entry)?;
    } else if entry.mailbox_type.intermediate {
        let mailbox_type = MailboxType { deleted: true, ..entry.mailbox_type };
        update(table, options, &MailboxEntry { mailbox_type, ..rewritten(&entry) }, now)?;
    } else {
        let has_children = has_children(table, options, name)?;
        update(table, options, &tombstone(options, &entry, closed, has_children), now)?;
    }
    Ok(Ok(entry))
}

/// Gives an entry another name: a tombstone stays under the old one (`mboxlist_renamemailbox`, its part in the list).
/// `renamed` is the entry as it is to be, under its new name.
///
/// # Errors
/// [`ListError`]
pub fn rename(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    entry: &MailboxEntry,
    renamed: &MailboxEntry,
    now: i64,
) -> Result<(), ListError> {
    if entry.name != renamed.name {
        let left_behind = MailboxEntry {
            uniqueid: entry.uniqueid.clone(),
            jmapid: entry.jmapid.clone(),
            uidvalidity: entry.uidvalidity,
            created_modseq: entry.created_modseq,
            folder_modseq: renamed.folder_modseq,
            ..MailboxEntry::new(entry.name.clone(), MailboxType { deleted: true, ..entry.mailbox_type })
        };
        update(table, options, &left_behind, now)?;
    }
    let renamed = if renamed.mailbox_type.intermediate { rewritten(renamed) } else { renamed.clone() };
    update(table, options, &renamed, now)
}

/// Sets an entry's ACL, and its folder modseq if that is higher (`mboxlist_setacls`).
///
/// # Errors
/// [`ListError`]
pub fn set_acl(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    name: &MailboxName,
    acl: &[u8],
    folder_modseq: ModSeq,
    now: i64,
) -> Result<Result<(), NotChanged>, ListError> {
    let Some(entry) = find(table, options, name)? else { return Ok(Err(NotChanged::Nonexistent)) };
    if entry.acl.as_deref().unwrap_or_default() == acl && entry.folder_modseq >= folder_modseq {
        return Ok(Ok(()));
    }
    let MailboxType { moving, reserved, deleted, .. } = entry.mailbox_type;
    if moving || reserved || deleted {
        return Ok(Err(NotChanged::NotSupported));
    }
    let folder_modseq = entry.folder_modseq.max(folder_modseq);
    update(table, options, &MailboxEntry { acl: Some(acl.to_vec()), folder_modseq, ..entry }, now)?;
    Ok(Ok(()))
}

/// Raises an entry's folder modseq; a higher one stays (`mboxlist_update_foldermodseq`).
///
/// # Errors
/// [`ListError`]
pub fn set_folder_modseq(
    table: &mut impl WriteTable,
    options: &CyrusOptions,
    name: &MailboxName,
    folder_modseq: ModSeq,
    now: i64,
) -> Result<Result<(), NotChanged>, ListError> {
    let Some(entry) = find(table, options, name)? else { return Ok(Err(NotChanged::Nonexistent)) };
    if entry.folder_modseq < folder_modseq {
        update(table, options, &MailboxEntry { folder_modseq, ..rewritten(&entry) }, now)?;
    }
    Ok(Ok(()))
}

/// The reference reads a missing ACL as an empty one, and writes that when it changes another field of an entry.
fn rewritten(entry: &MailboxEntry) -> MailboxEntry {
    MailboxEntry { acl: Some(entry.acl.clone().unwrap_or_default()), ..entry.clone() }
}

/// 3.12 has closed the mailbox by the time it writes the tombstone, so nothing but the type is left; 3.6.1 knows all but
/// the kind; 3.13 changes a copy of the entry.
fn tombstone(
    options: &CyrusOptions,
    entry: &MailboxEntry,
    closed: Option<&ClosedMailbox>,
    has_children: bool,
) -> MailboxEntry {
    let (kept, closed) = match options.release {
        Release::V3_6 => (MailboxType::EMAIL, closed),
        Release::V3_8 | Release::V3_10 | Release::V3_13 => (entry.mailbox_type, closed),
        Release::V3_12 => (entry.mailbox_type, None),
    };
    let mailbox_type = MailboxType {
        deleted: kept.deleted || !has_children,
        intermediate: kept.intermediate || has_children,
        moving: false,
        ..kept
    };
    if options.release >= Release::V3_13 {
        let folder_modseq = closed.map_or(entry.folder_modseq, |closed| closed.highest_modseq);
        return MailboxEntry { mailbox_type, folder_modseq, ..rewritten(entry) };
    }
    let bare = MailboxEntry::new(entry.name.clone(), mailbox_type);
    match closed {
        None => bare,
        Some(closed) => MailboxEntry {
            uniqueid: Some(closed.uniqueid.clone()),
            uidvalidity: closed.uidvalidity,
            created_modseq: closed.created_modseq,
            folder_modseq: closed.highest_modseq,
            ..bare
        },
    }
}

/// 3.6.1 leaves the `I` record behind (`mboxlist_update_entry`).
fn remove(table: &mut impl WriteTable, options: &CyrusOptions, entry: &MailboxEntry) -> Result<(), ListError> {
    reverse::update(table, options, &entry.name, Some(entry), None)?;
    table.delete(&name_key(options, &entry.name))?;
    match &entry.uniqueid {
        Some(id) if options.release > Release::V3_6 => delete_id_record(table, id, &entry.name),
        _ => Ok(()),
    }
}

fn delete_id_record(table: &mut impl WriteTable, id: &UniqueId, name: &MailboxName) -> Result<(), ListError> {
    if readable(find_by_uniqueid(table, id))?.is_some_and(|entry| entry.name == *name) {
        table.delete(&id_key(id))?;
    }
    Ok(())
}

fn history(before: MailboxEntry, name: &MailboxName) -> Vec<FormerName> {
    let newest = (before.name != *name).then_some(FormerName {
        name: before.name,
        mtime: before.mtime,
        uidvalidity: before.uidvalidity,
        created_modseq: before.created_modseq,
        folder_modseq: before.folder_modseq,
        mailbox_type: before.mailbox_type,
        partition: before.partition,
    });
    newest.into_iter().chain(before.name_history).collect()
}

/// A record that cannot be read is written over as if it were not there: it is of no use to anybody.
fn readable(found: Result<Option<MailboxEntry>, ListError>) -> Result<Option<MailboxEntry>, ListError> {
    match found {
        Err(ListError::Entry {
            error: EntryError::Syntax(_) | EntryError::Form | EntryError::Field { .. }, ..
        }) => Ok(None),
        other => other,
    }
}
