//! Strings to bytes: which form a string takes.

use bytes::BufMut;

/// A string of this many bytes or more is neither an atom nor quoted (`MAXQSTRING`, `imparse_isnatom`).
const MAX_SHORT_STRING: usize = 1024;

/// How the size of a literal is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LiteralForm {
    /// `{n}`: replies. The clients of 3.6 and 3.12 read it and take `{n+}` for an error.
    Plain,
    /// `{n+}`: what clients send, and values in databases and cyrus.header (`dlist_printbuf`).
    NonSync,
}

/// Writes a string as an atom where it can be one, else in quotes, else as a literal (`prot_printastring`, and
/// `prot_printamap` for a string that holds a NUL).
pub fn put_astring(out: &mut impl BufMut, text: &[u8], form: LiteralForm) {
    if is_atom(text) && text != b"NIL" {
        out.put_slice(text);
    } else if text.len() < MAX_SHORT_STRING && text.iter().all(|byte| is_quotable(*byte)) {
        out.put_u8(b'"');
        out.put_slice(text);
        out.put_u8(b'"');
    } else {
        put_literal(out, text, form);
    }
}

/// Writes a string as a literal (`prot_printliteral`).
pub fn put_literal(out: &mut impl BufMut, text: &[u8], form: LiteralForm) {
    out.put_u8(b'{');
    put_decimal(out, text.len() as u64);
    out.put_slice(match form {
        LiteralForm::Plain => b"}\r\n".as_slice(),
        LiteralForm::NonSync => b"+}\r\n".as_slice(),
    });
    out.put_slice(text);
}

/// Writes a number in decimal digits.
pub(crate) fn put_decimal(out: &mut impl BufMut, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
        length += 1;
        if rest == 0 {
            break;
        }
    }
    out.put_slice(&digits[digits.len() - length..]);
}

/// `imparse_isatom`
fn is_atom(text: &[u8]) -> bool {
    let allowed = |byte: &u8| matches!(byte, b'!'..=b'~') && !b"{()\"%*\\".contains(byte);
    (1..MAX_SHORT_STRING).contains(&text.len()) && text.iter().all(allowed)
}

/// `isQCHAR`, and no NUL
fn is_quotable(byte: u8) -> bool {
    byte.is_ascii() && !b"\0\r\n\"%\\".contains(&byte)
}
