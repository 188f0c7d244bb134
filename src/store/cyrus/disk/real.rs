//! The disk that the operating system has.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind, IoSlice},
    os::{
        fd::{AsRawFd, RawFd},
        unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, FcntlArg, fcntl},
    libc,
    sys::{
        stat::{UtimensatFlags, futimens, utimensat},
        statvfs::statvfs,
        time::TimeSpec,
        uio::pwritev,
    },
};

use super::{Disk, DiskFile, Lock, Metadata, Mode, unnamed};

/// Slices that one `pwritev` takes: `IOV_MAX` on Linux.
const SLICES_PER_CALL: usize = 1024;

/// The disk that the operating system has.
#[derive(Clone, Copy, Default, Debug)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Box<dyn DiskFile>> {
        let file = File::options()
            .read(true)
            .write(mode != Mode::Read)
            .create(mode == Mode::Create)
            .create_new(mode == Mode::CreateNew)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    /// While threads share a table of descriptors, each time it grows takes Linux milliseconds (`expand_fdtable` waits for RCU).
    fn expect_open(&self, files: usize) {
        let Ok(lowest_free) = File::open("/") else { return };
        let highest = lowest_free.as_raw_fd().saturating_add(RawFd::try_from(files).unwrap_or(RawFd::MAX));
        // Beyond the limit of open files there is no such descriptor, and the table grows as the files are opened.
        let grown = fcntl(&lowest_free, FcntlArg::F_DUPFD_CLOEXEC(highest));
        grown.and_then(nix::unistd::close).ok();
    }

    fn open_unnamed(&self, directory: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(unnamed::open(directory)?)))
    }

    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn symlink(&self, target: &str, path: &Path) -> io::Result<()> {
        std::os::unix::fs::symlink(target, path)
    }

    fn read_link(&self, path: &Path) -> io::Result<OsString> {
        fs::read_link(path).map(Into::into)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        Ok(Metadata::from(fs::metadata(path)?))
    }

    fn set_modified(&self, path: &Path, seconds: i64) -> io::Result<()> {
        let (omit, modified) = (TimeSpec::UTIME_OMIT, TimeSpec::new(seconds, 0));
        Ok(utimensat(AT_FDCWD, path, &omit, &modified, UtimensatFlags::FollowSymlink)?)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_file_system(&self, path: &Path) -> io::Result<()> {
        Ok(nix::unistd::syncfs(File::open(path)?)?)
    }

    fn free_space(&self, path: &Path) -> io::Result<u64> {
        let status = statvfs(path)?;
        Ok(status.blocks_available().saturating_mul(status.fragment_size()))
    }
}

/// An open file of the operating system.
#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.0.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn write_at(&self, mut offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
        let mut rest = slices.as_mut_slice();
        // Takes empty slices off the front, so that a write of nothing is not taken for a full disk.
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let now = rest.get(..SLICES_PER_CALL).unwrap_or(rest);
            match pwritev(&self.0, now, file_offset(offset)?) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    IoSlice::advance_slices(&mut rest, count);
                    offset += count as u64;
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::from(self.0.metadata()?))
    }

    fn link(&self, to: &Path) -> io::Result<()> {
        unnamed::link(&self.0, to)
    }

    fn set_modified(&self, seconds: i64) -> io::Result<()> {
        Ok(futimens(&self.0, &TimeSpec::UTIME_OMIT, &TimeSpec::new(seconds, 0))?)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn try_lock(&self, lock: Lock) -> io::Result<bool> {
        let kind = match lock {
            Lock::Shared => libc::F_RDLCK,
            Lock::Exclusive => libc::F_WRLCK,
        };
        match set_lock(&self.0, kind) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(set_lock(&self.0, libc::F_UNLCK)?)
    }
}

/// Sets the open-file-description lock on a whole file.
fn set_lock(file: &File, kind: libc::c_int) -> Result<(), Errno> {
    let range = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    loop {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range)) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn file_offset(offset: u64) -> io::Result<libc::off_t> {
    libc::off_t::try_from(offset).map_err(|_| ErrorKind::InvalidInput.into())
}

impl From<fs::Metadata> for Metadata {
    fn from(metadata: fs::Metadata) -> Metadata {
        Metadata {
            size: metadata.len(),
            inode: metadata.ino(),
            device: metadata.dev(),
            is_dir: metadata.is_dir(),
            modified: metadata.mtime(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::testing::TestDir;

    #[test]
    fn several_slices_are_written_one_behind_the_other_and_read_back() {
        let dir = TestDir::new("slices");
        let file = RealDisk.open(&dir.path("f"), Mode::CreateNew).unwrap();
        file.write_at(2, &[b"", b"one", b"", b"two"]).unwrap();
        file.write_at(0, &[]).unwrap();
        file.write_at(0, &[b""]).unwrap();
        let mut buffer = [1; 16];
        assert_eq!(file.read_at(0, &mut buffer).unwrap(), 8);
        assert_eq!(&buffer[..8], b"\0\0onetwo");
        assert_eq!(file.metadata().unwrap().size, 8);
        assert_eq!(file.metadata().unwrap(), RealDisk.metadata(&dir.path("f")).unwrap());
    }

    #[test]
    fn more_slices_than_one_call_takes_are_all_written() {
        let dir = TestDir::new("many-slices");
        let file = RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        let slices = vec![b"ab".as_slice(); 3 * SLICES_PER_CALL + 1];
        file.write_at(0, &slices).unwrap();
        assert_eq!(file.metadata().unwrap().size, 2 * slices.len() as u64);
    }

    #[test]
    fn locks_exclude_other_open_files_of_the_same_process() {
        let dir = TestDir::new("locks");
        let first = RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        let second = RealDisk.open(&dir.path("f"), Mode::Write).unwrap();
        assert!(first.try_lock(Lock::Shared).unwrap());
        assert!(second.try_lock(Lock::Shared).unwrap());
        assert!(!second.try_lock(Lock::Exclusive).unwrap());
        first.unlock().unwrap();
        assert!(second.try_lock(Lock::Exclusive).unwrap());
        assert!(!first.try_lock(Lock::Shared).unwrap());
        drop(second);
        assert!(first.try_lock(Lock::Exclusive).unwrap());
    }

    #[test]
    fn a_modification_time_before_1970_is_kept() {
        let dir = TestDir::new("times");
        RealDisk.open(&dir.path("f"), Mode::Create).unwrap();
        for seconds in [-5, 0, 1_700_000_000] {
            RealDisk.set_modified(&dir.path("f"), seconds).unwrap();
            assert_eq!(RealDisk.metadata(&dir.path("f")).unwrap().modified, seconds);
        }
    }
}
