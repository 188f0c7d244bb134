//! An entry of the list: from and to the value of its record.

use super::key::{from_db_name, to_db_name};
use crate::{
    dlist::{KvList, ParseError, Value, Writer, parse},
    store::cyrus::{
        options::{CyrusOptions, Release},
        paths::{MailboxDirectory, MailboxPlace},
    },
    types::{MailboxName, MailboxType, ModSeq, Partition, UniqueId},
    wire::LiteralForm,
};

/// What the list knows of a mailbox (`mbentry_t`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxEntry {
    /// Its name.
    pub name: MailboxName,
    /// What it holds, and the entry's state.
    pub mailbox_type: MailboxType,
    /// Its unique id; 3.12.3 writes the tombstone of a deleted mailbox without one.
    pub uniqueid: Option<UniqueId>,
    /// Its JMAP id, of 3.13; not looked at, but kept.
    pub jmapid: Option<Vec<u8>>,
    /// Its partition; place holders and tombstones have none.
    pub partition: Option<Partition>,
    /// The server that holds it, in a murder.
    pub server: Option<String>,
    /// UIDVALIDITY; 0: not known.
    pub uidvalidity: u32,
    /// The modseq at which it was made; 0: not known.
    pub created_modseq: ModSeq,
    /// The modseq at which it was last changed as a folder; 0: not known.
    pub folder_modseq: ModSeq,
    /// When the record was written, in seconds since 1970.
    pub mtime: i64,
    /// `user<tab>rights<tab>…`; `None`: the record has none, which is not the same record as an empty one.
    pub acl: Option<Vec<u8>>,
    /// The names it had, newest first; only in `I` records.
    pub name_history: Vec<FormerName>,
}

/// A name that a mailbox had (`former_name_t`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormerName {
    /// The name.
    pub name: MailboxName,
    /// When the record with this name was last written, in seconds since 1970; 0: not known.
    pub mtime: i64,
    /// UIDVALIDITY then; 0: not known.
    pub uidvalidity: u32,
    /// The modseq at which it was made; 0: not known.
    pub created_modseq: ModSeq,
    /// The folder modseq at which the name ended; 0: not known.
    pub folder_modseq: ModSeq,
    /// The entry's type then.
    pub mailbox_type: MailboxType,
    /// The partition then.
    pub partition: Option<Partition>,
}

/// Why a value is no entry.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EntryError {
    /// Not a value at all.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// A value, but not `%(…)`; the form of releases before 3.4, perhaps.
    #[error("not a list of pairs")]
    Form,
    /// A field holds what it cannot hold.
    #[error("the field {field} cannot be read")]
    Field {
        /// The field's letter.
        field: char,
    },
}

impl MailboxEntry {
    /// An entry with nothing but a name and a type.
    pub fn new(name: MailboxName, mailbox_type: MailboxType) -> MailboxEntry {
        MailboxEntry {
            name,
            mailbox_type,
            uniqueid: None,
            jmapid: None,
            partition: None,
            server: None,
            uidvalidity: 0,
            created_modseq: ModSeq(0),
            folder_modseq: ModSeq(0),
            mtime: 0,
            acl: None,
            name_history: Vec::new(),
        }
    }

    /// Reads the value of an `N` record.
    ///
    /// # Errors
    /// [`EntryError`]
    pub fn decode_name_record(name: &MailboxName, value: &[u8]) -> Result<MailboxEntry, EntryError> {
        let fields = fields(value)?;
        let mut entry = common(&fields, name.clone())?;
        entry.uniqueid = field(&fields, 'I', |value| UniqueId::parse(value.atom()?).ok())?;
        Ok(entry)
    }

    /// Reads the value of an `I` record.
    ///
    /// # Errors
    /// [`EntryError`]
    pub fn decode_id_record(id: &UniqueId, value: &[u8]) -> Result<MailboxEntry, EntryError> {
        let fields = fields(value)?;
        let mut entry = common(&fields, required_name(&fields)?)?;
        entry.uniqueid = Some(id.clone());
        let history = fields.get(b"H").and_then(Value::list).unwrap_or_default();
        entry.name_history = history.iter().map(former_name).collect::<Result<_, _>>()?;
        Ok(entry)
    }

    /// The value of its `N` record.
    pub fn encode_name_record(&self) -> Vec<u8> {
        let mut out = self.begin();
        if let Some(id) = &self.uniqueid {
            out.key("I").atom(id.as_bytes());
        }
        self.put_common(&mut out);
        out.close().take().to_vec()
    }

    /// The value of its `I` record.
    pub fn encode_id_record(&self, options: &CyrusOptions) -> Vec<u8> {
        let mut out = self.begin();
        put_name(out.key("N"), options, &self.name);
        self.put_common(&mut out);
        out.key("H").open_list();
        for former in &self.name_history {
            former.put(&mut out, options);
        }
        out.close().close().take().to_vec()
    }

    /// Where the mailbox's files lie; `None` for an entry without a mailbox behind it.
    pub fn place(&self) -> Option<MailboxPlace> {
        let partition = self.partition.clone().filter(|_| !self.mailbox_type.is_entry_only())?;
        let directory = match self.mailbox_type.legacy_dirs {
            true => MailboxDirectory::ByName(self.name.clone()),
            false => MailboxDirectory::ById(self.uniqueid.clone()?),
        };
        Some(MailboxPlace { partition, directory })
    }

    fn begin(&self) -> Writer {
        let mut out = Writer::new(LiteralForm::NonSync);
        out.open_kvlist().key("T").atom(self.mailbox_type.to_string());
        out
    }

    fn put_common(&self, out: &mut Writer) {
        if let Some(jmapid) = &self.jmapid {
            out.key("J").atom(jmapid);
        }
        if let Some(partition) = &self.partition {
            out.key("P").atom(partition.as_bytes());
        }
        if let Some(server) = &self.server {
            out.key("S").atom(server);
        }
        put_number(out, "V", self.uidvalidity.into());
        put_number(out, "C", self.created_modseq.0);
        put_number(out, "F", self.folder_modseq.0);
        out.key("M").date(self.mtime);
        if let Some(acl) = &self.acl {
            put_acl(out.key("A"), acl);
        }
    }
}

impl FormerName {
    fn put(&self, out: &mut Writer, options: &CyrusOptions) {
        put_name(out.open_kvlist().key("N"), options, &self.name);
        put_number(out, "M", self.mtime.cast_unsigned());
        put_number(out, "V", self.uidvalidity.into());
        put_number(out, "C", self.created_modseq.0);
        put_number(out, "F", self.folder_modseq.0);
        out.key("T").atom(self.mailbox_type.to_string());
        if let Some(partition) = &self.partition {
            out.key("P").atom(partition.as_bytes());
        }
        out.close();
    }
}

fn put_number(out: &mut Writer, key: &str, number: u64) {
    if number != 0 {
        out.key(key).number(number);
    }
}

/// Before 3.12 0x1f was a byte of an atom (`imparse_isnatom`); to [`Writer::atom`] it is not.
fn put_name(out: &mut Writer, options: &CyrusOptions, name: &MailboxName) {
    let db_name = to_db_name(options, name);
    let is_old_atom = |byte: &u8| matches!(byte, 0x1f | b'!'..=b'~') && !b"{()\"%*\\".contains(byte);
    if options.release < Release::V3_12 && db_name != b"NIL" && db_name.iter().all(is_old_atom) {
        out.flag(db_name);
    } else {
        out.atom(db_name);
    }
}

/// `mailbox_acl_to_dlist`: what follows the last tab of a user without rights is dropped.
fn put_acl(out: &mut Writer, acl: &[u8]) {
    out.open_kvlist();
    let mut parts = acl.split(|byte| *byte == b'\t');
    while let (Some(user), Some(rights)) = (parts.next(), parts.next()) {
        if user.is_empty() && rights.is_empty() {
            break;
        }
        out.key(user).atom(rights);
    }
    out.close();
}

fn fields(value: &[u8]) -> Result<KvList, EntryError> {
    match parse(value)? {
        Value::KvList(fields) => Ok(fields),
        _ => Err(EntryError::Form),
    }
}

fn common(fields: &KvList, name: MailboxName) -> Result<MailboxEntry, EntryError> {
    let mailbox_type = field(fields, 'T', |value| MailboxType::from_letters(value.atom()?))?;
    Ok(MailboxEntry {
        jmapid: field(fields, 'J', |value| value.atom().map(|id| id.to_vec()))?,
        partition: field(fields, 'P', |value| Partition::parse(value.atom()?).ok())?,
        server: field(fields, 'S', |value| String::from_utf8(value.atom()?.to_vec()).ok())?,
        uidvalidity: field(fields, 'V', Value::number32)?.unwrap_or(0),
        created_modseq: field(fields, 'C', Value::number64)?.map_or(ModSeq(0), ModSeq),
        folder_modseq: field(fields, 'F', Value::number64)?.map_or(ModSeq(0), ModSeq),
        mtime: field(fields, 'M', Value::date)?.unwrap_or(0),
        acl: field(fields, 'A', |value| acl(value.kvlist()?))?,
        ..MailboxEntry::new(name, mailbox_type.unwrap_or_default())
    })
}

fn former_name(value: &Value) -> Result<FormerName, EntryError> {
    let fields = value.kvlist().ok_or(EntryError::Field { field: 'H' })?;
    Ok(FormerName {
        name: required_name(fields)?,
        mtime: field(fields, 'M', Value::date)?.unwrap_or(0),
        uidvalidity: field(fields, 'V', Value::number32)?.unwrap_or(0),
        created_modseq: field(fields, 'C', Value::number64)?.map_or(ModSeq(0), ModSeq),
        folder_modseq: field(fields, 'F', Value::number64)?.map_or(ModSeq(0), ModSeq),
        mailbox_type: field(fields, 'T', |value| MailboxType::from_letters(value.atom()?))?.unwrap_or_default(),
        partition: field(fields, 'P', |value| Partition::parse(value.atom()?).ok())?,
    })
}

fn required_name(fields: &KvList) -> Result<MailboxName, EntryError> {
    let name = field(fields, 'N', |value| from_db_name(value.atom()?).ok())?;
    name.ok_or(EntryError::Field { field: 'N' })
}

/// A field that may be missing, but if it is there must be readable.
fn field<T>(fields: &KvList, field: char, read: impl Fn(&Value) -> Option<T>) -> Result<Option<T>, EntryError> {
    let mut key = [0; 4];
    let Some(value) = fields.get(field.encode_utf8(&mut key).as_bytes()) else { return Ok(None) };
    read(value).map(Some).ok_or(EntryError::Field { field })
}

fn acl(users: &KvList) -> Option<Vec<u8>> {
    let mut acl = Vec::new();
    for (user, rights) in users.iter() {
        acl.extend_from_slice(user);
        acl.push(b'\t');
        acl.extend_from_slice(rights.atom()?);
        acl.push(b'\t');
    }
    Some(acl)
}
