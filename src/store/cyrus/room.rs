//! Whether a partition has room for what a peer sends: `sync_server_min_free`.
//!
//! A disk that fills up to the last byte stops more than replication. So uploads stop before, at a floor, while there is
//! still room for what is no upload: flags, expunges, the databases.

use super::{error::StoreError, spool::Spool};
use crate::{event::Severity, ops::Refusal, types::Partition};
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
};

/// Bytes that are taken without another look at the disk: others write there too.
const UNWATCHED: u64 = 16 << 20;

/// What a session knows of the free space of partitions.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Bytes that may be written before the next look.
    left: HashMap<Partition, u64>,
    /// Those that were short of space when they were looked at last.
    short: BTreeSet<Partition>,
}

impl Room {
    /// Takes room for a message of this size. Refused with `NoSpace` where less than the floor would be left; the
    /// administrator is told once, and again when there is space.
    pub(super) fn take(&mut self, spool: &Spool, partition: &Partition, size: u64) -> Result<(), StoreError> {
        let floor = spool.options.safety.min_free;
        if floor == 0 {
            return Ok(());
        }
        if let Some(left) = self.left.get_mut(partition).filter(|left| **left >= size) {
            *left -= size;
            return Ok(());
        }
        let Some(directories) = spool.options.partitions.get(partition) else { return Ok(()) };
        // A disk that cannot be asked may still take what is written to it.
        let Ok(free) = spool.disk.free_space(&directories.data) else { return Ok(()) };
        let spare = free.saturating_sub(floor);
        if size > spare {
            self.refuse(spool, partition, [free, floor, size]);
            return Err(Refusal::NoSpace.into());
        }
        self.left.insert(partition.clone(), spare.min(UNWATCHED).saturating_sub(size));
        if self.short.remove(partition) {
            let facts: [(&str, &dyn Display); 3] = [("partition", partition), ("free", &free), ("minimum", &floor)];
            spool.tell(Severity::Notice, "partition has space again, uploads are taken", &facts);
        }
        Ok(())
    }

    /// Something else was done since: the next upload looks at the disk.
    pub(super) fn forget(&mut self) {
        self.left.clear();
    }

    fn refuse(&mut self, spool: &Spool, partition: &Partition, [free, floor, size]: [u64; 3]) {
        self.left.remove(partition);
        if !self.short.insert(partition.clone()) {
            return;
        }
        let facts: [(&str, &dyn Display); 4] =
            [("partition", partition), ("free", &free), ("minimum", &floor), ("message", &size)];
        let what =
            "IOERROR: partition is short of space, uploads are refused until bytes free exceed sync_server_min_free";
        spool.tell(Severity::Error, what, &facts);
    }
}
