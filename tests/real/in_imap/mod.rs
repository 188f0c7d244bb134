//! The commands of a replica within an IMAP connection, where real imapd and real `sync_client` have them too.

mod client;
mod host;
mod same_replies;
