//! A crash or power cut at any point keeps all of a transaction or nothing of it.

use super::*;

/// Power cuts tried after each call that fails: the dice decide which unsynced sectors were written.
const CUTS: usize = 12;

/// A database of two transactions, with replaced and deleted records.
fn start() -> (SimulatedDisk, Model) {
    let disk = disk_for(path());
    let mut db = open(&disk);
    let mut model = Model::new();
    let keys: Vec<String> = (0..40).map(|i| format!("user.{i:02}")).collect();
    let all: Vec<_> = keys.iter().map(|key| (key.as_str(), Some("some value or other"))).collect();
    commit(&mut db, &mut model, &all);
    let half: Vec<_> = keys.iter().step_by(2).map(|key| (key.as_str(), None)).collect();
    commit(&mut db, &mut model, &half);
    (disk, model)
}

/// Changes something everywhere; returns what it would become, and whether it was committed.
fn change(db: &mut Twoskip, model: &Model, value: &[u8]) -> (Model, bool) {
    let mut after = model.clone();
    let Ok(mut writer) = db.write(soon()) else { return (after, false) };
    for i in (0..40).step_by(3) {
        let key = format!("user.{i:02}").into_bytes();
        if writer.store(&key, value).is_err() {
            return (after, false);
        }
        after.insert(key, value.to_vec());
    }
    for i in (1..40).step_by(6) {
        let key = format!("user.{i:02}").into_bytes();
        if writer.delete(&key).is_err() {
            return (after, false);
        }
        after.remove(&key);
    }
    (after, writer.commit(Durability::Now).is_ok())
}

/// Lets each call of a change fail in turn, and the power be cut then.
fn crash_everywhere(value: &[u8], cuts: usize) {
    let mut dice = Dice::new(7);
    for call in 0.. {
        let (disk, before) = start();
        fail_changes_from(&disk, call);
        let (after, committed) = change(&mut open(&disk), &before, value);
        let failed = disk.counts().changes > call;
        assert_eq!(committed, !failed);
        disk.fail(None);
        for _ in 0..cuts {
            let disk = disk.after_power_cut(by(&mut dice));
            let mut db = open(&disk);
            let found = contents(&mut db).unwrap();
            assert!(found == after || found == before && !committed, "call {call}");
            db.read(soon()).unwrap().check().unwrap();
            assert!(change(&mut db, &found, b"later").1);
            db.read(soon()).unwrap().check().unwrap();
        }
        let found = contents(&mut open(&disk)).unwrap();
        assert!(found == after || found == before, "a crash without a power cut at call {call}");
        if !failed {
            return;
        }
    }
}

#[test]
fn a_transaction_is_kept_whole_or_not_at_all() {
    crash_everywhere(b"changed", CUTS);
}

#[test]
fn a_transaction_written_before_its_commit_is_kept_whole_or_not_at_all() {
    crash_everywhere(&[b'x'; 200_000], 1);
}

#[test]
fn a_repack_loses_nothing() {
    let mut dice = Dice::new(9);
    for call in 0.. {
        let (disk, model) = start();
        fail_changes_from(&disk, call);
        let repacked = open(&disk).write(soon()).unwrap().0.db.rewrite();
        let failed = disk.counts().changes > call;
        assert_eq!(repacked.is_err(), failed);
        disk.fail(None);
        for _ in 0..CUTS {
            let disk = disk.after_power_cut(by(&mut dice));
            let mut db = open(&disk);
            assert_eq!(contents(&mut db).unwrap(), model);
            db.write(soon()).unwrap().0.db.rewrite().unwrap();
            assert_eq!(contents(&mut db).unwrap(), model);
        }
        if !failed {
            return;
        }
    }
}

#[test]
fn a_repair_that_is_interrupted_can_be_repeated() {
    let mut dice = Dice::new(11);
    for call in 0.. {
        let (disk, before) = start();
        fail_changes_from(&disk, 3);
        let (_, committed) = change(&mut open(&disk), &before, b"changed");
        assert!(!committed);
        fail_changes_from(&disk, call);
        let repaired = open(&disk).read(soon()).is_ok();
        let failed = disk.counts().changes > call;
        assert_eq!(repaired, !failed);
        disk.fail(None);
        for _ in 0..CUTS {
            let mut db = open(&disk.after_power_cut(by(&mut dice)));
            assert_eq!(contents(&mut db).unwrap(), before);
            db.read(soon()).unwrap().check().unwrap();
        }
        if !failed {
            return;
        }
    }
}

#[test]
fn a_commit_left_to_the_caller_is_kept_whole_or_not_at_all_and_durable_after_sync() {
    let mut dice = Dice::new(13);
    let (disk, before) = start();
    let mut db = open(&disk);
    let mut writer = db.write(soon()).unwrap();
    writer.store(b"user.00", b"changed").unwrap();
    writer.commit(Durability::Caller).unwrap();
    let after = contents(&mut db).unwrap();
    for _ in 0..CUTS {
        let found = contents(&mut open(&disk.after_power_cut(by(&mut dice)))).unwrap();
        assert!(found == before || found == after);
    }
    db.sync().unwrap();
    assert_eq!(contents(&mut open(&disk.after_power_cut(by(&mut dice)))).unwrap(), after);
}

#[test]
fn several_databases_commit_step_by_step_together() {
    let disks: Vec<SimulatedDisk> = (0..3).map(|_| start().0).collect();
    let mut dbs: Vec<Twoskip> = disks.iter().map(open).collect();
    let mut writers: Vec<Writer<'_>> = dbs.iter_mut().map(|db| db.write(soon()).unwrap()).collect();
    for writer in writers.iter_mut().take(2) {
        writer.store(b"user.00", b"together").unwrap();
    }
    let mut commits: Vec<Commit<'_>> = writers.into_iter().map(Writer::commit_in_steps).collect();
    loop {
        let steps: Vec<Next> = commits.iter_mut().map(|commit| commit.advance().unwrap()).collect();
        assert_eq!(steps[2], Next::Done, "nothing was changed there");
        if steps == [Next::Done; 3] {
            break;
        }
        commits.iter_mut().for_each(|commit| commit.sync().unwrap());
    }
    drop(commits);
    for disk in &disks[..2] {
        let mut db = open(&disk.after_power_cut(Surviving::Some(1)));
        assert_eq!(db.read(soon()).unwrap().fetch(b"user.00").unwrap().unwrap(), b"together");
    }
}
