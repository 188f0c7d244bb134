//! `CyrusStore`: mailboxes in Cyrus's own on-disk formats.

pub mod annotations;
pub mod counters;
pub mod db_error;
pub mod disk;
pub mod flat;
pub mod lock;
pub mod mboxlist;
pub mod options;
pub mod paths;
pub mod quota;
pub mod seen;
pub mod subscriptions;
pub mod table;
pub mod twoskip;
