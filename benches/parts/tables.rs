//! Twoskip databases, on a disk in memory.

use std::{path::Path, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion};
use sync_server::store::cyrus::{
    disk::{Deadline, Disk, Durability, simulated::SimulatedDisk},
    twoskip::{Create, Twoskip},
};

const KEYS: u32 = 10_000;

fn key(number: u32) -> Vec<u8> {
    format!("Nuser.u{number:06}.folder").into_bytes()
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

/// Stores these keys, and commits once.
fn store(table: &mut Twoskip, keys: impl IntoIterator<Item = u32>) {
    let mut writer = table.write(deadline()).unwrap();
    keys.into_iter().for_each(|number| writer.store(&key(number), &[b'v'; 100]).unwrap());
    writer.commit(Durability::Now).unwrap();
}

/// A table with every other key.
fn filled() -> (Arc<dyn Disk>, Twoskip) {
    let disk: Arc<dyn Disk> = Arc::new(SimulatedDisk::new());
    disk.create_dir_all(Path::new("/db")).unwrap();
    let mut table = Twoskip::open(&disk, Path::new("/db/mailboxes.db"), Create::Yes).unwrap().unwrap();
    store(&mut table, (0..KEYS).map(|number| 2 * number));
    (disk, table)
}

pub fn twoskip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("twoskip");
    let (_disk, mut table) = filled();
    let mut number = 0;
    group.bench_function("lookup", |bencher| {
        bencher.iter(|| {
            number = (number + 7919) % KEYS;
            let found = table.read(deadline()).unwrap().fetch(&key(2 * number)).unwrap();
            assert!(found.is_some());
        });
    });
    group.bench_function("one insert and commit", |bencher| {
        bencher.iter_batched_ref(filled, |(_, table)| store(table, [KEYS | 1]), BatchSize::PerIteration);
    });
    group.bench_function("1,000 inserts and a commit", |bencher| {
        let odd = (0..1000).map(|number| 20 * number + 1);
        bencher.iter_batched_ref(filled, |(_, table)| store(table, odd.clone()), BatchSize::PerIteration);
    });
    group.finish();
}
