//! `RESTORE`: mailboxes from a backup, to be added to what is there.

use super::{
    fields::{BadField, Fields, Problem},
    mailbox::acl,
    record::{FlagNames, decode_annotations},
};
use crate::{
    dlist::Value,
    ops::{AnnotatedRecord, Annotation},
    types::{MailboxName, MailboxOptions, MailboxType, ModSeq, Partition, UniqueId},
};
use bytes::Bytes;

/// A mailbox of a backup (`RESTORE MAILBOX`). Where the mailbox is there, only its type, which must fit, and its records count.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::MailboxState unless they say otherwise")]
pub struct RestoreMailbox {
    pub name: MailboxName,
    pub mailbox_type: MailboxType,
    /// `None`: where the mailbox above it lies, or the default.
    pub partition: Option<Partition>,
    /// `None`: as for a mailbox that its owner makes.
    pub acl: Option<Bytes>,
    pub options: MailboxOptions,
    /// What it was, if that shall be kept.
    pub identity: Option<Identity>,
    /// 0 where the backup does not say.
    pub created_modseq: ModSeq,
    /// 0 where the backup does not say.
    pub folder_modseq: ModSeq,
    pub annotations: Vec<Annotation>,
    /// Records, in any order.
    pub records: Vec<AnnotatedRecord>,
    /// The user flags that the records use.
    pub record_flags: FlagNames,
}

/// What makes a mailbox the one that clients know.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::MailboxState")]
pub struct Identity {
    pub uniqueid: UniqueId,
    pub uidvalidity: u32,
    pub highest_modseq: ModSeq,
}

impl RestoreMailbox {
    /// Makes the command of the item's name and value; `None` where no command has this name. The case of the name does not
    /// count. The records are given apart.
    ///
    /// # Errors
    /// [`BadField`] for the first field that is missing or wrong.
    pub fn decode(
        name: &[u8],
        value: &Value,
        records: Vec<AnnotatedRecord>,
        flags: FlagNames,
    ) -> Result<Option<RestoreMailbox>, BadField> {
        match name.to_ascii_uppercase().as_slice() {
            b"MAILBOX" | b"LOCAL_MAILBOX" => decode(value, records, flags).map(Some),
            _ => Ok(None),
        }
    }
}

fn decode(value: &Value, records: Vec<AnnotatedRecord>, record_flags: FlagNames) -> Result<RestoreMailbox, BadField> {
    let fields = Fields::of("MAILBOX", value)?;
    let letters = fields.optional_text("MBOXTYPE")?.unwrap_or_default();
    let mailbox_type = MailboxType::from_letters(&letters).map(MailboxType::for_sync);
    let is_mailbox = |kind: &MailboxType| *kind == MailboxType { kind: kind.kind, ..MailboxType::EMAIL };
    fields.list("RECORD")?;
    Ok(RestoreMailbox {
        name: fields.mailbox("MBOXNAME")?,
        mailbox_type: mailbox_type.filter(is_mailbox).ok_or(BadField::new("MBOXTYPE", Problem::Unknown))?,
        partition: fields.or("PARTITION", None, |fields, field| fields.partition(field).map(Some))?,
        acl: fields.or("ACL", None, |fields, _| acl(fields).map(Some))?,
        options: MailboxOptions::from_letters(&fields.optional_text("OPTIONS")?.unwrap_or_default()),
        identity: identity(fields)?,
        created_modseq: fields.or("CREATEDMODSEQ", ModSeq::default(), Fields::modseq)?,
        folder_modseq: fields.or("FOLDERMODSEQ", ModSeq::default(), Fields::modseq)?,
        annotations: fields.find("ANNOTATIONS").map_or(Ok(Vec::new()), |list| decode_annotations(list, None))?,
        records,
        record_flags,
    })
}

/// All three or none.
fn identity(fields: Fields<'_>) -> Result<Option<Identity>, BadField> {
    let uniqueid = fields.or("UNIQUEID", None, |fields, field| fields.uniqueid(field).map(Some))?;
    let uidvalidity = fields.or("UIDVALIDITY", 0, Fields::number32)?;
    let highest_modseq = fields.or("HIGHESTMODSEQ", ModSeq::default(), Fields::modseq)?;
    let identity = |uniqueid| Identity { uniqueid, uidvalidity, highest_modseq };
    Ok(uniqueid.map(identity).filter(|_| uidvalidity != 0 && highest_modseq.0 != 0))
}
