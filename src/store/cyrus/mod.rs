//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod disk;
pub mod header;
pub mod index;
