//! The GUIDs of messages' files: SHA-1 sums of all their bytes, of many files by several threads.

use super::disk::{Disk, DiskFile, Mode};
use crate::types::Guid;
use sha1::{Digest, Sha1};
use std::{
    io,
    path::Path,
    thread::{self, Builder},
};

/// Bytes of a message that are read at once.
const PIECE: usize = 256 * 1024;

/// Files for which a thread is worth its start, which costs about as much as two sums.
const FILES_OF_A_THREAD: usize = 16;

/// A file that was opened, and the GUID of its bytes.
pub(super) type Summed = io::Result<(Guid, Box<dyn DiskFile>)>;

/// Opens files and sums them; the outcomes are in the order of the paths.
pub(super) fn sum_all<P: AsRef<Path> + Sync>(disk: &dyn Disk, paths: &[P]) -> Vec<Summed> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let share = paths.len().div_ceil(processors).max(FILES_OF_A_THREAD);
    let mut shares = paths.chunks(share);
    let own = shares.next().unwrap_or_default();
    thread::scope(|scope| {
        let others: Vec<_> =
            shares.map(|share| (share, Builder::new().spawn_scoped(scope, move || sum_each(disk, share)))).collect();
        let mut summed = sum_each(disk, own);
        for (share, other) in others {
            let outcome = other.ok().and_then(|thread| thread.join().ok());
            // Where there is no thread to be had, this one does its work.
            summed.extend(outcome.unwrap_or_else(|| sum_each(disk, share)));
        }
        summed
    })
}

fn sum_each<P: AsRef<Path>>(disk: &dyn Disk, paths: &[P]) -> Vec<Summed> {
    let mut piece = vec![0; if paths.is_empty() { 0 } else { PIECE }];
    paths.iter().map(|path| sum_at(disk, path.as_ref(), &mut piece)).collect()
}

fn sum_at(disk: &dyn Disk, path: &Path, piece: &mut [u8]) -> Summed {
    let file = disk.open(path, Mode::Read)?;
    Ok((sum_to(file.as_ref(), piece)?, file))
}

/// The GUID of a file's bytes.
pub(super) fn sum(file: &dyn DiskFile) -> io::Result<Guid> {
    sum_to(file, &mut vec![0; PIECE])
}

/// The same, read to `piece` part by part.
fn sum_to(file: &dyn DiskFile, piece: &mut [u8]) -> io::Result<Guid> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::{RealDisk, testing::TestDir};
    use std::{fs, path::PathBuf};

    #[test]
    fn sums_are_in_the_order_of_the_paths_whoever_makes_them() {
        let dir = TestDir::new("sums");
        let text = |number: usize| vec![b'x'; number * PIECE / 40];
        let paths: Vec<PathBuf> = (0..101).map(|number| dir.path(&number.to_string())).collect();
        // One of them is missing.
        (0..100).for_each(|number| fs::write(&paths[number], text(number)).unwrap());
        let sums = sum_all(&RealDisk, &paths);
        assert_eq!(sums.len(), 101);
        for (number, summed) in sums.iter().take(100).enumerate() {
            let expected = Guid::from_bytes(Sha1::digest(text(number)).into());
            assert_eq!(summed.as_ref().unwrap().0, expected, "{number}");
        }
        assert!(sums[100].is_err());
        assert!(sum_all::<PathBuf>(&RealDisk, &[]).is_empty());
    }
}
