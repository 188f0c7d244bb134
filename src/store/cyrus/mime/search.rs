//! The FROM, TO, CC, BCC and SUBJECT items: what `SEARCH` and `SORT` look at, decoded to UTF-8.

use super::address::Address;
use super::charset::words;
use super::nstring;
use super::text::{self, is_space};

/// What a display name may hold, besides letters, digits and white space, without being quoted.
const ATOM_SPECIALS: &[u8] = b"!#$%&'*+-/=?^_`{|}~";

/// Appends the addresses in one line; nothing if there are none. Source: `message_write_searchaddr`, `imap/message.c`.
pub(super) fn write_addresses(out: &mut Vec<u8>, list: &[Address], utf8: bool) {
    let mut comma = false;
    for address in list {
        match (&address.domain, &address.mailbox) {
            (None, None) => out.push(b';'),
            (None, Some(group)) => {
                if comma {
                    out.push(b',');
                }
                write_decoded(out, group, utf8);
                out.push(b':');
                comma = false;
                continue;
            }
            (Some(domain), mailbox) => {
                if comma {
                    out.push(b',');
                }
                write_address(out, address, mailbox.as_deref().unwrap_or_default(), domain, utf8);
            }
        }
        comma = true;
    }
}

/// Appends the subject as an nstring. Source: `message_write_cache`, `imap/message.c`.
pub(super) fn write_subject(out: &mut Vec<u8>, value: Option<&[u8]>, utf8: bool) {
    let subject = value.map(|value| words::decode(&nstring::header_value(value), utf8));
    nstring::write(out, subject.as_deref().map(text::c_str));
}

fn write_address(out: &mut Vec<u8>, address: &Address, mailbox: &[u8], domain: &[u8], utf8: bool) {
    if let Some(name) = &address.name {
        let name = words::decode(name, utf8);
        write_name(out, text::c_str(&name));
        out.push(b' ');
    }
    out.push(b'<');
    if let Some(route) = &address.route {
        write_lower(out, route);
        out.push(b':');
    }
    write_lower(out, mailbox);
    out.push(b'@');
    write_lower(out, domain);
    out.push(b'>');
}

fn write_name(out: &mut Vec<u8>, name: &[u8]) {
    let plain = |&byte: &u8| byte.is_ascii_alphanumeric() || is_space(byte) || ATOM_SPECIALS.contains(&byte);
    if name.iter().all(plain) {
        out.extend_from_slice(name);
        return;
    }
    out.push(b'"');
    for &byte in name {
        if matches!(byte, b'\\' | b'"') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn write_decoded(out: &mut Vec<u8>, text: &[u8], utf8: bool) {
    out.extend_from_slice(text::c_str(&words::decode(text, utf8)));
}

fn write_lower(out: &mut Vec<u8>, text: &[u8]) {
    out.extend(text.iter().map(u8::to_ascii_lowercase));
}
