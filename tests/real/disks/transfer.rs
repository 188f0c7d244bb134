//! Simulated disks become directories of an instance, and the other way round.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sync_server::store::cyrus::disk::{Disk, Mode, simulated::SimulatedDisk};

use crate::matrix::spool::{ROOT, empty_disk, files};
use crate::rig::Result;
use crate::rig::instance::Instance;

/// The directories of a disk, and what an instance calls them.
const DIRECTORIES: [(&str, &str); 4] =
    [("conf", "conf"), ("default", "spool"), ("second", "other"), ("sieve", "sieve")];
/// What the instance has of its own in its configuration directory.
const OWN: [&str; 6] = ["socket", "proc", "lock", "log", "db", "sasldb2"];
/// What an imapd.conf has to say.
pub const SETTINGS: [&str; 1] = ["partition-second: {d}/other"];

/// Gives an instance the files of this disk, and no others.
pub fn write(disk: &SimulatedDisk, instance: &Instance) -> Result<()> {
    let base = instance.base();
    for (_, directory) in DIRECTORIES {
        clear(&base.join(directory))?;
    }
    let owner = fs::metadata(&base)?;
    for (path, bytes) in files(disk) {
        let Some(to) = place(&base, Path::new(&path)) else { continue };
        let metadata = disk.metadata(path.as_ref())?;
        match bytes {
            Some(bytes) => write_file(&to, &bytes, metadata.modified)?,
            None if metadata.is_dir => make(&to)?,
            None => symlink(disk.read_link(path.as_ref())?, &to)?,
        }
        lchown(&to, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// The disk that has the files of this instance.
pub fn read(instance: &Instance) -> Result<SimulatedDisk> {
    let disk = empty_disk();
    for (simulated, directory) in DIRECTORIES {
        let to = Path::new(ROOT).join(simulated);
        for name in names(&instance.base().join(directory))? {
            read_below(&disk, &instance.base().join(directory).join(&name), &to.join(&name))?;
        }
    }
    Ok(disk)
}

/// Where a path of a disk lies in an instance.
fn place(base: &Path, path: &Path) -> Option<PathBuf> {
    let path = path.strip_prefix(ROOT).ok()?;
    let (_, directory) = DIRECTORIES.iter().find(|(simulated, _)| path.starts_with(simulated))?;
    Some(base.join(directory).join(path.components().skip(1).collect::<PathBuf>()))
}

/// What lies in a directory, but what is the instance's own.
fn names(directory: &Path) -> Result<Vec<String>> {
    let names = fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<Result<_>>()?;
    Ok(names.into_iter().filter(|name| !OWN.contains(&name.as_str())).collect())
}

fn clear(directory: &Path) -> Result<()> {
    for name in names(directory)? {
        let path = directory.join(name);
        match fs::symlink_metadata(&path)?.is_dir() {
            true => fs::remove_dir_all(path)?,
            false => fs::remove_file(path)?,
        }
    }
    Ok(())
}

fn make(directory: &Path) -> Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

fn write_file(path: &Path, bytes: &[u8], modified: i64) -> Result<()> {
    fs::write(path, bytes)?;
    let seconds = Duration::from_secs(modified.unsigned_abs());
    Ok(File::options().append(true).open(path)?.set_modified(SystemTime::UNIX_EPOCH + seconds)?)
}

fn read_below(disk: &SimulatedDisk, from: &Path, to: &Path) -> Result<()> {
    let metadata = fs::symlink_metadata(from)?;
    if metadata.is_symlink() {
        return Ok(disk.symlink(&fs::read_link(from)?.to_string_lossy(), to)?);
    }
    if metadata.is_file() {
        disk.open(to, Mode::CreateNew)?.write_at(0, &[&fs::read(from)?])?;
        return Ok(disk.set_modified(to, metadata.mtime())?);
    }
    disk.create_dir_all(to)?;
    fs::read_dir(from)?.try_for_each(|entry| {
        let name = entry?.file_name();
        read_below(disk, &from.join(&name), &to.join(&name))
    })
}
