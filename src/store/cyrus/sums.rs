//! The GUIDs of messages' files: SHA-1 sums of all their bytes; of many files, by two threads.

use super::disk::{Disk, DiskFile, Mode};
use crate::types::Guid;
use sha1::{Digest, Sha1};
use std::{
    io,
    panic::resume_unwind,
    path::Path,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Builder},
};

/// Bytes of a message that are read at once.
const PIECE: usize = 64 * 1024;

/// Bytes for which a second thread is worth its start.
const WORTH_A_THREAD: u64 = 1024 * 1024;

/// A file that was opened, and the GUID of its bytes.
pub(super) type Summed = (Box<dyn DiskFile>, Guid);

/// Opens files and sums them; the outcomes are in the order of the paths. `bytes` is about how many they have in all.
///
/// Each thread takes the file that is next, so that the second one, which may start late, is waited for no longer than for one
/// file. The first waits for its start all the same: a kernel that puts both on one processor moves one of them only when it wakes
/// up, or at its next tick, after milliseconds.
pub(super) fn sum_all<P: AsRef<Path> + Sync>(disk: &dyn Disk, paths: &[P], bytes: u64) -> Vec<io::Result<Summed>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut summer = Summer::new();
        let mut outcomes = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(place) else { return outcomes };
            outcomes.push((place, summer.open_and_sum(disk, path.as_ref())));
        }
    };
    let both_run = Barrier::new(2);
    let mut outcomes = thread::scope(|scope| {
        // Where there is no second thread to be had, the first does it all.
        let second = (bytes >= WORTH_A_THREAD).then(|| {
            disk.expect_open(paths.len());
            Builder::new().spawn_scoped(scope, || {
                both_run.wait();
                work()
            })
        });
        let second = second.and_then(Result::ok);
        if second.is_some() {
            both_run.wait();
        }
        let mut outcomes = work();
        if let Some(second) = second {
            outcomes.extend(second.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        outcomes
    });
    outcomes.sort_unstable_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// What files are read to, one after the other.
pub(super) struct Summer(Vec<u8>);

impl Summer {
    pub(super) fn new() -> Summer {
        Summer(vec![0; PIECE])
    }

    fn open_and_sum(&mut self, disk: &dyn Disk, path: &Path) -> io::Result<Summed> {
        let file = disk.open(path, Mode::Read)?;
        let guid = self.sum(file.as_ref())?;
        Ok((file, guid))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::{RealDisk, testing::TestDir};
    use std::{fs, path::PathBuf};

    #[test]
    fn sums_are_in_the_order_of_the_paths_whoever_makes_them() {
        let dir = TestDir::new("sums");
        let text = |number: usize| vec![b'x'; number * PIECE / 20];
        let paths: Vec<PathBuf> = (0..101).map(|number| dir.path(&number.to_string())).collect();
        // One of them is missing.
        (0..100).for_each(|number| fs::write(&paths[number], text(number)).unwrap());
        for bytes in [0, WORTH_A_THREAD] {
            let sums = sum_all(&RealDisk, &paths, bytes);
            assert_eq!(sums.len(), 101);
            for (number, summed) in sums.iter().take(100).enumerate() {
                let expected = Guid::from_bytes(Sha1::digest(text(number)).into());
                assert_eq!(summed.as_ref().unwrap().1, expected, "{number}");
            }
            assert_eq!(sums[100].as_ref().unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
