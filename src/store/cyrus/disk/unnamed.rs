//! Files without a name on the disk that the operating system has, and how they get one.

use std::{
    fs::File,
    io::{self, ErrorKind},
    os::{fd::AsRawFd, unix::fs::OpenOptionsExt},
    path::Path,
    sync::OnceLock,
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags},
    libc,
    unistd::linkat,
};

/// How the system lets a process without privileges name a file that it has open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// By the descriptor alone, since Linux 6.10.
    Descriptor,
    /// By what stands for the descriptor beneath `/proc`, where that is mounted.
    Proc,
}

/// Makes a file without a name, if the system lets it have one later.
pub(super) fn open(directory: &Path) -> io::Result<File> {
    let file = File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).mode(0o600).open(directory)?;
    way(&file).map(|_| file).ok_or(ErrorKind::Unsupported.into())
}

/// Gives an open file a name.
pub(super) fn link(file: &File, to: &Path) -> io::Result<()> {
    let way = way(file).ok_or(ErrorKind::Unsupported)?;
    Ok(link_by(way, file, to)?)
}

/// The way of this system, found with the first file. The root directory can have no other name, which is only said of a
/// file that could have one.
fn way(file: &File) -> Option<Way> {
    static FOUND: OnceLock<Option<Way>> = OnceLock::new();
    let works = |way: &Way| link_by(*way, file, Path::new("/")) == Err(Errno::EEXIST);
    *FOUND.get_or_init(|| [Way::Descriptor, Way::Proc].into_iter().find(works))
}

fn link_by(way: Way, file: &File, to: &Path) -> Result<(), Errno> {
    match way {
        Way::Descriptor => linkat(file, "", AT_FDCWD, to, AtFlags::AT_EMPTY_PATH),
        Way::Proc => {
            let from = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(AT_FDCWD, from.as_str(), AT_FDCWD, to, AtFlags::AT_SYMLINK_FOLLOW)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::cyrus::disk::testing::TestDir;
    use std::{fs, io::Write};

    #[test]
    fn a_file_gets_names_in_either_way_until_all_are_gone() {
        let dir = TestDir::new("unnamed");
        for way in [Way::Descriptor, Way::Proc] {
            let mut file = open(&dir.path("")).unwrap();
            file.write_all(b"text").unwrap();
            assert_eq!(fs::read_dir(dir.path("")).unwrap().count(), 0);
            match link_by(way, &file, &dir.path("f")) {
                Err(Errno::ENOENT) if way == Way::Descriptor => continue, // Linux before 6.10.
                outcome => outcome.unwrap(),
            }
            assert_eq!(link_by(way, &file, &dir.path("f")), Err(Errno::EEXIST));
            link(&file, &dir.path("g")).unwrap();
            fs::remove_file(dir.path("f")).unwrap();
            assert_eq!(fs::read(dir.path("g")).unwrap(), b"text");
            fs::remove_file(dir.path("g")).unwrap();
            assert_eq!(link(&file, &dir.path("f")).unwrap_err().kind(), ErrorKind::NotFound);
        }
    }
}
