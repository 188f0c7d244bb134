//! Checking a whole database, as `cyr_dbtool FILE twoskip consistent` does.

use super::{format::MAX_LEVEL, image::Image};
use crate::store::cyrus::db_error::{Damage, DbError};

/// Follows every pointer of every level and reads every record (`myconsistent`; that one does not read the values).
///
/// # Errors
/// [`DbError::Damaged`] with the first thing that is wrong.
pub fn check(image: &mut Image) -> Result<(), DbError> {
    let dummy = image.dummy()?;
    let mut forward: [u64; MAX_LEVEL] = std::array::from_fn(|level| dummy.head.next(level, image.end));
    let mut last_key = Vec::new();
    let mut found = 0;
    while let Some(record) = image.follow(forward[0])? {
        let (key, _) = image.key_and_value(&record)?;
        if key <= last_key {
            return Err(image.damaged(record.offset, Damage::Order));
        }
        forward[0] = record.offset;
        for (level, pointer) in forward.iter_mut().enumerate().take(record.head.level.into()) {
            if *pointer != record.offset {
                return Err(image.damaged(record.offset, Damage::Linkage { level }));
            }
            *pointer = record.head.next(level, image.end);
        }
        last_key = key;
        found += 1;
    }
    if let Some(level) = forward.iter().skip(1).position(|pointer| *pointer != 0) {
        return Err(image.damaged(image.end, Damage::Linkage { level: level + 1 }));
    }
    match image.header.records {
        counted if counted != found => Err(image.damaged(0, Damage::Count { counted, found })),
        _ => Ok(()),
    }
}
