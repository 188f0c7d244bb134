//! Names and unique ids as keys.

use crate::{
    store::cyrus::options::CyrusOptions,
    types::{InvalidName, MailboxName, UniqueId},
};

/// Between two parts of a name (`DB_HIERSEP_CHAR`).
pub(super) const PART_END: u8 = 0x1f;
/// Behind a name's domain (`DB_DOMAINSEP_CHAR`).
const DOMAIN_END: u8 = 0x1d;

/// The key of a mailbox's name.
pub fn name_key(options: &CyrusOptions, name: &MailboxName) -> Vec<u8> {
    let mut key = vec![b'N'];
    key.extend(to_db_name(options, name));
    key
}

/// The key of a mailbox's unique id.
pub fn id_key(id: &UniqueId) -> Vec<u8> {
    let mut key = vec![b'I'];
    key.extend(id.as_bytes());
    key
}

/// A name as it stands in keys and behind `N` (`mbname_dbname`).
pub(in crate::store::cyrus) fn to_db_name(options: &CyrusOptions, name: &MailboxName) -> Vec<u8> {
    let mut db_name = Vec::with_capacity(name.as_str().len());
    if let Some(domain) = options.domain_of(name.domain()) {
        db_name.extend(domain.as_bytes());
        db_name.push(DOMAIN_END);
    }
    db_name.extend(name.local_part().bytes().map(|byte| match byte {
        b'.' => PART_END,
        b'^' => b'.',
        other => other,
    }));
    db_name
}

/// A name from keys and from behind `N` (`mbname_from_dbname`).
///
/// # Errors
/// [`InvalidName`] for what Cyrus cannot have written.
pub(in crate::store::cyrus) fn from_db_name(db_name: &[u8]) -> Result<MailboxName, InvalidName> {
    let (domain, local) = match db_name.iter().position(|byte| *byte == DOMAIN_END) {
        Some(end) => db_name.split_at(end + 1),
        None => (&b""[..], db_name),
    };
    let domain = domain.iter().map(|byte| if *byte == DOMAIN_END { b'!' } else { *byte });
    let local = local.iter().map(|byte| match byte {
        b'.' => b'^',
        &PART_END => b'.',
        other => *other,
    });
    MailboxName::parse(&domain.chain(local).collect::<Vec<u8>>())
}
