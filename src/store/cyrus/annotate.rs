//! One annotation of a mailbox or of the server, set by itself.
//!
//! Source: `sync_apply_annotation` of `imap/sync_support.c`, `annotate_state_store` of `imap/annotate.c`.

use super::{
    annotations::{self, Store, Target, check_store},
    disk::Durability,
    error::StoreError,
    index::counts,
    journal::Transaction,
    mailbox::{self, OpenMailbox, Opened, whose},
    options::MetaFile,
    spool::{Spool, open_or_create},
    status_cache, usage,
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
            Store::Value(value) => store_of_server(spool, entry, user, &value),
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
            store(spool, &mut mailbox, &target, Annotation { entry, user, value: &value })
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

fn store_of_server(spool: &Spool, entry: &[u8], user: &[u8], value: &[u8]) -> Result<(), StoreError> {
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    annotations::write(&mut writer, &Target::Server, entry, &whose(user)?, value, ModSeq::default())?;
    Ok(writer.commit(Durability::Now)?)
}

struct Annotation<'a> {
    entry: &'a [u8],
    user: &'a [u8],
    value: &'a [u8],
}

/// Stores an annotation of a mailbox, and counts what it takes, in the index and for the quota root.
fn store(
    spool: &mut Spool,
    mailbox: &mut OpenMailbox,
    target: &Target,
    Annotation { entry, user, value }: Annotation<'_>,
) -> Result<(), StoreError> {
    let disk = spool.disk.clone();
    let mut transaction = Transaction::of(disk.as_ref(), mailbox);
    let written = transaction.annotations(spool, |table| {
        Ok(annotations::write(table, target, entry, &whose(user)?, value, ModSeq::default())?)
    })?;
    let annotations::Written::Changed { before } = written else { return Ok(()) };
    let index = *mailbox.index.header();
    let mut next = index;
    counts::annotate(&mut next, None, &counts::Annotation { entry: b"", userid: None, old: &before, new: value });
    transaction.index(index, next, Vec::new());
    let difference = usage::difference(usage::usage_of(&index), usage::usage_of(&next));
    if let Some(root) = mailbox.header.quotaroot.as_deref() {
        transaction.count(root, difference, &mailbox.entry.name);
    }
    let prepared = transaction.prepare(spool, mailbox.entry.uniqueid.as_ref())?;
    prepared.carry_out(spool, Some(&mut mailbox.index))?.end(spool, true);
    Ok(())
}

fn set_option(spool: &Spool, mailbox: &mut OpenMailbox, option: u32, set: bool) -> Result<(), StoreError> {
    status_cache::forget(spool, std::slice::from_ref(&mailbox.entry.name));
    let mut index = *mailbox.index.header();
    let others = index.options.0 & !option;
    index.options = MailboxOptions(if set { others | option } else { others });
    mailbox.index.write_header(index)?;
    let path = spool.options.meta_file(&mailbox.place, MetaFile::Index)?;
    mailbox.index.file().sync().map_err(StoreError::io(&path))
}
