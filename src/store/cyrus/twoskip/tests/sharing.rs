//! Several users of one file: locks, changes seen, files replaced.

use super::*;

#[test]
fn a_missing_database_is_made_only_if_asked_for() {
    let disk: Arc<dyn Disk> = Arc::new(disk_for(path()));
    assert!(Twoskip::open(&disk, path(), Create::No).unwrap().is_none());
    assert!(Twoskip::open(&disk, path(), Create::Yes).unwrap().is_some());
    assert!(Twoskip::open(&disk, path(), Create::No).unwrap().is_some());
}

#[test]
fn readers_share_and_a_writer_excludes() {
    let disk = disk_for(path());
    let [mut first, mut second, mut third] = [open(&disk), open(&disk), open(&disk)];
    drop(first.write(soon()).unwrap());
    let reader = first.read(soon()).unwrap();
    let other = second.read(soon()).unwrap();
    assert!(matches!(third.write(soon()), Err(DbError::Locked { .. })));
    drop((reader, other));
    let _writer = third.write(soon()).unwrap();
    assert!(matches!(first.read(soon()), Err(DbError::Locked { .. })));
}

#[test]
fn a_committed_change_is_seen_by_others_and_a_dropped_one_is_not() {
    let disk = disk_for(path());
    let [mut first, mut second] = [open(&disk), open(&disk)];
    assert_eq!(contents(&mut second).unwrap(), Model::new());
    let mut model = Model::new();
    commit(&mut first, &mut model, &[("a", Some("1"))]);
    first.write(soon()).unwrap().store(b"b", b"2").unwrap();
    assert_eq!(contents(&mut second).unwrap(), model);
}

#[test]
fn a_file_that_another_repacked_is_opened_again() {
    let disk = disk_for(path());
    let [mut first, mut second] = [open(&disk), open(&disk)];
    let mut model = Model::new();
    commit(&mut first, &mut model, &[("a", Some("1"))]);
    assert_eq!(contents(&mut second).unwrap(), model);
    first.write(soon()).unwrap().0.db.rewrite().unwrap();
    commit(&mut second, &mut model, &[("b", Some("2"))]);
    assert_eq!(contents(&mut first).unwrap(), model);
    assert_eq!(first.image.header.generation, 2);
}

#[test]
fn a_removed_file_is_an_error() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    disk.unlink(path()).unwrap();
    assert!(matches!(db.read(soon()), Err(DbError::Io { source, .. }) if source.kind() == ErrorKind::NotFound));
}

#[test]
fn a_transaction_that_changes_nothing_writes_nothing() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    commit(&mut db, &mut Model::new(), &[("a", Some("1"))]);
    fail_changes_from(&disk, 0);
    let mut writer = db.write(soon()).unwrap();
    writer.store(b"a", b"1").unwrap();
    assert!(!writer.delete(b"b").unwrap());
    writer.commit(Durability::Now).unwrap();
    db.write(soon()).unwrap().store(b"a", b"2").unwrap();
    assert!(db.read(soon()).unwrap().fetch(b"a").unwrap().is_some());
    assert!(!db.repack(soon()).unwrap());
    assert_eq!(disk.counts().changes, 0);
}

#[test]
fn a_commit_takes_three_syncs_and_one_write_for_what_is_appended() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    commit(&mut db, &mut Model::new(), &[("a", Some("1"))]);
    disk.fail(None);
    commit(&mut db, &mut Model::new(), &[("b", Some("1")), ("c", Some("1")), ("d", Some("1"))]);
    // Header, sync; records, the heads of "a" and the dummy, sync; header, sync.
    assert!(disk.counts().changes <= 8, "{}", disk.counts().changes);
}
