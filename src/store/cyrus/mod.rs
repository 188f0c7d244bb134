//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod db_error;
pub mod disk;
pub mod flat;
pub mod twoskip;
