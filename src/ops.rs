//! The operations: everything a session asks of the world, and what it is told in reply. Most are a store's; those of a
//! connection whose peer has to log in are a [`Channel`]'s.
//!
//! A session never reads a file or waits. When it needs something it hands out an [`Op`], which holds a [`Request`] for one
//! typed [`Operation`]; the caller performs it and gives the request back together with the reply. A request can be answered
//! once, and only with a reply of its own operation's type: anything else does not compile.
//!
//! Operations between [`OpenMailbox`] and the [`Commit`] or [`CloseMailbox`] that ends it refer to that one mailbox, which
//! nobody else may change meanwhile. A store whose session is dropped gives up what the session had open or staged.

mod change;
mod channel;
mod mailbox;
mod upload;
mod user;

pub use change::{Change, MailboxChange, MailboxIdentity, Target};
pub use channel::{ContinueLogin, Layer, Login, Offer, ReadOffer, StartLayer, StartLogin};
pub use mailbox::{
    AnnotatedRecord, Annotation, CloseMailbox, Defaults, FindRecords, Intent, Listed, ListedEntry, MailboxRef,
    MailboxState, OpenMailbox, ReadDefaults, ReadListed, ReadRecords, Record, ScanCrcs, SyncedHeader,
};
pub use upload::{
    AbortUpload, BeginUpload, DiscardStaged, FinishUpload, MessageInfo, OpenMessage, ReadMessage, Reserve, UploadChunk,
};
pub use user::{
    ListUserMailboxes, Quota, QuotaLimits, ReadAnnotations, ReadQuota, ReadSeen, ReadSubscriptions, Seen, SeenEntry,
};

use crate::session::{Misuse, Session, Step};
use std::{any::Any, fmt, ops::Deref};

/// Something only the caller can do. `Reply` is what it is told when it worked.
pub trait Operation: fmt::Debug + Send + 'static {
    /// The result of a success.
    type Reply: Any + Send;
}

/// An operation that waits to be performed, and the right to answer it once.
#[derive(Debug)]
#[must_use = "the session stands still until the request is completed"]
pub struct Request<O: Operation> {
    ticket: u64,
    operation: O,
}

impl<O: Operation> Request<O> {
    pub(crate) fn new(ticket: u64, operation: O) -> Request<O> {
        Request { ticket, operation }
    }

    pub(crate) fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl<O: Operation> Deref for Request<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.operation
    }
}

/// Makes a change to the store: all of it, or, when refused, nothing of it. When this succeeds the change is durable.
///
/// If a mailbox is open it is closed, whatever the outcome.
#[derive(Debug)]
pub struct Commit(pub Change);

impl Operation for Commit {
    type Reply = ();
}

macro_rules! operations {
    (
        $(#[$op_doc:meta])* $op:ident in $step:ident;
        $(#[$performer_doc:meta])* $performer:ident as $as:ident;
        $($name:ident => $method:ident, $doc:literal;)*
    ) => {
        $(#[$op_doc])*
        #[derive(Debug)]
        #[must_use = "the session stands still until the operation is completed"]
        pub enum $op {
            $(#[doc = $doc] $name(Request<$name>),)*
        }

        $(impl From<Request<$name>> for Step {
            fn from(request: Request<$name>) -> Step {
                Step::$step($op::$name(request))
            }
        })*

        $(#[$performer_doc])*
        pub trait $performer {
            $(#[doc = $doc]
            ///
            /// # Errors
            /// A [`Refusal`]: nothing was changed, and the peer is told so.
            fn $method(&mut self, operation: &$name) -> Result<<$name as Operation>::Reply, Refusal>;)*
        }

        impl<P: $performer + ?Sized> $performer for &mut P {
            $(fn $method(&mut self, operation: &$name) -> Result<<$name as Operation>::Reply, Refusal> {
                (**self).$method(operation)
            })*
        }

        impl $op {
            /// Has the operation performed by what blocks until it is done, and tells the session the result.
            ///
            /// # Errors
            /// [`Misuse`] where the operation is not one this session waits for.
            pub fn perform(self, session: &mut Session, $as: &mut dyn $performer) -> Result<(), Misuse> {
                match self {
                    $($op::$name(request) => {
                        let reply = $as.$method(&request);
                        session.complete(request, reply)
                    })*
                }
            }
        }
    };
}

operations! {
    /// One of the storage operations, waiting to be performed.
    Op in Perform;
    /// A store: performs the operations, one method for each.
    ///
    /// Methods may block. A host that must not block matches on [`Op`] itself and awaits what it needs.
    Store as store;
    BeginUpload => begin_upload, "Start staging a message that the peer is sending.";
    UploadChunk => upload_chunk, "The next bytes of the message being staged.";
    FinishUpload => finish_upload, "All bytes of the message have come and match its GUID.";
    AbortUpload => abort_upload, "The message being staged is bad: forget it.";
    Reserve => reserve, "Stage messages that already lie in some mailbox, so that the peer need not send them.";
    DiscardStaged => discard_staged, "Forget all staged messages.";
    OpenMessage => open_message, "Find the file of one message.";
    ReadMessage => read_message, "Read a piece of the message that was found last.";
    OpenMailbox => open_mailbox, "Lock a mailbox and say what is in its header.";
    CloseMailbox => close_mailbox, "Let go of the open mailbox, unchanged.";
    FindRecords => find_records, "Look up records of the open mailbox by uid.";
    ReadRecords => read_records, "Read a page of the open mailbox's records.";
    ScanCrcs => scan_crcs, "Compute the open mailbox's checksums from its records.";
    ReadListed => read_listed, "What the mailbox list says of a name or unique id, and the mailbox's header.";
    ReadDefaults => read_defaults, "What a new mailbox is made with where nobody says it, and the time.";
    ListUserMailboxes => list_user_mailboxes, "A page of what the mailbox list says of a user's mailboxes, and their headers.";
    ReadQuota => read_quota, "A quota root's limits.";
    ReadSeen => read_seen, "A page of a user's seen state.";
    ReadSubscriptions => read_subscriptions, "A user's subscriptions.";
    ReadAnnotations => read_annotations, "The annotations of a mailbox or of the server.";
    Commit => commit, "Make a change, durably.";
}

operations! {
    /// One of the operations on the connection, waiting to be performed.
    ChannelOp in Channel;
    /// What can be done to a connection: performs its operations, one method for each.
    ///
    /// Only a session whose host says that it can ([`Config::channel`](crate::session::Config::channel)) asks for them.
    Channel as channel;
    ReadOffer => read_offer, "Say what the peer can be offered now.";
    StartLogin => start_login, "Begin a SASL exchange anew.";
    ContinueLogin => continue_login, "Go on with the exchange that was begun.";
    StartLayer => start_layer, "Wrap all bytes from here on. A refusal ends the connection.";
}

/// Why an operation was refused: the closed list of what a peer can be told with `NO`.
///
/// Source of names and texts: `sync_response` of `imap/sync_support.c`; those that the reference has no words for (it says
/// `NO Unknown error`) carry the name of its error code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such user.
    #[error("IMAP_INVALID_USER No Such User")]
    InvalidUser,
    /// There is no such mailbox.
    #[error("IMAP_MAILBOX_NONEXISTENT No Such Mailbox")]
    Nonexistent,
    /// Somebody else held the mailbox for longer than we wait.
    #[error("IMAP_MAILBOX_LOCKED Mailbox locked")]
    Locked,
    /// The mailbox exists with another name or unique id.
    #[error("IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid")]
    Moved,
    /// The mailbox's files are too old to replicate: records without GUIDs.
    #[error("IMAP_MAILBOX_NOTSUPPORTED Operation is not supported on mailbox")]
    NotSupported,
    /// Master and replica disagree; the master should compare the mailbox record by record.
    #[error("IMAP_SYNC_CHECKSUM Checksum Failure")]
    Checksum,
    /// The same as [`Refusal::Checksum`], to a master of 2.4.
    #[error("IMAP_MAILBOX_CRC Checksum Failure")]
    MailboxCrc,
    /// The mailbox is not in the state that the change was made for.
    #[error("IMAP_SYNC_CHANGED Changed since last sync")]
    Changed,
    /// The peer's command makes no sense.
    #[error("IMAP_PROTOCOL_ERROR Protocol error")]
    Protocol,
    /// A field is missing or has a value that cannot be.
    // The trailing blank matters: without it a client does not recognise the name.
    #[error("IMAP_PROTOCOL_BAD_PARAMETERS ")]
    BadParameters,
    /// The name to rename to is taken.
    #[error("IMAP_MAILBOX_EXISTS Mailbox already exists")]
    Exists,
    /// The mailbox has another type.
    #[error("IMAP_MAILBOX_BADTYPE Mailbox has an invalid type")]
    BadType,
    /// The partition is not configured here.
    #[error("IMAP_PARTITION_UNKNOWN Unknown/invalid partition")]
    UnknownPartition,
    /// The quota root does not exist.
    #[error("IMAP_QUOTAROOT_NONEXISTENT Quota root does not exist")]
    NoQuotaRoot,
    /// All 128 user flags of the mailbox are taken.
    #[error("IMAP_USERFLAG_EXHAUSTED Too many user flags in mailbox")]
    UserFlagsExhausted,
    /// A message's bytes do not have the GUID that they were announced with.
    #[error("IMAP_MESSAGE_CONTENT_MISMATCH Message does not match its GUID")]
    GuidMismatch,
    /// A record names a message that was neither uploaded nor reserved.
    #[error("IMAP_MESSAGE_MISSING Message was not uploaded")]
    MessageMissing,
    /// The message does not exist.
    #[error("IMAP_MESSAGE_NONEXISTENT Message does not exist")]
    NoMessage,
    /// The session holds as much as it may.
    #[error("IMAP_LIMIT_EXCEEDED Limit exceeded")]
    Limit,
    /// Peers have removed as many mailboxes as they may for now. A client takes a name that it does not know for a denial,
    /// and never for a mailbox that is gone.
    #[error("IMAP_SYNC_TOO_MANY_DELETES Too many mailboxes removed, the replica's log says how to allow it")]
    TooManyDeletes,
    /// The disk is full.
    #[error("IMAP_NO_SPACE No space left on disk")]
    NoSpace,
    /// A file is damaged.
    #[error("IMAP_MAILBOX_BADFORMAT Mailbox has an invalid format")]
    BadFormat,
    /// The disk failed.
    #[error("IMAP_IOERROR System I/O error")]
    Io,
}
