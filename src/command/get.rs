//! `GET`: the commands that ask.

use super::{
    fields::{BadField, Fields, Problem, list, named, text},
    sieve,
};
use crate::{
    dlist::Value,
    types::{Guid, MailboxName, Partition, ScriptName, Uid, UniqueId, UserId},
};

/// A command behind `GET`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Get {
    /// `USER`: all of a user: mailboxes, quota roots, seen state, subscriptions.
    User(UserId),
    /// `META`: a user's seen state and subscriptions.
    Meta(UserId),
    /// `MAILBOXES`: the headers of mailboxes, by name. Those that cannot exist are left out, like those that do not.
    Mailboxes(Vec<MailboxName>),
    /// `UNIQUEIDS`: the same, by unique id.
    UniqueIds(Vec<UniqueId>),
    /// `FULLMAILBOX`: a mailbox with all of its records.
    FullMailbox(MailboxName),
    /// `QUOTA`: a quota root.
    Quota(MailboxName),
    /// `ANNOTATION`: the annotations of a mailbox, or of the server where the name is empty.
    Annotation(Option<MailboxName>),
    /// `FETCH_SIEVE`: a user's script; `None` where the file name is no script's.
    FetchSieve(UserId, Option<ScriptName>),
    /// `FETCH`: a message.
    Fetch(Fetch),
}

/// Which message `FETCH` asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields are those of ops::OpenMessage")]
pub struct Fetch {
    pub mailbox: MailboxName,
    pub partition: Partition,
    pub uniqueid: UniqueId,
    pub guid: Guid,
    pub uid: Uid,
}

impl Get {
    /// Makes the command of the item's name and value; `None` where no command has this name. The case of the name does not
    /// count.
    ///
    /// # Errors
    /// [`BadField`] for the first field that is missing or wrong.
    pub fn decode(name: &[u8], value: &Value) -> Result<Option<Get>, BadField> {
        let command = match name.to_ascii_uppercase().as_slice() {
            b"USER" => named("USER", value, UserId::parse).map(Get::User),
            b"META" => named("META", value, UserId::parse).map(Get::Meta),
            b"MAILBOXES" => names("MAILBOXES", value, |name| MailboxName::parse(name).ok()).map(Get::Mailboxes),
            b"UNIQUEIDS" => names("UNIQUEIDS", value, |name| UniqueId::parse(name).ok()).map(Get::UniqueIds),
            b"FULLMAILBOX" => named("FULLMAILBOX", value, MailboxName::parse).map(Get::FullMailbox),
            b"QUOTA" => named("QUOTA", value, MailboxName::parse).map(Get::Quota),
            b"ANNOTATION" => annotation(value),
            b"FETCH" => fetch(value),
            b"FETCH_SIEVE" => sieve::fetch(value).map(|(user, name)| Get::FetchSieve(user, name)),
            _ => return Ok(None),
        };
        command.map(Some)
    }
}

fn names<T>(field: &'static str, value: &Value, parse: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, BadField> {
    let mut names = Vec::new();
    for element in list(field, value)? {
        let name = text(field, element)?.ok_or(BadField::new(field, Problem::NotText))?;
        names.extend(parse(&name));
    }
    Ok(names)
}

fn annotation(value: &Value) -> Result<Get, BadField> {
    let name = text("ANNOTATION", value)?.ok_or(BadField::new("ANNOTATION", Problem::Missing))?;
    if name.is_empty() {
        return Ok(Get::Annotation(None));
    }
    named("ANNOTATION", value, MailboxName::parse).map(|name| Get::Annotation(Some(name)))
}

fn fetch(value: &Value) -> Result<Get, BadField> {
    let fields = Fields::of("FETCH", value)?;
    Ok(Get::Fetch(Fetch {
        mailbox: fields.mailbox("MBOXNAME")?,
        partition: fields.partition("PARTITION")?,
        uniqueid: fields.uniqueid("UNIQUEID")?,
        guid: fields.guid("GUID")?,
        uid: Uid::new(fields.number32("UID")?).ok_or(BadField::new("UID", Problem::NotANumber))?,
    }))
}
