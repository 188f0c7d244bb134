//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod cache;
pub mod disk;
pub mod mime;
