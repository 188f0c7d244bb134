//! Why the program ends, with the exit code of sysexits.h that goes with it.

use std::fmt;

use sync_server::config::ConfigError;

/// The command line is wrong.
pub const EX_USAGE: u8 = 64;
/// What is asked for is not there.
pub const EX_NOINPUT: u8 = 66;
/// The system cannot do what it should.
pub const EX_OSERR: u8 = 71;
/// What is asked for cannot be made.
pub const EX_CANTCREAT: u8 = 73;
/// A file cannot be written.
pub const EX_IOERR: u8 = 74;

/// Why the program ends. Its text is one line.
#[derive(Debug)]
pub struct Fatal {
    /// The exit code.
    pub code: u8,
    text: String,
}

impl Fatal {
    pub fn new(code: u8, text: impl Into<String>) -> Fatal {
        Fatal { code, text: text.into() }
    }
}

impl fmt::Display for Fatal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl From<ConfigError> for Fatal {
    fn from(error: ConfigError) -> Fatal {
        Fatal::new(error.exit_code(), error.to_string())
    }
}
