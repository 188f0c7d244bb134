//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod disk;
