//! The files of messages that go when they are expunged (`expunge_mode` other than `delayed`).
//!
//! By then their records say that they are gone, durably, and the header of the index asks for a clean-up. Files are removed here
//! and now, but only while nobody else has the mailbox open: a client that was not told of an expunge yet may still read the
//! message. The rest is left to the clean-up of the next process of Cyrus that closes the mailbox: such files, annotations, and
//! with `immediate` the records themselves, for which the index has to be written anew.
//!
//! Source: `mailbox_rewrite_index_record`, `mailbox_close`, `mailbox_index_unlink` of `imap/mailbox.c`.

use super::{
    super::{
        disk::{Deadline, Lock},
        lock::{LockName, NameLock},
        spool::Spool,
    },
    delete::remove_message,
    open::OpenMailbox,
};
use crate::{event::Severity, types::Uid};
use std::{fmt::Display, time::Duration};

/// Closes a mailbox whose owner is locked exclusively, and removes the files of these messages if nobody else has it open.
pub(super) fn close(spool: &Spool, mailbox: OpenMailbox, unlinked: &[Uid]) {
    if unlinked.is_empty() {
        return;
    }
    let OpenMailbox { entry, place, index, lock, owner_lock: _owner_lock, .. } = mailbox;
    drop((index, lock));
    let name = LockName::Mailbox(place.directory.clone());
    let at_once = Deadline::after(Duration::ZERO);
    let Ok(_lock) = NameLock::take(spool.disk.as_ref(), &spool.options, name, Lock::Exclusive, at_once) else { return };
    if let Err(error) = unlinked.iter().try_for_each(|uid| remove_message(spool, &place, *uid)) {
        let facts: [(&str, &dyn Display); 2] = [("mailbox", &entry.name), ("error", &error)];
        spool.tell(Severity::Warning, "unable to remove files of expunged messages", &facts);
    }
}
