//! The files of a mailbox, given a second name in another place: another partition or unique id.

use super::super::{
    disk::Mode,
    error::StoreError,
    options::MetaFile,
    paths::MailboxPlace,
    spool::Spool,
    staging::{copy, link_or_copy},
};
use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// The files of a mailbox other than its messages. The last two are one file where there is no archive.
pub(super) const META: [MetaFile; 8] = [
    MetaFile::Header,
    MetaFile::Index,
    MetaFile::Expunge,
    MetaFile::Squat,
    MetaFile::Annotations,
    MetaFile::Dav,
    MetaFile::Cache,
    MetaFile::ArchiveCache,
];

/// Gives the files of a mailbox a second name in its new place. Some are copied: those that the old place still has must not
/// change with them.
pub(super) fn copy_files(
    spool: &Spool,
    old: &MailboxPlace,
    new: &MailboxPlace,
    copied: &[MetaFile],
) -> Result<(), StoreError> {
    let options = &spool.options;
    for directory in &options.new_mailbox_dirs(new)? {
        spool.disk.create_dir_all(directory).map_err(StoreError::io(directory))?;
    }
    let meta_files: Vec<(PathBuf, MetaFile)> =
        META.into_iter().map(|file| Ok((options.meta_file(old, file)?, file))).collect::<Result<_, StoreError>>()?;
    let archive = options.message_dirs(old)?.into_iter().nth(1);
    let mut directories = options.mailbox_dirs(old)?;
    // The archive comes last: where the new place has none, what lies there already counts.
    directories.sort_by_key(|directory| Some(directory) == archive.as_ref());
    let mut made = BTreeSet::new();
    for directory in directories {
        let messages = match Some(&directory) == archive.as_ref() {
            true => options.mailbox_archive_dir(new)?,
            false => options.mailbox_data_dir(new)?,
        };
        // There is no archive where no message was archived.
        for path in spool.names_in(&directory)?.iter().map(|name| directory.join(name)) {
            let file = meta_files.iter().find(|(known, _)| *known == path).map(|(_, file)| *file);
            let target = match file {
                Some(file) => options.meta_file(new, file)?,
                None => messages.join(path.file_name().unwrap_or_default()),
            };
            make_parent(spool, &target, &mut made)?;
            copy_file(spool, &path, &target, file.is_some_and(|file| copied.contains(&file)))?;
        }
    }
    Ok(())
}

fn make_parent(spool: &Spool, target: &Path, made: &mut BTreeSet<PathBuf>) -> Result<(), StoreError> {
    let directory = target.parent().unwrap_or(target);
    if !made.contains(directory) {
        spool.disk.create_dir_all(directory).map_err(StoreError::io(directory))?;
        made.insert(directory.to_owned());
    }
    Ok(())
}

fn copy_file(spool: &Spool, source: &Path, target: &Path, is_copied: bool) -> Result<(), StoreError> {
    let disk = spool.disk.as_ref();
    let metadata = disk.metadata(source).map_err(StoreError::io(source))?;
    if metadata.is_dir {
        return Ok(());
    }
    let made = match is_copied {
        true => disk.open(source, Mode::Read).and_then(|source| copy(disk, source.as_ref(), target)),
        false => link_or_copy(disk, source, target),
    };
    match made.and_then(|()| disk.set_modified(target, metadata.modified)) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        made => made.map_err(StoreError::io(target)),
    }
}

/// Makes all files of a mailbox durable, with their names.
pub(super) fn make_durable(spool: &Spool, place: &MailboxPlace) -> Result<(), StoreError> {
    for directory in spool.options.mailbox_dirs(place)? {
        match spool.disk.sync_file_system(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            synced => synced.map_err(StoreError::io(&directory))?,
        }
    }
    Ok(())
}
