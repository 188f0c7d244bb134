//! Entries by name and by unique id, and what follows from them.

use super::{ListError, MailboxEntry, id_key, name_key};
use crate::{
    store::cyrus::{options::CyrusOptions, paths::UserPlace, table::ReadTable},
    types::{MailboxName, UniqueId, UserId},
};

/// The entry of a name, tombstones and place holders included (`mboxlist_lookup_allow_all`).
///
/// # Errors
/// [`ListError`]
pub fn find(
    table: &mut impl ReadTable,
    options: &CyrusOptions,
    name: &MailboxName,
) -> Result<Option<MailboxEntry>, ListError> {
    let key = name_key(options, name);
    let Some(value) = table.fetch(&key)? else { return Ok(None) };
    MailboxEntry::decode_name_record(name, &value).map(Some).map_err(|error| ListError::Entry { key, error })
}

/// The entry of a unique id, with the mailbox's former names (`mboxlist_lookup_by_uniqueid`).
///
/// # Errors
/// [`ListError`]
pub fn find_by_uniqueid(table: &mut impl ReadTable, id: &UniqueId) -> Result<Option<MailboxEntry>, ListError> {
    let key = id_key(id);
    let Some(value) = table.fetch(&key)? else { return Ok(None) };
    MailboxEntry::decode_id_record(id, &value).map(Some).map_err(|error| ListError::Entry { key, error })
}

/// Where a user's own files lie: under the unique id of the INBOX, be it a tombstone, unless its files lie by name or it
/// has none (`mboxname_conf_getpath`).
///
/// # Errors
/// [`ListError`]
pub fn user_place(table: &mut impl ReadTable, options: &CyrusOptions, user: &UserId) -> Result<UserPlace, ListError> {
    let Ok(inbox) = user.inbox() else { return Ok(UserPlace::ByName(user.clone())) };
    let entry = find(table, options, &inbox)?.filter(|entry| !entry.mailbox_type.legacy_dirs);
    Ok(entry.and_then(|entry| entry.uniqueid).map_or_else(|| UserPlace::ByName(user.clone()), UserPlace::ById))
}
