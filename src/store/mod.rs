//! Where mailboxes are kept.

#[cfg(feature = "cyrus")]
pub mod cyrus;
