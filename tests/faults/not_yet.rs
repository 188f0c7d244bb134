//! Commands that lose something yet, each with the reason. One that loses nothing any more must go from here.

/// Of the four directories above the files of a mailbox the first is left out (`announce_new`), and all of those above a user's
/// own files and quota roots.
const DIRECTORIES: &str = "the names of new directories are not durable";
/// `cyrus.index` is written over, and a power cut keeps any of its sectors.
const INDEX: &str = "records are written over before the header that counts them, and either may be torn";
/// What one command changes beside the index.
const FILES: &str = "the index, cyrus.header, annotations, the quota root and the list are changed one after the other";
/// A rename is one change of the list and one of `cyrus.header`, which is not made durable.
const RENAME: &str = "cyrus.header, both quota roots and the list are changed one after the other";
/// `APPLY MAILBOX` in place of a mailbox with another unique id.
const REPLACE: &str = "the old mailbox goes before the new one is there";
/// Nor is the removal of a root durable, nor `cyrus.header` when it names another one.
const QUOTA: &str = "a mailbox and its quota root are changed one after the other";
/// A mailbox leaves the list first.
const REMOVE: &str = "what a mailbox leaves in annotations and the quota root goes after its list entry";
/// The link is made after the mailbox is changed, its directories and its removal are not durable, and a script that is active
/// already is not linked again.
const SCRIPT: &str = "the link to the active script is made after the mailbox was changed, and not again";

pub const POWER: &[(&str, &str)] = &[
    ("new mailbox", DIRECTORIES),
    ("new mailbox with messages", FILES),
    ("append one", INDEX),
    ("append six", FILES),
    ("append forty-five", INDEX),
    ("flag of one message", INDEX),
    ("flags of many messages", INDEX),
    ("new user flags", FILES),
    ("annotations of messages", FILES),
    ("annotation of a message removed", FILES),
    ("expunge by records", INDEX),
    ("expunge by uids", INDEX),
    ("annotations of a mailbox", FILES),
    ("annotation of a mailbox removed", FILES),
    ("access rights", FILES),
    ("groups of a user", FILES),
    ("quota root above", QUOTA),
    ("quota root below", QUOTA),
    ("append below a quota root", FILES),
    ("append five below a quota root", FILES),
    ("flag below a quota root", INDEX),
    ("expunge below a quota root", FILES),
    ("annotation of a message below a quota root", FILES),
    ("annotation below a quota root", FILES),
    ("message of another mailbox", FILES),
    ("rename", RENAME),
    ("rename to another quota root", RENAME),
    ("rename and move", RENAME),
    ("rename of an INBOX", RENAME),
    ("replace an empty mailbox", REPLACE),
    ("replace a mailbox by force", REPLACE),
    ("restore a message", FILES),
    ("annotation of a mailbox by itself", FILES),
    ("annotation of a mailbox removed by itself", FILES),
    ("subscribe", DIRECTORIES),
    ("script", FILES),
    ("script replaced", FILES),
    ("script activated", SCRIPT),
    ("script deactivated", SCRIPT),
    ("script removed", FILES),
    ("remove a mailbox", REMOVE),
    ("remove a quota root", QUOTA),
    ("remove a user", REMOVE),
];

/// What was changed before the call that failed is not taken back.
pub const ERRORS: &[(&str, &str)] = &[
    ("new mailbox", DIRECTORIES),
    ("new mailbox with messages", FILES),
    ("append six", FILES),
    ("flag of one message", INDEX),
    ("flags of many messages", INDEX),
    ("new user flags", FILES),
    ("annotations of messages", FILES),
    ("annotation of a message removed", FILES),
    ("expunge by records", INDEX),
    ("expunge by uids", INDEX),
    ("annotations of a mailbox", FILES),
    ("annotation of a mailbox removed", FILES),
    ("access rights", FILES),
    ("groups of a user", FILES),
    ("quota root above", QUOTA),
    ("quota root below", QUOTA),
    ("append below a quota root", FILES),
    ("append five below a quota root", FILES),
    ("flag below a quota root", INDEX),
    ("expunge below a quota root", FILES),
    ("annotation of a message below a quota root", FILES),
    ("annotation below a quota root", FILES),
    ("message of another mailbox", FILES),
    ("rename", RENAME),
    ("rename to another quota root", RENAME),
    ("rename of an INBOX", RENAME),
    ("replace an empty mailbox", REPLACE),
    ("replace a mailbox by force", REPLACE),
    ("restore a message", FILES),
    ("annotation of a mailbox by itself", FILES),
    ("annotation of a mailbox removed by itself", FILES),
    ("subscribe", DIRECTORIES),
    ("script", FILES),
    ("script replaced", FILES),
    ("script activated", SCRIPT),
    ("script deactivated", SCRIPT),
    ("script removed", FILES),
    ("remove a mailbox", REMOVE),
    ("remove a quota root", QUOTA),
    ("remove a user", REMOVE),
];
