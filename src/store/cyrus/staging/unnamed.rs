//! Uploads without a name: a mailbox that takes one gives it its first, and of those that none takes nothing is left, however the
//! process ends.

use super::{
    super::{
        disk::{Disk, DiskFile, in_place_of},
        error::StoreError,
        spool::Spool,
    },
    Staged, Staging, copy,
    held::is_copied_after,
};
use crate::types::{Guid, Partition};
use std::{io, path::Path};

impl Staging {
    /// A file without a name for the next message, if one more may be held. Where there is none, names do.
    pub(super) fn open_unnamed(
        &mut self,
        spool: &Spool,
        partition: &Partition,
    ) -> Result<Option<Box<dyn DiskFile>>, StoreError> {
        if self.names_only || self.room(spool) == 0 {
            return Ok(None);
        }
        let opened = spool.disk.open_unnamed(spool.options.partition_root(partition)?);
        if opened.is_err() {
            self.names_only = true;
            // The process may have no more descriptors: the file with a name that comes now needs one, too.
            self.name_all(spool)?;
        }
        Ok(opened.ok())
    }

    fn name_all(&mut self, spool: &Spool) -> Result<(), StoreError> {
        let guids_of = |staged: &Staged| staged.unnamed.keys().copied().collect();
        let all: Vec<(Partition, Vec<Guid>)> =
            self.partitions.iter().map(|(partition, staged)| (partition.clone(), guids_of(staged))).collect();
        for (partition, guids) in all {
            guids.into_iter().try_for_each(|guid| self.name_one(spool, &partition, guid))?;
        }
        Ok(())
    }

    /// Gives a message its name here and closes it.
    fn name_one(&mut self, spool: &Spool, partition: &Partition, guid: Guid) -> Result<(), StoreError> {
        let (path, disk) = (self.place(spool, partition, guid)?, spool.disk.as_ref());
        let Some(staged) = self.partitions.get_mut(partition) else { return Ok(()) };
        let Some(file) = staged.unnamed.get(&guid) else { return Ok(()) };
        in_place_of(disk, &path, || name(disk, file.as_ref(), &path)).map_err(StoreError::io(&path))?;
        staged.files.insert(guid);
        staged.unnamed.remove(&guid);
        self.held -= 1;
        Ok(())
    }
}

/// Gives the file a name, or a copy of it where those that it had are gone again, or on another file system; whether it is the
/// file itself.
pub(super) fn name(disk: &dyn Disk, file: &dyn DiskFile, to: &Path) -> io::Result<bool> {
    match file.link(to) {
        Err(error) if is_copied_after(error.kind()) => copy(disk, file, to).map(|()| false),
        outcome => outcome.map(|()| true),
    }
}
