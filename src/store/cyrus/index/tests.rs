//! Files that real servers wrote, read and written back; damaged files; searching.

mod changes;

use super::{decode::low_word, *};
use crate::{
    store::cyrus::disk::{DiskFile, Lock, Metadata},
    types::{Guid, InternalFlags, MailboxOptions, ModSeq, SyncCrcs, SystemFlags, Uid},
};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/index").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All headers and records of a file.
fn decode(file: &[u8]) -> (IndexHeader, Vec<IndexRecord>) {
    let header = decode_header(file).unwrap();
    let records = file[header.start_offset as usize..].chunks(header.record_size as usize);
    let records = records.map(|bytes| decode_record(bytes, header.minor_version).unwrap()).collect::<Vec<_>>();
    assert_eq!(records.len(), header.num_records as usize);
    (header, records)
}

fn encode(header: &IndexHeader, records: &[IndexRecord]) -> Vec<u8> {
    let mut file = encode_header(header).unwrap();
    for record in records {
        let mut bytes = vec![0xff; header.record_size as usize];
        encode_record(record, header.minor_version, &mut bytes).unwrap();
        file.extend_from_slice(&bytes);
    }
    file
}

#[test]
fn files_of_real_servers_are_written_back_byte_for_byte() {
    let mut files = Vec::new();
    for version in ["v17", "v19"] {
        files.extend((0..=4).map(|step| format!("{version}-replica-{step}.index")));
        files.extend((1..=4).map(|step| format!("{version}-immediate-{step}.index")));
    }
    files.extend((12..=18).map(|version| format!("converted-v{version}.index")));
    for name in files {
        let file = golden(&name);
        let (header, records) = decode(&file);
        assert_eq!(encode(&header, &records), file, "{name}");
    }
}

#[test]
fn a_header_of_3_12_says_what_mbexamine_says() {
    let (header, records) = decode(&golden("v19-replica-2.index"));
    let expected = IndexHeader {
        minor_version: 19,
        start_offset: 160,
        record_size: 112,
        num_records: 10,
        last_appenddate: Time::from_seconds(1_795_465_561),
        last_uid: 10,
        quota_mailbox_used: 54290,
        uidvalidity: 1_795_465_519,
        answered: 1,
        flagged: 2,
        exists: 7,
        unseen: 3,
        options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL),
        highestmodseq: ModSeq(27),
        first_expunged: Time::from_seconds(1_795_465_561),
        header_file_crc: crc32fast::hash(&golden("v19-replica-1.header")),
        sync_crcs: SyncCrcs { basic: 4_085_829_432, annot: 1_979_990_007 },
        recentuid: 10,
        recenttime: Time::from_seconds(1_795_465_561),
        quota_annot_used: 21,
        createdmodseq: ModSeq(1),
        quota_expunged_used: 30585,
        changes_epoch: Time::from_seconds(1_795_465_529),
        ..IndexHeader::ZERO
    };
    assert_eq!(header, expected);

    let expunged = &records[3];
    assert_eq!(expunged.uid, Uid::new(4));
    assert_eq!(expunged.system_flags, SystemFlags(SystemFlags::DELETED | SystemFlags::SEEN));
    assert_eq!(expunged.internal_flags, InternalFlags(InternalFlags::EXPUNGED));
    assert_eq!((expunged.size, expunged.modseq, expunged.createdmodseq), (5563, ModSeq(24), ModSeq(9)));
    assert_eq!((expunged.cid, expunged.cache_offset), (0xa0d8_090f_20c2_85dd, 3232));
    assert_eq!(expunged.guid, Guid::from_hex(b"312bd0ee2bab8ecf016456bcd8074189e2fbe9a6").unwrap());
}

#[test]
fn every_version_says_the_same_of_the_same_mailbox() {
    let (newest, newest_records) = decode(&golden("v19-immediate-4.index"));
    for version in 12..=18 {
        let (header, records) = decode(&golden(&format!("converted-v{version}.index")));
        assert_eq!(header.minor_version, version);
        assert_eq!((header.exists, header.last_uid), (newest.exists, newest.last_uid), "version {version}");
        assert_eq!(header.highestmodseq, newest.highestmodseq, "version {version}");
        let expunged = if version >= 18 { newest.quota_expunged_used } else { 0 };
        assert_eq!(header.quota_expunged_used, expunged, "version {version}");
        for (record, newest) in records.iter().zip(&newest_records) {
            let expected = IndexRecord {
                cid: if version >= 13 { newest.cid } else { 0 },
                savedate: if version >= 15 { newest.savedate } else { Time::UNSET },
                createdmodseq: if version >= 16 { newest.createdmodseq } else { ModSeq(0) },
                ..*newest
            };
            assert_eq!(*record, expected, "version {version}");
        }
    }
}

#[test]
fn every_field_of_every_version_is_written_and_read_at_its_own_place() {
    for version in (OLDEST..=NEWEST).filter(|version| *version != 11) {
        let layout = layout::Layout::of(version).unwrap();
        let mut file = vec![0; layout.header_size];
        // A different byte everywhere, but for what must be right to be read.
        for (nth, byte) in file.iter_mut().enumerate().skip(24) {
            *byte = nth as u8;
        }
        let mut header = IndexHeader { minor_version: version, ..IndexHeader::ZERO };
        header.start_offset = layout.header_size as u32;
        header.record_size = layout.record_size as u32;
        file[..24].copy_from_slice(&encode_header(&header).unwrap()[..24]);
        seal(&mut file, version);
        let decoded = decode_header(&file).unwrap();
        let written = encode_header(&decoded).unwrap();
        for slot in layout.header_slots().filter(|slot| slot.field != layout::InHeader::Options) {
            let place = slot.at..slot.at + 4;
            assert_eq!(written[place.clone()], file[place], "{:?} of version {version}", slot.field);
        }

        let mut bytes: Vec<u8> = (1..=layout.record_size).map(|nth| nth as u8).collect();
        seal(&mut bytes, version);
        let record = decode_record(&bytes, version).unwrap();
        let mut written = vec![0; layout.record_size];
        encode_record(&record, version, &mut written).unwrap();
        for slot in layout.record_slots().filter(|slot| (version, slot.at) != (10, 16)) {
            let place = slot.at..slot.at + 4;
            assert_eq!(written[place.clone()], bytes[place], "{:?} of version {version}", slot.field);
        }
    }
}

fn seal(bytes: &mut [u8], version: u32) {
    if version >= 12 {
        let (summed, sum) = bytes.split_last_chunk_mut().unwrap();
        *sum = crc32fast::hash(summed).to_be_bytes();
    }
}

#[test]
fn times_of_version_20_have_nanoseconds_and_offsets_have_48_bits() {
    let record = IndexRecord {
        uid: Uid::new(1),
        internaldate: Time { seconds: 1_795_465_561, nanoseconds: 999_999_999 },
        size: 5_000_000_000,
        cache_offset: 0xabcd_1234_5678,
        cache_version: 13,
        basecid: 7,
        ..IndexRecord::default()
    };
    let mut bytes = [0; 144];
    encode_record(&record, 20, &mut bytes).unwrap();
    assert_eq!(decode_record(&bytes, 20), Ok(record));
    assert_eq!(u64::from_be_bytes(bytes[8..16].try_into().unwrap()), 1_795_465_561_999_999_999);

    encode_record(&record, 19, &mut bytes).unwrap();
    let cut = IndexRecord {
        internaldate: Time::from_seconds(1_795_465_561),
        size: u64::from(low_word(record.size)),
        basecid: 0,
        ..record
    };
    assert_eq!(decode_record(&bytes, 19), Ok(cut));
}

#[test]
fn a_new_mailbox_has_the_header_that_a_replica_made() {
    for version in [17, 19] {
        let file = golden(&format!("v{version}-replica-0.index"));
        let (real, _) = decode(&file);
        let new = NewMailbox {
            uidvalidity: real.uidvalidity,
            options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL),
            highestmodseq: ModSeq(1),
            createdmodseq: ModSeq(0),
            now: real.changes_epoch,
        };
        let mut header = IndexHeader::create(version, &new).unwrap();
        header.header_file_crc = crc32fast::hash(&golden(&format!("v{version}-replica-0.header")));
        assert_eq!(encode(&header, &[]), file, "version {version}");
    }
    assert_eq!(IndexHeader::create(11, &NewMailbox { ..new_mailbox() }), None);
}

fn new_mailbox() -> NewMailbox {
    NewMailbox {
        uidvalidity: 1,
        options: MailboxOptions(0),
        highestmodseq: ModSeq(3),
        createdmodseq: ModSeq(2),
        now: Time::from_seconds(9),
    }
}

#[test]
fn empty_fields_are_filled_in_as_the_reference_does() {
    let now = Time::from_seconds(100);
    let mut empty = IndexHeader::create(19, &NewMailbox { highestmodseq: ModSeq(0), ..new_mailbox() }).unwrap();
    empty.fill_in(now);
    assert_eq!((empty.options.0, empty.highestmodseq, empty.changes_epoch), (1, ModSeq(1), Time::from_seconds(9)));

    let mut old = IndexHeader { num_records: 3, ..IndexHeader::create(10, &new_mailbox()).unwrap() };
    old.changes_epoch = Time::UNSET;
    old.fill_in(now);
    assert_eq!((old.exists, old.deletedmodseq, old.changes_epoch), (3, ModSeq(3), now));
}

#[test]
fn a_wrong_byte_anywhere_is_reported() {
    for name in ["v17-replica-2.index", "v19-replica-2.index", "converted-v12.index"] {
        let file = golden(name);
        let whole = decode_header(&file).unwrap();
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x40;
            let index = IndexFile::open(MemoryFile::new(damaged));
            let Ok(index) = index else { continue };
            assert!(at >= whole.start_offset as usize, "{name}: byte {at} of the header");
            let number = (at as u32 - whole.start_offset) / whole.record_size + 1;
            let error = index.records(1).find_map(Result::err).expect("the record's sum must not fit");
            assert!(
                matches!(error, IndexError::Record { number: found, .. } if found == number),
                "{name}: {at}: {error}"
            );
            assert!(index.record(number).is_err());
        }
    }
}

#[test]
fn a_file_that_ends_early_is_reported() {
    let file = golden("v19-replica-2.index");
    for size in 0..file.len() {
        let error = IndexFile::open(MemoryFile::new(file[..size].to_vec())).unwrap_err();
        match error {
            IndexError::Header(HeaderDamage::Short { found, .. }) => assert_eq!(found, size),
            IndexError::Truncated { size: found, .. } => assert_eq!(found, size as u64),
            error => panic!("{size}: {error}"),
        }
    }
}

#[test]
fn lying_headers_are_refused() {
    let file = golden("v19-replica-2.index");
    let with = |change: &dyn Fn(&mut IndexHeader)| {
        let mut header = decode_header(&file).unwrap();
        change(&mut header);
        let mut lying = encode_header(&IndexHeader { start_offset: 160, ..header }).unwrap();
        lying[12..16].copy_from_slice(&header.start_offset.to_be_bytes());
        seal(&mut lying, 19);
        IndexFile::open(MemoryFile::new([&lying[..], &file[160..]].concat())).unwrap_err()
    };
    assert!(matches!(with(&|h| h.num_records = u32::MAX), IndexError::Truncated { .. }));
    assert!(matches!(with(&|h| h.num_records = 11), IndexError::Truncated { needed: 1392, .. }));
    for size in [0, 111, 1 << 20, u32::MAX] {
        assert!(matches!(with(&|h| h.record_size = size), IndexError::Header(HeaderDamage::Geometry { .. })));
    }
    for offset in [0, 159, 1 << 20, u32::MAX] {
        assert!(matches!(with(&|h| h.start_offset = offset), IndexError::Header(HeaderDamage::Geometry { .. })));
    }
    for version in [0_u32, 9, 11, 21, u32::MAX] {
        let mut file = file.clone();
        file[8..12].copy_from_slice(&version.to_be_bytes());
        assert_eq!(decode_header(&file), Err(HeaderDamage::Version { version }));
    }
}

/// A mailbox of this many records with the UIDs 10, 20, 30, …
fn big(records: u32) -> (IndexFile, MemoryFile) {
    let file = MemoryFile::default();
    let header = IndexHeader::create(19, &new_mailbox()).unwrap();
    let mut index = IndexFile::create(Box::new(file.clone()), header).unwrap();
    let rows: Vec<_> = (1..=records).map(|number| (number, record(number * 10))).collect();
    index.write_records(&rows).unwrap();
    index.write_header(IndexHeader { num_records: records, ..header }).unwrap();
    (index, file)
}

fn record(uid: u32) -> IndexRecord {
    IndexRecord { uid: Uid::new(uid), size: 1, ..IndexRecord::default() }
}

#[test]
fn records_are_found_by_uid_in_few_reads() {
    let find = |index: &IndexFile, uid| index.find(Uid::new(uid).unwrap()).unwrap();
    for records in [0, 1, 2, 31, 32, 33, 64, 1000, 1025] {
        let (index, _) = big(records);
        for number in 1..=records {
            assert_eq!(find(&index, number * 10), Found::Record(number, record(number * 10)));
            assert_eq!(find(&index, number * 10 - 1), Found::Before(number), "of {records}");
        }
        assert_eq!(find(&index, records * 10 + 1), Found::Before(records + 1));
        assert_eq!(find(&index, u32::MAX), Found::Before(records + 1));
    }
    let (index, file) = big(100_000);
    file.reads.lock().unwrap().clear();
    find(&index, 314_150);
    let reads = file.reads.lock().unwrap().clone();
    assert!(reads.len() <= 13 && reads.iter().sum::<usize>() < 6000, "{reads:?}");
}

#[test]
fn a_series_of_searches_finds_what_single_ones_do() {
    for (records, step, wiped) in
        [(0, 1, 1..1), (1000, 2, 1..1), (1000, 7, 400..471), (1000, 3, 1..201), (3000, 900, 9..10)]
    {
        let (mut index, _) = big(records);
        let rows: Vec<_> = wiped.clone().map(|number| (number, IndexRecord::default())).collect();
        index.write_records(&rows).unwrap();
        let mut lookup = Lookup::new(&index);
        let ascending = (5..=records * 10 + 5).step_by(step * 5);
        for uid in ascending.chain([10, records * 5, records * 10, 5].into_iter().filter(|uid| *uid > 0)) {
            let single = match index.find(Uid::new(uid).unwrap()).unwrap() {
                Found::Record(number, record) => Some((number, record)),
                Found::Before(_) => None,
            };
            assert_eq!(lookup.find(Uid::new(uid).unwrap()).unwrap(), single, "{uid} of {records} with {wiped:?}");
        }
    }
}

#[test]
fn a_series_of_searches_for_neighbours_reads_every_page_once() {
    let (index, file) = big(5000);
    file.reads.lock().unwrap().clear();
    let mut lookup = Lookup::new(&index);
    (1..=5000).for_each(|number| assert!(lookup.find(Uid::new(number * 10).unwrap()).unwrap().is_some()));
    assert!(file.reads.lock().unwrap().len() < 30, "{:?}", file.reads.lock().unwrap());
}

#[test]
fn wiped_records_do_not_lead_a_search_astray() {
    for wiped in [1..=1, 500..=500, 400..=700, 900..=1000, 1..=999] {
        let (mut index, _) = big(1000);
        let rows: Vec<_> = wiped.clone().map(|number| (number, IndexRecord::default())).collect();
        index.write_records(&rows).unwrap();
        for number in 1..=1000 {
            let found = index.find(Uid::new(number * 10).unwrap()).unwrap();
            let there = !wiped.contains(&number);
            assert_eq!(matches!(found, Found::Record(at, _) if at == number), there, "{number} with {wiped:?}");
        }
    }
}

#[test]
fn records_are_read_in_pages_from_any_number() {
    let (index, file) = big(2000);
    file.reads.lock().unwrap().clear();
    let numbers: Vec<u32> = index.records(1).map(|found| found.unwrap().0).collect();
    assert_eq!(numbers, (1..=2000).collect::<Vec<_>>());
    assert_eq!(file.reads.lock().unwrap().len(), 5);
    assert_eq!(index.records(1999).count(), 2);
    assert_eq!(index.records(2001).count(), 0);
    assert!(matches!(index.record(2001), Err(IndexError::NoRecord { number: 2001, records: 2000 })));
    assert!(matches!(index.record(0), Err(IndexError::NoRecord { .. })));
}

#[test]
fn neighbours_are_written_together_and_count_once_the_header_says_so() {
    let (mut index, file) = big(10);
    file.writes.lock().unwrap().clear();
    let rows = [(3, record(31)), (4, record(41)), (9, record(91)), (10, record(101)), (11, record(111))];
    index.write_records(&rows).unwrap();
    assert_eq!(*file.writes.lock().unwrap(), [(160 + 2 * 112, 224), (160 + 8 * 112, 336)]);
    assert_eq!(index.records(1).count(), 10);
    let header = *index.header();
    index.write_header(IndexHeader { num_records: 11, ..header }).unwrap();
    let mut reopened = IndexFile::open(Box::new(file.clone())).unwrap();
    assert_eq!(reopened.record(11).unwrap(), record(111));
    reopened.reload().unwrap();

    for bad in [
        &[(0, record(1))][..],
        &[(13, record(1))],
        &[(2, record(1)), (2, record(1))],
        &[(12, record(1)), (14, record(1))],
    ] {
        file.writes.lock().unwrap().clear();
        assert!(matches!(index.write_records(bad), Err(IndexError::NoRecord { .. })), "{bad:?}");
        assert!(file.writes.lock().unwrap().is_empty());
    }
}

/// A file in memory that notes what is asked of it.
#[derive(Clone, Debug, Default)]
struct MemoryFile {
    bytes: Arc<Mutex<Vec<u8>>>,
    reads: Arc<Mutex<Vec<usize>>>,
    writes: Arc<Mutex<Vec<(u64, usize)>>>,
}

impl MemoryFile {
    fn new(bytes: Vec<u8>) -> Box<MemoryFile> {
        Box::new(MemoryFile { bytes: Arc::new(Mutex::new(bytes)), ..MemoryFile::default() })
    }
}

impl DiskFile for MemoryFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes.lock().unwrap();
        let there = bytes.get(offset as usize..).unwrap_or_default();
        let size = there.len().min(buffer.len());
        buffer[..size].copy_from_slice(&there[..size]);
        self.reads.lock().unwrap().push(size);
        Ok(size)
    }

    fn write_at(&self, offset: u64, slices: &[&[u8]]) -> io::Result<()> {
        let (mut bytes, data, start) = (self.bytes.lock().unwrap(), slices.concat(), offset as usize);
        let end = start + data.len();
        let size = bytes.len().max(end);
        bytes.resize(size, 0);
        bytes[start..end].copy_from_slice(&data);
        self.writes.lock().unwrap().push((offset, data.len()));
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        let size = self.bytes.lock().unwrap().len() as u64;
        Ok(Metadata { size, inode: 1, device: 0, is_dir: false, modified: 0 })
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().resize(size as usize, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn try_lock(&self, _: Lock) -> io::Result<bool> {
        Ok(true)
    }

    fn unlock(&self) -> io::Result<()> {
        Ok(())
    }
}
