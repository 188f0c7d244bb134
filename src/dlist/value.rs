//! Values and what can be read out of them.

use crate::{types::Guid, wire::FileRef};
use bytes::Bytes;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// `NIL` without quotes.
    Nil,
    /// A string that came as an atom or in quotes; holds no NUL. May be empty.
    Atom(Bytes),
    /// A string that begins with a backslash, which is part of it; holds no NUL.
    Flag(Bytes),
    /// A string that came as a literal; may hold any byte.
    Literal(Bytes),
    /// A file that was uploaded with the line.
    File(Box<FileRef>),
    /// `(…)`
    List(Vec<Value>),
    /// `%(…)`
    KvList(KvList),
}

/// Key and value pairs in the order in which they came. Keys may come twice.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KvList(pub Vec<(Bytes, Value)>);

impl KvList {
    /// The value of the first pair with this key, case included (`dlist_getchild`).
    pub fn get(&self, key: &[u8]) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The pairs.
    pub fn iter(&self) -> std::slice::Iter<'_, (Bytes, Value)> {
        self.0.iter()
    }
}

impl Value {
    /// Whether this is nil, which the reference takes for a missing string (`dlist_toatom` gives NULL and success).
    pub fn is_nil(&self) -> bool {
        *self == Value::Nil
    }

    /// A string without NUL: an atom, a flag or a literal (`dlist_toatom`, where nil is told apart with [`is_nil`](Value::is_nil)).
    pub fn atom(&self) -> Option<&Bytes> {
        self.map().filter(|text| memchr::memchr(0, text).is_none())
    }

    /// A string with any bytes: an atom, a flag or a literal (`dlist_tomap`).
    pub fn map(&self) -> Option<&Bytes> {
        match self {
            Value::Atom(text) | Value::Flag(text) | Value::Literal(text) => Some(text),
            _ => None,
        }
    }

    /// A decimal number: one digit or more and nothing else, below 2^64 (`dlist_tonum64`).
    pub fn number64(&self) -> Option<u64> {
        let digits = self.digits()?;
        digits.iter().try_fold(0_u64, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })
    }

    /// A decimal number below 2^32. The reference cuts off higher bits instead (`dlist_tonum32`).
    pub fn number32(&self) -> Option<u32> {
        self.number64()?.try_into().ok()
    }

    /// Seconds since 1970. The time before then is printed as a number close to 2^64 (`dlist_todate`, `dlist_print`).
    pub fn date(&self) -> Option<i64> {
        self.number64().map(u64::cast_signed)
    }

    /// A hexadecimal number of either case, below 2^64 (`dlist_tohex64`).
    pub fn hex64(&self) -> Option<u64> {
        let digits = self.digits()?;
        digits.iter().try_fold(0_u64, |number, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            (number >> 60 == 0).then_some(number << 4 | u64::from(digit))
        })
    }

    /// A GUID: 40 hexadecimal digits (`dlist_toguid`). May be [`Guid::NULL`].
    pub fn guid(&self) -> Option<Guid> {
        Guid::from_hex(self.digits()?)
    }

    /// The values of a list.
    pub fn list(&self) -> Option<&[Value]> {
        match self {
            Value::List(values) => Some(values),
            _ => None,
        }
    }

    /// A list of pairs.
    pub fn kvlist(&self) -> Option<&KvList> {
        match self {
            Value::KvList(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// A file.
    pub fn file(&self) -> Option<&FileRef> {
        match self {
            Value::File(file) => Some(file),
            _ => None,
        }
    }

    /// What a number or GUID is read from: not a flag, and not nothing.
    fn digits(&self) -> Option<&[u8]> {
        match self {
            Value::Atom(text) | Value::Literal(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}
