//! `APPLY`: the commands that change something.

use super::{
    fields::{BadField, Fields, Problem, guid, list, named, number32, text},
    mailbox::{self, Decoded, MailboxEntry, MailboxUpdate},
    quota,
    record::{FlagNames, check_annotation_key},
    sieve::{self, ScriptChange},
};
use crate::{
    dlist::Value,
    ops::{AnnotatedRecord, MailboxIdentity, QuotaLimits, Seen},
    types::{Guid, MailboxKind, MailboxName, ModSeq, Partition, SyncCrcs, Uid, UniqueId, UserId},
};
use bytes::Bytes;

/// The state of a mailbox that a change was made for.
pub type MailboxSince = (ModSeq, SyncCrcs);

/// A command behind `APPLY`.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the operations that carry the command out")]
pub enum Apply {
    /// `MESSAGE`: messages to stage. Their bytes were taken as they came; nothing is left to do.
    Message,
    /// `RESERVE`: messages that may already be here.
    Reserve { partition: Partition, mailboxes: Vec<MailboxName>, guids: Vec<Guid> },
    /// `MAILBOX` for a mailbox.
    Mailbox(Box<MailboxUpdate>),
    /// `MAILBOX` for an intermediate folder or a tombstone.
    MailboxEntry(MailboxEntry),
    /// `EXPUNGE`: records to mark as expunged, ascending by uid.
    Expunge { mailbox: MailboxName, uniqueid: UniqueId, uids: Vec<Uid> },
    /// `UNMAILBOX`
    Unmailbox { mailbox: MailboxName, meant: Option<MailboxIdentity> },
    /// `UNUSER`. An empty name, which names nobody, is none.
    Unuser { user: Option<UserId> },
    /// `RENAME`
    Rename(Rename),
    /// `SUB`, `UNSUB`
    Subscription { user: UserId, mailbox: MailboxName, subscribed: bool },
    /// `SEEN`
    Seen { user: UserId, uniqueid: UniqueId, seen: Seen },
    /// `QUOTA`
    Quota { root: MailboxName, limits: QuotaLimits, modseq: ModSeq },
    /// `UNQUOTA`
    Unquota { root: MailboxName },
    /// `ANNOTATION`, and with an empty value `UNANNOTATION`; the server's own where there is no mailbox.
    Annotation { mailbox: Option<MailboxName>, entry: Bytes, user: Bytes, value: Bytes },
    /// `SIEVE`, `UNSIEVE`, `ACTIVATE_SIEVE`, `UNACTIVATE_SIEVE`
    Sieve { user: UserId, change: ScriptChange },
    /// `CAPABILITIES`: what the client asks to use, of what the banner offered.
    Capabilities { names: Vec<Bytes> },
    /// `FORCE`: from now on the master is right, whatever the replica has.
    Force,
}

/// `RENAME`
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::Change::RenameMailbox")]
pub struct Rename {
    pub old: MailboxName,
    pub new: MailboxName,
    pub partition: Partition,
    pub uidvalidity: Option<u32>,
}

impl Apply {
    /// Makes the command of the item's name and value; `None` where no command has this name. The case of the name does not
    /// count. The records of a `MAILBOX` are given apart.
    ///
    /// # Errors
    /// [`BadField`] for the first field that is missing or wrong.
    pub fn decode(
        name: &[u8],
        value: &Value,
        records: Vec<AnnotatedRecord>,
        flags: FlagNames,
    ) -> Result<Option<Apply>, BadField> {
        let command = match name.to_ascii_uppercase().as_slice() {
            b"MESSAGE" => list("MESSAGE", value).map(|_| Apply::Message),
            b"RESERVE" => reserve(value),
            b"MAILBOX" | b"LOCAL_MAILBOX" => mailbox::decode(value, records, flags).map(|decoded| match decoded {
                Decoded::Entry(entry) => Apply::MailboxEntry(entry),
                Decoded::Mailbox(update) => Apply::Mailbox(update),
            }),
            b"EXPUNGE" => expunge(value),
            b"UNMAILBOX" | b"LOCAL_UNMAILBOX" => unmailbox(value),
            b"UNUSER" | b"LOCAL_UNUSER" => unuser(value),
            b"RENAME" | b"LOCAL_RENAME" => rename(value),
            b"SUB" => subscription(value, true),
            b"UNSUB" => subscription(value, false),
            b"SEEN" => seen(value),
            b"QUOTA" => set_quota(value),
            b"UNQUOTA" => named("UNQUOTA", value, MailboxName::parse).map(|root| Apply::Unquota { root }),
            b"ANNOTATION" => annotation(value, true),
            b"UNANNOTATION" => annotation(value, false),
            b"SIEVE" => script(sieve::store, value),
            b"UNSIEVE" => script(sieve::remove, value),
            b"ACTIVATE_SIEVE" => script(sieve::activate, value),
            b"UNACTIVATE_SIEVE" => script(sieve::deactivate, value),
            b"CAPABILITIES" => capabilities(value),
            b"FORCE" => Ok(Apply::Force),
            _ => return Ok(None),
        };
        command.map(Some)
    }

    /// The field that is wrong because the peer did not ask for `SIEVE-MAILBOX`: to it, mailboxes that hold scripts do not
    /// exist.
    pub fn bad_without_sieve_mailbox(&self) -> Option<BadField> {
        let mailbox_type = match self {
            Apply::Mailbox(update) => update.mailbox_type,
            Apply::MailboxEntry(entry) => entry.mailbox_type,
            _ => return None,
        };
        (mailbox_type.kind == MailboxKind::Sieve).then_some(BadField::new("MBOXTYPE", Problem::Unknown))
    }
}

fn reserve(value: &Value) -> Result<Apply, BadField> {
    let fields = Fields::of("RESERVE", value)?;
    let mailbox = |value| named("MBOXNAME", value, MailboxName::parse);
    Ok(Apply::Reserve {
        partition: fields.partition("PARTITION")?,
        mailboxes: fields.list("MBOXNAME")?.iter().map(mailbox).collect::<Result<_, _>>()?,
        guids: fields.list("GUID")?.iter().map(|value| guid("GUID", value)).collect::<Result<_, _>>()?,
    })
}

fn expunge(value: &Value) -> Result<Apply, BadField> {
    let fields = Fields::of("EXPUNGE", value)?;
    let mut uids = fields.list("UID")?.iter().map(uid).collect::<Result<Vec<_>, _>>()?;
    uids.sort_unstable();
    uids.dedup();
    Ok(Apply::Expunge { mailbox: fields.mailbox("MBOXNAME")?, uniqueid: fields.uniqueid("UNIQUEID")?, uids })
}

fn uid(value: &Value) -> Result<Uid, BadField> {
    Uid::new(number32("UID", value)?).ok_or(BadField::new("UID", Problem::NotANumber))
}

/// A name, or since the releases after 3.13.7 fields that say which mailbox of that name is meant.
fn unmailbox(value: &Value) -> Result<Apply, BadField> {
    let Ok(fields) = Fields::of("UNMAILBOX", value) else {
        return named("UNMAILBOX", value, MailboxName::parse).map(|mailbox| Apply::Unmailbox { mailbox, meant: None });
    };
    let uidvalidity = fields.or("UIDVALIDITY", 0, Fields::number32)?;
    let meant = match fields.find("UNIQUEID") {
        Some(_) => Some(MailboxIdentity {
            uniqueid: fields.uniqueid("UNIQUEID")?,
            uidvalidity: Some(uidvalidity).filter(|number| *number != 0),
        }),
        None => None,
    };
    Ok(Apply::Unmailbox { mailbox: fields.mailbox("MBOXNAME")?, meant })
}

fn unuser(value: &Value) -> Result<Apply, BadField> {
    if text("UNUSER", value)?.is_none_or(|name| name.is_empty()) {
        return Ok(Apply::Unuser { user: None });
    }
    named("UNUSER", value, UserId::parse).map(|user| Apply::Unuser { user: Some(user) })
}

fn rename(value: &Value) -> Result<Apply, BadField> {
    let fields = Fields::of("RENAME", value)?;
    Ok(Apply::Rename(Rename {
        old: fields.mailbox("OLDMBOXNAME")?,
        new: fields.mailbox("NEWMBOXNAME")?,
        partition: fields.partition("PARTITION")?,
        uidvalidity: Some(fields.or("UIDVALIDITY", 0, Fields::number32)?).filter(|number| *number != 0),
    }))
}

fn subscription(value: &Value, subscribed: bool) -> Result<Apply, BadField> {
    let fields = Fields::of(if subscribed { "SUB" } else { "UNSUB" }, value)?;
    Ok(Apply::Subscription { user: fields.user("USERID")?, mailbox: fields.mailbox("MBOXNAME")?, subscribed })
}

fn seen(value: &Value) -> Result<Apply, BadField> {
    let fields = Fields::of("SEEN", value)?;
    let uids = fields.text("SEENUIDS")?;
    if uids.iter().any(|byte| !byte.is_ascii_digit() && !b":,*".contains(byte)) {
        return Err(BadField::new("SEENUIDS", Problem::NotText));
    }
    Ok(Apply::Seen {
        user: fields.user("USERID")?,
        uniqueid: fields.uniqueid("UNIQUEID")?,
        seen: Seen {
            last_read: fields.date("LASTREAD")?,
            last_uid: fields.number32("LASTUID")?,
            last_change: fields.date("LASTCHANGE")?,
            uids,
        },
    })
}

fn set_quota(value: &Value) -> Result<Apply, BadField> {
    let fields = Fields::of("QUOTA", value)?;
    Ok(Apply::Quota {
        root: fields.mailbox("ROOT")?,
        limits: quota::decode(fields)?,
        modseq: fields.or("MODSEQ", ModSeq::default(), Fields::modseq)?,
    })
}

fn annotation(value: &Value, set: bool) -> Result<Apply, BadField> {
    let fields = Fields::of(if set { "ANNOTATION" } else { "UNANNOTATION" }, value)?;
    let name = fields.text("MBOXNAME")?;
    let mailbox = match name.is_empty() {
        true => None,
        false => Some(fields.mailbox("MBOXNAME")?),
    };
    let (entry, user) = (fields.text("ENTRY")?, fields.text("USERID")?);
    check_annotation_key(&entry, &user)?;
    let value = if set { fields.text("VALUE")? } else { Bytes::new() };
    Ok(Apply::Annotation { mailbox, entry, user, value })
}

type DecodeScript = fn(&Value) -> Result<(UserId, ScriptChange), BadField>;

fn script(decode: DecodeScript, value: &Value) -> Result<Apply, BadField> {
    decode(value).map(|(user, change)| Apply::Sieve { user, change })
}

fn capabilities(value: &Value) -> Result<Apply, BadField> {
    let names = list("CAPABILITIES", value)?.iter().map(|name| text("CAPABILITIES", name));
    Ok(Apply::Capabilities { names: names.filter_map(Result::transpose).collect::<Result<_, _>>()? })
}
