//! Atoms, words, flags and quoted strings, and the keeping of what the end of an input cut.

use super::{Purpose, Run, Scanner, State, Step};
use crate::{
    types::Guid,
    wire::{
        Token, WireError,
        class::{ENDS_ATOM, ENDS_QUOTED_RUN},
    },
};
use bytes::{Buf, Bytes};

impl Scanner {
    /// Within a word, atom or flag.
    pub(super) fn run(&mut self, run: Run, input: &mut Bytes) -> Step {
        let end = input.iter().position(|byte| ENDS_ATOM[usize::from(*byte)]);
        let Some(end) = end else {
            let part = input.split_to(input.len());
            self.hold(&part);
            self.state = State::Run(run);
            return Step::Starved;
        };
        let part = input.split_to(end);
        if input.first() == Some(&0) {
            self.hold(&part);
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
    pub(super) fn quoted(&mut self, input: &mut Bytes) -> Step {
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
                self.hold(&part);
                self.blame(WireError::Nul);
                Step::Again
            }
            _ => {
                self.hold(&part);
                self.give_up(WireError::UnclosedQuote)
            }
        }
    }

    /// At the byte behind a backslash in a quoted string, which may be any but NUL.
    pub(super) fn escaped(&mut self, byte: u8, input: &mut Bytes) -> Step {
        if byte == 0 {
            self.blame(WireError::Nul);
        }
        self.hold(&input.split_to(1));
        self.go(State::Quoted)
    }

    /// Keeps a part of a string until the rest of it comes.
    pub(super) fn hold(&mut self, part: &[u8]) {
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
    pub(super) fn complete(&mut self, part: Bytes) -> Bytes {
        if self.held.is_empty() && part.len() <= self.limits.max_string as usize {
            return part;
        }
        self.hold(&part);
        self.held.split().freeze()
    }

    /// A string has been read.
    pub(super) fn string(&mut self, text: Bytes, token: fn(Bytes) -> Token) -> Step {
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
