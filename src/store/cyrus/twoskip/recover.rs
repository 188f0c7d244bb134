//! Repairing a file that a crash or power cut left dirty.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    format::{DIRTY, FIRST_RECORD, Kind, MAX_LEVEL},
    image::{Image, Record},
};
use crate::store::cyrus::db_error::{Damage, DbError};

/// Undoes a transaction that did not commit: follows level 0 as it was committed and lets the other levels lead along it
/// again (`recovery1`). Costs a walk over the whole database. [`cut`] makes it lasting.
///
/// # Errors
/// [`DbError::Damaged`] if level 0 cannot be followed.
pub fn relink(image: &mut Image) -> Result<(), DbError> {
    let mut here = image.dummy()?;
    // What is before this was synced before the header that calls it committed.
    if image.end < FIRST_RECORD {
        return Err(image.damaged(0, Damage::PastEnd));
    }
    let mut last_key = Vec::new();
    // For each level, the last record on it so far, and where its pointer leads.
    let mut back = [here.offset; MAX_LEVEL];
    let mut forward: [u64; MAX_LEVEL] = std::array::from_fn(|level| here.head.next(level, image.end));
    let mut records = 0;
    loop {
        drop_uncommitted(image, &mut here);
        let Some(record) = image.follow(here.head.next(0, image.end))? else { break };
        if image.compare(&record, &last_key)? != Ordering::Greater {
            return Err(image.damaged(record.offset, Damage::Order));
        }
        last_key = image.key(&record)?;
        for level in 1..usize::from(record.head.level) {
            lead(image, back[level], level, forward[level], record.offset)?;
            back[level] = record.offset;
            forward[level] = record.head.next(level, image.end);
        }
        image.bound_pending()?;
        records += 1;
        here = record;
    }
    for level in 1..MAX_LEVEL {
        lead(image, back[level], level, forward[level], 0)?;
    }
    image.header.records = records;
    Ok(())
}

/// Writes what [`relink`] mended, and cuts off what follows the committed end.
pub fn cut(image: &mut Image) -> Result<(), DbError> {
    if !image.header.is_dirty() {
        image.mark_dirty()?;
        image.sync()?;
    }
    image.write_pending()?;
    image.set_size(image.header.current_size)?;
    image.sync()?;
    image.header.flags &= !DIRTY;
    image.write_header()?;
    image.sync()
}

/// Takes the pointers of level 0 away that lead past the committed end.
fn drop_uncommitted(image: &mut Image, record: &mut Record) {
    let end = image.end;
    let mut changed = false;
    for pointer in record.head.pointers_mut().iter_mut().take(2).filter(|pointer| **pointer >= end) {
        *pointer = 0;
        changed = true;
    }
    if changed {
        image.rewrite(record);
    }
}

/// Lets a level of an earlier record lead to an offset, if it does not yet.
fn lead(image: &mut Image, from: u64, level: usize, leads_to: u64, offset: u64) -> Result<(), DbError> {
    if leads_to == offset {
        return Ok(());
    }
    let mut record = image.record(from)?;
    record.head.set_next(level, offset, image.header.current_size);
    image.rewrite(&record);
    Ok(())
}

/// Where the records are that can be saved from a file whose level 0 cannot be followed, by key: those of each transaction
/// that is still whole, one transaction over the other (`recovery2`).
///
/// A delete record does not name what it deleted: that is the key before the one it leads to. Once a transaction has been
/// lost this may be another key, and deletes are left out: too much is kept rather than too little. (The reference takes
/// the key that the delete record leads to for the deleted one.)
pub fn salvage(image: &mut Image) -> Result<BTreeMap<Vec<u8>, u64>, DbError> {
    let mut saved = BTreeMap::new();
    let mut transaction = Vec::new();
    let mut whole = true;
    let mut complete = true;
    // The dummy belongs to no transaction: its damage loses none.
    let mut offset = FIRST_RECORD;
    while offset + 8 <= image.size() {
        if image.is_blank(offset)? {
            offset += 8;
            continue;
        }
        let Some(record) = readable(image.record(offset))? else {
            whole = false;
            offset += 8;
            continue;
        };
        offset += record.head.record_len().unwrap_or(8);
        if record.head.kind != Kind::Commit {
            transaction.push(record);
            continue;
        }
        transaction.retain(|earlier: &Record| earlier.offset >= record.head.target());
        whole = whole && apply(image, &transaction, complete, &mut saved)?;
        complete &= whole;
        whole = true;
        transaction.clear();
    }
    match saved.is_empty() {
        true => Err(image.damaged(FIRST_RECORD, Damage::NothingLeft)),
        false => Ok(saved),
    }
}

/// Applies a transaction to what was saved so far; `false`, and nothing is changed, if one of its records is damaged.
fn apply(
    image: &mut Image,
    transaction: &[Record],
    complete: bool,
    saved: &mut BTreeMap<Vec<u8>, u64>,
) -> Result<bool, DbError> {
    let mut changes = Vec::new();
    for record in transaction {
        let key = match record.head.kind {
            Kind::Record => readable(image.key_and_value(record))?.map(|(key, _)| Some(key)),
            Kind::Delete => readable(key_behind(image, record))?,
            Kind::Dummy | Kind::Commit => continue,
        };
        let Some(key) = key else { return Ok(false) };
        changes.push((record, key));
    }
    for (record, key) in changes {
        match (record.head.kind, key) {
            (Kind::Record, Some(key)) => drop(saved.insert(key, record.offset)),
            (_, Some(next)) if complete => {
                let deleted = saved.range(..next).next_back().map(|(key, _)| key.clone());
                deleted.map(|key| saved.remove(&key));
            }
            (_, None) if complete => drop(saved.pop_last()),
            _ => {}
        }
    }
    Ok(true)
}

/// The key that followed a deleted record; `None` if it was the last.
fn key_behind(image: &mut Image, record: &Record) -> Result<Option<Vec<u8>>, DbError> {
    match image.follow(record.head.target())? {
        Some(next) => image.key_and_value(&next).map(|(key, _)| Some(key)),
        None => Ok(None),
    }
}

/// What was read, or `None` if it is damaged.
fn readable<T>(read: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(DbError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
