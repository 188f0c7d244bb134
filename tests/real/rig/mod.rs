//! Real Cyrus installations under test: a master and its replicas on loopback, driven from outside.

pub mod imap;
pub mod inetd;
pub mod instance;
pub mod release;
pub mod rolling;
pub mod sieve;
pub mod sync_client;
pub mod syslog;
pub mod trio;

/// What went wrong, in words. Tests return it, so its `Debug` is what the test runner shows.
pub struct Failure(pub String);

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn new(what: impl Into<String>) -> Failure {
        Failure(what.into())
    }
}

impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.to_string())
    }
}
