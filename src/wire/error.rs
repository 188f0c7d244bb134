//! What can be wrong with a line, and with its absence.

/// What was wrong with a line, reported once the line has been read to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
// Aligned as the other contents of a token: tokens are then moved in whole words, which scans lists half as fast again.
#[repr(align(8))]
pub enum WireError {
    /// A space, parenthesis or quote stands where the command word belongs.
    #[error("the line does not begin with a command word")]
    NoWord,
    /// A word, atom or quoted string above [`WireLimits::max_string`](super::WireLimits::max_string).
    #[error("a string has more than {limit} bytes")]
    StringTooLong {
        /// Bytes that a string may have.
        limit: u32,
    },
    /// A literal above [`WireLimits::max_string`](super::WireLimits::max_string). Its bytes were read and thrown away.
    #[error("a literal of {size} bytes is longer than {limit}")]
    LiteralTooLong {
        /// Bytes that the literal was declared to have.
        size: u32,
        /// Bytes that a literal may have.
        limit: u32,
    },
    /// After `{` there is no size below 2^32 followed by `}` or `+}` and the end of a line.
    #[error("a literal's size is malformed")]
    LiteralHeader,
    /// After `%{` there is no partition, GUID and size below 2^32 followed by `}` and the end of a line.
    #[error("a file's header is malformed")]
    FileHeader,
    /// A file's GUID is not 40 hexadecimal digits. Its bytes were read and thrown away.
    #[error("a file's GUID is malformed")]
    FileGuid,
    /// `%` that begins neither `%(` nor `%{`.
    #[error("% is followed by neither ( nor {{")]
    Percent,
    /// A NUL in a string that is not a literal.
    #[error("a string that is not a literal holds a NUL")]
    Nul,
    /// A quoted string runs into the end of the line.
    #[error("a quoted string is not closed")]
    UnclosedQuote,
    /// A carriage return that no line feed follows.
    #[error("a carriage return is not followed by a line feed")]
    StrayReturn,
    /// A closing parenthesis too many.
    #[error("a list is closed that was not opened")]
    UnopenedList,
    /// A list runs into the end of the line.
    #[error("a list is not closed")]
    UnclosedList,
    /// More lists within lists than [`WireLimits::max_depth`](super::WireLimits::max_depth).
    #[error("lists are nested more than {limit} deep")]
    TooDeep {
        /// Lists that may be open at once.
        limit: u32,
    },
    /// More spaces in a row than any printer of values makes.
    #[error("more than {limit} spaces in a row")]
    TooMuchSpace {
        /// Spaces that may stand in a row.
        limit: u32,
    },
}

/// What the end of the input cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Truncated {
    /// A line, somewhere between its first byte and its end.
    #[error("the input ended within a line")]
    Line,
    /// A literal.
    #[error("the input ended {missing} bytes before the end of a literal")]
    Literal {
        /// Bytes of the literal that did not come.
        missing: u32,
    },
    /// A file.
    #[error("the input ended {missing} bytes before the end of a file")]
    File {
        /// Bytes of the file that did not come.
        missing: u32,
    },
}
