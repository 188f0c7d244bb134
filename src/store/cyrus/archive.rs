//! Which new messages lie on the archive partition: large ones, old ones, and all of deleted mailboxes.
//!
//! A record says by a flag where its message lies, and in which of the two files named `cyrus.cache` its cache record. Messages
//! become old later, too: `cyr_expire -A` moves those.
//!
//! Source: `mailbox_should_archive` of `imap/mailbox.c`, `sync_append_copyfile` of `imap/sync_support.c`; the same in 3.6.1 and
//! 3.12.3 but for address books and calendars.

use crate::types::{MailboxName, SystemFlags};

/// `archive_after`, `archive_maxsize` and `archive_keepflagged`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveRule {
    /// Messages of at least this age go there, in seconds since their internal date.
    pub after: i64,
    /// Messages of at least this size go there, in bytes.
    pub size: u64,
    /// Whether flagged ones that are not that large stay.
    pub keeps_flagged: bool,
}

impl ArchiveRule {
    /// Whether a message goes to the archive at a time in seconds since 1970.
    pub fn takes(&self, mailbox: &MailboxName, size: u64, date: i64, flags: SystemFlags, now: i64) -> bool {
        let is_kept = self.keeps_flagged && flags.has(SystemFlags::FLAGGED);
        let is_old = date <= now.saturating_sub(self.after);
        size >= self.size || mailbox.is_deleted() || (is_old && !is_kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_old_and_deleted_messages_are_archived() {
        let rule = ArchiveRule { after: 100, size: 1000, keeps_flagged: true };
        let always = ArchiveRule { keeps_flagged: false, ..rule };
        let (none, flagged) = (SystemFlags(0), SystemFlags(SystemFlags::FLAGGED));
        for (mailbox, size, date, flags, by_rule, by_always) in [
            ("user.u1", 999, 901, none, false, false),
            ("user.u1", 1000, 901, none, true, true),
            ("user.u1", 1000, 901, flagged, true, true),
            ("user.u1", 1, 900, none, true, true),
            ("user.u1", 1, 900, flagged, false, true),
            ("DELETED.user.u1.65A0B1C2", 1, 1000, flagged, true, true),
        ] {
            let name = MailboxName::parse(mailbox.as_bytes()).unwrap();
            assert_eq!(rule.takes(&name, size, date, flags, 1000), by_rule, "{mailbox} {size} {date}");
            assert_eq!(always.takes(&name, size, date, flags, 1000), by_always, "{mailbox} {size} {date}");
        }
    }
}
