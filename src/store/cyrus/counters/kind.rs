//! Which counters a mailbox's changes raise.

use super::Counter;
use crate::{
    store::cyrus::options::{CyrusOptions, Release},
    types::{MailboxKind, MailboxName, MailboxType},
};

/// What a modseq was given to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// The folder as such, not only what is in it (`MBOXMODSEQ_ISFOLDER`).
    pub folder: bool,
    /// Something that is gone (`MBOXMODSEQ_ISDELETE`).
    pub delete: bool,
}

/// The counters of a mailbox's kind that a change raises.
pub fn counters_of(
    options: &CyrusOptions,
    mailbox: &MailboxName,
    mailbox_type: MailboxType,
    change: Change,
) -> Vec<Counter> {
    use Counter::*;
    // Contents, contents deleted, folders, folders deleted.
    let counters = match counted_as(options, mailbox, mailbox_type.kind) {
        Kind::Addressbook => [Addressbook, AddressbookDeleted, AddressbookFolders, AddressbookFoldersDeleted],
        Kind::Calendar => [Calendar, CalendarDeleted, CalendarFolders, CalendarFoldersDeleted],
        Kind::Notes => [Notes, NotesDeleted, NotesFolders, NotesFoldersDeleted],
        Kind::Submission => [Submission, SubmissionDeleted, SubmissionFolders, SubmissionFoldersDeleted],
        Kind::DavNotification => {
            [DavNotification, DavNotificationDeleted, DavNotificationFolders, DavNotificationFoldersDeleted]
        }
        Kind::JmapNotification => {
            [JmapNotification, JmapNotificationDeleted, JmapNotificationFolders, JmapNotificationFoldersDeleted]
        }
        Kind::Sieve => [Sieve, SieveDeleted, SieveFolders, SieveFoldersDeleted],
        Kind::Mail => [Mail, MailDeleted, MailFolders, MailFoldersDeleted],
    };
    let [contents, contents_deleted, folders, folders_deleted] = counters;
    match (change.folder, change.delete) {
        (false, false) => vec![contents],
        (false, true) => vec![contents_deleted],
        (true, false) => vec![contents, folders],
        (true, true) => vec![contents_deleted, folders_deleted],
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Addressbook,
    Calendar,
    Notes,
    Submission,
    DavNotification,
    JmapNotification,
    Sieve,
    Mail,
}

/// By the mailbox's type, else by the folder it lies in (`mboxname_is…mailbox`); the first that fits.
fn counted_as(options: &CyrusOptions, mailbox: &MailboxName, kind: MailboxKind) -> Kind {
    let names = &options.folders;
    let is_new = options.release >= Release::V3_8;
    let folder = top_folder(mailbox);
    let lies_in = |name: &str| folder.as_deref() == Some(name);
    // For these a type means one folder; for mail and collections several, so that only another type rules a folder out.
    let is = |wanted: MailboxKind, name: &str| kind == wanted || lies_in(name);
    let is_one_of =
        |wanted: MailboxKind, name: &str| (!is_new || kind == MailboxKind::Email || kind == wanted) && lies_in(name);
    if is(MailboxKind::Addressbook, &names.addressbooks) {
        Kind::Addressbook
    } else if is(MailboxKind::Calendar, &names.calendars) {
        Kind::Calendar
    } else if names.notes.as_deref().is_some_and(|notes| is_one_of(MailboxKind::Email, notes)) {
        Kind::Notes
    } else if is(MailboxKind::JmapSubmission, &names.jmap_submissions) {
        Kind::Submission
    } else if is_one_of(MailboxKind::Collection, &names.dav_notifications) || !is_new && kind == MailboxKind::Collection
    {
        Kind::DavNotification
    } else if is_new && is(MailboxKind::JmapNotify, &names.jmap_notifications) {
        Kind::JmapNotification
    } else if is(MailboxKind::Sieve, &names.sieve) {
        Kind::Sieve
    } else {
        Kind::Mail
    }
}

/// The first part of a name behind the user's, or behind none (`mbname_boxes`).
fn top_folder(mailbox: &MailboxName) -> Option<String> {
    let mut parts: Vec<&str> = mailbox.local_part().split('.').collect();
    if mailbox.is_deleted() && parts.len() > 2 {
        parts.remove(0);
        parts.pop();
    }
    let skipped = if parts.len() > 1 && parts.first() == Some(&"user") { 2 } else { 0 };
    parts.get(skipped).map(|part| part.replace('^', "."))
}
