//! Fields of a command, by name.

use crate::{
    dlist::{KvList, Value},
    types::{Guid, InvalidName, MailboxName, ModSeq, Partition, UniqueId, UserId},
};
use bytes::Bytes;
use std::fmt;

/// A field of a command that is missing or has a value that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadField {
    /// Which one.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// It is not there, or NIL.
    Missing,
    /// It should be a list.
    NotAList,
    /// It should be a list of names and values.
    NotFields,
    /// It should be an unsigned decimal number that fits.
    NotANumber,
    /// It should be text.
    NotText,
    /// It should be a file.
    NotAFile,
    /// It should be 40 hexadecimal digits.
    NotAGuid,
    /// It should be a name.
    NotAName(InvalidName),
    /// It holds a word that is not known.
    Unknown,
    /// Its elements should ascend.
    NotAscending,
    /// It is less than what the command's other fields need.
    TooLow,
}

impl BadField {
    pub(super) fn new(field: &'static str, problem: Problem) -> BadField {
        BadField { field, problem }
    }

    /// The field should hold files.
    pub(crate) fn not_a_file(field: &'static str) -> BadField {
        BadField::new(field, Problem::NotAFile)
    }

    /// The field's elements should ascend.
    pub(crate) fn not_ascending(field: &'static str) -> BadField {
        BadField::new(field, Problem::NotAscending)
    }
}

impl fmt::Display for BadField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field)?;
        match self.problem {
            Problem::Missing => f.write_str(" is missing"),
            Problem::NotAList => f.write_str(" is not a list"),
            Problem::NotFields => f.write_str(" is not a list of names and values"),
            Problem::NotANumber => f.write_str(" is not a number in range"),
            Problem::NotText => f.write_str(" is not text"),
            Problem::NotAFile => f.write_str(" holds something that is not a file"),
            Problem::NotAGuid => f.write_str(" is not 40 hexadecimal digits"),
            Problem::NotAName(why) => write!(f, " {why}"),
            Problem::Unknown => f.write_str(" is not known"),
            Problem::NotAscending => f.write_str(" does not ascend"),
            Problem::TooLow => f.write_str(" is too low"),
        }
    }
}

impl std::error::Error for BadField {}

/// The bytes of a text value; `None` for NIL.
pub(super) fn text(field: &'static str, value: &Value) -> Result<Option<Bytes>, BadField> {
    if value.is_nil() {
        return Ok(None);
    }
    value.map().cloned().map(Some).ok_or(BadField::new(field, Problem::NotText))
}

/// Parses a value with a name's own parser.
pub(super) fn named<T>(
    field: &'static str,
    value: &Value,
    parse: impl Fn(&[u8]) -> Result<T, InvalidName>,
) -> Result<T, BadField> {
    let bytes = text(field, value)?.ok_or(BadField::new(field, Problem::Missing))?;
    parse(&bytes).map_err(|why| BadField::new(field, Problem::NotAName(why)))
}

fn number(field: &'static str, value: &Value) -> Result<u64, BadField> {
    value.number64().ok_or(BadField::new(field, Problem::NotANumber))
}

/// The fields of a `%(…)` value.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a KvList);

impl<'a> Fields<'a> {
    /// The value's fields.
    pub(super) fn of(what: &'static str, value: &'a Value) -> Result<Fields<'a>, BadField> {
        match value {
            Value::KvList(fields) => Ok(Fields(fields)),
            _ => Err(BadField::new(what, Problem::NotFields)),
        }
    }

    /// The first field with this name.
    pub(super) fn find(self, field: &str) -> Option<&'a Value> {
        self.0.get(field.as_bytes())
    }

    fn need(self, field: &'static str) -> Result<&'a Value, BadField> {
        self.find(field).ok_or(BadField::new(field, Problem::Missing))
    }

    pub(super) fn mailbox(self, field: &'static str) -> Result<MailboxName, BadField> {
        named(field, self.need(field)?, MailboxName::parse)
    }

    pub(super) fn uniqueid(self, field: &'static str) -> Result<UniqueId, BadField> {
        named(field, self.need(field)?, UniqueId::parse)
    }

    pub(super) fn partition(self, field: &'static str) -> Result<Partition, BadField> {
        named(field, self.need(field)?, Partition::parse)
    }

    pub(super) fn user(self, field: &'static str) -> Result<UserId, BadField> {
        named(field, self.need(field)?, UserId::parse)
    }

    pub(super) fn text(self, field: &'static str) -> Result<Bytes, BadField> {
        text(field, self.need(field)?)?.ok_or(BadField::new(field, Problem::Missing))
    }

    /// Text that may be missing; NIL counts as missing.
    pub(super) fn optional_text(self, field: &'static str) -> Result<Option<Bytes>, BadField> {
        self.find(field).map_or(Ok(None), |value| text(field, value))
    }

    pub(super) fn number32(self, field: &'static str) -> Result<u32, BadField> {
        number32(field, self.need(field)?)
    }

    pub(super) fn modseq(self, field: &'static str) -> Result<ModSeq, BadField> {
        number(field, self.need(field)?).map(ModSeq)
    }

    /// Seconds since 1970.
    pub(super) fn date(self, field: &'static str) -> Result<i64, BadField> {
        self.need(field)?.date().ok_or(BadField::new(field, Problem::NotANumber))
    }

    pub(super) fn guid(self, field: &'static str) -> Result<Guid, BadField> {
        guid(field, self.need(field)?)
    }

    pub(super) fn list(self, field: &'static str) -> Result<&'a [Value], BadField> {
        list(field, self.need(field)?)
    }

    /// What `get` reads, or `absent` where the field is not there.
    pub(super) fn or<T>(
        self,
        field: &'static str,
        absent: T,
        get: impl Fn(Self, &'static str) -> Result<T, BadField>,
    ) -> Result<T, BadField> {
        if self.find(field).is_some() { get(self, field) } else { Ok(absent) }
    }
}

/// The elements of a `(…)` value.
pub(super) fn list<'a>(field: &'static str, value: &'a Value) -> Result<&'a [Value], BadField> {
    value.list().ok_or(BadField::new(field, Problem::NotAList))
}

/// A number below 2^32.
pub(super) fn number32(field: &'static str, value: &Value) -> Result<u32, BadField> {
    value.number32().ok_or(BadField::new(field, Problem::NotANumber))
}

/// A GUID in hexadecimal digits.
pub(super) fn guid(field: &'static str, value: &Value) -> Result<Guid, BadField> {
    value.guid().ok_or(BadField::new(field, Problem::NotAGuid))
}
