//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod cache;
pub mod db_error;
pub mod disk;
pub mod flat;
pub mod header;
pub mod index;
pub mod mime;
pub mod twoskip;
