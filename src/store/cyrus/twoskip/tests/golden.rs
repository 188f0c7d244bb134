//! Files that real Cyrus wrote (tests/golden/twoskip) are read, and the same operations give the same bytes.

use super::*;

const EMPTY: &[u8] = include_bytes!("../../../../../tests/golden/twoskip/empty.twoskip");

macro_rules! golden {
    ($name:literal) => {
        [
            include_bytes!(concat!("../../../../../tests/golden/twoskip/3.6.1/", $name)).as_slice(),
            include_bytes!(concat!("../../../../../tests/golden/twoskip/3.12.3/", $name)).as_slice(),
        ]
    };
}

/// The levels of a file's records in the order they were written.
fn levels(bytes: &[u8]) -> Levels {
    let records = heads(bytes).into_iter().filter(|(_, head)| head.kind == Kind::Record);
    Levels::Given(records.map(|(_, head)| head.level).collect())
}

fn open_with_levels(disk: &SimulatedDisk, golden: &[u8]) -> Twoskip {
    let mut db = open(disk);
    db.levels = levels(golden);
    db
}

fn batch() -> [Vec<(String, Option<String>)>; 3] {
    let key = |i| format!("key{i:03}");
    let first = (0..60).map(|i| (key(i * 37 % 60), Some(format!("value {i}").repeat(i % 5))));
    let deletes = (0..60).step_by(3).map(|i| (key(i), None));
    let replaces = (1..60).step_by(3).map(|i| (key(i), Some("new".to_owned())));
    let third = [(key(0), Some("back".to_owned())), (key(0), None), (key(1), None), (key(59), None)];
    [first.collect(), deletes.chain(replaces).collect(), third.to_vec()]
}

fn run_batch(db: &mut Twoskip, model: &mut Model) {
    for transaction in batch() {
        let changes: Vec<_> = transaction.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
        commit(db, model, &changes);
    }
}

#[test]
fn a_new_database_has_the_reference_s_bytes() {
    let disk = disk_for(path());
    open(&disk).read(soon()).unwrap().check().unwrap();
    assert_eq!(file_contents(&disk, path()), EMPTY);
}

#[test]
fn single_sets_and_deletes_have_the_reference_s_bytes() {
    for golden in golden!("sets.twoskip") {
        let disk = disk_for(path());
        let mut db = open_with_levels(&disk, golden);
        let mut model = Model::new();
        for change in [
            ("user.u1", Some("one")),
            ("user.u2", Some("two")),
            ("shared", Some("three")),
            ("user.u1", Some("replaced with a longer value")),
            ("user.u1.Sub folder", Some("four")),
            ("user.u2", None),
            ("nothing", None),
            ("shared", Some("three")),
            ("user.u2", Some("again")),
        ] {
            commit(&mut db, &mut model, &[change]);
        }
        assert_eq!(file_contents(&disk, path()), golden);
        assert_eq!(contents(&mut open(&disk_with(golden))).unwrap(), model);
    }
}

#[test]
fn large_transactions_have_the_reference_s_bytes() {
    for golden in golden!("batch.twoskip") {
        let disk = disk_for(path());
        let mut db = open_with_levels(&disk, golden);
        let mut model = Model::new();
        run_batch(&mut db, &mut model);
        assert_eq!(file_contents(&disk, path()), golden);
        let mut db = open(&disk_with(golden));
        assert_eq!(contents(&mut db).unwrap(), model);
        db.read(soon()).unwrap().check().unwrap();
    }
}

#[test]
fn a_repacked_database_has_the_reference_s_bytes() {
    for (before, golden) in golden!("batch.twoskip").into_iter().zip(golden!("repacked.twoskip")) {
        let disk = disk_with(before);
        let mut db = open_with_levels(&disk, golden);
        db.write(soon()).unwrap().0.db.rewrite().unwrap();
        assert_eq!(file_contents(&disk, path()), golden);
    }
}

#[test]
fn a_repaired_database_has_the_reference_s_bytes() {
    for (before, golden) in golden!("dirty.twoskip").into_iter().zip(golden!("recovered.twoskip")) {
        let disk = disk_with(before);
        open(&disk).read(soon()).unwrap().check().unwrap();
        assert_eq!(file_contents(&disk, path()), golden);
    }
}

#[test]
fn every_head_of_the_reference_is_written_back_byte_for_byte() {
    for golden in golden!("batch.twoskip").into_iter().chain(golden!("repacked.twoskip")) {
        for (offset, head) in heads(golden) {
            assert!(golden[offset..].starts_with(&encode::head(&head)));
        }
        assert_eq!(with_header(golden, |_| ()), golden);
    }
}
