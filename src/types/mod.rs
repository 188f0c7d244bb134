//! The vocabulary: values that cannot be wrong once they exist.
//!
//! Everything a peer or a file names (a mailbox, a partition, a user) is parsed into one of these types before any other
//! layer sees it; what does not parse is refused with an [`InvalidName`] that says what is wrong. The types know nothing of
//! the wire or of the disk.

mod flags;
mod guid;
mod guid_set;
mod mailbox_type;
mod names;
mod numbers;
mod release;

pub use flags::{FlagName, InternalFlags, MAX_USER_FLAGS, MailboxOptions, SystemFlags, UserFlags};
pub use guid::Guid;
pub(crate) use guid_set::GuidSet;
pub use mailbox_type::{MailboxKind, MailboxType};
pub use names::{InvalidName, MailboxName, Partition, ScriptName, UniqueId, UserId};
pub use numbers::{ModSeq, SyncCrcs, Uid};
pub use release::Release;
