//! A damaged twoskip file: it is read, repaired or refused, and once repaired it keeps what is stored in it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::{ops::ControlFlow, path::Path, sync::Arc, time::Duration};
use sync_server::store::cyrus::{
    db_error::DbError,
    disk::{Deadline, Disk, Durability},
    twoskip::{Create, Twoskip},
};
use sync_server_fuzz::{disk, heap};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fuzz_target!(|input: &[u8]| {
    let peak = heap::peak_of(|| {
        // Damage is an error that says so; only a panic is a finding.
        let _ = abuse(input);
    });
    let bound = (4 << 20) + 64 * input.len();
    assert!(peak <= bound, "{peak} bytes are held for a file of {}", input.len());
});

fn abuse(input: &[u8]) -> Result<(), DbError> {
    let path = Path::new("/db/file");
    let disk: Arc<dyn Disk> = Arc::new(disk::with(path, input));
    let Some(mut db) = Twoskip::open(&disk, path, Create::No)? else { panic!("the file is there") };
    let deadline = Deadline::after(Duration::from_secs(5));

    let mut keys = Vec::new();
    let read = read_all(&mut db, deadline, &mut keys);
    let mut writer = db.write(deadline)?;
    for (at, key) in keys.iter().enumerate().take(8) {
        match at % 3 {
            0 => drop(writer.delete(key)?),
            1 => writer.store(key, b"")?,
            _ => writer.store(key, &[b'v'; 300])?,
        }
    }
    writer.store(b"a key of ours", b"a value of ours")?;
    writer.commit(Durability::Now)?;

    let mut reader = db.read(deadline)?;
    let sound = read.is_ok() && reader.check().is_ok();
    let kept = reader.fetch(b"a key of ours")?;
    drop(reader);
    if sound {
        assert_eq!(kept.as_deref(), Some(&b"a value of ours"[..]));
    }
    db.repack(deadline)?;
    let mut again = Vec::new();
    read_all(&mut db, deadline, &mut again)?;
    if sound {
        assert!(again.is_sorted(), "keys do not ascend");
        assert!(again.iter().any(|key| key == b"a key of ours"));
    }
    Ok(())
}

fn read_all(db: &mut Twoskip, deadline: Deadline, keys: &mut Vec<Vec<u8>>) -> Result<(), DbError> {
    let mut reader = db.read(deadline)?;
    // Both may find damage that the other does not look at.
    let check = reader.check();
    reader.foreach_prefix(b"", &mut |key, _| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    })?;
    for key in keys.iter().take(100) {
        let found = reader.fetch(key)?;
        assert!(check.is_err() || found.is_some(), "a key that is listed is not found");
        reader.next_after(key)?;
    }
    check
}
