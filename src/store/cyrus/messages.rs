//! Messages that lie in mailboxes, read back.
//!
//! Source: `sync_get_message` of `imap/sync_support.c`.

use super::{
    disk::{Disk, DiskFile, Mode},
    error::StoreError,
    paths::{MailboxDirectory, MailboxPlace},
    spool::Spool,
    sums::Summer,
};
use crate::ops::{MessageInfo, OpenMessage, Refusal};
use bytes::{Bytes, BytesMut};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// A message that was opened to be read.
#[derive(Debug)]
pub(super) struct Message {
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl Message {
    /// Finds a message's file without a lock on its mailbox: under its unique id, archived or not, then under its name.
    pub(super) fn open(spool: &Spool, wanted: &OpenMessage) -> Result<(Message, MessageInfo), StoreError> {
        let directories =
            [MailboxDirectory::ById(wanted.uniqueid.clone()), MailboxDirectory::ByName(wanted.mailbox.clone())];
        for directory in directories {
            let place = MailboxPlace { partition: wanted.partition.clone(), directory };
            for path in spool.options.message_files(&place, wanted.uid)? {
                if let Some(found) = open_message(spool.disk.as_ref(), &path)? {
                    return Ok(found);
                }
            }
        }
        Err(Refusal::Nonexistent.into())
    }

    /// Exactly `length` bytes from `offset` on.
    pub(super) fn read(&self, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        let mut bytes = BytesMut::zeroed(length as usize);
        let read = self.file.read_at(offset.into(), &mut bytes).map_err(StoreError::io(&self.path))?;
        bytes.truncate(read);
        Ok(bytes.freeze())
    }
}

fn open_message(disk: &dyn Disk, path: &Path) -> Result<Option<(Message, MessageInfo)>, StoreError> {
    let file = match disk.open(path, Mode::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(StoreError::io(path))?,
    };
    let guid = Summer::new().sum(file.as_ref()).map_err(StoreError::io(path))?;
    let size = file.metadata().map_err(StoreError::io(path))?.size;
    let size = u32::try_from(size).map_err(|_| Refusal::Io)?;
    Ok(Some((Message { file, path: path.to_owned() }, MessageInfo { guid, size })))
}
