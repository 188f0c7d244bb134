//! `cyrus.index`: the header and the records of one mailbox.
//!
//! On bytes: [`decode_header`], [`decode_record`], [`encode_header`], [`encode_record`], for the versions and byte tables of
//! `layout.rs`. On a file: [`IndexFile`]. On values: [`counts`], the arithmetic of a change.
//!
//! # What a writer has to know
//! From `imap/mailbox.c` and `imap/sync_support.c` of 3.12.3; 3.6.1 is the same unless said otherwise.
//!
//! - **Order of a commit** (`mailbox_commit`): DAV and sieve databases, `cyrus.cache`, quota, annotations, `cyrus.header`,
//!   records sorted by number, then the index header, `fsync` of the index. After it the conversations database.
//!   `cyrus.cache` and `cyrus.annotations` are therefore complete before a record refers to them.
//! - **Locks** (`mailbox_lock_index_internal`): the lock on `cyrus.index` covers `cyrus.header`, which is only ever replaced
//!   by renaming: read it again if its inode changed. A `header_file_crc` that differs is logged and not an error; 0 on
//!   either side is not compared.
//! - **After reading** a header, [`IndexHeader::fill_in`] gives the values that the reference works with; whatever it
//!   commits next carries them.
//! - **Creating** (`mailbox_create`): [`IndexHeader::create`]; no `cyrus.cache` is made before the first record. APPLY
//!   MAILBOX on a new mailbox then treats `highestmodseq` as 0, so that no master is behind it.
//! - **A record without a file** (expunged on the master, never uploaded; `sync_append_copyfile`): gets `UNLINKED`, no
//!   `NEEDS_CLEANUP`, `cache_offset` 0, `cache_version` 0, size and dates as the master says. `cyrus.cache` is made all the
//!   same, with its 4 bytes of generation. An expunged record *with* a file is kept like any other, in every expunge mode.
//!   Masters leave out records that are unlinked there, so these are rare.
//! - **Dates left at 0** when appending: [`counts::complete_dates`]. savedate, createdmodseq, modseq and last_updated stay
//!   as the master said, 0 included. The message file's modification time is set to the internaldate.
//! - **Appending** counts the record first and its annotations after ([`counts::annotate`]); one with the annotation
//!   `snoozed` is then rewritten with `SNOOZED`. Size 0 and the null GUID make the reference abort: refuse them.
//! - **Rewriting** takes from the master: cid, modseq, last_updated, internaldate, savedate, createdmodseq, system and user
//!   flags, and of the internal flags `EXPUNGED` only; `SNOOZED` follows the annotation of that name. Two expunged records
//!   are left alone, whatever else differs. `ARCHIVED` is this server's own.
//! - **`first_expunged`** only ever goes down here; only `cyr_expire` raises it. `last_repack_time`, `generation`,
//!   `deletedmodseq` and `changes_epoch` change only when the file is rewritten (`mailbox_index_repack`), which raises the
//!   generation by one, writes `cyrus.cache` anew with that generation and sets `leaked_cache` to 0.
//! - **After the last record** APPLY MAILBOX sets from the command: last_uid, recentuid, recenttime, highestmodseq,
//!   last_appenddate, pop3_last_login, pop3_show_after, createdmodseq (0 if it was not sent), uidvalidity, and the options in
//!   [`MailboxOptions::SYNCED`](crate::types::MailboxOptions::SYNCED), keeping the others.
//! - **Clean-up** (`mailbox_close`): if [`options::NEEDS_REPACK`] or [`options::NEEDS_UNLINK`] is set, the reference takes
//!   the exclusive mailbox lock without waiting, *after* it has replied, and rewrites the file or unlinks what
//!   [`counts::cleaned_up`] names. Here only the files of what was expunged just now go; leaving the options set is safe: the next
//!   process to close the mailbox does the rest.
//! - **A cache record that had to be made again** also sets [`options::NEEDS_REPACK`] (`mailbox_append_cache`).
//! - Times before 1970 and after 2106 do not survive versions up to 19: the sum over the record in memory differs from that
//!   over the record read back, so refuse or cut them before counting.

pub mod counts;
mod decode;
mod encode;
mod file;
mod guids;
mod layout;
mod lookup;
mod types;

pub use decode::{HeaderDamage, LARGEST_HEADER, RecordDamage, decode_header, decode_record};
pub use encode::{encode_header, encode_record};
pub use file::{Found, IndexError, IndexFile, Records};
pub use guids::ByGuid;
pub use layout::{NEWEST, OLDEST};
pub use lookup::Lookup;
pub use types::{IndexHeader, IndexRecord, NewMailbox, Time, options};

#[cfg(test)]
mod tests;
