//! Address lists, as forgiving as the reference is.
//!
//! Source: `parseaddr_list` and its helpers, `lib/parseaddr.c`. Groups become an address without domain (the group's name, or
//! nothing at its end); what has no domain gets [`UNSPECIFIED_DOMAIN`].

use super::text::{self, at, is_space};

/// Stands for a domain that is missing.
pub(super) const UNSPECIFIED_DOMAIN: &[u8] = b"unspecified-domain";

/// One address; `None` is a NIL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub name: Option<Vec<u8>>,
    pub route: Option<Vec<u8>>,
    pub mailbox: Option<Vec<u8>>,
    pub domain: Option<Vec<u8>>,
}

/// The addresses of a header, `value` being the text from after the colon on.
///
/// `eight_bit_domains`: domains may hold 8-bit bytes (3.12); before, such a byte ends the domain (3.6).
pub(super) fn parse(value: &[u8], eight_bit_domains: bool) -> Vec<Address> {
    let mut parser = Parser { text: text::field(value, 0), at: 0, eight_bit_domains, found: Vec::new() };
    parser.list();
    parser.found
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    eight_bit_domains: bool,
    found: Vec<Address>,
}

impl Parser<'_> {
    fn list(&mut self) {
        let mut in_group = false;
        let mut stop = b' ';
        while stop != 0 {
            let (phrase, found) = self.phrase(if in_group { b",@<;" } else { b",@<:" });
            stop = found;
            match stop {
                b',' | b';' | 0 if !phrase.is_empty() => self.push(None, None, phrase, Vec::new()),
                b':' => {
                    self.found.push(Address { mailbox: Some(phrase), ..Address::default() });
                    in_group = true;
                }
                b'@' => {
                    let (domain, comment, found) = self.domain(true);
                    self.push(comment, None, phrase, domain);
                    stop = found;
                }
                b'<' => stop = self.angle(phrase),
                _ => {}
            }
            // The `;` that ends a group may also follow a domain; one after `>` is seen by the next phrase.
            if stop == b';' {
                self.found.push(Address::default());
                in_group = false;
            }
        }
        if in_group {
            self.found.push(Address::default());
        }
    }

    /// `<mailbox@domain>` or `<@route:mailbox@domain>` after its `<`; returns where it stopped.
    fn angle(&mut self, name: Vec<u8>) -> u8 {
        let (mut mailbox, stop) = self.phrase(b"@>");
        if stop != b'@' {
            self.push(Some(name), None, mailbox, Vec::new());
            return stop;
        }
        let mut route = None;
        if mailbox.is_empty() {
            self.at -= 1;
            let (found, stop) = self.route();
            if stop != b':' {
                self.push(Some(name), Some(found), Vec::new(), Vec::new());
                return self.skip_past_angle(stop);
            }
            route = Some(found);
            let (found, stop) = self.phrase(b"@>");
            if stop != b'@' {
                self.push(Some(name), route, found, Vec::new());
                return stop;
            }
            mailbox = found;
        }
        let (domain, _, stop) = self.domain(false);
        self.push(Some(name), route, mailbox, domain);
        self.skip_past_angle(stop)
    }

    fn skip_past_angle(&mut self, mut stop: u8) -> u8 {
        while stop != 0 && stop != b'>' {
            stop = self.next();
        }
        stop
    }

    /// Words up to one of `specials` or the end, with quotes and comments taken out. Source: `parseaddr_phrase`.
    fn phrase(&mut self, specials: &[u8]) -> (Vec<u8>, u8) {
        self.skip_white_space();
        let mut phrase = Vec::new();
        loop {
            match self.next() {
                b'"' => {
                    if self.quoted(&mut phrase).is_none() {
                        return (Vec::new(), 0);
                    }
                }
                byte if is_space(byte) || byte == b'(' => {
                    self.at -= 1;
                    self.skip_white_space();
                    phrase.push(b' ');
                }
                byte if byte == 0 || specials.contains(&byte) => {
                    phrase.pop_if(|last| *last == b' ');
                    return (phrase, byte);
                }
                byte => phrase.push(byte),
            }
        }
    }

    /// A quoted string after its opening quote; `None` if it does not end.
    fn quoted(&mut self, phrase: &mut Vec<u8>) -> Option<()> {
        loop {
            let mut byte = self.some()?;
            if byte == b'\\' && self.peek() == b'\r' && at(self.text, self.at + 1) == b'\n' {
                byte = self.next();
            }
            if byte == b'\r' && self.peek() == b'\n' {
                self.at += 1;
                if !text::is_fold(self.peek()) {
                    return None;
                }
                continue;
            }
            if byte.is_ascii_control() {
                match byte {
                    b'\r' | b'\n' => byte = b' ',
                    b'\t' => {}
                    _ => continue,
                }
            }
            match byte {
                b'"' => return Some(()),
                b'\\' => phrase.push(self.some()?),
                byte => phrase.push(byte),
            }
        }
    }

    /// A domain, the comment right after it if `with_comment`, and the byte that ended it. Source: `parseaddr_domain`.
    fn domain(&mut self, with_comment: bool) -> (Vec<u8>, Option<Vec<u8>>, u8) {
        self.skip_white_space();
        let mut domain = Vec::new();
        let mut comment = None;
        loop {
            let byte = self.next();
            match byte {
                b'.' => {
                    if domain.last().is_some_and(|last| *last != b'.') {
                        domain.push(byte);
                    }
                    comment = None;
                }
                b'-' | b'[' | b']' | b':' | b'@' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                    domain.push(byte);
                    comment = None;
                }
                0x80.. if self.eight_bit_domains => {
                    domain.push(byte);
                    comment = None;
                }
                b'(' if with_comment => comment = Some(self.comment()),
                b'(' => {
                    self.at -= 1;
                    self.skip_white_space();
                }
                byte if is_space(byte) => {}
                byte => {
                    domain.pop_if(|last| *last == b'.');
                    return (domain, comment, byte);
                }
            }
        }
    }

    /// The text of a comment after its opening parenthesis.
    fn comment(&mut self) -> Vec<u8> {
        let mut comment = Vec::new();
        let mut depth = 1usize;
        while depth > 0 {
            let Some(mut byte) = self.some() else { break };
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\\' => byte = self.next(),
                _ => {}
            }
            if depth > 0 && byte != 0 {
                comment.push(byte);
            }
        }
        comment
    }

    /// A source route and the byte that ended it. Source: `parseaddr_route`.
    fn route(&mut self) -> (Vec<u8>, u8) {
        self.skip_white_space();
        let mut route: Vec<u8> = Vec::new();
        loop {
            let byte = self.next();
            match byte {
                b'-' | b'[' | b']' | b',' | b'@' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => route.push(byte),
                b'.' => {
                    if route.last().is_some_and(|last| *last != b'.') {
                        route.push(byte);
                    }
                }
                byte if is_space(byte) || byte == b'(' => {
                    self.at -= 1;
                    self.skip_white_space();
                }
                byte => {
                    while route.pop_if(|last| matches!(*last, b'.' | b',' | b'@')).is_some() {}
                    return (route, byte);
                }
            }
        }
    }

    /// Skips white space and comments. Source: `SKIPWHITESPACE`.
    fn skip_white_space(&mut self) {
        loop {
            match self.peek() {
                b'(' => {
                    self.at += 1;
                    self.comment_end();
                }
                byte if is_space(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn comment_end(&mut self) {
        let mut depth = 1usize;
        while depth > 0 {
            match self.some() {
                None => return,
                Some(b'\\') if self.peek() != 0 => self.at += 1,
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                Some(_) => {}
            }
        }
    }

    fn push(&mut self, name: Option<Vec<u8>>, route: Option<Vec<u8>>, mailbox: Vec<u8>, domain: Vec<u8>) {
        let domain = if domain.is_empty() { UNSPECIFIED_DOMAIN.to_vec() } else { domain };
        self.found.push(Address {
            name: name.filter(|name| !name.is_empty()),
            route: route.filter(|route| !route.is_empty()),
            mailbox: Some(mailbox),
            domain: Some(domain),
        });
    }

    fn peek(&self) -> u8 {
        at(self.text, self.at)
    }

    /// The next byte, which is consumed; 0 at the end.
    fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    /// The next byte, which is consumed unless it is the end.
    fn some(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
}
