//! Finding keys: down the levels, forwards on each.

use std::{cmp::Ordering, ops::ControlFlow};

use super::{
    format::{DUMMY_OFFSET, MAX_LEVEL},
    image::{Image, Record},
};
use crate::store::cyrus::db_error::{Damage, DbError};

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Is called with a key and its value; says whether to go on.
pub type Visitor<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// Where a key is, or would be (`struct skiploc`).
#[derive(Debug)]
pub struct Place {
    /// For each level, the last record on it before the key.
    pub back: [u64; MAX_LEVEL],
    /// For each level, what follows the key.
    pub forward: [u64; MAX_LEVEL],
    /// The record with exactly the key.
    pub found: Option<Record>,
}

impl Place {
    /// The place before every key of an empty database.
    pub const EMPTY: Place = Place { back: [DUMMY_OFFSET; MAX_LEVEL], forward: [0; MAX_LEVEL], found: None };
}

/// Finds the place of a key (`relocate`). Reads O(log n) records.
pub fn find(image: &mut Image, key: &[u8]) -> Result<Place, DbError> {
    let mut place = Place::EMPTY;
    let mut at = image.dummy()?;
    let mut compared = 0;
    let mut moves = 0;
    for level in (0..MAX_LEVEL).rev() {
        loop {
            let offset = at.head.next(level, image.end);
            place.back[level] = at.offset;
            place.forward[level] = offset;
            if offset == 0 || offset == compared {
                break;
            }
            compared = offset;
            place.found = None;
            let Some(next) = image.follow(offset)? else { break };
            if usize::from(next.head.level) <= level {
                return Err(image.damaged(next.offset, Damage::Linkage { level }));
            }
            match image.compare(&next, key)? {
                Ordering::Less => at = next,
                Ordering::Equal => {
                    place.found = Some(next);
                    break;
                }
                Ordering::Greater => break,
            }
            compared = 0;
            moves += 1;
            if moves > image.max_records() {
                return Err(image.damaged(at.offset, Damage::Circle));
            }
        }
    }
    if let Some(found) = &place.found {
        for (level, forward) in place.forward.iter_mut().enumerate().take(found.head.level.into()) {
            *forward = found.head.next(level, image.end);
        }
    }
    Ok(place)
}

/// The value of a key.
pub fn fetch(image: &mut Image, key: &[u8]) -> Result<Option<Vec<u8>>, DbError> {
    match find(image, key)?.found {
        Some(record) => Ok(Some(image.key_and_value(&record)?.1)),
        None => Ok(None),
    }
}

/// The first key above a key, and its value.
pub fn next_after(image: &mut Image, key: &[u8]) -> Result<Option<Pair>, DbError> {
    let [first, ..] = find(image, key)?.forward;
    let Some(record) = image.follow(first)? else { return Ok(None) };
    let pair = image.key_and_value(&record)?;
    match pair.0.as_slice() > key {
        true => Ok(Some(pair)),
        false => Err(image.damaged(record.offset, Damage::Order)),
    }
}

/// Calls `visit` with each key that begins with the prefix, ascending, and its value, until it breaks.
pub fn foreach_prefix(image: &mut Image, prefix: &[u8], visit: Visitor<'_>) -> Result<(), DbError> {
    let place = find(image, prefix)?;
    let mut record = match place.found {
        Some(record) => Some(record),
        None => image.follow(place.forward[0])?,
    };
    let mut last: Option<Vec<u8>> = None;
    while let Some(here) = record {
        let (key, value) = image.key_and_value(&here)?;
        if !key.starts_with(prefix) {
            break;
        }
        // Keys that ascend are also what ends a walk over pointers that lead in a circle.
        if last.is_some_and(|last| last >= key) {
            return Err(image.damaged(here.offset, Damage::Order));
        }
        if visit(&key, &value).is_break() {
            break;
        }
        record = image.follow(here.head.next(0, image.end))?;
        last = Some(key);
    }
    Ok(())
}
