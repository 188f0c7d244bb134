//! What one session may hold: every bound in one place, with its reason.

/// Bounds on what a peer can make a session hold. Above a bound the input is drained and refused; the connection lives.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How deep lists may nest. Cyrus itself needs 5; default 64.
    pub nesting: usize,
    /// Bytes of an atom, a quoted string or an ordinary literal. Default 128 KiB: Cyrus's `maxliteral`.
    pub literal: usize,
    /// Bytes of values held for one command besides its records. Default 32 MiB: a `GET MAILBOXES` with 100,000 long names fits.
    pub command: usize,
    /// Records of one `APPLY MAILBOX`. Default 16 million, at 112 bytes each without annotations: more than a mailbox can be
    /// used with.
    pub records: usize,
    /// Messages staged by one session, uploaded or reserved. Default 1 million, at about 40 bytes each: sync_client restarts its
    /// connection's staging every 8,192 messages or so.
    pub staged: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { nesting: 64, literal: 128 * 1024, command: 32 << 20, records: 16 << 20, staged: 1 << 20 }
    }
}
