//! A damaged cyrus.index: what is read is decoded or refused, and what was decoded is encoded to the same bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_server::{
    store::cyrus::{
        disk::simulated::SimulatedDisk,
        header,
        index::{IndexError, IndexFile, decode_header, decode_record, encode_record},
    },
    types::Uid,
};
use sync_server_fuzz::{Dice, disk, heap};

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fuzz_target!(|input: &[u8]| {
    let peak = heap::peak_of(|| {
        let _ = read(input);
        let _ = header::decode(input);
        // The sums of most mutated files are wrong; a record of each version is read without a file around it.
        for version in 0..32 {
            reencode(input, version);
        }
    });
    let bound = (4 << 20) + 16 * input.len();
    assert!(peak <= bound, "{peak} bytes are held for a file of {}", input.len());
});

fn read(input: &[u8]) -> Result<(), IndexError> {
    let _ = decode_header(input);
    let mut index = IndexFile::open(disk::file(&SimulatedDisk::new(), "/cyrus.index".as_ref(), input))?;
    index.reload()?;
    let mut dice = Dice::of(input);
    let records = index.header().num_records;
    for number in [0, 1, records, records.saturating_add(1), u32::MAX] {
        let _ = index.record(number);
    }
    assert!(index.records(0).take_while(Result::is_ok).count() <= records as usize);
    for number in 1..=records {
        let record = index.record(number)?;
        let Some(uid) = record.uid else { continue };
        if dice.below(8) == 0 {
            let _ = index.find(uid);
        }
        index.write_records(&[(number, record)])?;
        assert_eq!(index.record(number)?, record);
    }
    let _ = Uid::new(u32::MAX).map(|uid| index.find(uid));
    let header = *index.header();
    index.write_header(header)
}

fn reencode(input: &[u8], version: u32) {
    let Ok(record) = decode_record(input, version) else { return };
    let mut bytes = [0; 512];
    if encode_record(&record, version, &mut bytes).is_some() {
        assert_eq!(decode_record(&bytes, version), Ok(record));
    }
}
