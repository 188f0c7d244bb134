//! Cache records against those that real Cyrus wrote, and input that must do no harm.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::*;

/// Every message of the golden corpus, its record compared byte for byte. See `tests/golden/README.md`.
#[test]
fn records_are_those_of_real_cyrus() {
    let mut compared = 0;
    for (release, name) in [(CacheRelease::V3_6, "cache36"), (CacheRelease::V3_12, "cache312")] {
        for entry in fs::read_dir(golden()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "eml") {
                continue;
            }
            let expected = fs::read(path.with_extension(name)).or_else(|_| fs::read(path.with_extension("cache")));
            let expected = expected.unwrap();
            let options = CacheOptions::new(release);
            let parsed = parse(&fs::read(&path).unwrap(), &options);
            let line_end = expected.iter().position(|byte| *byte == b'\n').unwrap();
            let line = String::from_utf8(expected[..line_end].to_vec()).unwrap();
            let (internal_date, line) = line.split_once(' ').unwrap();
            let (sent_date, gm_time) = parsed.index_dates(internal_date.parse().unwrap(), &options);
            let dates = (sent_date as u32, gm_time as u32);
            let fields = format!("{} {} {} {}", parsed.header_size, dates.0, dates.1, parsed.cache_crc);
            assert_eq!(fields, line, "{} as {name}", path.display());
            assert_eq!(parsed.cache, &expected[line_end + 1..], "{} as {name}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 100, "the corpus is there");
}

#[test]
fn the_empty_message_has_an_empty_text() {
    let parsed = parse(b"", &CacheOptions::new(CacheRelease::V3_12));
    assert_eq!((parsed.size, parsed.header_size, parsed.sent_date, parsed.cache_version), (0, 0, 0, 13));
    assert_eq!(parsed.guid.to_string(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert!(super::super::cache::split(&parsed.cache).is_some_and(|(_, length)| length == parsed.cache.len()));
}

#[test]
fn a_missing_date_is_the_internal_date() {
    let options = CacheOptions { utc_offset: |_| -5 * 3600, ..CacheOptions::new(CacheRelease::V3_12) };
    let without = parse(b"Subject: x\r\n\r\n", &options);
    assert_eq!(without.index_dates(1_780_308_000, &options), (1_780_290_000, 1_780_308_000));
    let with = parse(b"Date: 1 Jun 2026 23:00:00 -0500\r\n\r\n", &options);
    assert_eq!(with.index_dates(0, &options), (1_780_290_000, 1_780_372_800));
}

#[test]
fn any_bytes_parse() {
    let seed = fs::read(golden().join("structure-01.eml")).unwrap();
    let mut random = 1u32;
    for round in 0..2000 {
        let mut message = seed.clone();
        for _ in 0..1 + round % 8 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = (random >> 8) as usize % message.len();
            match random % 3 {
                0 => message[place] = (random >> 24) as u8,
                1 => drop(message.remove(place)),
                _ => message.insert(place, b"\0\r\n-=;:<\"("[place % 10]),
            }
        }
        for release in [CacheRelease::V3_6, CacheRelease::V3_12] {
            parse(&message, &CacheOptions::new(release));
        }
    }
}

#[test]
fn hostile_messages_cost_neither_stack_nor_the_square_of_their_size() {
    let nested = |part: &str| part.repeat(200_000 / part.len());
    let hostile = [
        ("multiparts", nested("Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\n")),
        ("messages", nested("Content-Type: message/rfc822\r\n\r\n")),
        ("empty parts", format!("Content-Type: multipart/x; boundary=b\r\n\r\n{}", nested("--b\r\n"))),
        ("sections", format!("Content-Type: a/b; {}\r\n\r\n", nested("x*0=a; "))),
        (
            "distinct sections",
            format!("Content-Type: a/b; {}\r\n\r\n", (0..15_000).map(|i| format!("x{i}*0=a; ")).collect::<String>()),
        ),
        ("comments", format!("To: {}\r\n\r\n", nested("("))),
        ("quotes", format!("To: {}\r\n\r\n", nested("\"a\" <"))),
        ("encoded types", nested("Content-Type: =?utf-8?q?a/b?=\r\n")),
        ("words", format!("Subject: {}\r\n\r\n", nested("=?x?q?a?= "))),
        ("open words", format!("Subject: {}\r\n\r\n", nested("=?"))),
        ("languages", format!("Content-Language: {}\r\n\r\n", nested("a,"))),
        ("dashes", format!("Content-Type: multipart/x; boundary=b\r\n\r\n{}", nested("--\r\n"))),
    ];
    for (what, message) in hostile {
        let started = Instant::now();
        for options in [
            CacheOptions::new(CacheRelease::V3_6),
            CacheOptions { boundary_limit: None, ..CacheOptions::new(CacheRelease::V3_12) },
        ] {
            parse(message.as_bytes(), &options);
        }
        // A square would take many minutes; a busy machine without optimisation has taken 12 seconds.
        assert!(started.elapsed() < Duration::from_secs(60), "{what} took {:?}", started.elapsed());
    }
}

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mime")
}
