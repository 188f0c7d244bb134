//! Entries one after the other: a mailbox and what is below it, in pages.

use super::{
    ListError, MailboxEntry,
    key::{PART_END, from_db_name},
    name_key,
};
use crate::{
    store::cyrus::{
        options::CyrusOptions,
        table::{Pair, ReadTable},
    },
    types::MailboxName,
};

/// Which entries of a tree are wanted (`MBOXTREE_…`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TreeFlags {
    /// Not the mailbox itself.
    pub skip_root: bool,
    /// Not what is below it.
    pub skip_children: bool,
    /// Tombstones too.
    pub tombstones: bool,
    /// Place holders too.
    pub intermediates: bool,
    /// Behind all others, those that were deleted from this tree and are kept under `DELETED.`.
    pub deleted: bool,
}

impl TreeFlags {
    /// All there is of a user, as `GET USER` and `UNUSER` look at it.
    pub const ALL: TreeFlags =
        TreeFlags { skip_root: false, skip_children: false, tombstones: true, intermediates: true, deleted: true };
}

/// A walk over part of the list: the mailbox, then its children, then its deleted ones, each in the order of their keys
/// (`mboxlist_mboxtree`, `mboxlist_usermboxtree`, `mboxlist_allmbox`).
///
/// It holds no lock and no more than where it is, so the list may change between two pages; what was there all the time
/// is seen once.
#[derive(Clone, Debug)]
pub struct Tree {
    flags: TreeFlags,
    /// What is still to be seen, last part first.
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    One(Vec<u8>),
    Prefix { prefix: Vec<u8>, after: Vec<u8> },
}

impl Part {
    fn prefix(prefix: Vec<u8>) -> Part {
        Part::Prefix { after: prefix.clone(), prefix }
    }
}

impl Tree {
    /// A mailbox and what is below it.
    pub fn of(options: &CyrusOptions, name: &MailboxName, flags: TreeFlags) -> Tree {
        let key = name_key(options, name);
        let mut parts = Vec::new();
        if flags.deleted
            && let Some(prefix) = deleted_prefix(options, name)
        {
            parts.push(Part::prefix(prefix));
        }
        if !flags.skip_children {
            parts.push(Part::prefix([&key, &[PART_END][..]].concat()));
        }
        if !flags.skip_root {
            parts.push(Part::One(key));
        }
        Tree { flags, parts }
    }

    /// The whole list.
    pub fn all(flags: TreeFlags) -> Tree {
        Tree { flags, parts: vec![Part::prefix(vec![b'N'])] }
    }

    /// The next entries, at most `limit`; fewer only at the end. Records that cannot be read are passed over, as the
    /// reference does.
    ///
    /// # Errors
    /// [`ListError::Db`]
    pub fn next_page(&mut self, table: &mut impl ReadTable, limit: usize) -> Result<Vec<MailboxEntry>, ListError> {
        let mut page = Vec::new();
        while page.len() < limit {
            let Some((key, value)) = self.next_record(table)? else { break };
            page.extend(decode(&key, &value).filter(|entry| self.wants(entry)));
        }
        Ok(page)
    }

    fn next_record(&mut self, table: &mut impl ReadTable) -> Result<Option<Pair>, ListError> {
        while let Some(part) = self.parts.pop() {
            match part {
                Part::One(key) => {
                    if let Some(value) = table.fetch(&key)? {
                        return Ok(Some((key, value)));
                    }
                }
                Part::Prefix { prefix, after } => {
                    let next = table.next_after(&after)?.filter(|(key, _)| key.starts_with(&prefix));
                    if let Some((key, value)) = next {
                        self.parts.push(Part::Prefix { prefix, after: key.clone() });
                        return Ok(Some((key, value)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn wants(&self, entry: &MailboxEntry) -> bool {
        (self.flags.tombstones || !entry.mailbox_type.deleted)
            && (self.flags.intermediates || !entry.mailbox_type.intermediate)
    }
}

/// Whether a mailbox, no tombstone and no place holder, is below this one (`mboxlist_haschildren`).
///
/// # Errors
/// [`ListError::Db`]
pub fn has_children(table: &mut impl ReadTable, options: &CyrusOptions, name: &MailboxName) -> Result<bool, ListError> {
    let below = TreeFlags { skip_root: true, ..TreeFlags::default() };
    Ok(!Tree::of(options, name, below).next_page(table, 1)?.is_empty())
}

fn decode(key: &[u8], value: &[u8]) -> Option<MailboxEntry> {
    let name = from_db_name(key.strip_prefix(b"N")?).ok()?;
    MailboxEntry::decode_name_record(&name, value).ok()
}

fn deleted_prefix(options: &CyrusOptions, name: &MailboxName) -> Option<Vec<u8>> {
    let domain = name.domain().map_or_else(String::new, |domain| format!("{domain}!"));
    let deleted = MailboxName::parse(format!("{domain}DELETED.{}", name.local_part()).as_bytes()).ok()?;
    Some([&name_key(options, &deleted), &[PART_END][..]].concat())
}
