//! RFC 2231 extended values, as far as a multipart's boundary may be one.

use super::super::transfer::hex;
use super::Charset;
use super::decoder::Decoder;

/// The UTF-8 of `charset'language'value`, or `None` if it is none. Source: `charset_parse_mimexvalue`, `lib/charset.c`.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut parts = text.splitn(3, |&byte| byte == b'\'');
    let charset = Charset::lookup(parts.next()?)?;
    let (_, value) = (parts.next()?, parts.next()?);
    let mut decoder = Decoder::new(charset, Vec::with_capacity(value.len()));
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'%' {
            let (high, low) = (hex(*bytes.next()?)?, hex(*bytes.next()?)?);
            decoder.put(high << 4 | low);
        } else {
            decoder.put(byte);
        }
    }
    Some(decoder.finish())
}
