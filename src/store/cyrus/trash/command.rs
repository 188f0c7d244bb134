//! What an administrator, and a host between sessions, may ask of the trash.

use super::{Restored, TrashedMailbox, expire, list, restore};
use crate::{ops::Refusal, store::CyrusStore, types::MailboxName};

impl CyrusStore {
    /// What is in the trash: mailboxes that peers removed.
    ///
    /// # Errors
    /// The mailbox list cannot be read; its reason was told to the observer.
    pub fn trash(&mut self) -> Result<Vec<TrashedMailbox>, Refusal> {
        let outcome = list::list(&mut self.spool);
        self.told(outcome)
    }

    /// Takes a mailbox out of the trash, by the name that it had, with all below it; or by the name that it is kept under. Each
    /// has an outcome of its own. There are none if nothing of that name is in the trash.
    ///
    /// # Errors
    /// The mailbox list cannot be read; its reason was told to the observer.
    pub fn restore_trash(&mut self, name: &MailboxName) -> Result<Vec<Restored>, Refusal> {
        let outcome = restore::restore(&mut self.spool, name);
        self.told(outcome)
    }

    /// Removes for good what has been in the trash for long enough; not before an hour after any process did so last, and not
    /// more than some at once. To be called between sessions; what fails is told to the observer.
    pub fn expire_trash(&mut self) {
        self.open = None;
        let outcome = expire::expire(&mut self.spool);
        // Nobody asked for it, so there is nobody to be answered.
        self.told(outcome).ok();
    }
}
