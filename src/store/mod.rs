//! Where mailboxes are kept: two stores, and the trait that they implement.

#[cfg(feature = "cyrus")]
pub mod cyrus;
mod memory;

pub use crate::ops::Store;
#[cfg(feature = "cyrus")]
pub use cyrus::CyrusStore;
pub use memory::MemoryStore;
