//! Replies: what `GET` and `APPLY` answer, as the reference prints it.
//!
//! Source: `sync_prepare_dlists`, `sync_mailbox_byentry`, `print_quota`, `print_seen`, `user_getsub`, `getannotation_cb`,
//! `sync_apply_reserve`, `sync_apply_capabilities` of `imap/sync_support.c`, releases 3.6 and 3.12.

use super::{
    quota,
    sieve::{BYTECODE_SUFFIX, SCRIPT_SUFFIX},
};
use crate::{
    dlist::{FileRef, Writer},
    ops::{AnnotatedRecord, Annotation, ListedEntry, MailboxState, Quota, Record, SeenEntry},
    types::{FlagName, Guid, MailboxName, Release, ScriptName, UserId},
};
use bytes::Bytes;

/// `* MAILBOX %(…` of a mailbox, up to its `RECORD`s.
fn begin_mailbox(out: &mut Writer, state: &MailboxState, release: Release) {
    let header = &state.header;
    out.reply("MAILBOX").open_kvlist();
    out.key("UNIQUEID").atom(state.uniqueid.as_str());
    out.key("MBOXNAME").atom(state.name.as_str());
    let mailbox_type = state.mailbox_type.for_sync();
    if mailbox_type != Default::default() {
        out.key("MBOXTYPE").atom(mailbox_type.to_string());
    }
    out.key("SYNC_CRC").number(state.crcs.basic);
    out.key("SYNC_CRC_ANNOT").number(state.crcs.annot);
    out.key("LAST_UID").number(header.last_uid);
    out.key("HIGHESTMODSEQ").number(header.highest_modseq.0);
    out.key("RECENTUID").number(header.recent_uid);
    out.key("RECENTTIME").date(header.recent_time);
    out.key("LAST_APPENDDATE").date(header.last_append_date);
    out.key("POP3_LAST_LOGIN").date(header.pop3_last_login);
    out.key("POP3_SHOW_AFTER").date(header.pop3_show_after);
    if state.racl_modseq.0 != 0 {
        out.key("RACLMODSEQ").number(state.racl_modseq.0);
    }
    if release >= Release::V3_12 && !state.user_groups.is_empty() {
        out.key("USERGROUPS").atom(state.user_groups.join(&b'\t'));
    }
    out.key("UIDVALIDITY").number(header.uidvalidity);
    out.key("PARTITION").atom(state.partition.as_str());
    out.key("ACL").atom(&header.acl);
    out.key("OPTIONS").atom(header.options.to_string());
    if let Some(root) = &state.quota_root {
        out.key("QUOTAROOT").atom(root.as_str());
    }
    if header.created_modseq.0 != 0 {
        out.key("CREATEDMODSEQ").number(header.created_modseq.0);
    }
    if header.folder_modseq.0 != 0 {
        out.key("FOLDERMODSEQ").number(header.folder_modseq.0);
    }
    annotations(out, &state.annotations);
    if release >= Release::V3_12 {
        out.key("USERFLAGS").open_list();
        for flag in state.user_flags.iter().flatten() {
            out.flag(flag.as_str());
        }
        out.close();
    }
}

/// A mailbox without its records.
pub fn mailbox(out: &mut Writer, state: &MailboxState, release: Release) {
    begin_mailbox(out, state, release);
    out.close().end_line();
}

/// A mailbox, up to its records: any number of [`record`]s and [`end_records`] follow.
pub fn begin_records(out: &mut Writer, state: &MailboxState, release: Release) {
    begin_mailbox(out, state, release);
    out.key("RECORD").open_list();
}

/// A mailbox's records are all there.
pub fn end_records(out: &mut Writer) {
    out.close().close().end_line();
}

/// One record.
pub fn record(out: &mut Writer, annotated: &AnnotatedRecord, state: &MailboxState) {
    let record = &annotated.record;
    out.open_kvlist();
    out.key("UID").number(record.uid.get());
    out.key("MODSEQ").number(record.modseq.0);
    out.key("LAST_UPDATED").date(record.last_updated);
    flags(out, record, &state.user_flags);
    out.key("INTERNALDATE").date(record.internal_date);
    out.key("SIZE").number(record.size);
    out.key("GUID").guid(&record.guid);
    record_annotations(out, annotated, state.index_version);
    out.close();
}

fn flags(out: &mut Writer, record: &Record, names: &[Option<FlagName>]) {
    out.key("FLAGS").open_list();
    for name in record.flag_names(names) {
        out.flag(name);
    }
    out.close();
}

/// The annotations, those included that are fields of the record (`encode_annotations`).
fn record_annotations(out: &mut Writer, annotated: &AnnotatedRecord, index_version: u32) {
    let record = &annotated.record;
    let thrid = (record.cid != 0 && index_version >= 13).then(|| format!("{:016x}", record.cid));
    let savedate = (record.save_date != 0 && index_version >= 15).then(|| record.save_date.to_string());
    let created = (record.created_modseq.0 != 0 && index_version >= 16).then(|| record.created_modseq.to_string());
    let fields = [("thrid", thrid), ("savedate", savedate), ("createdmodseq", created)];
    if annotated.annotations().is_empty() && fields.iter().all(|(_, value)| value.is_none()) {
        return;
    }
    out.key("ANNOTATIONS").open_list();
    for annotation in annotated.annotations() {
        one_annotation(out, annotation);
    }
    for (name, value) in fields.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        out.open_kvlist();
        out.key("ENTRY").atom(format!("/vendor/cmu/cyrus-imapd/{name}"));
        out.key("USERID").atom("").key("MODSEQ").number(0_u32).key("VALUE").atom(value).close();
    }
    out.close();
}

fn annotations(out: &mut Writer, annotations: &[Annotation]) {
    if annotations.is_empty() {
        return;
    }
    out.key("ANNOTATIONS").open_list();
    for annotation in annotations {
        one_annotation(out, annotation);
    }
    out.close();
}

fn one_annotation(out: &mut Writer, annotation: &Annotation) {
    out.open_kvlist();
    out.key("ENTRY").atom(&annotation.entry).key("USERID").atom(&annotation.user);
    out.key("MODSEQ").number(annotation.modseq.0).key("VALUE").map(&annotation.value).close();
}

/// An intermediate folder. The zeros are for old clients, which fail without them.
pub fn intermediate(out: &mut Writer, entry: &ListedEntry) {
    out.reply("MAILBOX").open_kvlist();
    out.key("UNIQUEID").atom_or_nil(entry.uniqueid.as_ref().map(|id| id.as_str()));
    out.key("MBOXNAME").atom(entry.name.as_str());
    out.key("MBOXTYPE").atom(entry.mailbox_type.for_sync().to_string());
    let zeros = [
        "SYNC_CRC",
        "LAST_UID",
        "HIGHESTMODSEQ",
        "RECENTUID",
        "RECENTTIME",
        "LAST_APPENDDATE",
        "POP3_LAST_LOGIN",
        "POP3_SHOW_AFTER",
    ];
    for name in zeros {
        out.key(name).number(0_u32);
    }
    out.key("UIDVALIDITY").number(entry.uidvalidity);
    out.key("PARTITION").atom_or_nil(entry.partition.as_ref().map(|partition| partition.as_str()));
    out.key("ACL").atom(entry.acl.as_deref().unwrap_or_default());
    out.key("OPTIONS").atom("");
    out.key("CREATEDMODSEQ").number(entry.created_modseq.0);
    out.key("FOLDERMODSEQ").number(entry.folder_modseq.0);
    out.close().end_line();
}

/// A quota root.
pub fn quota(out: &mut Writer, root: &MailboxName, quota: &Quota, release: Release) {
    out.reply("QUOTA").open_kvlist().key("ROOT").atom(root.as_str());
    for (name, limit) in quota::encode(&quota.limits, release) {
        out.key(name).number(limit);
    }
    out.key("MODSEQ").number(quota.modseq.0).close().end_line();
}

/// What a user has seen of one mailbox.
pub fn seen(out: &mut Writer, entry: &SeenEntry) {
    out.reply("SEEN").open_kvlist();
    out.key("UNIQUEID").atom(entry.uniqueid.as_str());
    out.key("LASTREAD").date(entry.seen.last_read);
    out.key("LASTUID").number(entry.seen.last_uid);
    out.key("LASTCHANGE").date(entry.seen.last_change);
    out.key("SEENUIDS").atom(&entry.seen.uids);
    out.close().end_line();
}

/// A user's subscriptions; nothing where there are none.
pub fn subscriptions(out: &mut Writer, names: &[MailboxName]) {
    if names.is_empty() {
        return;
    }
    out.reply("LSUB").open_list();
    for name in names {
        out.atom(name.as_str());
    }
    out.close().end_line();
}

/// A user's script: when it was stored, and the SHA-1 of what it says. The active one has a second line for its compiled form.
pub fn script(out: &mut Writer, name: &ScriptName, last_update: i64, guid: &Guid, active: bool) {
    let mut line = |suffix, last_update, guid: &Guid, active: u32| {
        out.reply("SIEVE").open_kvlist().key("FILENAME").atom(format!("{name}{suffix}"));
        out.key("LAST_UPDATE").date(last_update).key("GUID").atom(guid.to_string());
        out.key("ISACTIVE").number(active).close().end_line();
    };
    line(SCRIPT_SUFFIX, last_update, guid, 0);
    if active {
        line(BYTECODE_SUFFIX, 0, &Guid::NULL, 1);
    }
}

/// What a user's script says.
pub fn script_content(out: &mut Writer, user: &UserId, name: &ScriptName, content: &[u8]) {
    out.reply("SIEVE").open_kvlist().key("USERID").atom(user.as_str());
    out.key("FILENAME").atom(format!("{name}{SCRIPT_SUFFIX}")).key("CONTENT").map(content).close().end_line();
}

/// An annotation of a mailbox or of the server.
pub fn annotation(out: &mut Writer, mailbox: Option<&MailboxName>, annotation: &Annotation) {
    out.reply("ANNOTATION").open_kvlist();
    out.key("MBOXNAME").atom(mailbox.map_or("", MailboxName::as_str));
    out.key("ENTRY").atom(&annotation.entry).key("USERID").atom(&annotation.user);
    out.key("VALUE").map(&annotation.value).close().end_line();
}

/// Messages that must be uploaded; nothing where there are none.
pub fn missing(out: &mut Writer, guids: &[Guid]) {
    if guids.is_empty() {
        return;
    }
    out.reply("MISSING").open_list();
    for guid in guids {
        out.guid(guid);
    }
    out.close().end_line();
}

/// What of the client's wishes is in use from now on.
pub fn enabled(out: &mut Writer, names: &[Bytes]) {
    out.reply("ENABLED").open_list();
    for name in names {
        out.atom(name);
    }
    out.close().end_line();
}

/// `* MESSAGE` and the head of its file; the bytes and an end of line follow.
pub fn begin_message(out: &mut Writer, message: &FileRef) {
    out.reply("MESSAGE").file_header(message);
}

/// What stands where a message should be whose bytes are not those of its GUID.
pub fn no_message(out: &mut Writer) {
    out.reply("MESSAGE").nil().end_line();
}
