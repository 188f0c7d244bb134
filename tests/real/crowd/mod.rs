//! Many at once, and some of them killed: the replica is what the master is in the end, and no lock stays.
//!
//! Each test runs for `CROWD_SECONDS`, 20 unless it is said, and prints a line `faults: N what, N what` for `make faults`.

mod aftermath;
mod kills;
mod mixed;
mod traffic;
mod witness;

use std::time::{Duration, Instant};

/// How long a crowd goes on.
fn duration() -> Duration {
    let seconds = std::env::var("CROWD_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

/// So long from now.
fn after(duration: Duration) -> Instant {
    Instant::now() + duration
}
