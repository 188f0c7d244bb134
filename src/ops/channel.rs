//! What a session asks of its connection: who the peer is, and to wrap all that follows.
//!
//! Source: `dobanner`, `cmd_authenticate`, `cmd_starttls` and `cmd_compress` of `imap/sync_server.c`; `saslserver` of
//! `imap/saslserver.c`.

use super::Operation;
use bytes::Bytes;

/// What the peer can be offered now: it may change with a layer.
#[derive(Debug)]
pub struct ReadOffer;

impl Operation for ReadOffer {
    type Reply = Offer;
}

/// What the peer can be offered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Offer {
    /// SASL mechanisms, with a space between two; none if it is empty.
    pub mechanisms: String,
    /// [`Layer::Tls`] can be started.
    pub tls: bool,
    /// [`Layer::Deflate`] can be started.
    pub deflate: bool,
}

/// Begins a SASL exchange; one that was not finished is forgotten.
#[derive(Debug)]
pub struct StartLogin {
    /// As the peer said it: an atom.
    pub mechanism: String,
    /// The initial response in base64, empty if it is; `None` if the peer sent none.
    pub response: Option<Bytes>,
}

impl Operation for StartLogin {
    type Reply = Login;
}

/// The peer's answer to a challenge.
#[derive(Debug)]
pub struct ContinueLogin {
    /// In base64; not checked.
    pub response: Bytes,
}

impl Operation for ContinueLogin {
    type Reply = Login;
}

/// How a SASL exchange stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Login {
    /// The peer is to answer this, which is in base64.
    Challenge(String),
    /// The peer is who it says.
    Done {
        /// Whether that is an administrator (`admins`): others may do nothing.
        is_admin: bool,
        /// The strength of the layer that was negotiated, in bits of its key: 0 is none, 1 integrity alone. Any other than 0 is
        /// to be started as [`Layer::Sasl`].
        strength: u32,
    },
    /// It is not; what the peer is told, without line ends.
    Failed(String),
}

/// Wraps all bytes from here on, in both directions; what was written before has been sent as it was.
///
/// Each layer is started once at most, TLS first. Bytes that the peer sent too early are not part of it and thrown away by the
/// session; a host that has read some and not passed them on does the same.
#[derive(Debug)]
pub struct StartLayer(pub Layer);

impl Operation for StartLayer {
    type Reply = ();
}

/// What bytes are wrapped in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// TLS, with the peer as its client.
    Tls,
    /// What the SASL exchange has negotiated.
    Sasl,
    /// Raw deflate streams (RFC 1951), flushed where a read of the other end may wait.
    Deflate,
}
