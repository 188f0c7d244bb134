//! `APPLY MAILBOX`: what the master says of a mailbox.

use super::{
    dialect::Dialect,
    fields::{BadField, Fields, Problem, text},
    record::{FlagNames, decode_annotations},
};
use crate::{
    dlist::Value,
    ops::{AnnotatedRecord, Annotation, SyncedHeader},
    types::{FlagName, MailboxName, MailboxOptions, MailboxType, ModSeq, Partition, SyncCrcs, UniqueId},
};
use bytes::Bytes;

/// The state of a mailbox on the master, and those of its records that changed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::MailboxState unless they say otherwise")]
pub struct MailboxUpdate {
    pub uniqueid: UniqueId,
    pub name: MailboxName,
    pub mailbox_type: MailboxType,
    pub partition: Partition,
    /// Its folder modseq is the highest modseq, and its modseq of creation 0, where the master does not say.
    pub header: SyncedHeader,
    /// Minor version of the index, if the master says.
    pub index_version: Option<u32>,
    /// The highest modseq of a record that was removed for good; 0 where the master does not say.
    pub deleted_modseq: ModSeq,
    /// Which generation the master is of.
    pub dialect: Dialect,
    /// Checksums after the change; 0 is not compared.
    pub crcs: SyncCrcs,
    /// The state the change was made for, if the master says.
    pub since: Option<(ModSeq, SyncCrcs)>,
    pub annotations: Vec<Annotation>,
    /// `USERGROUPS`: the groups that the mailbox's owner is in.
    pub user_groups: Option<Vec<Bytes>>,
    /// `USERFLAGS`: all user flags of the mailbox on the master.
    pub user_flags: Vec<FlagName>,
    /// Records, ascending by uid.
    pub records: Vec<AnnotatedRecord>,
    /// The user flags that the records use.
    pub record_flags: FlagNames,
}

/// An intermediate folder or a tombstone: only an entry in the mailbox list.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::ListedEntry")]
pub struct MailboxEntry {
    pub uniqueid: UniqueId,
    pub name: MailboxName,
    pub mailbox_type: MailboxType,
    pub created_modseq: ModSeq,
    pub folder_modseq: ModSeq,
}

/// Which of the two an `APPLY MAILBOX` is about.
pub(super) enum Decoded {
    Entry(MailboxEntry),
    Mailbox(Box<MailboxUpdate>),
}

/// Decodes everything but the records, which were taken out of the value as they came (`sync_apply_mailbox`).
pub(super) fn decode(
    value: &Value,
    records: Vec<AnnotatedRecord>,
    record_flags: FlagNames,
) -> Result<Decoded, BadField> {
    let fields = Fields::of("MAILBOX", value)?;
    let uniqueid = fields.uniqueid("UNIQUEID")?;
    let name = fields.mailbox("MBOXNAME")?;
    let highest_modseq = fields.modseq("HIGHESTMODSEQ")?;
    let created_modseq = fields.or("CREATEDMODSEQ", ModSeq::default(), Fields::modseq)?;
    let letters = fields.optional_text("MBOXTYPE")?.unwrap_or_default();
    let mailbox_type =
        MailboxType::from_letters(&letters).ok_or(BadField::new("MBOXTYPE", Problem::Unknown))?.for_sync();
    if mailbox_type.is_entry_only() {
        let entry = MailboxEntry { uniqueid, name, mailbox_type, created_modseq, folder_modseq: highest_modseq };
        return Ok(Decoded::Entry(entry));
    }
    if mailbox_type.remote || mailbox_type.reserved || mailbox_type.moving {
        return Err(BadField::new("MBOXTYPE", Problem::Unknown));
    }
    fields.list("RECORD")?;
    let last_uid = fields.number32("LAST_UID")?;
    // The reference aborts on this (`assert(mailbox->i.last_uid <= last_uid)`).
    if records.last().is_some_and(|record| record.record.uid.get() > last_uid) {
        return Err(BadField::new("LAST_UID", Problem::TooLow));
    }
    let folder_modseq = fields.or("FOLDERMODSEQ", ModSeq::default(), Fields::modseq)?;
    Ok(Decoded::Mailbox(Box::new(MailboxUpdate {
        uniqueid,
        name,
        mailbox_type,
        partition: fields.partition("PARTITION")?,
        header: SyncedHeader {
            acl: acl(fields)?,
            options: MailboxOptions::from_letters(&fields.text("OPTIONS")?),
            uidvalidity: fields.number32("UIDVALIDITY")?,
            last_uid,
            highest_modseq,
            created_modseq,
            folder_modseq: if folder_modseq.0 == 0 { highest_modseq } else { folder_modseq },
            recent_uid: fields.number32("RECENTUID")?,
            recent_time: fields.date("RECENTTIME")?,
            last_append_date: fields.date("LAST_APPENDDATE")?,
            pop3_last_login: fields.date("POP3_LAST_LOGIN")?,
            pop3_show_after: fields.or("POP3_SHOW_AFTER", 0, Fields::date)?,
        },
        index_version: Some(fields.or("VERSION", 0, Fields::number32)?).filter(|version| *version != 0),
        deleted_modseq: fields.or("DELETEDMODSEQ", ModSeq::default(), Fields::modseq)?,
        dialect: Dialect::of(fields),
        crcs: crcs(fields, "SYNC_CRC", "SYNC_CRC_ANNOT")?,
        since: since(fields)?,
        annotations: fields.find("ANNOTATIONS").map_or(Ok(Vec::new()), |list| decode_annotations(list, None))?,
        user_groups: user_groups(fields)?,
        user_flags: user_flags(fields)?,
        records,
        record_flags,
    })))
}

/// Identifiers and rights, each followed by a TAB. What cannot be stored in a line is refused.
pub(super) fn acl(fields: Fields<'_>) -> Result<Bytes, BadField> {
    let acl = fields.text("ACL")?;
    let storable = acl.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control());
    if storable { Ok(acl) } else { Err(BadField::new("ACL", Problem::NotText)) }
}

fn crcs(fields: Fields<'_>, basic: &'static str, annot: &'static str) -> Result<SyncCrcs, BadField> {
    Ok(SyncCrcs { basic: fields.or(basic, 0, Fields::number32)?, annot: fields.or(annot, 0, Fields::number32)? })
}

fn since(fields: Fields<'_>) -> Result<Option<(ModSeq, SyncCrcs)>, BadField> {
    let modseq = fields.or("SINCE_MODSEQ", ModSeq::default(), Fields::modseq)?;
    let crcs = crcs(fields, "SINCE_CRC", "SINCE_CRC_ANNOT")?;
    Ok((modseq.0 != 0).then_some((modseq, crcs)))
}

/// The `USERFLAGS` that are names; the reference logs others and goes on.
fn user_flags(fields: Fields<'_>) -> Result<Vec<FlagName>, BadField> {
    let Some(Value::List(flags)) = fields.find("USERFLAGS") else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for flag in flags {
        let name = text("USERFLAGS", flag)?.unwrap_or_default();
        names.extend(FlagName::parse(&name));
    }
    Ok(names)
}

/// Names with a TAB between them. They become parts of a database's keys.
fn user_groups(fields: Fields<'_>) -> Result<Option<Vec<Bytes>>, BadField> {
    /// Bytes in the name of a group: as many as fit in a user's.
    const LONGEST: usize = 500;
    let Some(joined) = fields.optional_text("USERGROUPS")? else { return Ok(None) };
    let names = joined.split(|byte| *byte == b'\t').filter(|name| !name.is_empty());
    let checked = names.map(|name| match name.len() <= LONGEST && !name.iter().any(u8::is_ascii_control) {
        true => Ok(Bytes::copy_from_slice(name)),
        false => Err(BadField::new("USERGROUPS", Problem::NotText)),
    });
    let mut groups = checked.collect::<Result<Vec<Bytes>, _>>()?;
    groups.sort();
    groups.dedup();
    Ok(Some(groups))
}
