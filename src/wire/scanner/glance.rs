//! The short way of most tokens: those that the input holds whole, after at most one space.

use super::{Scanner, State, known::known};
use crate::wire::{
    Token,
    class::{ENDS_ATOM, ENDS_QUOTED_RUN},
};
use bytes::{Buf, Bytes};

/// A token of the common kind, which the input holds whole.
pub(super) enum Glance {
    Open,
    OpenKv,
    Close,
    Atom {
        length: usize,
    },
    Flag {
        length: usize,
    },
    Quoted {
        length: usize,
    },
    /// Any other, or the input does not hold it whole.
    Other,
}

impl Scanner {
    /// Looks whether the next token is of the common kind, after at most one space, and goes to it if so.
    #[inline]
    pub(super) fn glance(&self, input: &mut Bytes) -> Glance {
        if self.state != (State::Gap { spaces: 0 }) || self.discards() {
            return Glance::Other;
        }
        let space = usize::from(input.first() == Some(&b' '));
        let text = input.get(space..).unwrap_or_default();
        let (glance, skip) = match text {
            [b'(', ..] if self.depth < self.limits.max_depth => (Glance::Open, space + 1),
            [b'%', b'(', ..] if self.depth < self.limits.max_depth => (Glance::OpenKv, space + 2),
            [b')', ..] if self.depth > 0 => (Glance::Close, space + 1),
            [b'"', quoted @ ..] => match self.whole(quoted, &ENDS_QUOTED_RUN) {
                Some((length, b'"')) => (Glance::Quoted { length }, space + 1),
                _ => return Glance::Other,
            },
            [b'{' | b'%', ..] => return Glance::Other,
            [first, ..] => match self.whole(text, &ENDS_ATOM) {
                None | Some((0, _) | (_, 0)) => return Glance::Other,
                Some((length, _)) if *first == b'\\' => (Glance::Flag { length }, space),
                Some((length, _)) => (Glance::Atom { length }, space),
            },
            [] => return Glance::Other,
        };
        input.advance(skip);
        glance
    }

    /// Takes the token that was seen.
    pub(super) fn take(&mut self, seen: Glance, input: &mut Bytes) -> Option<Token> {
        match seen {
            Glance::Open => {
                self.depth += 1;
                Some(Token::ListStart)
            }
            Glance::OpenKv => {
                self.depth += 1;
                Some(Token::KvListStart)
            }
            Glance::Close => {
                self.depth -= 1;
                Some(Token::ListEnd)
            }
            Glance::Atom { length } => take_atom(input, length),
            Glance::Flag { length } => take_flag(input, length),
            Glance::Quoted { length } => take_quoted(input, length),
            Glance::Other => None,
        }
    }

    /// The length of a string that ends within `text`, and the byte that ends it.
    #[inline]
    fn whole(&self, text: &[u8], ends: &[bool; 256]) -> Option<(usize, u8)> {
        let (length, end) = text.iter().enumerate().find(|(_, byte)| ends[usize::from(**byte)])?;
        (length <= self.limits.max_string as usize).then_some((length, *end))
    }
}

// Each of these builds its token where the caller wants it: a move of a token costs more than the scan of a short one, and
// the compiler makes one wherever two ways to build a token meet in one function.

#[inline(never)]
fn take_atom(input: &mut Bytes, length: usize) -> Option<Token> {
    Some(Token::Atom(take_word(input, length)))
}

#[inline(never)]
fn take_flag(input: &mut Bytes, length: usize) -> Option<Token> {
    Some(Token::Flag(take_word(input, length)))
}

#[inline]
fn take_word(input: &mut Bytes, length: usize) -> Bytes {
    match known(input.get(..length).unwrap_or_default()) {
        Some(word) => {
            input.advance(length);
            word
        }
        None => input.split_to(length),
    }
}

#[inline(never)]
fn take_quoted(input: &mut Bytes, length: usize) -> Option<Token> {
    let text = if length == 0 { Bytes::new() } else { input.split_to(length) };
    input.advance(1);
    Some(Token::Quoted(text))
}
