//! Why a configuration cannot be used: one line for the administrator, and the exit code that goes with it.

use std::{fmt, io, path::PathBuf, sync::Arc};

/// Where an option was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1 on; none for an option that was not given at all.
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}", self.file),
            None => formatter.write_str(&self.file),
        }
    }
}

/// Why a configuration cannot be used. Its text is one line.
#[derive(thiserror::Error, Debug)]
pub enum ConfigError {
    /// The file cannot be opened or read.
    #[error("{file}: cannot read the configuration file: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        error: io::Error,
    },
    /// The file is larger than any configuration.
    #[error("{file}: the configuration file is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        file: String,
        /// The most that is read.
        limit: u64,
    },
    /// A file was named by `@include` a second time.
    #[error("{place}: {file} is included twice; remove one of the @include lines")]
    IncludedTwice {
        /// The second `@include`.
        place: Place,
        /// The file that it names.
        file: String,
    },
    /// Files include each other too deeply.
    #[error("{place}: @include lines are nested more than {limit} deep; a file includes itself under another name")]
    IncludedTooDeep {
        /// The innermost `@include`.
        place: Place,
        /// The depth that is allowed.
        limit: usize,
    },
    /// A line that is not `option: value`.
    #[error("{place}: invalid option name; a line reads 'option: value', with the colon right behind the name")]
    BadName {
        /// The line.
        place: Place,
    },
    /// An option with nothing behind the colon.
    #[error("{place}: option '{option}' has no value; give it one or remove the line")]
    NoValue {
        /// The line.
        place: Place,
        /// The option.
        option: String,
    },
    /// A word beginning with @ other than `@include`.
    #[error("{place}: '{directive}' is not a directive; the only one is @include")]
    BadDirective {
        /// The line.
        place: Place,
        /// The word.
        directive: String,
    },
    /// A value that the option cannot have.
    #[error("{place}: option '{option}' cannot be '{value}': it takes {expected}")]
    BadValue {
        /// The line.
        place: Place,
        /// The option, as written.
        option: String,
        /// The value.
        value: String,
        /// What it could have been.
        expected: String,
    },
    /// An option given twice.
    #[error("{place}: option '{option}' was already given at {first}; remove one of the two")]
    Twice {
        /// The second.
        place: Place,
        /// The option, as written.
        option: String,
        /// The first.
        first: Place,
    },
    /// An option that must be given.
    #[error("{file}: option '{option}' is not given; add it")]
    Missing {
        /// The file.
        file: String,
        /// The option.
        option: String,
    },
    /// An option that would make other Cyrus programs expect what this crate does not keep.
    #[error("{place}: option '{option}' is '{value}', which is not supported: {reason}; {remedy}")]
    Unsupported {
        /// The line, or the file when the value is the default.
        place: Place,
        /// The option.
        option: &'static str,
        /// Its value.
        value: String,
        /// Why not.
        reason: &'static str,
        /// What to do.
        remedy: String,
    },
    /// The spool is that of a release which the default would not go with.
    #[error(
        "{file}: option 'sync_server_index_version' is not given, but {} was made by a Cyrus before 3.12; set the option to \
         17 beside Cyrus 3.4 to 3.8, to 19 beside 3.10; beside 3.12 start its imapd first",
        evidence.display()
    )]
    OlderSpool {
        /// The file.
        file: String,
        /// What tells so.
        evidence: PathBuf,
    },
    /// A directory that cannot be used; it may be a mount that is not there yet.
    #[error("{place}: the directory {} of option '{option}' cannot be used: {error}", directory.display())]
    Directory {
        /// Where the option was given.
        place: Place,
        /// The option.
        option: String,
        /// The directory.
        directory: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl ConfigError {
    /// The exit code of sysexits.h: 78 (`EX_CONFIG`) for what an edit must mend, 75 (`EX_TEMPFAIL`) for what may pass.
    pub fn exit_code(&self) -> u8 {
        match self {
            ConfigError::Directory { .. } => 75,
            _ => 78,
        }
    }
}
