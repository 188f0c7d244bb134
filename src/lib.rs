//! The replica side of Cyrus IMAP replication: the server that a Cyrus `sync_client` connects to.
//!
//! ```text
//!             bytes                      operations
//!   peer ───────────────▶ ┌─────────┐ ─────────────────▶ ┌───────┐
//!  (sync_client)          │ Session │                    │ Store │  CyrusStore, MemoryStore, yours
//!        ◀─────────────── └─────────┘ ◀───────────────── └───────┘
//!             replies                     results
//! ```
//!
//! [`Session`](session::Session) is a sans-IO state machine: it never opens a file or a socket, reads a clock or starts a thread.
//! You bring the peer's bytes; it says what to write back and which storage [operations](ops::Op) to perform. A message
//! passes through as slices of the buffer you read it into, and a mailbox of a million records in a few bytes for each record
//! that changes.
//!
//! # The loop
//!
//! This is all there is to driving one (it is [`drive::serve`], without the buffer):
//!
//! ```
//! use std::io::{Read, Write};
//! use sync_server::{drive::ServeError, ops::Store, session::{Config, Session, Step}, store::MemoryStore};
//!
//! fn serve(
//!     mut session: Session,
//!     store: &mut dyn Store,
//!     mut from_peer: impl Read,
//!     mut to_peer: impl Write,
//! ) -> Result<(), ServeError> {
//!     let mut buffer = [0; 4096];
//!     loop {
//!         match session.poll()? {
//!             Step::NeedInput => {
//!                 let length = from_peer.read(&mut buffer)?; // 0 is the end of file, and is passed on like the rest
//!                 session.receive(bytes::Bytes::copy_from_slice(&buffer[..length]));
//!             }
//!             Step::Write(reply) => to_peer.write_all(&reply)?,
//!             Step::Perform(operation) => operation.perform(&mut session, store)?,
//!             Step::Channel(_) | Step::Return(_) | Step::Paused | Step::Closed => return Ok(()),
//!         }
//!     }
//! }
//!
//! let (said, mut heard) = (&b"NOOP\r\nGET USER jane\r\nEXIT\r\n"[..], Vec::new());
//! let session = Session::new(Config::trusted("replica.example.org"));
//! serve(session, &mut MemoryStore::new(), said, &mut heard)?;
//! assert!(heard.ends_with(b"OK Noop completed\r\nOK success\r\nOK Finished\r\n"));
//! # Ok::<(), ServeError>(())
//! ```
//!
//! A host of its own storage either implements [`Store`](ops::Store), whose methods may block, or matches on [`Op`](ops::Op)
//! itself, awaits what it needs, and calls [`Session::complete`](session::Session::complete). `Step::Channel` comes only where the
//! host says that its peers log in ([`Config::channel`](session::Config::channel)); [`Channel`](ops::Channel) is what it then does.
//! An IMAP server that offers
//! `X-REPLICATION` within its own connections uses [`Framing::Imap`](session::Framing::Imap), where its loop is shown.
//!
//! # Reading order
//!
//! Each layer knows only those above it.
//!
//! | module | from | to |
//! |---|---|---|
//! | [`types`] | bytes of a name or number | a value that cannot be wrong |
//! | [`wire`] | the peer's bytes | tokens |
//! | [`dlist`] | tokens | values |
//! | [`limits`], [`event`] | | what a session may hold; what an administrator is told |
//! | [`ops`] | | what a session asks of a store, and of its connection |
//! | [`command`] | values | typed commands; and replies back to bytes |
//! | [`plan`] | what the replica has and what the master says | what changes, or why not |
//! | [`session`] | all of these | one conversation |
//! | [`store`] | operations | mailboxes in memory, or on disk as Cyrus keeps them |
//! | [`drive`] | session, store, stream | the blocking loop |
//! | `config` | imapd.conf | options, read as Cyrus reads them |
//!
//! # Features
//!
//! `cyrus` (default): `CyrusStore`. `dav` (default): users' dav.db, where Cyrus looks Sieve scripts up; without it, replicated
//! scripts run only after `dav_reconstruct USER`. `cli` (default): the binary and what it needs. Without them the crate is the
//! sans-IO library and depends on `bytes`, `memchr`, `sha1`, `crc32fast` and `thiserror` alone.

pub mod command;
#[cfg(feature = "cli")]
pub mod config;
pub mod dlist;
pub mod drive;
pub mod event;
pub mod limits;
pub mod ops;
pub mod plan;
#[doc = include_str!("protocol.md")]
pub mod protocol {}
pub mod session;
pub mod store;
pub mod types;
pub mod wire;
