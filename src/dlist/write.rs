//! Values to bytes, as `dlist_print` prints them.

use super::value::{KvList, Value};
use crate::{
    types::Guid,
    wire::{FileRef, LiteralForm, put_astring, put_decimal, put_literal},
};
use bytes::{BufMut, Bytes, BytesMut};

/// Prints values one after the other, with one space between them.
///
/// What has been printed can be taken away at any point, so a reply of any length needs no more memory than its parts.
///
/// ```
/// use sync_server::{dlist::Writer, wire::LiteralForm};
///
/// let mut writer = Writer::new(LiteralForm::Plain);
/// writer.reply("MAILBOX").open_kvlist().key("MBOXNAME").atom("user.u1").key("SYNC_CRC").number(0_u32);
/// writer.key("USERFLAGS").open_list().atom("$Label1").atom("Foo").close().close().end_line();
/// assert_eq!(writer.take(), "* MAILBOX %(MBOXNAME user.u1 SYNC_CRC 0 USERFLAGS ($Label1 Foo))\r\n");
/// ```
#[derive(Debug)]
pub struct Writer {
    out: BytesMut,
    literals: LiteralForm,
    /// Whether a space stands before the next value.
    spaced: bool,
}

impl Writer {
    /// A writer at the start of a line or value: [`LiteralForm::Plain`] for replies, [`LiteralForm::NonSync`] for databases.
    pub fn new(literals: LiteralForm) -> Writer {
        Writer { out: BytesMut::new(), literals, spaced: false }
    }

    /// What has been printed since the last call.
    pub fn take(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// Whether nothing has been printed since the last [`take`](Writer::take).
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Begins a reply line: `* NAME`; its value and [`end_line`](Writer::end_line) follow (`sync_send_response`).
    pub fn reply(&mut self, name: impl AsRef<[u8]>) -> &mut Writer {
        self.raw("*").key(name)
    }

    /// Ends a line.
    pub fn end_line(&mut self) -> &mut Writer {
        self.out.put_slice(b"\r\n");
        self.spaced = false;
        self
    }

    /// A whole line of text, such as `OK success`, with its end.
    pub fn line(&mut self, text: impl AsRef<[u8]>) -> &mut Writer {
        self.raw(text).end_line()
    }

    /// A key; its value follows.
    pub fn key(&mut self, key: impl AsRef<[u8]>) -> &mut Writer {
        self.atom(key)
    }

    /// `%(`; keys and values and [`close`](Writer::close) follow.
    pub fn open_kvlist(&mut self) -> &mut Writer {
        self.raw("%(").unspaced()
    }

    /// `(`; values and [`close`](Writer::close) follow.
    pub fn open_list(&mut self) -> &mut Writer {
        self.raw("(").unspaced()
    }

    /// `)`
    pub fn close(&mut self) -> &mut Writer {
        self.unspaced().raw(")")
    }

    /// A string as an atom, in quotes or as a literal, whichever it can be (`DL_ATOM`, and `DL_BUF` where it holds a NUL).
    pub fn atom(&mut self, text: impl AsRef<[u8]>) -> &mut Writer {
        self.space();
        put_astring(&mut self.out, text.as_ref(), self.literals);
        self
    }

    /// A string, or `NIL` for none.
    pub fn atom_or_nil(&mut self, text: Option<impl AsRef<[u8]>>) -> &mut Writer {
        match text {
            Some(text) => self.atom(text),
            None => self.nil(),
        }
    }

    /// `NIL`
    pub fn nil(&mut self) -> &mut Writer {
        self.raw("NIL")
    }

    /// A flag, with its backslash if it has one, as it is (`DL_FLAG`).
    pub fn flag(&mut self, flag: impl AsRef<[u8]>) -> &mut Writer {
        self.raw(flag)
    }

    /// A number in decimal digits (`DL_NUM`).
    pub fn number(&mut self, number: impl Into<u64>) -> &mut Writer {
        self.space();
        put_decimal(&mut self.out, number.into());
        self
    }

    /// Seconds since 1970; a time before then as a number close to 2^64 (`DL_DATE`).
    pub fn date(&mut self, seconds: i64) -> &mut Writer {
        self.number(seconds.cast_unsigned())
    }

    /// A number as 16 hexadecimal digits in lower case (`DL_HEX`).
    pub fn hex64(&mut self, number: u64) -> &mut Writer {
        self.raw(format!("{number:016x}"))
    }

    /// A GUID as 40 hexadecimal digits (`DL_GUID`).
    pub fn guid(&mut self, guid: &Guid) -> &mut Writer {
        self.raw(guid.to_hex())
    }

    /// A string of any bytes: a literal if it holds a NUL, else as [`atom`](Writer::atom) (`DL_BUF`).
    pub fn map(&mut self, bytes: impl AsRef<[u8]>) -> &mut Writer {
        let bytes = bytes.as_ref();
        if memchr::memchr(0, bytes).is_none() {
            return self.atom(bytes);
        }
        self.space();
        put_literal(&mut self.out, bytes, self.literals);
        self
    }

    /// What stands before the bytes of a file (`DL_FILE`); the caller sends exactly `size` bytes before what follows.
    pub fn file_header(&mut self, file: &FileRef) -> &mut Writer {
        self.raw("%{").unspaced().atom(&file.partition).guid(&file.guid).number(file.size);
        self.out.put_slice(b"}\r\n");
        self
    }

    /// A value that was read. A file, whose bytes are not here, is printed as `NIL`.
    pub fn value(&mut self, value: &Value) -> &mut Writer {
        match value {
            Value::Nil | Value::File(_) => self.nil(),
            Value::Atom(text) => self.atom(text),
            Value::Flag(text) => self.flag(text),
            Value::Literal(text) => self.map(text),
            Value::List(values) => {
                self.open_list();
                for value in values {
                    self.value(value);
                }
                self.close()
            }
            Value::KvList(KvList(pairs)) => {
                self.open_kvlist();
                for (key, value) in pairs {
                    self.key(key).value(value);
                }
                self.close()
            }
        }
    }

    fn raw(&mut self, text: impl AsRef<[u8]>) -> &mut Writer {
        self.space();
        self.out.put_slice(text.as_ref());
        self
    }

    fn space(&mut self) {
        if std::mem::replace(&mut self.spaced, true) {
            self.out.put_u8(b' ');
        }
    }

    fn unspaced(&mut self) -> &mut Writer {
        self.spaced = false;
        self
    }
}
