//! A second mailbox of the same files, under another name and unique id: on the way into the trash, and back.

use super::{
    super::{
        annotations::{self, Target},
        disk::{Durability, Mode},
        error::StoreError,
        header::{self, MailboxHeader},
        index::{IndexFile, IndexHeader},
        mboxlist::MailboxEntry,
        options::MetaFile,
        paths::MailboxPlace,
        quota::QuotaRoot,
        spool::{Spool, open_or_create},
    },
    copy::{copy_files, make_durable},
    delete::remove_files,
    open::OpenMailbox,
};
use crate::ops::Refusal;

/// Gives the files of a mailbox that is open for writing a second name where `entry` has its files, and copies its
/// annotations; all of it durable. The mailbox itself stays as it is. Whoever calls this lists the entry and removes the
/// mailbox; until then the duplicate is nobody's, and is removed when this fails or is done again.
pub(in super::super) fn duplicate(
    spool: &Spool,
    mailbox: &OpenMailbox,
    entry: &MailboxEntry,
    quota_root: Option<&QuotaRoot>,
) -> Result<(), StoreError> {
    let place = entry.place().ok_or(Refusal::Protocol)?;
    remove_files(spool, &place)?;
    let made = make(spool, mailbox, entry, &place, quota_root);
    made.inspect_err(|_| drop(remove_files(spool, &place)))
}

fn make(
    spool: &Spool,
    mailbox: &OpenMailbox,
    entry: &MailboxEntry,
    place: &MailboxPlace,
    quota_root: Option<&QuotaRoot>,
) -> Result<(), StoreError> {
    // The index is the one file that is written in place before the mailbox is gone.
    copy_files(spool, &mailbox.place, place, &[MetaFile::Index])?;
    let bytes = encoded_header(mailbox, entry, quota_root)?;
    spool.replace_file(&spool.options.meta_file(place, MetaFile::Header)?, &bytes)?;
    let path = spool.options.meta_file(place, MetaFile::Index)?;
    let mut index = IndexFile::open(spool.disk.open(&path, Mode::Write).map_err(StoreError::io(&path))?)?;
    index.write_header(IndexHeader { header_file_crc: header::checksum(&bytes), ..*index.header() })?;
    copy_annotations(spool, mailbox, entry)?;
    make_durable(spool, place)
}

fn encoded_header(
    mailbox: &OpenMailbox,
    entry: &MailboxEntry,
    quota_root: Option<&QuotaRoot>,
) -> Result<Vec<u8>, StoreError> {
    let header = MailboxHeader {
        name: Some(entry.name.as_bytes().to_vec()),
        uniqueid: entry.uniqueid.as_ref().map(|id| id.as_bytes().to_vec()),
        quotaroot: quota_root.map(|root| root.as_str().as_bytes().to_vec()),
        ..mailbox.header.clone()
    };
    Ok(header::encode(&header, header::Form::KeyValue)?)
}

fn copy_annotations(spool: &Spool, mailbox: &OpenMailbox, entry: &MailboxEntry) -> Result<(), StoreError> {
    let (Some(from), Some(id)) = (mailbox.annotation_target(), &entry.uniqueid) else { return Ok(()) };
    let to = Target::Mailbox(id.clone(), entry.name.clone());
    let mut db = open_or_create(&spool.disk, &spool.options.annotations_file())?;
    let mut writer = db.write(spool.deadline())?;
    annotations::remove_all(&mut writer, &to)?;
    for found in annotations::list(&mut writer, &from)? {
        let value = found.value;
        annotations::write(&mut writer, &to, &found.entry, &found.whose, &value.bytes, value.modseq)?;
    }
    Ok(writer.commit(Durability::Now)?)
}
