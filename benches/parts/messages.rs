//! Messages: their sums, their structure and their cache records.

use criterion::{Criterion, Throughput};
use sync_server::{
    store::cyrus::mime::{self, CacheOptions, CacheRelease},
    types::Guid,
};

use super::load::mail;

/// Messages of each kind: plain, alternatives, attachments.
const KINDS: [(&str, u64); 3] = [("plain", 1), ("alternative", 4), ("attachment", 7)];

/// Bytes of a message.
const SIZE: usize = 16_000;

pub fn mime(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("messages");
    let options = CacheOptions::new(CacheRelease::V3_12);
    for (kind, number) in KINDS {
        let message = mail::message(number, SIZE);
        group.throughput(Throughput::Bytes(message.len() as u64));
        group.bench_function(format!("SHA-1, {kind}"), |bencher| bencher.iter(|| Guid::of(&message)));
        let guid = Guid::of(&message);
        group.bench_function(format!("structure and cache, {kind}"), |bencher| {
            bencher.iter(|| mime::parse_known(&message, guid, &options));
        });
    }
    group.finish();
}
