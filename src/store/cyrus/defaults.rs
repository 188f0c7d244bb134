//! What a mailbox is made with that nobody described.
//!
//! Source: `mboxlist_create_acl`, `mboxlist_create_partition` of `imap/mboxlist.c`, `makeuuid` of `lib/makeuuid.c`.

use super::{
    error::StoreError,
    mboxlist::MailboxEntry,
    spool::{Spool, now},
};
use crate::{
    ops::{Defaults, Refusal},
    types::{MailboxName, UniqueId},
};
use bytes::Bytes;
use std::hash::{BuildHasher, Hasher, RandomState};

/// All rights (`ACL_ALL`).
const ALL_RIGHTS: &str = "lrswipkxtecdan";

/// Rights in a shared mailbox that has none above it: the default of `defaultacl`.
const SHARED: &[u8] = b"anyone\tlrs\t";

/// What a new mailbox of this name has.
pub(super) fn defaults(spool: &mut Spool, name: &MailboxName) -> Result<Defaults, StoreError> {
    let parent = parent(spool, name)?;
    let acl = match (&parent, name.owner()) {
        (Some(parent), _) => parent.acl.clone().unwrap_or_default().into(),
        (None, Some(owner)) => Bytes::from(format!("{owner}\t{ALL_RIGHTS}\t")),
        (None, None) => Bytes::from_static(SHARED),
    };
    let options = &spool.options;
    let only = || options.partitions.keys().next().cloned();
    let now = now();
    Ok(Defaults {
        now,
        uniqueid: unique_id()?,
        uidvalidity: u32::try_from(now).unwrap_or(u32::MAX),
        partition: parent.and_then(|parent| parent.partition).or(options.default_partition.clone()).or_else(only),
        acl,
    })
}

/// The nearest mailbox above this one; none above a user's INBOX.
fn parent(spool: &mut Spool, name: &MailboxName) -> Result<Option<MailboxEntry>, StoreError> {
    let mut name = name.clone();
    while !name.is_inbox() && !name.is_deleted() {
        let Some((above, _)) = name.as_str().rsplit_once('.') else { break };
        let Ok(above) = MailboxName::parse(above.as_bytes()) else { break };
        if let Some(entry) = spool.entry(&above)?.filter(|entry| !entry.mailbox_type.is_entry_only()) {
            return Ok(Some(entry));
        }
        name = above;
    }
    Ok(None)
}

/// 24 lower-case letters and digits.
pub(super) fn unique_id() -> Result<UniqueId, StoreError> {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // The keys of each hasher are the standard library's random numbers.
    let random = || RandomState::new().build_hasher().finish();
    let mut number = u128::from(random()) << 64 | u128::from(random());
    let digits: Vec<u8> = (0..24)
        .map(|_| {
            let digit = DIGITS.get((number % 36) as usize).copied().unwrap_or(b'0');
            number /= 36;
            digit
        })
        .collect();
    UniqueId::parse(&digits).map_err(|_| Refusal::Io.into())
}
