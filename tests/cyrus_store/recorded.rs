//! Conversations recorded between real Cyrus programs replay to the same bytes.

use crate::{
    common::{peer::Peer, transcript::Transcript},
    spool::TestSpool,
};
use sync_server::{
    store::cyrus::{
        mime::{CacheOptions, CacheRelease},
        options::{CyrusOptions, IndexVersion},
    },
    types::Release,
};

fn spool(release: Release) -> TestSpool {
    let mut spool = TestSpool::new("recorded");
    let (index_version, cache) = match release {
        Release::V3_6 => (IndexVersion::V17, CacheRelease::V3_6),
        _ => (IndexVersion::V19, CacheRelease::V3_12),
    };
    spool.options = CyrusOptions { release, index_version, cache: CacheOptions::new(cache), ..spool.options.clone() };
    spool
}

#[test]
fn recorded_conversations_get_the_recorded_replies() {
    for (release, conversations) in [
        (Release::V3_6, ["first-user-36.csync", "all-36.csync"]),
        (Release::V3_12, ["first-user-312.csync", "all-312.csync"]),
    ] {
        let spool = spool(release);
        for name in conversations {
            let transcript = Transcript::read(name);
            let mut peer = Peer::with(spool.store(), transcript.config());
            for (number, turn) in transcript.turns.iter().enumerate().skip(1) {
                let reply = peer.say(turn.client.to_vec());
                let expected = String::from_utf8_lossy(&turn.server);
                assert_eq!(reply, expected, "{name}, turn {number}: {}", spool.log.text());
            }
            spool.assert_tidy(name);
        }
    }
}
