//! The state machine that cuts bytes into tokens.

mod glance;
mod known;
mod sized;
mod strings;

use super::{
    Token, Truncated, WireError, WireLimits,
    class::{ENDS_ATOM, is_space},
};
use crate::types::Guid;
use bytes::{Buf, Bytes, BytesMut};
use glance::Glance;

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

    /// The next token, taken from the front of `input`; `None` once the input is used up.
    pub fn next(&mut self, input: &mut Bytes) -> Option<Token> {
        match self.glance(input) {
            Glance::Other => self.next_of_any_kind(input),
            common => self.take(common, input),
        }
    }

    /// The way of every token, step by step.
    fn next_of_any_kind(&mut self, input: &mut Bytes) -> Option<Token> {
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
            State::Escape => self.escaped(byte, input),
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
            _ if byte != 0 && ENDS_ATOM[usize::from(byte)] => self.give_up(WireError::NoWord),
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
        if self.depth >= limit {
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
}
