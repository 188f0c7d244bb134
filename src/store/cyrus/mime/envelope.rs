//! The ENVELOPE item.

use super::CacheOptions;
use super::address::{self, Address};
use super::headers::Field;
use super::nstring;
use super::structure::{Part, Structure};

/// The address lists of a message; `None` where the header is missing or holds no address.
pub(super) struct Addresses {
    pub from: Option<Vec<Address>>,
    sender: Option<Vec<Address>>,
    reply_to: Option<Vec<Address>>,
    pub to: Option<Vec<Address>>,
    pub cc: Option<Vec<Address>>,
    pub bcc: Option<Vec<Address>>,
}

impl Addresses {
    pub(super) fn of(structure: &Structure<'_>, part: &Part, options: &CacheOptions) -> Addresses {
        let list = |field| {
            let value = structure.value(part, field)?;
            let list = address::parse(value, options.release.has_eight_bit_domains());
            (!list.is_empty()).then_some(list)
        };
        Addresses {
            from: list(Field::From),
            sender: list(Field::Sender),
            reply_to: list(Field::ReplyTo),
            to: list(Field::To),
            cc: list(Field::Cc),
            bcc: list(Field::Bcc),
        }
    }
}

/// Appends the envelope of a message. Source: `message_write_envelope`, `imap/message.c`.
pub(super) fn write(out: &mut Vec<u8>, structure: &Structure<'_>, part: &Part, addresses: &Addresses) {
    let string = |out: &mut Vec<u8>, field| {
        let value = structure.value(part, field).map(nstring::header_value);
        nstring::write(out, value.as_deref());
        out.push(b' ');
    };
    let from = addresses.from.as_ref();
    out.push(b'(');
    string(out, Field::Date);
    string(out, Field::Subject);
    write_list(out, from);
    write_list(out, addresses.sender.as_ref().or(from));
    write_list(out, addresses.reply_to.as_ref().or(from));
    write_list(out, addresses.to.as_ref());
    write_list(out, addresses.cc.as_ref());
    write_list(out, addresses.bcc.as_ref());
    string(out, Field::InReplyTo);
    string(out, Field::MessageId);
    out.pop();
    out.push(b')');
}

/// Source: `message_write_address`, `imap/message.c`.
fn write_list(out: &mut Vec<u8>, list: Option<&Vec<Address>>) {
    let Some(list) = list else {
        out.extend_from_slice(b"NIL ");
        return;
    };
    out.push(b'(');
    for address in list {
        out.push(b'(');
        for string in [&address.name, &address.route, &address.mailbox, &address.domain] {
            nstring::write(out, string.as_deref());
            out.push(b' ');
        }
        out.pop();
        out.push(b')');
    }
    out.extend_from_slice(b") ");
}
