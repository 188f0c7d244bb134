//! Random operations do to a database what they do to a map.

use super::*;

fn random_key(dice: &mut Dice) -> Vec<u8> {
    let number = dice.below(150);
    match dice.below(20) {
        0 => vec![number as u8; 600 + number],
        1 => vec![0xff, number as u8, 0],
        _ => format!("user.{number}").into_bytes(),
    }
}

fn random_changes(writer: &mut Writer<'_>, model: &mut Model, dice: &mut Dice) {
    for _ in 0..dice.below(12) {
        let key = random_key(dice);
        if dice.below(3) == 0 {
            assert_eq!(writer.delete(&key).unwrap(), model.remove(&key).is_some());
        } else {
            let value = vec![dice.below(256) as u8; dice.below(40)];
            writer.store(&key, &value).unwrap();
            model.insert(key, value);
        }
        let key = random_key(dice);
        assert_eq!(writer.fetch(&key).unwrap().as_ref(), model.get(&key));
        assert_eq!(writer.next_after(&key).unwrap(), next_in(model, &key));
    }
}

fn next_in(model: &Model, key: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut above = model.range(key.to_vec()..).filter(|(other, _)| other.as_slice() != key);
    above.next().map(|(key, value)| (key.clone(), value.clone()))
}

#[test]
fn random_transactions_give_what_they_give_on_a_map() {
    let mut dice = Dice::new(1);
    let disk = disk_for(path());
    let mut db = open(&disk);
    let mut model = Model::new();
    let mut repacks = 0;
    for round in 0..400 {
        let mut after = model.clone();
        let mut writer = db.write(soon()).unwrap();
        random_changes(&mut writer, &mut after, &mut dice);
        match dice.below(5) {
            0 => drop(writer),
            1 => {
                writer.commit(Durability::Caller).unwrap();
                model = after;
            }
            _ => {
                writer.commit(Durability::Now).unwrap();
                model = after;
            }
        }
        if dice.below(10) == 0 {
            db = open(&disk);
        }
        repacks += u32::from(db.repack(soon()).unwrap());
        if round % 8 == 0 {
            db.read(soon()).unwrap().check().unwrap();
            assert_eq!(contents(&mut db).unwrap(), model);
        }
    }
    assert!(repacks > 1, "the file grows enough to be repacked");
    assert_eq!(contents(&mut db).unwrap(), model);
}

#[test]
fn a_prefix_finds_its_keys_in_order_until_the_visitor_breaks() {
    let mut db = open(&disk_for(path()));
    commit(
        &mut db,
        &mut Model::new(),
        &[("a", Some("")), ("b", Some("")), ("b1", Some("")), ("b2", Some("")), ("c", Some(""))],
    );
    let mut visit = |prefix: &str, most: usize| {
        let mut keys = Vec::new();
        let mut reader = db.read(soon()).unwrap();
        reader
            .foreach_prefix(prefix.as_bytes(), &mut |key, _| {
                keys.push(String::from_utf8(key.to_vec()).unwrap());
                if keys.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })
            .unwrap();
        keys.join(" ")
    };
    assert_eq!(visit("b", 9), "b b1 b2");
    assert_eq!(visit("b", 2), "b b1");
    assert_eq!(visit("b1x", 9), "");
    assert_eq!(visit("d", 9), "");
    assert_eq!(visit("", 9), "a b b1 b2 c");
}

#[test]
fn lengths_that_do_not_fit_the_short_fields_are_kept() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    let keys: Vec<_> = [65_534, 65_535, 65_536].map(|len| "k".repeat(len)).into();
    for key in &keys {
        commit(&mut db, &mut Model::new(), &[(key, Some("value"))]);
    }
    let mut reader = db.read(soon()).unwrap();
    for key in &keys {
        assert_eq!(reader.fetch(key.as_bytes()).unwrap().unwrap(), b"value");
    }
    reader.check().unwrap();
}

#[test]
fn a_transaction_larger_than_memory_should_hold_commits_and_aborts_as_any_other() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    let mut model = Model::new();
    let large = "x".repeat(400_000);
    commit(&mut db, &mut model, &[("a", Some(&large)), ("b", Some(&large)), ("c", Some(&large)), ("d", Some("1"))]);
    let mut writer = db.write(soon()).unwrap();
    for key in [b"a", b"b", b"c", b"e"] {
        writer.store(key, &[large.as_bytes(), b"y"].concat()).unwrap();
    }
    writer.delete(b"d").unwrap();
    drop(writer);
    assert_eq!(contents(&mut db).unwrap(), model);
    commit(&mut db, &mut model, &[("a", Some("2")), ("d", None)]);
    db.read(soon()).unwrap().check().unwrap();
    assert_eq!(contents(&mut db).unwrap(), model);
}

#[test]
fn an_empty_key_is_never_stored_and_never_found() {
    let mut db = open(&disk_for(path()));
    let mut writer = db.write(soon()).unwrap();
    assert!(matches!(writer.store(b"", b"x"), Err(DbError::EmptyKey { .. })));
    assert!(!writer.delete(b"").unwrap());
    assert_eq!(writer.fetch(b"").unwrap(), None);
    assert_eq!(writer.next_after(b"").unwrap(), None);
}

#[test]
fn a_search_reads_few_pieces_of_a_large_file() {
    let disk = disk_for(path());
    let mut db = open(&disk);
    let mut writer = db.write(soon()).unwrap();
    for i in 0..20_000 {
        writer.store(format!("user.{:05}", i * 7919 % 20_000).as_bytes(), &[b'x'; 40]).unwrap();
    }
    writer.commit(Durability::Now).unwrap();
    let before = disk.counts().reads;
    for i in 0..100 {
        let mut reader = db.read(soon()).unwrap();
        assert!(reader.fetch(format!("user.{:05}", i * 131).as_bytes()).unwrap().is_some());
    }
    let each = (disk.counts().reads - before) / 100;
    assert!(each < 60, "{each} reads for each fetch");
}

#[test]
fn random_levels_halve_from_each_to_the_next() {
    let mut levels = Levels::random();
    let mut counts = [0; MAX_LEVEL + 1];
    for _ in 0..10_000 {
        counts[usize::from(levels.next())] += 1;
    }
    assert_eq!(counts[0], 0);
    assert!((4_500..5_500).contains(&counts[1]));
    assert!((2_100..2_900).contains(&counts[2]));
}
