//! The state machine that cuts bytes into tokens.

use super::{
    Token, Truncated, WireError, WireLimits,
    class::{ENDS_ATOM, ENDS_QUOTED_RUN, is_space},
};
use crate::types::Guid;
use bytes::{Buf, Bytes, BytesMut};

/// Spaces in a row. Every printer makes one; a bound keeps a small token from holding a big read in memory.
const MAX_SPACES: u32 = 64;

/// Digits of a literal's or file's size: more than a number of 64 bits has.
const MAX_DIGITS: u32 = 20;

/// Cuts the peer's bytes into tokens. It can be left and taken up again at any byte.
///
/// ```
/// use bytes::Bytes;
/// use sync_server::wire::{Scanner, Token, WireLimits};
///
/// let mut scanner = Scanner::new(WireLimits::default());
/// let mut input = Bytes::from_static(b"GET USER u1\r\nNOO");
/// let mut tokens = Vec::new();
/// while let Some(token) = scanner.next(&mut input) {
///     tokens.push(token);
/// }
/// assert_eq!(tokens[0], Token::Word(Bytes::from_static(b"GET")));
/// assert_eq!(tokens[3], Token::EndOfLine);
/// assert!(input.is_empty() && scanner.finish().is_err());
/// ```
#[derive(Debug)]
pub struct Scanner {
    limits: WireLimits,
    state: State,
    /// What the string that is being read is for.
    purpose: Purpose,
    /// The front of a string that the end of an input cut, or that holds escapes.
    held: BytesMut,
    /// Of a file whose header is being read.
    partition: Bytes,
    /// Of a file whose header is being read; `None` if it is malformed.
    guid: Option<Guid>,
    /// Lists that are open.
    depth: u32,
    /// What is wrong with the line.
    bad: Option<WireError>,
    /// The caller wants no more of this line.
    skipping: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    LineStart,
    /// Between tokens, after so many spaces.
    Gap {
        spaces: u32,
    },
    /// After a carriage return.
    Return,
    Run(Run),
    Quoted,
    /// After a backslash in a quoted string.
    Escape,
    Number {
        of: Counted,
        size: u32,
        digits: u32,
    },
    /// After a literal's `+`.
    Plus {
        size: u32,
    },
    /// After the `}` of a size.
    Brace {
        of: Counted,
        size: u32,
    },
    /// After the carriage return behind it.
    BraceReturn {
        of: Counted,
        size: u32,
    },
    Literal {
        missing: u32,
    },
    /// After `%`.
    Percent,
    /// Where a file's partition or GUID begins.
    FileString,
    /// Where the space behind it belongs.
    FileSpace,
    File {
        missing: u32,
    },
}

/// Strings without quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    Word,
    Atom,
    Flag,
}

/// What a size in braces is the size of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Counted {
    Literal,
    File,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Purpose {
    Token,
    Partition,
    Guid,
}

/// What one step of the machine came to.
enum Step {
    /// The input is used up.
    Starved,
    /// The state has changed, or a byte was taken.
    Again,
    Token(Token),
}

impl Scanner {
    /// A scanner at the start of a line.
    pub fn new(limits: WireLimits) -> Scanner {
        Scanner {
            limits,
            state: State::LineStart,
            purpose: Purpose::Token,
            held: BytesMut::new(),
            partition: Bytes::new(),
            guid: None,
            depth: 0,
            bad: None,
            skipping: false,
        }
    }

    /// Other limits from the next string on, as when the peer has logged in.
    pub fn set_limits(&mut self, limits: WireLimits) {
        self.limits = limits;
    }

    /// The next token, taken from the front of `input`; `None` once the input is used up.
    pub fn next(&mut self, input: &mut Bytes) -> Option<Token> {
        loop {
            match self.step(input) {
                Step::Starved => return None,
                Step::Again => {}
                Step::Token(token) if !self.discards() => return Some(token),
                Step::Token(_) => {}
            }
        }
    }

    /// Throws the rest of the current line away: the next token is its `EndOfLine` or `Bad`. A file that is being read is
    /// read to its end without tokens. Between lines it does nothing.
    pub fn skip_line(&mut self) {
        self.skipping = self.state != State::LineStart;
    }

    /// Whether the next byte begins a line.
    pub fn is_between_lines(&self) -> bool {
        self.state == State::LineStart
    }

    /// What the end of the peer's input means here.
    ///
    /// # Errors
    /// [`Truncated`] says what was cut, where the input does not end with a line.
    pub fn finish(&self) -> Result<(), Truncated> {
        match self.state {
            State::LineStart => Ok(()),
            State::Literal { missing } => Err(Truncated::Literal { missing }),
            State::File { missing } => Err(Truncated::File { missing }),
            _ => Err(Truncated::Line),
        }
    }

    fn discards(&self) -> bool {
        self.skipping || self.bad.is_some()
    }

    /// Notes what is wrong with the line; the first error counts.
    fn blame(&mut self, error: WireError) {
        self.bad.get_or_insert(error);
        self.held = BytesMut::new();
    }

    /// Notes what is wrong and goes on between tokens.
    fn give_up(&mut self, error: WireError) -> Step {
        self.blame(error);
        self.purpose = Purpose::Token;
        self.go(State::Gap { spaces: 0 })
    }

    fn go(&mut self, state: State) -> Step {
        self.state = state;
        Step::Again
    }

    fn step(&mut self, input: &mut Bytes) -> Step {
        match self.state {
            State::Gap { spaces } => self.gap(spaces, input),
            State::Run(run) => self.run(run, input),
            State::Quoted => self.quoted(input),
            State::Literal { missing } => self.literal(missing, input),
            State::File { missing } => self.file(missing, input),
            _ => match input.first() {
                None => Step::Starved,
                Some(byte) => self.step_byte(*byte, input),
            },
        }
    }

    /// The states that look at one byte.
    fn step_byte(&mut self, byte: u8, input: &mut Bytes) -> Step {
        match self.state {
            State::LineStart => self.line_start(byte),
            State::Return if byte == b'\n' => self.line_end(input),
            State::Return => self.give_up(WireError::StrayReturn),
            State::Escape => {
                if byte == 0 {
                    self.blame(WireError::Nul);
                }
                self.hold(&input.split_to(1));
                self.go(State::Quoted)
            }
            State::Percent => self.percent(byte, input),
            State::FileString => self.file_string(byte, input),
            State::FileSpace => self.file_space(byte, input),
            _ => self.size(byte, input),
        }
    }

    fn line_start(&mut self, byte: u8) -> Step {
        match byte {
            b'\r' | b'\n' => {
                self.state = State::Gap { spaces: 0 };
                Step::Token(Token::Word(Bytes::new()))
            }
            0 => self.go(State::Run(Run::Word)),
            _ if ENDS_ATOM[usize::from(byte)] => self.give_up(WireError::NoWord),
            _ => self.go(State::Run(Run::Word)),
        }
    }

    /// At the line feed that ends a line.
    fn line_end(&mut self, input: &mut Bytes) -> Step {
        input.advance(1);
        if self.depth > 0 {
            self.blame(WireError::UnclosedList);
        }
        self.state = State::LineStart;
        self.purpose = Purpose::Token;
        self.depth = 0;
        self.skipping = false;
        Step::Token(self.bad.take().map_or(Token::EndOfLine, Token::Bad))
    }

    fn gap(&mut self, spaces: u32, input: &mut Bytes) -> Step {
        let Some(&byte) = input.first() else { return Step::Starved };
        match byte {
            b'(' => self.open(Token::ListStart, input),
            b')' => self.close(input),
            b'\n' => self.line_end(input),
            b'\\' => self.run(Run::Flag, input),
            b'"' | b'{' | b'%' | b'\r' => {
                input.advance(1);
                self.go(match byte {
                    b'"' => State::Quoted,
                    b'{' => State::Number { of: Counted::Literal, size: 0, digits: 0 },
                    b'%' => State::Percent,
                    _ => State::Return,
                })
            }
            _ if is_space(byte) => {
                input.advance(1);
                if spaces == MAX_SPACES {
                    self.blame(WireError::TooMuchSpace { limit: MAX_SPACES });
                    return Step::Again;
                }
                self.go(State::Gap { spaces: spaces + 1 })
            }
            _ => self.run(Run::Atom, input),
        }
    }

    fn open(&mut self, token: Token, input: &mut Bytes) -> Step {
        input.advance(1);
        self.state = State::Gap { spaces: 0 };
        let limit = self.limits.max_depth;
        if self.depth == limit {
            return self.give_up(WireError::TooDeep { limit });
        }
        self.depth += 1;
        Step::Token(token)
    }

    fn close(&mut self, input: &mut Bytes) -> Step {
        input.advance(1);
        match self.depth.checked_sub(1) {
            None => self.give_up(WireError::UnopenedList),
            Some(depth) => {
                self.depth = depth;
                self.state = State::Gap { spaces: 0 };
                Step::Token(Token::ListEnd)
            }
        }
    }

    /// Within a word, atom or flag.
    fn run(&mut self, run: Run, input: &mut Bytes) -> Step {
        let end = input.iter().position(|byte| ENDS_ATOM[usize::from(*byte)]);
        let Some(end) = end else {
            let part = input.split_to(input.len());
            self.hold(&part);
            self.state = State::Run(run);
            return Step::Starved;
        };
        let part = input.split_to(end);
        if input.first() == Some(&0) {
            input.advance(1);
            self.blame(WireError::Nul);
            return self.go(State::Run(run));
        }
        let text = self.complete(part);
        self.string(
            text,
            match run {
                Run::Word => Token::Word,
                Run::Atom => Token::Atom,
                Run::Flag => Token::Flag,
            },
        )
    }

    /// Within a quoted string.
    fn quoted(&mut self, input: &mut Bytes) -> Step {
        let end = input.iter().position(|byte| ENDS_QUOTED_RUN[usize::from(*byte)]);
        let part = input.split_to(end.unwrap_or(input.len()));
        let Some(&byte) = input.first() else {
            self.hold(&part);
            return Step::Starved;
        };
        match byte {
            b'"' => {
                input.advance(1);
                let text = self.complete(part);
                self.string(text, Token::Quoted)
            }
            b'\\' => {
                input.advance(1);
                self.hold(&part);
                self.go(State::Escape)
            }
            0 => {
                input.advance(1);
                self.blame(WireError::Nul);
                Step::Again
            }
            _ => self.give_up(WireError::UnclosedQuote),
        }
    }

    /// Within the bytes of a literal.
    fn literal(&mut self, missing: u32, input: &mut Bytes) -> Step {
        let part = input.split_to(input.len().min(missing as usize));
        let missing = missing.saturating_sub(part.len() as u32);
        if missing > 0 {
            self.hold(&part);
            self.state = State::Literal { missing };
            return Step::Starved;
        }
        let text = self.complete(part);
        self.string(text, Token::Literal)
    }

    /// Within the bytes of a file.
    fn file(&mut self, missing: u32, input: &mut Bytes) -> Step {
        if missing == 0 {
            self.state = State::Gap { spaces: 0 };
            return Step::Token(Token::FileEnd);
        }
        if input.is_empty() {
            return Step::Starved;
        }
        let part = input.split_to(input.len().min(missing as usize));
        self.state = State::File { missing: missing.saturating_sub(part.len() as u32) };
        Step::Token(Token::FileData(part))
    }

    fn percent(&mut self, byte: u8, input: &mut Bytes) -> Step {
        match byte {
            b'(' => self.open(Token::KvListStart, input),
            b'{' => {
                input.advance(1);
                self.purpose = Purpose::Partition;
                self.go(State::FileString)
            }
            _ => self.give_up(WireError::Percent),
        }
    }

    fn file_string(&mut self, byte: u8, input: &mut Bytes) -> Step {
        match byte {
            b'"' => {
                input.advance(1);
                self.go(State::Quoted)
            }
            b'{' => {
                input.advance(1);
                self.go(State::Number { of: Counted::Literal, size: 0, digits: 0 })
            }
            _ if byte != 0 && ENDS_ATOM[usize::from(byte)] => self.give_up(WireError::FileHeader),
            _ => self.go(State::Run(Run::Atom)),
        }
    }

    fn file_space(&mut self, byte: u8, input: &mut Bytes) -> Step {
        if byte != b' ' {
            return self.give_up(WireError::FileHeader);
        }
        input.advance(1);
        if self.purpose == Purpose::Partition {
            self.purpose = Purpose::Guid;
            return self.go(State::FileString);
        }
        self.purpose = Purpose::Token;
        self.go(State::Number { of: Counted::File, size: 0, digits: 0 })
    }

    /// Within the size of a literal or file, up to the line feed behind it.
    fn size(&mut self, byte: u8, input: &mut Bytes) -> Step {
        let next = match (self.state, byte) {
            (State::Number { of, size, digits }, b'0'..=b'9') if digits < MAX_DIGITS => size
                .checked_mul(10)
                .and_then(|size| size.checked_add(u32::from(byte - b'0')))
                .map(|size| State::Number { of, size, digits: digits + 1 }),
            (State::Number { of: Counted::Literal, size, digits: 1.. }, b'+') => Some(State::Plus { size }),
            (State::Plus { size }, b'}') => Some(State::Brace { of: Counted::Literal, size }),
            (State::Number { of, size, digits: 1.. }, b'}') => Some(State::Brace { of, size }),
            (State::Brace { of, size }, b'\r') => Some(State::BraceReturn { of, size }),
            (State::Brace { of, size } | State::BraceReturn { of, size }, b'\n') => {
                input.advance(1);
                return self.begin(of, size);
            }
            _ => None,
        };
        match next {
            Some(state) => {
                input.advance(1);
                self.go(state)
            }
            None => self.give_up(self.size_error()),
        }
    }

    fn size_error(&self) -> WireError {
        match self.state {
            State::Number { of: Counted::File, .. }
            | State::Brace { of: Counted::File, .. }
            | State::BraceReturn { of: Counted::File, .. } => WireError::FileHeader,
            _ => WireError::LiteralHeader,
        }
    }

    /// At the first byte of a literal or file.
    fn begin(&mut self, of: Counted, size: u32) -> Step {
        if of == Counted::Literal {
            let limit = self.limits.max_string;
            if size > limit {
                self.blame(WireError::LiteralTooLong { size, limit });
            }
            return self.go(State::Literal { missing: size });
        }
        self.state = State::File { missing: size };
        match self.guid.take() {
            Some(guid) => Step::Token(Token::FileStart { partition: std::mem::take(&mut self.partition), guid, size }),
            None => {
                self.blame(WireError::FileGuid);
                Step::Again
            }
        }
    }

    /// Keeps a part of a string until the rest of it comes.
    fn hold(&mut self, part: &[u8]) {
        let limit = self.limits.max_string;
        if self.discards() {
            return;
        }
        if self.held.len() + part.len() > limit as usize {
            return self.blame(WireError::StringTooLong { limit });
        }
        self.held.extend_from_slice(part);
    }

    /// The whole string, of which `part` is the end.
    fn complete(&mut self, part: Bytes) -> Bytes {
        if self.held.is_empty() && part.len() <= self.limits.max_string as usize {
            return part;
        }
        self.hold(&part);
        self.held.split().freeze()
    }

    /// A string has been read.
    fn string(&mut self, text: Bytes, token: fn(Bytes) -> Token) -> Step {
        match self.purpose {
            Purpose::Token => {
                self.state = State::Gap { spaces: 0 };
                return Step::Token(token(text));
            }
            Purpose::Partition => self.partition = text,
            Purpose::Guid => self.guid = Guid::from_hex(&text),
        }
        self.go(State::FileSpace)
    }
}
