//! The GUIDs of messages' files: SHA-1 sums of all their bytes.

use super::disk::DiskFile;
use crate::types::Guid;
use sha1::{Digest, Sha1};
use std::io;

/// Bytes of a message that are read at once.
const PIECE: usize = 256 * 1024;

/// What files are read to, one after the other.
pub(super) struct Summer(Vec<u8>);

impl Summer {
    pub(super) fn new() -> Summer {
        Summer(vec![0; PIECE])
    }

    /// The GUID of a file's bytes.
    pub(super) fn sum(&mut self, file: &dyn DiskFile) -> io::Result<Guid> {
        let Summer(piece) = self;
        let mut sum = Sha1::new();
        let mut offset = 0;
        loop {
            let length = file.read_at(offset, piece)?;
            sum.update(piece.get(..length).unwrap_or_default());
            offset += length as u64;
            // Only the end of the file makes a read shorter.
            if length < piece.len() {
                return Ok(Guid::from_bytes(sum.finalize().into()));
            }
        }
    }
}
