//! Mailboxes that peers removed and that are kept aside for a while (`sync_server_trash`).
//!
//! They lie where Cyrus itself keeps deleted mailboxes, so that its tools know what they are: `user.jane.Work` becomes
//! `DELETED.user.jane.Work.65A0B1C2`, with the time of its removal in seconds since 1970 (`mboxname_todeleted` of
//! `imap/mboxname.c`). Peers must not see them: replication goes on as if they were gone. So each also gets another unique id,
//! `ID-trash-65A0B1C2`, which frees its own for a mailbox that the master may send again, and tells apart what was kept here
//! from what the master has renamed below `DELETED.` itself.
//!
//! The files of a removed user that belong to no mailbox wait in `sync_server.trash/ID` of the configuration directory, by the
//! unique id of the INBOX.
//!
//! | module | does |
//! |---|---|
//! | `keep` | a mailbox goes: its files are kept under another name |
//! | `user` | a user goes: subscriptions, seen state and quota limits are kept |
//! | `list` | what is there, as the administrator sees it |
//! | `restore` | a mailbox comes back |
//! | `expire` | the time is over: it goes for good |
//! | `command` | what all this is to whoever has a store |

mod command;
mod expire;
mod keep;
mod list;
mod restore;
mod user;

pub(super) use keep::{discard, keep, tell};
pub use list::TrashedMailbox;
pub use restore::{RestoreError, Restored};
pub(super) use user::save as save_user;

use super::mboxlist::MailboxEntry;
use crate::types::{MailboxName, UniqueId};

/// What stands between a unique id and the time.
const MARK: &str = "-trash-";

/// A mailbox that is kept aside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    /// Its entry in the list.
    pub(super) entry: MailboxEntry,
    /// The name that it had.
    pub(super) name: MailboxName,
    /// The unique id that it had.
    pub(super) uniqueid: UniqueId,
    /// When it was removed, in seconds since 1970.
    pub(super) removed: i64,
}

impl Kept {
    /// `None` for an entry that is anything else.
    pub(super) fn of(entry: MailboxEntry) -> Option<Kept> {
        if entry.mailbox_type.is_entry_only() {
            return None;
        }
        let (name, time) = parts(&entry.name)?;
        let (uniqueid, same_time) = entry.uniqueid.as_ref()?.as_str().rsplit_once(MARK)?;
        let name = MailboxName::parse(name.as_bytes()).ok()?;
        let uniqueid = UniqueId::parse(uniqueid.as_bytes()).ok().filter(|_| same_time == time)?;
        let removed = i64::from_str_radix(time, 16).ok()?;
        Some(Kept { entry, name, uniqueid, removed })
    }
}

/// Whether an entry is of a mailbox that is kept aside, which peers must not see.
pub(super) fn is_kept(entry: &MailboxEntry) -> bool {
    entry.name.is_deleted() && Kept::of(entry.clone()).is_some()
}

/// The name before it was deleted, and the time in hexadecimal digits.
fn parts(deleted: &MailboxName) -> Option<(String, &str)> {
    let (name, time) = deleted.local_part().strip_prefix("DELETED.")?.rsplit_once('.')?;
    let name = deleted.domain().map_or_else(|| name.to_owned(), |domain| format!("{domain}!{name}"));
    Some((name, time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::MailboxType;

    fn kept(name: &str, id: &str) -> Option<(String, String, i64)> {
        let name = MailboxName::parse(name.as_bytes()).unwrap();
        let uniqueid = Some(UniqueId::parse(id.as_bytes()).unwrap());
        let entry = MailboxEntry { uniqueid, ..MailboxEntry::new(name, MailboxType::EMAIL) };
        Kept::of(entry).map(|kept| (kept.name.to_string(), kept.uniqueid.to_string(), kept.removed))
    }

    #[test]
    fn what_the_master_deleted_is_not_taken_for_what_was_kept_here() {
        let expected = |name: &str, id: &str| Some((name.to_owned(), id.to_owned(), 0x65A0_B1C2));
        assert_eq!(kept("DELETED.user.u1.a.65A0B1C2", "x1-trash-65A0B1C2"), expected("user.u1.a", "x1"));
        assert_eq!(kept("d.org!DELETED.user.u1.65A0B1C2", "x-1-trash-65A0B1C2"), expected("d.org!user.u1", "x-1"));
        for (name, id) in [
            ("DELETED.user.u1.a.65A0B1C2", "x1"),
            ("DELETED.user.u1.a.65A0B1C3", "x1-trash-65A0B1C2"),
            ("user.u1.a.65A0B1C2", "x1-trash-65A0B1C2"),
            ("DELETED.user.u1.a.nonsense", "x1-trash-nonsense"),
            ("DELETED.65A0B1C2", "x1-trash-65A0B1C2"),
        ] {
            assert_eq!(kept(name, id), None, "{name} {id}");
        }
    }
}
