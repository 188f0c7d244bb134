//! A value from memory: an entry of `mailboxes.db`, the second line of `cyrus.header`, a conversations entry.
//!
//! Those are read by other rules than the wire (`dlist_parsesax`): exactly one space stands between elements; an atom ends at
//! a space or the end, and the closing parentheses before that are not part of it, so that it may be empty and may hold
//! parentheses and quotes; a backslash does not make a flag; there are no files.

use super::value::{KvList, Value};
use bytes::Bytes;

/// Lists within lists; no release writes more than four.
const MAX_DEPTH: usize = 64;

/// Where and why bytes are no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct ParseError {
    /// Bytes before the place.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads a value that fills `text`.
///
/// ```
/// let entry = sync_server::dlist::parse(b"%(T e P default V 17 A %(anyone lrs))").unwrap();
/// let entry = entry.kvlist().unwrap();
/// assert_eq!(entry.get(b"V").unwrap().number32(), Some(17));
/// ```
///
/// # Errors
/// [`ParseError`] says where the text departs from the rules above.
pub fn parse(text: &[u8]) -> Result<Value, ParseError> {
    let mut parser = Parser { text: Bytes::copy_from_slice(text), at: 0 };
    let value = parser.value()?;
    if parser.at < parser.text.len() {
        return Err(parser.error("something follows the value"));
    }
    Ok(value)
}

struct Parser {
    text: Bytes,
    at: usize,
}

/// A list that is open, with the key of the pair that is being read.
enum Open {
    List(Vec<Value>),
    KvList(Vec<(Bytes, Value)>, Bytes),
}

impl Parser {
    fn value(&mut self) -> Result<Value, ParseError> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut value = self.start(&mut open)?;
            // A complete value may complete the lists that it is the last of.
            while let Some(complete) = value {
                let Some(list) = open.pop() else { return Ok(complete) };
                value = self.attach(list, complete, &mut open)?;
            }
        }
    }

    /// Reads a string or an empty list whole, or opens a list and reads up to its first value.
    fn start(&mut self, open: &mut Vec<Open>) -> Result<Option<Value>, ParseError> {
        let is_kvlist = self.peek() == Some(b'%');
        if is_kvlist {
            self.at += 1;
        }
        match self.peek() {
            Some(b'(') if open.len() == MAX_DEPTH => Err(self.error("lists are nested too deep")),
            Some(b'(') => {
                self.at += 1;
                let empty = self.take(b')');
                match is_kvlist {
                    true if empty => return Ok(Some(Value::KvList(KvList::default()))),
                    false if empty => return Ok(Some(Value::List(Vec::new()))),
                    true => open.push(Open::KvList(Vec::new(), self.key()?)),
                    false => open.push(Open::List(Vec::new())),
                }
                Ok(None)
            }
            Some(_) if !is_kvlist => self.string().map(Some),
            _ => Err(self.error("a value is missing")),
        }
    }

    /// Adds a value to its list, then ends the list, which becomes a value, or goes on behind the space.
    fn attach(&mut self, list: Open, value: Value, open: &mut Vec<Open>) -> Result<Option<Value>, ParseError> {
        let ends = self.take(b')');
        if !ends && !self.take(b' ') {
            return Err(self.error("neither a space nor the end of a list"));
        }
        // A list may also end behind a space.
        let ends = ends || self.take(b')');
        match list {
            Open::List(mut values) => {
                values.push(value);
                if ends {
                    return Ok(Some(Value::List(values)));
                }
                open.push(Open::List(values));
            }
            Open::KvList(mut pairs, key) => {
                pairs.push((key, value));
                if ends {
                    return Ok(Some(Value::KvList(KvList(pairs))));
                }
                let key = self.key()?;
                open.push(Open::KvList(pairs, key));
            }
        }
        Ok(None)
    }

    fn key(&mut self) -> Result<Bytes, ParseError> {
        let start = self.at;
        let key = match self.string()? {
            Value::Atom(key) | Value::Literal(key) => key,
            _ => return Err(ParseError { at: start, problem: "a key is NIL" }),
        };
        match self.take(b' ') {
            true => Ok(key),
            false => Err(self.error("a space is missing behind a key")),
        }
    }

    /// `_parseitem`
    fn string(&mut self) -> Result<Value, ParseError> {
        match self.peek() {
            Some(b'"') => self.quoted().map(Value::Atom),
            Some(b'{') => self.literal().map(Value::Literal),
            Some(_) => Ok(self.atom()),
            None => Err(self.error("a value is missing")),
        }
    }

    fn atom(&mut self) -> Value {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let word = memchr::memchr(b' ', rest).map_or(rest, |end| &rest[..end]);
        let length = word.iter().rposition(|byte| *byte != b')').map_or(0, |last| last + 1);
        match self.slice(length) {
            word if word == "NIL" => Value::Nil,
            word => Value::Atom(word),
        }
    }

    fn quoted(&mut self) -> Result<Bytes, ParseError> {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let end = memchr::memchr2(b'"', b'\\', rest).ok_or(self.error("a quoted string is not closed"))?;
        if rest.get(end) == Some(&b'"') {
            self.at += 1;
            let text = self.slice(end);
            self.at += 1;
            return Ok(text);
        }
        self.at += 1;
        self.escaped()
    }

    /// A quoted string that holds escapes: a backslash stands before any byte.
    fn escaped(&mut self) -> Result<Bytes, ParseError> {
        let mut text = Vec::new();
        while let Some(byte) = self.next() {
            match byte {
                b'"' => return Ok(text.into()),
                b'\\' => text.extend(self.next()),
                _ => text.push(byte),
            }
        }
        Err(self.error("a quoted string is not closed"))
    }

    /// `{n}` or `{n+}`, CR LF and n bytes, and at least one byte behind it (`_parseliteral`).
    fn literal(&mut self) -> Result<Bytes, ParseError> {
        let malformed = self.error("a literal is malformed");
        self.at += 1;
        let mut length = 0_usize;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            length = length.checked_mul(10).and_then(|n| n.checked_add(usize::from(digit - b'0'))).ok_or(malformed)?;
            self.at += 1;
        }
        self.take(b'+');
        if !(self.take(b'}') && self.take(b'\r') && self.take(b'\n')) || self.text.len() - self.at <= length {
            return Err(malformed);
        }
        Ok(self.slice(length))
    }

    /// The next `length` bytes, which the caller has seen to be there.
    fn slice(&mut self, length: usize) -> Bytes {
        let start = self.at;
        self.at += length;
        self.text.slice(start..self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn error(&self, problem: &'static str) -> ParseError {
        ParseError { at: self.at, problem }
    }
}
