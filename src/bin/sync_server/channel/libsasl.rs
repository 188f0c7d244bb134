//! libsasl2, opened at run time: the same library, plugins and configuration that Cyrus's own servers use.
//!
//! All unsafe code of logins is here. The rest of the program sees [`Sasl`], the library, and [`Exchange`], one connection's
//! state in it. Signatures and numbers are those of `sasl/sasl.h`, release 2.1.

#![allow(unsafe_code, reason = "a C library")]

use std::{
    collections::HashMap,
    ffi::{CStr, CString, c_char, c_int, c_uint, c_ulong, c_void},
    ptr,
};

use libloading::Library;

/// Its name since 1999.
const LIBRARY: &str = "libsasl2.so.2";

const OK: c_int = 0;
const CONTINUE: c_int = 1;
const FAIL: c_int = -1;
const BADPROT: c_int = -5;

const CB_LIST_END: c_ulong = 0;
const CB_GETOPT: c_ulong = 1;

const USERNAME: c_int = 0;
const SSF: c_int = 1;
const MAXOUTBUF: c_int = 2;
const SSF_EXTERNAL: c_int = 100;
const SEC_PROPS: c_int = 101;

const SEC_NOPLAINTEXT: c_uint = 0x0001;
const SEC_NOANONYMOUS: c_uint = 0x0010;

/// The largest piece that a peer may send within a layer: `PROT_BUFSIZE`.
const LARGEST_PIECE: c_uint = 4096;

/// `sasl_conn_t`
type Connection = c_void;

#[repr(C)]
struct Callback {
    id: c_ulong,
    function: Option<GetOption>,
    context: *mut c_void,
}

type GetOption =
    unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *mut *const c_char, *mut c_uint) -> c_int;

/// `sasl_security_properties_t`
#[repr(C)]
struct SecurityProperties {
    min_ssf: c_uint,
    max_ssf: c_uint,
    maxbufsize: c_uint,
    security_flags: c_uint,
    property_names: *const *const c_char,
    property_values: *const *const c_char,
}

/// Defines the functions that are looked up.
macro_rules! functions {
    ($($name:ident($($argument:ty),*) -> $result:ty;)*) => {
        #[allow(non_snake_case)]
        struct Functions {
            $($name: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Functions {
            /// # Safety
            /// The library has these functions with these signatures, and is never closed.
            unsafe fn of(library: &Library) -> Result<Functions, libloading::Error> {
                Ok(Functions {
                    // SAFETY: the caller says so.
                    $($name: *unsafe { library.get(concat!(stringify!($name), "\0").as_bytes()) }?,)*
                })
            }
        }
    };
}

functions! {
    sasl_server_init(*const Callback, *const c_char) -> c_int;
    sasl_server_new(
        *const c_char, *const c_char, *const c_char, *const c_char, *const c_char, *const Callback, c_uint,
        *mut *mut Connection
    ) -> c_int;
    sasl_dispose(*mut *mut Connection) -> ();
    sasl_setprop(*mut Connection, c_int, *const c_void) -> c_int;
    sasl_getprop(*mut Connection, c_int, *mut *const c_void) -> c_int;
    sasl_listmech(
        *mut Connection, *const c_char, *const c_char, *const c_char, *const c_char, *mut *const c_char, *mut c_uint,
        *mut c_int
    ) -> c_int;
    sasl_server_start(
        *mut Connection, *const c_char, *const c_char, c_uint, *mut *const c_char, *mut c_uint
    ) -> c_int;
    sasl_server_step(*mut Connection, *const c_char, c_uint, *mut *const c_char, *mut c_uint) -> c_int;
    sasl_encode(*mut Connection, *const c_char, c_uint, *mut *const c_char, *mut c_uint) -> c_int;
    sasl_decode(*mut Connection, *const c_char, c_uint, *mut *const c_char, *mut c_uint) -> c_int;
    sasl_errstring(c_int, *const c_char, *mut *const c_char) -> *const c_char;
    sasl_errdetail(*mut Connection) -> *const c_char;
    sasl_encode64(*const c_char, c_uint, *mut c_char, c_uint, *mut c_uint) -> c_int;
    sasl_decode64(*const c_char, c_uint, *mut c_char, c_uint, *mut c_uint) -> c_int;
}

/// An error of the library: its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SaslError(c_int);

fn check(result: c_int) -> Result<(), SaslError> {
    if result == OK { Ok(()) } else { Err(SaslError(result)) }
}

/// The library, started.
pub struct Sasl(Functions);

impl Sasl {
    /// Opens the library and starts it, once in a process. `program` names the program to it; `options` are what it asks for, by
    /// their names without `sasl_`.
    ///
    /// # Errors
    /// What is missing.
    pub fn start(program: &CStr, options: HashMap<String, CString>) -> Result<Sasl, String> {
        // SAFETY: the library's initializers do nothing that another thread would notice.
        let library = unsafe { Library::new(LIBRARY) }.map_err(|error| error.to_string())?;
        let library = Box::leak(Box::new(library));
        // SAFETY: this is what the library of this name has; it was leaked.
        let functions = unsafe { Functions::of(library) }.map_err(|error| error.to_string())?;
        let context: *mut HashMap<String, CString> = Box::leak(Box::new(options));
        let callbacks = Box::leak(Box::new([
            Callback { id: CB_GETOPT, function: Some(option), context: context.cast() },
            Callback { id: CB_LIST_END, function: None, context: ptr::null_mut() },
        ]));
        // SAFETY: the callbacks and their context live for ever.
        let started = unsafe { (functions.sasl_server_init)(callbacks.as_ptr(), program.as_ptr()) };
        let sasl = Sasl(functions);
        check(started).map_err(|error| sasl.text(error))?;
        Ok(sasl)
    }

    /// The words for an error, which a peer may be told.
    pub fn text(&self, error: SaslError) -> String {
        // SAFETY: the result is a constant of the library.
        string(unsafe { (self.0.sasl_errstring)(error.0, ptr::null(), ptr::null_mut()) })
    }

    /// The bytes that are written so in base64.
    pub fn decode(&self, text: &[u8]) -> Result<Vec<u8>, SaslError> {
        // Also refuses what the library takes for the beginning of more.
        recode(self.0.sasl_decode64, text, text.len() + 1).map_err(|_| SaslError(BADPROT))
    }

    fn encode(&self, bytes: &[u8]) -> Result<String, SaslError> {
        let text = recode(self.0.sasl_encode64, bytes, bytes.len().div_ceil(3) * 4 + 1)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

type Recode = unsafe extern "C" fn(*const c_char, c_uint, *mut c_char, c_uint, *mut c_uint) -> c_int;

/// Writes bytes to or from base64, which takes at most so much `room`.
fn recode(function: Recode, from: &[u8], room: usize) -> Result<Vec<u8>, SaslError> {
    let (mut to, mut length) = (vec![0_u8; room], 0);
    // SAFETY: both buffers are as long as is said.
    check(unsafe {
        function(from.as_ptr().cast(), size(from.len()), to.as_mut_ptr().cast(), size(to.len()), &raw mut length)
    })?;
    to.truncate(length as usize);
    Ok(to)
}

/// What a connection is to the library.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The server's name.
    pub server: CString,
    /// Address and port of this end, with a semicolon between them; empty if there are none.
    pub local: CString,
    /// Of the other end.
    pub remote: CString,
    /// Bits of the key of what wraps the connection already.
    pub external: u32,
    /// The least bits of the key of a layer.
    pub least: u32,
    /// The most.
    pub most: u32,
    /// Whether mechanisms may show the password to who listens.
    pub plaintext: bool,
}

/// How an exchange stands.
pub enum Stand {
    /// The peer is to answer this, which is in base64.
    Challenge(String),
    /// The peer is who it says.
    Done,
}

/// One connection's exchange, and the layer that it negotiated.
pub struct Exchange<'a> {
    sasl: &'a Sasl,
    connection: *mut Connection,
}

impl<'a> Exchange<'a> {
    /// A connection that nothing was said on.
    pub fn new(sasl: &'a Sasl, terms: &Terms) -> Result<Exchange<'a>, SaslError> {
        let filled = |text: &CString| if text.is_empty() { ptr::null() } else { text.as_ptr() };
        let mut exchange = Exchange { sasl, connection: ptr::null_mut() };
        // SAFETY: strings are copied; the connection is disposed of when this is dropped.
        check(unsafe {
            (sasl.0.sasl_server_new)(
                c"csync".as_ptr(),
                terms.server.as_ptr(),
                ptr::null(),
                filled(&terms.local),
                filled(&terms.remote),
                ptr::null(),
                0,
                &raw mut exchange.connection,
            )
        })?;
        let properties = SecurityProperties {
            min_ssf: terms.least,
            max_ssf: terms.most,
            maxbufsize: LARGEST_PIECE,
            security_flags: SEC_NOANONYMOUS | if terms.plaintext { 0 } else { SEC_NOPLAINTEXT },
            property_names: ptr::null(),
            property_values: ptr::null(),
        };
        exchange.set(SEC_PROPS, (&raw const properties).cast())?;
        exchange.set(SSF_EXTERNAL, (&raw const terms.external).cast())?;
        Ok(exchange)
    }

    /// `value` points to what this property is.
    fn set(&self, property: c_int, value: *const c_void) -> Result<(), SaslError> {
        // SAFETY: both properties are copied from where they are.
        check(unsafe { (self.sasl.0.sasl_setprop)(self.connection, property, value) })
    }

    /// A property; its memory is the connection's, until the next call.
    fn property(&self, property: c_int) -> Result<*const c_void, SaslError> {
        let mut value = ptr::null();
        // SAFETY: only a pointer is written.
        check(unsafe { (self.sasl.0.sasl_getprop)(self.connection, property, &raw mut value) })?;
        if value.is_null() { Err(SaslError(FAIL)) } else { Ok(value) }
    }

    fn number(&self, property: c_int) -> Result<u32, SaslError> {
        let value = self.property(property)?.cast::<c_uint>();
        // SAFETY: the properties that are asked for so are numbers.
        Ok(unsafe { value.read() })
    }

    /// The mechanisms that can be used, with a space between two.
    pub fn mechanisms(&self) -> Result<String, SaslError> {
        let mut list = ptr::null();
        let empty = c"".as_ptr();
        // SAFETY: the list is the connection's, until the next call.
        let result = unsafe {
            (self.sasl.0.sasl_listmech)(
                self.connection,
                ptr::null(),
                empty,
                c" ".as_ptr(),
                empty,
                &raw mut list,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        check(result).map(|()| string(list))
    }

    /// Begins with a mechanism; a response of `None` was not sent.
    pub fn start(&mut self, mechanism: &CStr, response: Option<&[u8]>) -> Result<Stand, SaslError> {
        let mut challenge = Piece::default();
        let (from, length) = response.map_or((ptr::null(), 0), |bytes| (terminated(bytes), size(bytes.len())));
        // SAFETY: `from` has so many bytes.
        let result = unsafe {
            let Piece { from: to, length: of } = &mut challenge;
            (self.sasl.0.sasl_server_start)(self.connection, mechanism.as_ptr(), from, length, to, of)
        };
        self.stand(result, &challenge)
    }

    /// Goes on with the peer's answer.
    pub fn step(&mut self, response: &[u8]) -> Result<Stand, SaslError> {
        let mut challenge = Piece::default();
        // SAFETY: the response has so many bytes.
        let result = unsafe {
            let Piece { from: to, length: of } = &mut challenge;
            (self.sasl.0.sasl_server_step)(self.connection, terminated(response), size(response.len()), to, of)
        };
        self.stand(result, &challenge)
    }

    fn stand(&self, result: c_int, challenge: &Piece) -> Result<Stand, SaslError> {
        match result {
            // SAFETY: what the library has just given.
            CONTINUE => self.sasl.encode(unsafe { challenge.bytes() }).map(Stand::Challenge),
            _ => check(result).map(|()| Stand::Done),
        }
    }

    /// Who the peer is.
    pub fn user(&self) -> Result<String, SaslError> {
        self.property(USERNAME).map(|name| string(name.cast()))
    }

    /// Bits of the key of the layer that was negotiated; 0 without one.
    pub fn strength(&self) -> u32 {
        self.number(SSF).unwrap_or(0)
    }

    /// What went wrong, for the log.
    pub fn detail(&self) -> String {
        // SAFETY: the text is the connection's, until the next call.
        string(unsafe { (self.sasl.0.sasl_errdetail)(self.connection) })
    }

    /// What stands for these bytes within the layer.
    pub fn wrap(&mut self, plain: &[u8]) -> Result<Vec<u8>, SaslError> {
        let largest = self.number(MAXOUTBUF).unwrap_or(LARGEST_PIECE).clamp(1, LARGEST_PIECE) as usize;
        let mut output = Vec::new();
        for piece in plain.chunks(largest) {
            self.convert(self.sasl.0.sasl_encode, piece, &mut output)?;
        }
        Ok(output)
    }

    /// Adds what these bytes stand for within the layer.
    pub fn unwrap(&mut self, wrapped: &[u8], plain: &mut Vec<u8>) -> Result<(), SaslError> {
        // The library takes a part of a piece, too, but has been known to want no more than one at once.
        for piece in wrapped.chunks(LARGEST_PIECE as usize) {
            self.convert(self.sasl.0.sasl_decode, piece, plain)?;
        }
        Ok(())
    }

    fn convert(&mut self, function: Convert, from: &[u8], to: &mut Vec<u8>) -> Result<(), SaslError> {
        let mut converted = Piece::default();
        // SAFETY: the input has so many bytes.
        check(unsafe {
            let Piece { from: start, length } = &mut converted;
            function(self.connection, from.as_ptr().cast(), size(from.len()), start, length)
        })?;
        // SAFETY: what the library has just given.
        to.extend_from_slice(unsafe { converted.bytes() });
        Ok(())
    }
}

type Convert = unsafe extern "C" fn(*mut Connection, *const c_char, c_uint, *mut *const c_char, *mut c_uint) -> c_int;

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.connection.is_null() {
            // SAFETY: it is not used any more.
            unsafe { (self.sasl.0.sasl_dispose)(&raw mut self.connection) }
        }
    }
}

/// Bytes of the library's.
struct Piece {
    from: *const c_char,
    length: c_uint,
}

impl Default for Piece {
    fn default() -> Piece {
        Piece { from: ptr::null(), length: 0 }
    }
}

impl Piece {
    /// # Safety
    /// The library has written it, and was not called since.
    unsafe fn bytes(&self) -> &[u8] {
        if self.from.is_null() {
            return &[];
        }
        // SAFETY: the caller says so.
        unsafe { std::slice::from_raw_parts(self.from.cast(), self.length as usize) }
    }
}

/// Where the bytes begin; the library takes empty input only from somewhere.
fn terminated(bytes: &[u8]) -> *const c_char {
    if bytes.is_empty() { c"".as_ptr() } else { bytes.as_ptr().cast() }
}

fn size(length: usize) -> c_uint {
    c_uint::try_from(length).unwrap_or(c_uint::MAX)
}

/// A copy of a string of the library's, on one line.
fn string(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the library's strings are terminated and live until it is called again.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    text.replace(|char: char| char.is_control(), " ")
}

/// Tells the library an option, the plugin's own first (`mysasl_config` of imap/global.c).
unsafe extern "C" fn option(
    context: *mut c_void,
    plugin: *const c_char,
    name: *const c_char,
    result: *mut *const c_char,
    length: *mut c_uint,
) -> c_int {
    // SAFETY: the context is what `start` has given, and is only read.
    let options = unsafe { &*context.cast::<HashMap<String, CString>>() };
    let name = string(name);
    let own = (!plugin.is_null()).then(|| format!("{}_{name}", string(plugin)));
    let value = own.and_then(|own| options.get(&own)).or_else(|| options.get(&name));
    let Some(value) = value else { return FAIL };
    // SAFETY: the library wants a string at the one place, and its length at the other if that is there.
    unsafe {
        result.write(value.as_ptr());
        if !length.is_null() {
            length.write(size(value.as_bytes().len()));
        }
    }
    OK
}
