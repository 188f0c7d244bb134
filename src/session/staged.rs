//! Which messages are staged: what records may refer to.

use crate::{
    ops::Refusal,
    types::{Guid, GuidSet, Partition},
};
use std::collections::HashMap;

/// The GUIDs of staged messages, by partition.
pub(super) struct Staged {
    partitions: HashMap<Partition, GuidSet>,
    held: usize,
    limit: usize,
}

impl Staged {
    pub(super) fn new(limit: usize) -> Staged {
        Staged { partitions: HashMap::new(), held: 0, limit }
    }

    /// Notes a message as staged.
    pub(super) fn insert(&mut self, partition: &Partition, guid: Guid) {
        let guids = match self.partitions.get_mut(partition) {
            Some(guids) => guids,
            None => self.partitions.entry(partition.clone()).or_default(),
        };
        self.held += usize::from(guids.insert(guid));
    }

    /// Whether so many more may be staged.
    pub(super) fn room_for(&self, more: usize) -> Result<(), Refusal> {
        if self.held.saturating_add(more) > self.limit { Err(Refusal::Limit) } else { Ok(()) }
    }

    pub(super) fn contains(&self, partition: &Partition, guid: &Guid) -> bool {
        self.partitions.get(partition).is_some_and(|guids| guids.contains(guid))
    }

    pub(super) fn clear(&mut self) {
        self.partitions.clear();
        self.held = 0;
    }
}
