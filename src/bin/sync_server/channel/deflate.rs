//! COMPRESS: a raw deflate stream in each direction.

use std::io::{self, ErrorKind};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes by which output grows.
const PIECE: usize = 16 * 1024;

/// Both streams.
pub struct Deflate {
    out: Compress,
    back: Decompress,
}

impl Deflate {
    pub fn new() -> Deflate {
        Deflate { out: Compress::new(Compression::default(), false), back: Decompress::new(false) }
    }

    /// Compresses, so that the peer can read all of it.
    pub fn compress(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        let (mut output, start) = (Vec::new(), self.out.total_in());
        loop {
            output.reserve(PIECE);
            let done = (self.out.total_in() - start) as usize;
            let rest = plain.get(done..).unwrap_or_default();
            self.out.compress_vec(rest, &mut output, FlushCompress::Sync).map_err(io::Error::other)?;
            // Room that is left says that nothing is left inside.
            if output.len() < output.capacity() {
                return Ok(output);
            }
        }
    }

    /// Decompresses what fits into the buffer. How many bytes were used, and how many were written.
    pub fn decompress(&mut self, wrapped: &[u8], buffer: &mut [u8]) -> io::Result<(usize, usize)> {
        let (taken, given) = (self.back.total_in(), self.back.total_out());
        let status = self.back.decompress(wrapped, buffer, FlushDecompress::Sync);
        let status = status.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let used = ((self.back.total_in() - taken) as usize, (self.back.total_out() - given) as usize);
        if status == Status::StreamEnd && used == (0, 0) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the compressed stream is over"));
        }
        Ok(used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compressed_comes_back_by_and_by() {
        let mut ends = (Deflate::new(), Deflate::new());
        for length in [1, 100, PIECE, 300_000] {
            let text: Vec<u8> = (0..length as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
            let wrapped = ends.0.compress(&text).unwrap();
            let (mut rest, mut plain, mut buffer) = (&wrapped[..], Vec::new(), [0; 1000]);
            loop {
                let (used, given) = ends.1.decompress(rest, &mut buffer).unwrap();
                plain.extend_from_slice(&buffer[..given]);
                rest = &rest[used..];
                if (used, given) == (0, 0) {
                    break;
                }
            }
            assert!(plain == text && rest.is_empty(), "{length}: {} bytes, {} left", plain.len(), rest.len());
        }
    }

    #[test]
    fn what_is_no_such_stream_is_an_error() {
        let error = Deflate::new().decompress(&[0xff; 100], &mut [0; 100]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
