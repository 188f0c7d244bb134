//! What guards a replica against its master's mistakes and against a full disk. All of it is off by default.

use super::spool;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

/// What the store guards against.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Safety {
    /// `sync_server_trash`: how long mailboxes that a peer removes are kept aside; `None`: not at all. Whole seconds.
    pub trash: Option<Duration>,
    /// `sync_server_max_deletes`: how many mailboxes peers may remove; `None`: all.
    pub max_removals: Option<RemovalLimit>,
    /// `sync_server_min_free`: the free space that uploads leave on a partition, in bytes; 0: none.
    pub min_free: u64,
    /// What times of removals are taken from.
    pub clock: Clock,
}

/// How many mailboxes peers may remove in which time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RemovalLimit {
    /// Mailboxes; at least 1.
    pub count: u32,
    /// The time, in seconds: a minute, an hour or a day.
    pub seconds: u32,
}

/// As it is written in `imapd.conf`.
impl fmt::Display for RemovalLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            60 => write!(formatter, "{}/m", self.count),
            3600 => write!(formatter, "{}/h", self.count),
            86400 => write!(formatter, "{}/d", self.count),
            seconds => write!(formatter, "{}/{seconds}s", self.count),
        }
    }
}

/// The time of day: the system's, or one that a test sets.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands still until [`Clock::set`]; in seconds since 1970. Clones are the same clock.
    pub fn standing(seconds: i64) -> Clock {
        Clock(Some(Arc::new(AtomicI64::new(seconds))))
    }

    /// Sets a standing clock; the system's is left alone.
    pub fn set(&self, seconds: i64) {
        if let Some(time) = &self.0 {
            time.store(seconds, Relaxed);
        }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.0.as_ref().map_or_else(spool::now, |time| time.load(Relaxed))
    }
}

/// Two clocks are equal if they are the same one.
impl PartialEq for Clock {
    fn eq(&self, other: &Clock) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Clock {}
