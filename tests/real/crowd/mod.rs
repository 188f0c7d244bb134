//! Many at once, and some of them killed: the replica is what the master is in the end, and no lock stays.
//!
//! Each runs for `CROWD_SECONDS`, 20 unless it is said.

mod kills;
mod mixed;
mod traffic;

use std::time::{Duration, Instant};

use crate::rig::Result;
use crate::rig::instance::Instance;
use crate::tools;

/// Until when a crowd goes on.
fn end() -> Instant {
    let seconds = std::env::var("CROWD_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(20);
    Instant::now() + Duration::from_secs(seconds)
}

/// Replicates what is left, and checks that the replica then has all of it and is sound.
fn settle(master: &Instance, replica: &Instance, users: &[&str]) -> Result<()> {
    for user in users {
        master.sync(replica, &["-u", user])?;
        let again = master.sync(replica, &["-u", user])?;
        assert_eq!(again.applied(), Vec::<&str>::new(), "{user} is not what it is on the master");
        traffic::assert_same(master, replica, user)?;
    }
    tools::nothing_to_mend(replica)
}
