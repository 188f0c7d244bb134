//! Any bytes as a message: there is a cache record, it has ten items, and its parts lie within the message.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sync_server::store::cyrus::{
    cache,
    mime::{CacheOptions, CacheRelease, parse},
};
use sync_server_fuzz::heap;

#[global_allocator]
static HEAP: heap::Counting = heap::Counting;

fuzz_target!(|input: &[u8]| {
    for release in [CacheRelease::V3_6, CacheRelease::V3_12] {
        let mut options = CacheOptions::new(release);
        options.utf8_headers = input.len() % 2 == 1;
        options.strict_boundaries = input.len() % 3 == 1;
        let peak = heap::peak_of(|| {
            let message = parse(input, &options);
            assert_eq!(message.size as usize, input.len());
            assert!(message.header_size as usize <= input.len());
            let (_, length) = cache::split(&message.cache).expect("a cache record has ten items");
            assert_eq!(length, message.cache.len());
        });
        let bound = (4 << 20) + 200 * input.len();
        assert!(peak <= bound, "{peak} bytes are held for a message of {}", input.len());
    }
});
