//! Commands that lose something yet, each with the reason. One that loses nothing any more must go from here.

/// `APPLY MAILBOX` in place of a mailbox with another unique id: said again, it is done.
const REPLACE: &str = "the old mailbox goes before the new one is there";
/// The change is finished by then; the peer has to ask again.
const LOCKED: &str =
    "a disk that failed to the end leaves a journal, which the next command finishes before it is carried out";
/// Said again, both are done.
const QUOTA: &str = "what a failure has left of the work on many mailboxes is not taken back";
/// `sieve::refresh` tells of it, and the next change of a script puts it right.
const LINK: &str = "the link to the active script is made after the change, which was then answered OK";
/// Nothing refers to it: the next upload, or the next change of the file, replaces it.
const LEFT: &str = "what cannot be removed from a disk that failed to the end stays behind";
/// Nobody uses a uid twice.
const UIDS: &str = "the uid of a message that could not be restored is skipped";

pub const POWER: &[(&str, &str)] = &[("replace an empty mailbox", REPLACE), ("replace a mailbox by force", REPLACE)];

pub const ERRORS: &[(&str, &str)] = &[
    ("new mailbox with messages", LOCKED),
    ("quota root below", QUOTA),
    ("message of another mailbox", LOCKED),
    ("rename of an INBOX", LOCKED),
    ("replace an empty mailbox", REPLACE),
    ("replace a mailbox by force", REPLACE),
    ("restore a message", UIDS),
    ("script", LEFT),
    ("script activated", LINK),
    ("script deactivated", LINK),
    ("remove a quota root", QUOTA),
    ("remove a user", QUOTA),
];
