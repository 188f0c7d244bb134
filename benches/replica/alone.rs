//! What only ours is measured for: memory that must not grow, and the scanner, in this process.

use std::time::Instant;

use bytes::Bytes;
use sync_server::wire::{Scanner, Token, WireLimits};

use super::area::{Area, Medium};
use super::load::lines::{self, Mailbox, Record};
use super::measure::{Used, converse, median};
use super::server::{Server, Whose};
use super::{Failure, Result};

/// The most memory that 40,000 messages and 1,000,000 records take.
pub fn memory() -> Result<()> {
    const RECORDS: u32 = 1_000_000;
    let mailbox = Mailbox { last_uid: RECORDS, modseq: 3, ..Mailbox::numbered(0) };
    let full = vec![mailbox.apply((1..=RECORDS).map(Record::expunged))];
    for (name, said) in [("40,000 messages", lines::seed(8, 5000, 4000)), ("1,000,000 records", full)] {
        let area = Area::new(Medium::Memory, "alone")?;
        let server = Server::start(Whose::Ours, &area)?;
        println!("memory: {name}: {:.1} MB", converse(server, &said, Used::default())?.memory);
    }
    Ok(())
}

/// Bytes a second through the scanner: file literals, and a list of records, in reads of 256 KiB.
pub fn scanner() -> Result<()> {
    let messages: Vec<Vec<u8>> = (1..=600).map(|number| super::load::mail::message(number, 100_000)).collect();
    let mailbox = Mailbox::numbered(0);
    let records = mailbox.apply((1..=200_000).map(Record::expunged));
    for (name, line) in [("file literals", lines::upload(&messages)), ("RECORD lists", records)] {
        let rates = (0..7).map(|_| rate(&line)).collect::<Result<Vec<f64>>>()?;
        println!("scanner: {name}: {:.0} MB/s", median(rates));
    }
    Ok(())
}

fn rate(line: &[u8]) -> Result<f64> {
    let pieces: Vec<Bytes> = line.chunks(256 * 1024).map(Bytes::copy_from_slice).collect();
    let mut scanner = Scanner::new(WireLimits::default());
    let (start, mut last) = (Instant::now(), None);
    for mut piece in pieces {
        while let Some(token) = scanner.next(&mut piece) {
            last = Some(token);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    match last {
        Some(Token::EndOfLine) => Ok(line.len() as f64 / 1e6 / seconds),
        other => Err(Failure(format!("the line ends with {other:?}"))),
    }
}
