//! Damage is an error that says where, or is repaired from what is left; it never panics, hangs or takes memory.

use super::*;
use crate::store::cyrus::db_error::Damage;

/// A database of several transactions; all of its records are on level 0 only.
fn sample() -> (Vec<u8>, Model) {
    let disk = disk_for(path());
    let mut db = open(&disk);
    db.levels = Levels::Given([].into());
    let mut model = Model::new();
    commit(&mut db, &mut model, &[("a", Some("1")), ("b", Some("2")), ("c", Some("3")), ("d", Some("4"))]);
    commit(&mut db, &mut model, &[("b", None), ("d", None)]);
    commit(&mut db, &mut model, &[("e", Some("5")), ("a", Some("a longer value"))]);
    (file_contents(&disk, path()), model)
}

/// Where the n-th record of the sample is.
fn record(bytes: &[u8], n: usize) -> usize {
    let mut records = heads(bytes).into_iter().filter(|(_, head)| head.kind == Kind::Record);
    records.nth(n).unwrap().0
}

/// The record of "c" in the sample, which nothing replaced.
const C: usize = 2;
/// The last record of "a" in the sample.
const LAST_A: usize = 5;

fn dirty(bytes: &[u8]) -> Vec<u8> {
    with_header(bytes, |header| header.flags |= DIRTY)
}

/// The damage that a walk finds.
fn damage_of(bytes: &[u8]) -> (u64, Damage) {
    match contents(&mut open(&disk_with(bytes))) {
        Err(DbError::Damaged { offset, damage, .. }) => (offset, damage),
        other => panic!("{other:?}"),
    }
}

/// The file with another head at an offset.
fn with_head(bytes: &[u8], offset: usize, change: impl FnOnce(&mut Head)) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let (_, mut head) = heads(&bytes).into_iter().find(|(start, _)| *start == offset).unwrap();
    change(&mut head);
    let new = encode::head(&head);
    bytes[offset..offset + new.len()].copy_from_slice(&new);
    bytes
}

#[test]
fn a_file_of_another_kind_is_named() {
    let (bytes, _) = sample();
    assert_eq!(damage_of(b"\xa1\x02\x8b\x0dskiplist file\0\0\0"), (0, Damage::PastEnd));
    assert_eq!(damage_of(&[b'x'; 400]), (0, Damage::Magic));
    let mut later = bytes.clone();
    later[23] = 2;
    assert_eq!(damage_of(&later), (0, Damage::Version(2)));
    let mut torn = bytes;
    torn[40] ^= 1;
    assert_eq!(damage_of(&torn), (0, Damage::HeaderCrc));
}

#[test]
fn a_changed_byte_is_an_error_or_belongs_to_no_live_record() {
    let (bytes, model) = sample();
    for offset in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[offset] ^= 0x10;
        match contents(&mut open(&disk_with(&damaged))) {
            Ok(found) => assert_eq!(found, model),
            Err(error) => assert!(matches!(error, DbError::Damaged { .. })),
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_gives_whole_transactions() {
    let (bytes, _) = sample();
    for len in 1..bytes.len() {
        match contents(&mut open(&disk_with(&bytes[..len]))) {
            Ok(found) => assert!(found.contains_key(b"c".as_slice()), "{len}"),
            Err(error) => assert!(matches!(error, DbError::Damaged { .. })),
        }
    }
}

#[test]
fn a_lost_end_that_holds_no_live_record_loses_nothing() {
    let (bytes, model) = sample();
    let disk = disk_with(&bytes[..bytes.len() - MIN_HEAD]);
    let mut db = open(&disk);
    assert_eq!(contents(&mut db).unwrap(), model);
    db.read(soon()).unwrap().check().unwrap();
}

#[test]
fn random_bytes_in_a_dirty_file_never_hang_or_panic() {
    let mut dice = Dice::new(3);
    let (bytes, _) = sample();
    for _ in 0..600 {
        let mut damaged = dirty(&bytes);
        for _ in 0..=dice.below(8) {
            let offset = HEADER_SIZE + dice.below(bytes.len() - HEADER_SIZE);
            damaged[offset] = dice.below(256) as u8;
        }
        let mut db = open(&disk_with(&damaged));
        if contents(&mut db).is_ok() && db.read(soon()).unwrap().check().is_ok() {
            commit(&mut db, &mut Model::new(), &[("f", Some("6"))]);
        }
    }
}

#[test]
fn numbers_with_good_checksums_are_not_believed_either() {
    let (bytes, _) = sample();
    let far = [0, 1, 63, 65, bytes.len() as u64, u64::MAX, u64::MAX - 7, 1 << 40];
    for (offset, head) in heads(&bytes) {
        for far in far {
            for slot in 0..head.pointers().len().min(4) {
                let damaged = with_head(&bytes, offset, |head| head.pointers_mut()[slot] = far);
                for damaged in [dirty(&damaged), damaged] {
                    let mut db = open(&disk_with(&damaged));
                    contents(&mut db).ok();
                    db.write(soon()).map(|mut writer| writer.store(b"bb", b"x")).ok();
                }
            }
        }
    }
    let long = with_head(&bytes, record(&bytes, C), |head| head.value_len = 1 << 30);
    assert_eq!(damage_of(&long), (record(&bytes, C) as u64, Damage::PastEnd));
    for size in [0, 64, 335, 337, u64::MAX] {
        let cut = with_header(&bytes, |header| header.current_size = size);
        contents(&mut open(&disk_with(&cut))).ok();
    }
}

#[test]
fn pointers_in_a_circle_are_an_error() {
    let (bytes, _) = sample();
    for target in [C, LAST_A] {
        let target = record(&bytes, target) as u64;
        let circle = with_head(&bytes, record(&bytes, C), |head| head.pointers_mut().fill(target));
        assert_eq!(damage_of(&circle), (target, Damage::Order));
        let mut db = open(&disk_with(&circle));
        let mut reader = db.read(soon()).unwrap();
        assert!(matches!(reader.fetch(b"d"), Err(DbError::Damaged { damage: Damage::Circle, .. })));
        assert!(matches!(reader.check(), Err(DbError::Damaged { damage: Damage::Order, .. })));
    }
}

#[test]
fn a_file_whose_pointers_are_lost_is_rebuilt_from_its_transactions() {
    let (bytes, model) = sample();
    let mut damaged = dirty(&bytes);
    damaged[HEADER_SIZE + 100] ^= 0xff;
    let disk = disk_with(&damaged);
    let mut db = open(&disk);
    assert_eq!(contents(&mut db).unwrap(), model);
    db.read(soon()).unwrap().check().unwrap();
    commit(&mut db, &mut Model::new(), &[("f", Some("6"))]);
}

#[test]
fn a_lost_transaction_keeps_the_others_and_deletes_nothing_wrongly() {
    let (bytes, _) = sample();
    let lose = |offset: usize| {
        let mut damaged = dirty(&bytes);
        damaged[offset] ^= 0xff;
        let found = contents(&mut open(&disk_with(&damaged))).unwrap();
        String::from_utf8(found.into_keys().flatten().collect()).unwrap()
    };
    assert_eq!(lose(record(&bytes, C)), "ae");
    assert_eq!(lose(record(&bytes, LAST_A)), "ac");
}

#[test]
fn a_file_without_any_whole_transaction_is_an_error() {
    let (bytes, _) = sample();
    let mut damaged = dirty(&bytes[..FIRST_RECORD as usize]);
    damaged[HEADER_SIZE] = 0;
    assert_eq!(damage_of(&damaged), (FIRST_RECORD, Damage::NothingLeft));
}
