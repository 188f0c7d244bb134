//! Messages: staging them before records refer to them, and reading them back.
//!
//! Staged messages belong to the session. A record that is appended takes its message from the ones staged for its mailbox's
//! partition; staging the same GUID again replaces it with the same bytes.

use super::Operation;
use crate::types::{Guid, MailboxName, Partition, Uid, UniqueId};
use bytes::Bytes;

/// Start staging a message that the peer is sending, or that the session made, a Sieve script's: then the mailbox it is for may
/// be open. At most one upload is under way.
#[derive(Debug)]
pub struct BeginUpload {
    /// The partition it will be used on.
    pub partition: Partition,
    /// The SHA-1 that its bytes must have.
    pub guid: Guid,
    /// Bytes it has.
    pub size: u32,
}

impl Operation for BeginUpload {
    type Reply = ();
}

/// The next bytes of the message being staged; a slice of what was given to `Session::receive`.
#[derive(Debug)]
pub struct UploadChunk(pub Bytes);

impl Operation for UploadChunk {
    type Reply = ();
}

/// All bytes of the message have come, as many as were announced, and their SHA-1 is its GUID. The store need not make the
/// message durable before a [`Commit`](super::Commit) refers to it.
#[derive(Debug)]
pub struct FinishUpload;

impl Operation for FinishUpload {
    type Reply = ();
}

/// The message being staged is bad: forget it.
#[derive(Debug)]
pub struct AbortUpload;

impl Operation for AbortUpload {
    type Reply = ();
}

/// Stage messages that already lie in one of these mailboxes. The reply lists the GUIDs that were not found.
#[derive(Debug)]
pub struct Reserve {
    /// The partition they will be used on.
    pub partition: Partition,
    /// Where to look; mailboxes on the partition are worth trying first.
    pub mailboxes: Vec<MailboxName>,
    /// What to look for: none of these is staged yet.
    pub guids: Vec<Guid>,
}

impl Operation for Reserve {
    type Reply = Vec<Guid>;
}

/// Forget all staged messages: the peer said RESTART or left.
#[derive(Debug)]
pub struct DiscardStaged;

impl Operation for DiscardStaged {
    type Reply = ();
}

/// Find the file of one message, without locking its mailbox. Refused with [`Refusal::Nonexistent`](super::Refusal) where
/// there is none.
#[derive(Debug)]
pub struct OpenMessage {
    /// The partition it should lie on.
    pub partition: Partition,
    /// Its mailbox.
    pub mailbox: MailboxName,
    /// Its mailbox's unique id.
    pub uniqueid: UniqueId,
    /// Its uid.
    pub uid: Uid,
}

impl Operation for OpenMessage {
    type Reply = MessageInfo;
}

/// A message file that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageInfo {
    /// The SHA-1 of the bytes that are there now.
    pub guid: Guid,
    /// Bytes it has.
    pub size: u32,
}

/// Read a piece of the message that was opened last: exactly `length` bytes from `offset` on.
#[derive(Debug)]
pub struct ReadMessage {
    /// Where to start, in bytes.
    pub offset: u32,
    /// Bytes to read.
    pub length: u32,
}

impl Operation for ReadMessage {
    type Reply = Bytes;
}
