//! What declares its size: literals and files.

use super::{Counted, MAX_DIGITS, Purpose, Run, Scanner, State, Step};
use crate::wire::{FileRef, Token, WireError, class::ENDS_ATOM};
use bytes::{Buf, Bytes};

impl Scanner {
    pub(super) fn percent(&mut self, byte: u8, input: &mut Bytes) -> Step {
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

    pub(super) fn file_string(&mut self, byte: u8, input: &mut Bytes) -> Step {
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

    pub(super) fn file_space(&mut self, byte: u8, input: &mut Bytes) -> Step {
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
    pub(super) fn size(&mut self, byte: u8, input: &mut Bytes) -> Step {
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
            Some(guid) => {
                let partition = std::mem::take(&mut self.partition);
                Step::Token(Token::FileStart(Box::new(FileRef { partition, guid, size })))
            }
            None => {
                self.blame(WireError::FileGuid);
                Step::Again
            }
        }
    }

    /// Within the bytes of a literal.
    pub(super) fn literal(&mut self, missing: u32, input: &mut Bytes) -> Step {
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
    pub(super) fn file(&mut self, missing: u32, input: &mut Bytes) -> Step {
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
}
