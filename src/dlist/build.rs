//! Tokens to values: one item of one line.

use super::value::{KvList, Value};
use crate::wire::{FileRef, Token, WireError};
use bytes::Bytes;

/// Which lists hand out their elements instead of holding them: given an item's name and the key of a list that is a value
/// of the item's own pairs, or an empty key for the item's own list.
///
/// ```
/// use sync_server::dlist::StreamRule;
///
/// const RULE: StreamRule = |item, key| matches!((item, key), (b"MAILBOX", b"RECORD") | (b"MESSAGE", b""));
/// ```
pub type StreamRule = fn(item: &[u8], key: &[u8]) -> bool;

/// What a token brought.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Nothing yet.
    More,
    /// An element of a list that the [`StreamRule`] named is complete; [`Builder::element_key`] says of which. Give it back
    /// with [`Builder::recycle`] after use.
    Element(Value),
    /// The line is complete. The lists that handed out their elements are empty.
    Done(Item),
}

/// The argument of a command: a name and its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The name, case kept.
    pub name: Bytes,
    /// The value.
    pub value: Value,
}

/// Why a line is no item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DlistError {
    /// The line ends after the command word.
    #[error("the command's argument is missing")]
    NoName,
    /// The line ends after the item's name.
    #[error("the argument's value is missing")]
    NoValue,
    /// A list or file stands where a name or key belongs, or the key holds a NUL.
    #[error("a key is not a string")]
    Key,
    /// A list of pairs ends after a key.
    #[error("a key has no value")]
    KeyWithoutValue,
    /// Something follows the item's value.
    #[error("something follows the argument's value")]
    Trailing,
    /// A file stands where no list hands out its elements.
    #[error("a file is not expected here")]
    UnexpectedFile,
    /// What the line makes the server hold in memory is above the limit.
    #[error("the argument takes more than {limit} bytes")]
    TooBig {
        /// Bytes that an item may take.
        limit: usize,
    },
    /// The tokens are not those of a line's arguments.
    #[error("the tokens are not those of an argument")]
    Tokens,
    /// The scanner found the line bad.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// Grows the item of a line from the tokens that follow the command word.
///
/// After [`Event::Done`] and after an error it is ready for the next line; after an error the caller throws the rest of the
/// line away with [`Scanner::skip_line`](crate::wire::Scanner::skip_line).
#[derive(Debug)]
pub struct Builder {
    max_held: usize,
    rule: StreamRule,
    name: Option<Bytes>,
    /// The lists that are open, outermost first.
    open: Vec<Open>,
    /// The item's value once it is complete.
    value: Option<Value>,
    /// Which of the open lists hands out its elements.
    streaming: Option<Streaming>,
    /// Bytes that the item takes in memory so far.
    held: usize,
    spare_lists: Vec<Vec<Value>>,
    spare_kvlists: Vec<Vec<(Bytes, Value)>>,
}

#[derive(Debug)]
enum Open {
    List(Vec<Value>),
    KvList { pairs: Vec<(Bytes, Value)>, key: Option<Bytes> },
}

#[derive(Debug)]
struct Streaming {
    /// Lists that are open while an element begins.
    depth: usize,
    /// What was held when the list began.
    held: usize,
    key: Bytes,
}

/// Bytes that a value takes besides its text.
const VALUE_COST: usize = size_of::<Value>();

/// Bytes that a pair takes besides its texts.
const PAIR_COST: usize = size_of::<(Bytes, Value)>();

/// Emptied vectors that are kept for later lists, of each kind.
const MAX_SPARE: usize = 16;

/// Elements that such a vector has room for: more than a record has.
const MAX_SPARE_CAPACITY: usize = 256;

impl Builder {
    /// A builder whose items take at most `max_held` bytes of memory each, elements handed out not counted.
    pub fn new(max_held: usize, rule: StreamRule) -> Builder {
        Builder {
            max_held,
            rule,
            name: None,
            open: Vec::new(),
            value: None,
            streaming: None,
            held: 0,
            spare_lists: Vec::new(),
            spare_kvlists: Vec::new(),
        }
    }

    /// The item's name, as soon as it has been read.
    pub fn name(&self) -> Option<&Bytes> {
        self.name.as_ref()
    }

    /// The pairs of the item's value that are complete, while it is being read: what came before the elements.
    pub fn pairs(&self) -> &[(Bytes, Value)] {
        match (self.open.first(), &self.value) {
            (Some(Open::KvList { pairs, .. }), _) | (None, Some(Value::KvList(KvList(pairs)))) => pairs,
            _ => &[],
        }
    }

    /// The key of the list that is handing out its elements; empty for the item's own list, `None` for no such list.
    pub fn element_key(&self) -> Option<&Bytes> {
        self.streaming.as_ref().map(|streaming| &streaming.key)
    }

    /// Takes the next token of the line; files go to [`push_file`](Builder::push_file).
    ///
    /// # Errors
    /// [`DlistError`] says why the line is no item.
    pub fn push(&mut self, token: Token) -> Result<Event, DlistError> {
        match token {
            Token::Atom(text) => self.string(text, |text| match &text[..] {
                b"NIL" => Value::Nil,
                _ => Value::Atom(text),
            }),
            Token::Quoted(text) => self.string(text, Value::Atom),
            Token::Literal(text) => self.string(text, Value::Literal),
            Token::Flag(text) => self.string(text, Value::Flag),
            Token::ListStart => {
                let values = self.spare_lists.pop().unwrap_or_default();
                self.start(Open::List(values))
            }
            Token::KvListStart => {
                let pairs = self.spare_kvlists.pop().unwrap_or_default();
                self.start(Open::KvList { pairs, key: None })
            }
            Token::ListEnd => self.end(),
            Token::EndOfLine => self.finish(),
            Token::Bad(error) => self.refuse(error.into()),
            Token::FileStart(_) => self.refuse(DlistError::UnexpectedFile),
            Token::Word(_) | Token::FileData(_) | Token::FileEnd => self.refuse(DlistError::Tokens),
        }
    }

    /// Takes a file, in the place of its tokens. Only as an element that is handed out, or the item's whole value.
    ///
    /// # Errors
    /// [`DlistError::UnexpectedFile`] elsewhere.
    pub fn push_file(&mut self, file: Box<FileRef>) -> Result<Event, DlistError> {
        if !self.expects_file() {
            return self.refuse(DlistError::UnexpectedFile);
        }
        self.attach(Value::File(file))
    }

    /// Whether a file may come next.
    pub fn expects_file(&self) -> bool {
        match &self.streaming {
            Some(streaming) => streaming.depth == self.open.len(),
            None => self.open.is_empty() && self.name.is_some() && self.value.is_none(),
        }
    }

    /// Forgets the line.
    pub fn reset(&mut self) {
        self.name = None;
        self.open.clear();
        self.value = None;
        self.streaming = None;
        self.held = 0;
    }

    /// Takes an element back, so that the next one needs no allocation.
    pub fn recycle(&mut self, value: Value) {
        match value {
            Value::List(mut values) => {
                values.drain(..).for_each(|value| self.recycle(value));
                keep(&mut self.spare_lists, values);
            }
            Value::KvList(KvList(mut pairs)) => {
                pairs.drain(..).for_each(|(_, value)| self.recycle(value));
                keep(&mut self.spare_kvlists, pairs);
            }
            _ => {}
        }
    }

    /// A string: the item's name, a key or a value.
    fn string(&mut self, text: Bytes, value: fn(Bytes) -> Value) -> Result<Event, DlistError> {
        let name = match self.open.last_mut() {
            None => &mut self.name,
            Some(Open::KvList { key, .. }) => key,
            Some(Open::List(_)) => return self.attach(value(text)),
        };
        if name.is_some() {
            return self.attach(value(text));
        }
        if memchr::memchr(0, &text).is_some() {
            return self.refuse(DlistError::Key);
        }
        let length = text.len();
        *name = Some(text);
        self.charge(length)
    }

    fn start(&mut self, list: Open) -> Result<Event, DlistError> {
        let Some(item) = &self.name else { return self.refuse(DlistError::Key) };
        let is_list = matches!(list, Open::List(_));
        let streamed = match self.open.as_slice() {
            [] if self.value.is_some() => return self.refuse(DlistError::Trailing),
            [] => (is_list && (self.rule)(item, b"")).then(Bytes::new),
            [.., Open::KvList { key: None, .. }] => return self.refuse(DlistError::Key),
            [Open::KvList { key: Some(key), .. }] => (is_list && (self.rule)(item, key)).then(|| key.clone()),
            _ => None,
        };
        self.open.push(list);
        if let Some(key) = streamed {
            self.streaming = Some(Streaming { depth: self.open.len(), held: self.held + VALUE_COST, key });
        }
        self.charge(VALUE_COST)
    }

    fn end(&mut self) -> Result<Event, DlistError> {
        if self.streaming.as_ref().is_some_and(|streaming| streaming.depth == self.open.len()) {
            self.streaming = None;
        }
        match self.open.pop() {
            Some(Open::List(values)) => self.attach(Value::List(values)),
            Some(Open::KvList { pairs, key: None }) => self.attach(Value::KvList(KvList(pairs))),
            Some(Open::KvList { key: Some(_), .. }) => self.refuse(DlistError::KeyWithoutValue),
            None => self.refuse(DlistError::Tokens),
        }
    }

    /// A value is complete.
    fn attach(&mut self, value: Value) -> Result<Event, DlistError> {
        if let Some(streaming) = &self.streaming
            && streaming.depth == self.open.len()
        {
            self.held = streaming.held;
            return Ok(Event::Element(value));
        }
        let cost = value.map().map_or(0, Bytes::len);
        match self.open.last_mut() {
            None if self.value.is_some() => return self.refuse(DlistError::Trailing),
            None => self.value = Some(value),
            Some(Open::List(values)) => values.push(value),
            Some(Open::KvList { pairs, key }) => {
                let Some(key) = key.take() else { return self.refuse(DlistError::Key) };
                pairs.push((key, value));
                return self.charge(cost + PAIR_COST);
            }
        }
        self.charge(cost + VALUE_COST)
    }

    fn finish(&mut self) -> Result<Event, DlistError> {
        let balanced = self.open.is_empty();
        let (name, value) = (self.name.take(), self.value.take());
        self.reset();
        match (name, value) {
            _ if !balanced => Err(DlistError::Tokens),
            (Some(name), Some(value)) => Ok(Event::Done(Item { name, value })),
            (None, _) => Err(DlistError::NoName),
            (Some(_), None) => Err(DlistError::NoValue),
        }
    }

    fn charge(&mut self, bytes: usize) -> Result<Event, DlistError> {
        self.held += bytes;
        if self.held > self.max_held {
            return self.refuse(DlistError::TooBig { limit: self.max_held });
        }
        Ok(Event::More)
    }

    #[cold]
    fn refuse(&mut self, error: DlistError) -> Result<Event, DlistError> {
        self.reset();
        Err(error)
    }
}

fn keep<T>(spare: &mut Vec<Vec<T>>, emptied: Vec<T>) {
    if spare.len() < MAX_SPARE && (1..=MAX_SPARE_CAPACITY).contains(&emptied.capacity()) {
        spare.push(emptied);
    }
}
