//! `cyrus.header`: a mailbox's name, unique id, quota root, ACL and the names of its user flags.
//!
//! ```text
//! 0    4   a1 02 8b 0d
//! 4   ..   "Cyrus mailbox header\n", two lines of a quotation ending in "\n"
//! then     one line of a key-value list                           3.6 and later
//!          %(T e N user.u1 I 0wbugxk2xud5 Q user.u1 A %(u1 lrs anyone l) U (Flag NIL Other))\n
//! or       quotaroot TAB uniqueid LF flag SP flag SP LF user TAB rights TAB user TAB rights TAB LF    up to 3.4
//! ```
//!
//! Keys are written in this order; a value that is not known is NIL:
//!
//! | key | value | written |
//! |---|---|---|
//! | T | type, letters | always |
//! | N | internal name, parts separated by `.` | always |
//! | I | unique id | always |
//! | J | JMAP id | by 3.13 and later, always |
//! | Q | quota root | if there is one |
//! | A | ACL: identifier and rights | if there is an ACL, though it be empty |
//! | U | user flags, the first of them number 0, NIL for a number that is free | up to the last name, if there is one |
//!
//! Both 3.6.1 and 3.12.3 write the first form whatever the mailbox's index version, and read either. In the second form,
//! flags lose the numbers that are free before them when the file is written anew. The file is replaced by renaming
//! `cyrus.header.NEW`, under the exclusive lock on `cyrus.index`, whose header keeps its CRC-32 ([`checksum`]).
//!
//! Sources: `mailbox_read_header`, `mailbox_commit_header`, `mailbox_header_data_cstring`, `parseentry_cb` in
//! `imap/mailbox.c`; `dlist_parsesax` in `imap/dlist.c`; `prot_printastring` in `lib/prot.c`. The reference writes what is
//! neither an atom nor plain text as a literal, which holds a line feed, and then cannot read its own file (an 8-bit
//! identifier in the ACL is enough to make 3.12.3 abort); we quote it with backslashes, which both read.

use crate::{
    dlist::{self, KvList, Value},
    plan::crc::FlagCrcs,
    types::{FlagName, MAX_USER_FLAGS},
};

/// The bytes that begin the file (`MAILBOX_HEADER_MAGIC`).
pub const MAGIC: &[u8] = b"\xa1\x02\x8b\x0dCyrus mailbox header\n\
\"The best thing about this system was that it had lots of goals.\"\n\
\t--Jim Morris on Andrew\n";

/// What `cyrus.header` holds. Names are bytes as stored: check them before making a path of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MailboxHeader {
    /// The type's letters; `None` in files of 3.4 and before.
    pub mailbox_type: Option<Vec<u8>>,
    /// The internal name; `None` in files of 3.4 and before.
    pub name: Option<Vec<u8>>,
    /// The unique id; `None` in very old files.
    pub uniqueid: Option<Vec<u8>>,
    /// The JMAP id; `None` before 3.13.
    pub jmapid: Option<Vec<u8>>,
    /// The quota root that counts the mailbox.
    pub quotaroot: Option<Vec<u8>>,
    /// The ACL: identifier, tab, rights, tab, and so on.
    pub acl: Option<Vec<u8>>,
    /// The names of user flags by number; `None` for a number that is free. At most 128.
    pub user_flags: Vec<Option<Vec<u8>>>,
}

/// How to write the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For 3.6 to 3.12: a key-value list.
    KeyValue,
    /// For 3.13 and later: a key-value list with the JMAP id.
    WithJmapId,
    /// For 3.4 and before: three lines.
    Lines,
}

/// Why a file was refused, or could not be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MailboxHeaderError {
    /// The file begins otherwise.
    #[error("cyrus.header: does not begin as one")]
    Magic,
    /// A line does not end.
    #[error("cyrus.header: line {line} has no end")]
    NoLineEnd {
        /// Lines before it, those of the beginning not counted.
        line: usize,
    },
    /// The line is no value.
    #[error("cyrus.header: {0}")]
    Syntax(#[from] dlist::ParseError),
    /// The line is a value, but no key-value list.
    #[error("cyrus.header: is not a key-value list")]
    NoList,
    /// More user flags than a record has bits for.
    #[error("cyrus.header: more than {MAX_USER_FLAGS} user flags")]
    TooManyFlags,
    /// A value holds a byte that cannot be written in this form.
    #[error("cyrus.header: {field} cannot hold the byte {byte:#04x}")]
    Unwritable {
        /// Which value.
        field: &'static str,
        /// The byte.
        byte: u8,
    },
}

/// All numbers of user flags are taken (`IMAP_USERFLAG_EXHAUSTED`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("all {MAX_USER_FLAGS} user flags are taken")]
pub struct FlagsExhausted;

impl MailboxHeader {
    /// The number of a user flag; case does not count.
    pub fn flag_number(&self, name: &FlagName) -> Option<usize> {
        let name = name.as_str().as_bytes();
        self.user_flags.iter().position(|flag| flag.as_ref().is_some_and(|flag| flag.eq_ignore_ascii_case(name)))
    }

    /// The number of a user flag, after giving it the first free one if it had none (`mailbox_user_flag`).
    ///
    /// # Errors
    /// [`FlagsExhausted`] if no number is free.
    pub fn flag_number_or_new(&mut self, name: &FlagName) -> Result<usize, FlagsExhausted> {
        if let Some(number) = self.flag_number(name) {
            return Ok(number);
        }
        let number = self.user_flags.iter().position(Option::is_none).unwrap_or(self.user_flags.len());
        if number >= MAX_USER_FLAGS {
            return Err(FlagsExhausted);
        }
        self.user_flags.resize(self.user_flags.len().max(number + 1), None);
        if let Some(free) = self.user_flags.get_mut(number) {
            *free = Some(name.as_str().as_bytes().to_vec());
        }
        Ok(number)
    }

    /// The flags' part of the records' checksum.
    pub fn flag_crcs(&self) -> FlagCrcs {
        FlagCrcs::new(self.user_flags.iter().map(Option::as_deref))
    }
}

/// The CRC-32 of a file, as the header of `cyrus.index` keeps it.
pub fn checksum(file: &[u8]) -> u32 {
    crc32fast::hash(file)
}

/// Decodes a file of either form. Keys that are not known are passed over.
///
/// # Errors
/// [`MailboxHeaderError`] says where the file is broken.
pub fn decode(file: &[u8]) -> Result<MailboxHeader, MailboxHeaderError> {
    let rest = file.strip_prefix(MAGIC).ok_or(MailboxHeaderError::Magic)?;
    if rest.first() == Some(&b'%') {
        let (list, _) = split_line(rest, 0)?;
        return decode_list(list);
    }
    decode_lines(rest)
}

/// Encodes the file.
///
/// # Errors
/// [`MailboxHeaderError::Unwritable`] for a line feed or a NUL anywhere, and in [`Form::Lines`] for the separators;
/// [`MailboxHeaderError::TooManyFlags`].
pub fn encode(header: &MailboxHeader, form: Form) -> Result<Vec<u8>, MailboxHeaderError> {
    if header.user_flags.len() > MAX_USER_FLAGS {
        return Err(MailboxHeaderError::TooManyFlags);
    }
    check_writable(header, form)?;
    let mut file = MAGIC.to_vec();
    match form {
        Form::KeyValue => encode_list(header, false, &mut file),
        Form::WithJmapId => encode_list(header, true, &mut file),
        Form::Lines => encode_lines(header, &mut file),
    }
    file.push(b'\n');
    Ok(file)
}

fn split_line(bytes: &[u8], line: usize) -> Result<(&[u8], &[u8]), MailboxHeaderError> {
    let end = memchr::memchr(b'\n', bytes).ok_or(MailboxHeaderError::NoLineEnd { line })?;
    let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
    Ok((line, rest.get(1..).unwrap_or_default()))
}

fn decode_list(list: &[u8]) -> Result<MailboxHeader, MailboxHeaderError> {
    let list = dlist::parse(list)?;
    let mut header = MailboxHeader::default();
    for (key, value) in list.kvlist().ok_or(MailboxHeaderError::NoList)?.iter() {
        match (&key[..], value) {
            (b"A", Value::KvList(pairs)) => header.acl = Some(decode_acl(pairs)),
            (b"U", Value::List(flags)) if flags.len() > MAX_USER_FLAGS => return Err(MailboxHeaderError::TooManyFlags),
            (b"U", Value::List(flags)) => header.user_flags = flags.iter().map(string).collect(),
            (b"T", value) => header.mailbox_type = string(value),
            (b"N", value) => header.name = string(value),
            (b"I", value) => header.uniqueid = string(value),
            (b"J", value) => header.jmapid = string(value),
            (b"Q", value) => header.quotaroot = string(value),
            _ => {}
        }
    }
    Ok(header)
}

fn decode_acl(pairs: &KvList) -> Vec<u8> {
    let mut acl = Vec::new();
    for (identifier, rights) in pairs.iter() {
        let rights = rights.map().map_or(&b""[..], |rights| rights);
        acl.extend_from_slice(&[identifier, &b"\t"[..], rights, b"\t"].concat());
    }
    acl
}

fn string(value: &Value) -> Option<Vec<u8>> {
    value.map().map(|text| text.to_vec())
}

fn decode_lines(rest: &[u8]) -> Result<MailboxHeader, MailboxHeaderError> {
    let filled = |part: &[u8]| (!part.is_empty()).then(|| part.to_vec());
    let (ids, rest) = split_line(rest, 0)?;
    let (flags, rest) = split_line(rest, 1)?;
    let (acl, _) = split_line(rest, 2)?;
    let mut ids = ids.split(|byte| *byte == b'\t');
    let (quotaroot, uniqueid) = (ids.next().and_then(filled), ids.next().and_then(filled));
    let mut user_flags: Vec<_> = flags.split(|byte| *byte == b' ').map(filled).collect();
    user_flags.truncate(MAX_USER_FLAGS);
    let named = user_flags.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    user_flags.truncate(named);
    Ok(MailboxHeader { quotaroot, uniqueid, user_flags, acl: Some(acl.to_vec()), ..MailboxHeader::default() })
}

fn encode_list(header: &MailboxHeader, with_jmapid: bool, file: &mut Vec<u8>) {
    let mut pair = |key: &[u8], value: &Option<Vec<u8>>| {
        file.extend_from_slice(key);
        print_string(value.as_deref(), file);
    };
    pair(b"%(T ", &header.mailbox_type);
    pair(b" N ", &header.name);
    pair(b" I ", &header.uniqueid);
    if with_jmapid {
        pair(b" J ", &header.jmapid);
    }
    if header.quotaroot.is_some() {
        pair(b" Q ", &header.quotaroot);
    }
    if let Some(acl) = &header.acl {
        file.extend_from_slice(b" A %(");
        encode_acl(acl, file);
        file.push(b')');
    }
    let named = header.user_flags.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    for (nth, flag) in header.user_flags.iter().take(named).enumerate() {
        file.extend_from_slice(if nth == 0 { b" U (" } else { b" " });
        print_string(flag.as_deref(), file);
    }
    file.extend_from_slice(if named > 0 { b"))" } else { b")" });
}

/// Pairs up to the first identifier without a tab behind it (`mailbox_acl_to_dlist`).
fn encode_acl(mut acl: &[u8], file: &mut Vec<u8>) {
    let mut first = true;
    while let Some(tab) = memchr::memchr(b'\t', acl) {
        let (identifier, rest) = (acl.get(..tab), acl.get(tab + 1..).unwrap_or_default());
        let end = memchr::memchr(b'\t', rest).unwrap_or(rest.len());
        if !std::mem::take(&mut first) {
            file.push(b' ');
        }
        print_string(identifier, file);
        file.push(b' ');
        print_string(rest.get(..end), file);
        acl = rest.get(end + 1..).unwrap_or_default();
    }
}

fn encode_lines(header: &MailboxHeader, file: &mut Vec<u8>) {
    file.extend_from_slice(header.quotaroot.as_deref().unwrap_or_default());
    if let Some(uniqueid) = &header.uniqueid {
        file.push(b'\t');
        file.extend_from_slice(uniqueid);
    }
    file.push(b'\n');
    for flag in header.user_flags.iter().flatten() {
        file.extend_from_slice(flag);
        file.push(b' ');
    }
    file.push(b'\n');
    file.extend_from_slice(header.acl.as_deref().unwrap_or_default());
}

/// Prints an atom, or a quoted string where it is none; NIL for no value.
fn print_string(value: Option<&[u8]>, line: &mut Vec<u8>) {
    let Some(value) = value else { return line.extend_from_slice(b"NIL") };
    if is_atom(value) && value != b"NIL" {
        return line.extend_from_slice(value);
    }
    line.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            line.push(b'\\');
        }
        line.push(*byte);
    }
    line.push(b'"');
}

/// `imparse_isatom`
fn is_atom(value: &[u8]) -> bool {
    const LONGEST: usize = 1023;
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"{()\"%*\\".contains(byte);
    (1..=LONGEST).contains(&value.len()) && value.iter().all(plain)
}

/// A line feed ends the line and a NUL ends the reference's strings; three lines have separators besides.
fn check_writable(header: &MailboxHeader, form: Form) -> Result<(), MailboxHeaderError> {
    let lines = form == Form::Lines;
    let check = |field, value: Option<&[u8]>, separators: &[u8]| {
        let bad = |byte: &&u8| matches!(byte, b'\n' | 0) || (lines && separators.contains(byte));
        match value.unwrap_or_default().iter().find(bad) {
            Some(byte) => Err(MailboxHeaderError::Unwritable { field, byte: *byte }),
            None => Ok(()),
        }
    };
    check("type", header.mailbox_type.as_deref(), b"")?;
    check("name", header.name.as_deref(), b"")?;
    check("unique id", header.uniqueid.as_deref(), b"\t")?;
    check("JMAP id", header.jmapid.as_deref(), b"")?;
    check("quota root", header.quotaroot.as_deref(), b"\t")?;
    check("ACL", header.acl.as_deref(), b"")?;
    header.user_flags.iter().try_for_each(|flag| check("user flag", flag.as_deref(), b" "))
}

#[cfg(test)]
mod tests;
