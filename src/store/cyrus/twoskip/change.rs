//! Storing and deleting: records are appended, and pointers of older ones are changed.

use super::{
    format::{Head, Kind},
    image::{Image, Record},
    level::Levels,
    search::{Place, find},
};
use crate::store::cyrus::db_error::{Damage, DbError};

/// Stores a value under a key, in place of another; an equal value changes nothing (`skipwrite`).
pub fn store(image: &mut Image, levels: &mut Levels, key: &[u8], value: &[u8]) -> Result<(), DbError> {
    let place = find(image, key)?;
    let old = place.found.as_ref().map(|record| image.key_and_value(record)).transpose()?;
    if old.is_some_and(|(_, old)| old == value) {
        return Ok(());
    }
    insert(image, &place, levels.next(), key, value)?;
    image.bound_pending()
}

/// Deletes a key; whether it was there (`delete_here`).
pub fn delete(image: &mut Image, key: &[u8]) -> Result<bool, DbError> {
    let mut place = find(image, key)?;
    let Some(record) = place.found else { return Ok(false) };
    let next = image.follow(place.forward[0])?;
    let ghost = Head::pointing(Kind::Delete, next.map_or(0, |next| next.offset));
    let ghost = image.append(ghost, b"", b"");
    place.forward[0] = ghost.offset;
    stitch(image, &place, record.head.level)?;
    image.header.records = image.header.records.saturating_sub(1);
    image.bound_pending()?;
    Ok(true)
}

/// Appends a record at a place; it takes the place of the one found there (`store_here`).
pub fn insert(image: &mut Image, place: &Place, level: u8, key: &[u8], value: &[u8]) -> Result<Record, DbError> {
    let mut head = Head::new(Kind::Record, level);
    for (slot, forward) in head.pointers_mut().iter_mut().skip(1).zip(place.forward) {
        *slot = forward;
    }
    let record = image.append(head, key, value);
    let mut forward = place.forward;
    for slot in forward.iter_mut().take(level.into()) {
        *slot = record.offset;
    }
    let old_level = place.found.map_or(0, |found| found.head.level);
    stitch(image, &Place { back: place.back, forward, found: None }, level.max(old_level))?;
    image.header.records = image.header.records.saturating_add(place.found.is_none().into());
    Ok(record)
}

/// Lets the records before a place lead to what follows it, on the lowest `levels` levels (`stitch`).
fn stitch(image: &mut Image, place: &Place, levels: u8) -> Result<(), DbError> {
    let committed = image.header.current_size;
    let mut level = 0;
    while let Some(offset) = place.back.get(level).filter(|_| level < levels.into()) {
        let mut record = image.record(*offset)?;
        if usize::from(record.head.level) <= level {
            return Err(image.damaged(*offset, Damage::Linkage { level }));
        }
        for (level, forward) in place.forward.iter().enumerate().take(levels.into()).skip(level) {
            record.head.set_next(level, *forward, committed);
        }
        image.rewrite(&record);
        level = record.head.level.into();
    }
    Ok(())
}
