//! From bytes to changes: the scanner, records, and what is decided about them.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput};
use sync_server::{
    command::{FlagNames, decode_record},
    dlist::{Builder, Event, Value},
    ops::AnnotatedRecord,
    plan::{
        crc::FlagCrcs,
        records::{checksums, decide, updated},
    },
    wire::{Scanner, Token, WireLimits},
};

use super::load::{
    lines::{self, Mailbox, Record},
    mail,
};

/// Bytes of one read.
const READ: usize = 256 * 1024;

const RECORDS: u32 = 10_000;

/// `APPLY MAILBOX` with many records.
fn record_list() -> Vec<u8> {
    let record = |uid| Record { flags: "\\Seen $Label", ..Record::expunged(uid) };
    Mailbox::numbered(0).apply((1..=RECORDS).map(record))
}

/// Goes through the tokens of a line, read by read.
fn scan(line: &Bytes, mut take: impl FnMut(Token)) {
    let mut scanner = Scanner::new(WireLimits::default());
    for start in (0..line.len()).step_by(READ) {
        let mut read = line.slice(start..line.len().min(start + READ));
        while let Some(token) = scanner.next(&mut read) {
            take(token);
        }
    }
    assert!(scanner.is_between_lines());
}

pub fn scanner(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scanner");
    let messages: Vec<Vec<u8>> = (1..=100).map(|number| mail::message(number, 100_000)).collect();
    for (name, line) in [("file literals", lines::upload(&messages)), ("record list", record_list())] {
        let line = Bytes::from(line);
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut last = None;
                scan(&line, |token| last = Some(token));
                last
            });
        });
    }
    group.finish();
}

/// Hands out the records of a line as values.
fn each_record(line: &Bytes, mut take: impl FnMut(&Value)) {
    let mut builder = Builder::new(1 << 20, |_, key| key == b"RECORD");
    scan(line, |token| {
        if matches!(token, Token::Word(_)) {
            return;
        }
        if let Event::Element(record) = builder.push(token).unwrap() {
            take(&record);
            builder.recycle(record);
        }
    });
}

fn decoded(line: &Bytes) -> Vec<AnnotatedRecord> {
    let (mut names, mut records) = (FlagNames::default(), Vec::new());
    each_record(line, |record| records.push(decode_record(record, &mut names).unwrap()));
    records
}

pub fn records(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("records");
    let line = Bytes::from(record_list());
    assert_eq!(decoded(&line).len(), RECORDS as usize);
    group.throughput(Throughput::Elements(RECORDS.into()));
    group.bench_function("from bytes", |bencher| bencher.iter(|| decoded(&line)));
    group.finish();
}

/// What is worked out for a record whose flags change.
pub fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let stored = decoded(&Bytes::from(record_list()));
    let changed = |old: &AnnotatedRecord| {
        assert!(decide(old, Some(old), RECORDS, false).is_ok());
        let new = updated(old.clone(), old);
        (checksums(old, &FlagCrcs::NONE, 19), checksums(&new, &FlagCrcs::NONE, 19), new)
    };
    group.throughput(Throughput::Elements(RECORDS.into()));
    group.bench_function("changed records", |bencher| {
        bencher.iter(|| stored.iter().for_each(|old| drop(black_box(changed(old)))))
    });
    group.finish();
}
