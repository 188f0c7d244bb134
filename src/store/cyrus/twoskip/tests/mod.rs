mod crash;
mod damage;
mod golden;
mod model;
mod sharing;

use std::{collections::BTreeMap, ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use super::{format::*, *};
use crate::store::cyrus::disk::{
    Durability,
    simulated::{SimulatedDisk, Surviving},
    testing::{Dice, contents as file_contents, disk_for, fail_changes_from, put},
};

/// What a database should hold.
type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn path() -> &'static Path {
    Path::new("/db/test.db")
}

fn soon() -> Deadline {
    Deadline::after(Duration::ZERO)
}

/// The database on a disk, made if there is none.
fn open(disk: &SimulatedDisk) -> Twoskip {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Twoskip::open(&disk, path(), Create::Yes).unwrap().unwrap()
}

/// A disk with a database of these bytes.
fn disk_with(bytes: &[u8]) -> SimulatedDisk {
    let disk = disk_for(path());
    put(&disk, path(), bytes);
    disk
}

/// What a power cut leaves by chance.
fn by(dice: &mut Dice) -> Surviving {
    Surviving::Some(dice.below(1 << 30) as u64)
}

/// All keys and values.
fn contents(db: &mut Twoskip) -> Result<Model, DbError> {
    let mut found = Model::new();
    let mut reader = db.read(soon())?;
    reader.foreach_prefix(b"", &mut |key, value| {
        found.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Changes the database in one transaction, and the model with it.
fn commit(db: &mut Twoskip, model: &mut Model, changes: &[(&str, Option<&str>)]) {
    let mut writer = db.write(soon()).unwrap();
    for (key, value) in changes {
        let key = key.as_bytes();
        match value {
            Some(value) => {
                writer.store(key, value.as_bytes()).unwrap();
                model.insert(key.to_vec(), value.as_bytes().to_vec());
            }
            None => assert_eq!(writer.delete(key).unwrap(), model.remove(key).is_some()),
        }
    }
    writer.commit(Durability::Now).unwrap();
}

/// The header of a file with a change made to it.
fn with_header(bytes: &[u8], change: impl FnOnce(&mut Header)) -> Vec<u8> {
    let mut header = decode::header(bytes[..HEADER_SIZE].try_into().unwrap()).unwrap();
    change(&mut header);
    [&encode::header(&header), &bytes[HEADER_SIZE..]].concat()
}

/// The records of a file one behind the other: offset and head.
fn heads(bytes: &[u8]) -> Vec<(usize, Head)> {
    let mut heads = Vec::new();
    let mut offset = HEADER_SIZE;
    while offset < bytes.len() {
        if bytes[offset..].starts_with(BLANK) {
            offset += BLANK.len();
            continue;
        }
        let len = decode::whole_head_len(bytes[offset..][..MIN_HEAD].try_into().unwrap()).unwrap();
        let head = decode::head(&bytes[offset..offset + len]).unwrap();
        heads.push((offset, head));
        offset += head.record_len().unwrap() as usize;
    }
    heads
}
