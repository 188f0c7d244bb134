//! How many files this process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Those that are not messages: databases, locks, the connection, and what the libraries open.
const OTHERS: u64 = 128;
/// Enough for the messages that a master reserves at once, which are `sync_batchsize`, 8192 by default.
const ENOUGH: u64 = 8192;

/// Raises the limit as far as is useful and allowed; how many messages may then be kept open.
pub fn for_messages() -> usize {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 0 };
    let wanted = soft.max(hard.min(ENOUGH + OTHERS));
    let limit = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map_or(soft, |()| wanted);
    usize::try_from(limit.saturating_sub(OTHERS).min(ENOUGH)).unwrap_or(0)
}
