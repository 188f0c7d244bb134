//! One annotation of a mailbox or of the server, set by itself.
//!
//! Source: `sync_apply_annotation` of `imap/sync_support.c`, `annotate_state_store` of `imap/annotate.c`.

use super::{
    annotations::{self, Store, Target, check_store},
    disk::Durability,
    error::StoreError,
    index::{IndexHeader, counts},
    mailbox::{self, OpenMailbox, Opened, whose},
    options::MetaFile,
    spool::{Spool, open_or_create},
    usage,
};
use crate::{
    ops::{Intent, Refusal},
    types::{MailboxKind, MailboxName, MailboxOptions, ModSeq},
};

/// Sets or removes an annotation, by the rules for its entry. Modseqs stay as they are: the master's come with the mailbox.
pub(super) fn set(
    spool: &mut Spool,
    mailbox: Option<&MailboxName>,
    entry: &[u8],
    user: &[u8],
    value: &[u8],
) -> Result<(), StoreError> {
    let Some(name) = mailbox else {
        let store = check(spool, &Target::Server, MailboxKind::Email, entry, user, value)?;
        return match store {
            Store::Value(value) => write(spool, &Target::Server, entry, user, &value).map(drop),
            // Messages of the day and shutdown notices are each server's own.
            _ => Err(Refusal::BadParameters.into()),
        };
    };
    let Opened::Mailbox(mut mailbox) = mailbox::open(spool, name, Intent::Write)? else {
        return Err(Refusal::Nonexistent.into());
    };
    let target = Target::Mailbox(mailbox.entry.uniqueid.clone().ok_or(Refusal::BadFormat)?, name.clone());
    match check(spool, &target, mailbox.entry.mailbox_type.kind, entry, user, value)? {
        Store::Value(value) | Store::SpecialUse(value) => {
            let before = write(spool, &target, entry, user, &value)?;
            before.map_or(Ok(()), |before| count(spool, &mut mailbox, &before, &value))
        }
        Store::Option { option, set } => set_option(spool, &mut mailbox, option, set),
        // The date comes with the mailbox (POP3_SHOW_AFTER).
        Store::Pop3ShowAfter(_) | Store::File { .. } => Err(Refusal::BadParameters.into()),
    }
}

fn check(
    spool: &Spool,
    target: &Target,
    kind: MailboxKind,
    entry: &[u8],
    user: &[u8],
    value: &[u8],
) -> Result<Store, StoreError> {
    let value = (!value.is_empty()).then_some(value);
    check_store(&spool.options, target, kind, entry, &whose(user)?, value).map_err(|_| Refusal::BadParameters.into())
}

/// Returns what was there before, if that was something else.
fn write(
    spool: &Spool,
    target: &Target,
    entry: &[u8],
    user: &[u8],
    value: &[u8],
) -> Result<Option<Vec<u8>>, StoreError> {
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    let written = annotations::write(&mut writer, target, entry, &whose(user)?, value, ModSeq::default())?;
    writer.commit(Durability::Now)?;
    Ok(match written {
        annotations::Written::Unchanged => None,
        annotations::Written::Changed { before } => Some(before),
    })
}

/// Counts what the annotation takes, in the index and for the quota root.
fn count(spool: &Spool, mailbox: &mut OpenMailbox, before: &[u8], after: &[u8]) -> Result<(), StoreError> {
    let mut index = *mailbox.index.header();
    counts::annotate(&mut index, None, &counts::Annotation { entry: b"", userid: None, old: before, new: after });
    let difference = usage::difference(usage::usage_of(mailbox.index.header()), usage::usage_of(&index));
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        usage::count(spool, root, difference, &mailbox.entry.name)?;
    }
    write_index(spool, mailbox, index)
}

fn set_option(spool: &Spool, mailbox: &mut OpenMailbox, option: u32, set: bool) -> Result<(), StoreError> {
    let mut index = *mailbox.index.header();
    let others = index.options.0 & !option;
    index.options = MailboxOptions(if set { others | option } else { others });
    write_index(spool, mailbox, index)
}

fn write_index(spool: &Spool, mailbox: &mut OpenMailbox, index: IndexHeader) -> Result<(), StoreError> {
    mailbox.index.write_header(index)?;
    let path = spool.options.meta_file(&mailbox.place, MetaFile::Index)?;
    mailbox.index.file().sync().map_err(StoreError::io(&path))
}
