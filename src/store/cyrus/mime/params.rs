//! Parameters of Content-Type and Content-Disposition, with RFC 2231 continuations put together.

use std::collections::HashMap;

use super::text::{at, ends_token, is_fold, is_space, needs_percent, skip_space};

/// The number of sections of one parameter. Source: `message_fold_params`, `imap/message.c`.
const MAX_SECTIONS: usize = 100;

/// One parameter: its name in upper case and its value without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Param {
    pub attribute: Vec<u8>,
    pub value: Vec<u8>,
}

/// The parameters in `text` from `i` (after the first `;`) to the end of the header field.
///
/// What is malformed is skipped to the next `;`. Source: `message_parse_params`, `imap/message.c`.
pub(super) fn parse(text: &[u8], i: usize) -> Vec<Param> {
    let mut params = Vec::new();
    let mut next = Some(i);
    while let Some(start) = next.and_then(|i| skip_space(text, i)) {
        next = match param(text, start) {
            Outcome::Param(param, after) => {
                params.push(param);
                after
            }
            Outcome::Skip(from) => Some(skip_to_next(text, from)),
            Outcome::End => None,
        };
    }
    fold(params)
}

enum Outcome {
    /// A parameter, and where the next one starts, if the field goes on.
    Param(Param, Option<usize>),
    /// Nothing usable: look for the next `;` from here on.
    Skip(usize),
    /// The field ended inside a parameter, which is dropped.
    End,
}

fn param(text: &[u8], start: usize) -> Outcome {
    let mut i = start;
    while !matches!(at(text, i), 0 | b'=' | b'(') && !is_space(at(text, i)) {
        if ends_token(at(text, i)) {
            return Outcome::Skip(i);
        }
        i += 1;
    }
    let attribute = text[start..i].to_ascii_uppercase();
    let Some(equals) = skip_space(text, i) else { return Outcome::End };
    if at(text, equals) != b'=' {
        return Outcome::Skip(equals + 1);
    }
    let Some(start) = skip_space(text, equals + 1) else { return Outcome::End };
    let (value, end) = match at(text, start) {
        b'"' => match quoted(text, start + 1) {
            Some(found) => found,
            None => return Outcome::End,
        },
        _ => match token(text, start) {
            Ok(end) => (text.get(start..end).unwrap_or_default().to_vec(), end),
            Err(bad) => return Outcome::Skip(bad),
        },
    };
    match skip_space(text, end) {
        Some(i) if at(text, i) != b';' => Outcome::Skip(i + 1),
        after => Outcome::Param(Param { attribute, value }, after.map(|i| i + 1)),
    }
}

/// A quoted value after its opening quote, unfolded, and the index after its closing quote.
fn quoted(text: &[u8], start: usize) -> Option<(Vec<u8>, usize)> {
    let mut value = Vec::new();
    let mut i = start;
    loop {
        match at(text, i) {
            0 => return None,
            b'"' => return Some((value, i + 1)),
            b'\\' => i += 1,
            b'\r' => {
                if !folded(text, i) {
                    return None;
                }
                i += 2;
                value.push(at(text, i));
                i += 1;
                continue;
            }
            _ => {}
        }
        match at(text, i) {
            0 => return None,
            // An escaped CR still has to be a fold, but all of it is kept.
            b'\r' if folded(text, i) => {
                value.extend_from_slice(&text[i..i + 3]);
                i += 3;
            }
            b'\r' => return None,
            byte => {
                value.push(byte);
                i += 1;
            }
        }
    }
}

/// The end of an unquoted value, which may hold white space, folds and 8-bit bytes; or where a control byte is.
fn token(text: &[u8], start: usize) -> Result<usize, usize> {
    let mut last = start;
    let mut i = start;
    loop {
        match at(text, i) {
            0 | b';' | b'(' => break,
            b'\r' if folded(text, i) => {
                i += 2;
                continue;
            }
            b'\r' => break,
            b' ' | b'\t' => {}
            byte if byte < b' ' => return Err(i),
            _ => last = i,
        }
        i += 1;
    }
    // An empty value takes the byte that ended it, as in the reference.
    Ok((last + 1).min(text.len()))
}

fn folded(text: &[u8], i: usize) -> bool {
    at(text, i + 1) == b'\n' && is_fold(at(text, i + 2))
}

fn skip_to_next(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let stop = from + memchr::memchr3(b';', b'\r', b'\n', rest).unwrap_or(rest.len());
    stop + usize::from(at(text, stop) == b';')
}

/// Appends each continuation (`NAME*1`, `NAME*2*`, …) to its initial section (`NAME*0`).
///
/// Source: `message_fold_params`, `imap/message.c`; looked up instead of searched for, so its cost is linear.
fn fold(mut params: Vec<Param>) -> Vec<Param> {
    if !params.iter().any(|param| initial_section(&param.attribute).is_some()) {
        return params;
    }
    let mut places: HashMap<Vec<u8>, Vec<usize>> = HashMap::new();
    for (place, param) in params.iter().enumerate().rev() {
        places.entry(param.attribute.clone()).or_default().push(place);
    }
    let mut gone = vec![false; params.len()];
    for place in 0..params.len() {
        if gone[place] {
            continue;
        }
        let Some((name, mut extended)) = initial_section(&params[place].attribute) else { continue };
        let mut name = name.to_vec();
        let mut value = std::mem::take(&mut params[place].value);
        for section in 1..MAX_SECTIONS {
            let suffix = format!("*{section}").into_bytes();
            let Some((next, next_extended)) = take_section(&mut places, &name, &suffix) else { break };
            gone[next] = true;
            append(&mut value, &mut extended, &params[next].value, next_extended);
        }
        if extended {
            name.push(b'*');
        }
        params[place] = Param { attribute: name, value };
    }
    let mut gone = gone.into_iter();
    params.retain(|_| gone.next() == Some(false));
    params
}

/// `NAME` and whether the value is extended, of an attribute `NAME*0` or `NAME*0*`.
fn initial_section(attribute: &[u8]) -> Option<(&[u8], bool)> {
    let star = memchr::memchr(b'*', attribute)?;
    match &attribute[star..] {
        b"*0" => Some((&attribute[..star], false)),
        b"*0*" => Some((&attribute[..star], true)),
        _ => None,
    }
}

/// Takes the first parameter left that is section `suffix` of `name`, simple or extended.
fn take_section(places: &mut HashMap<Vec<u8>, Vec<usize>>, name: &[u8], suffix: &[u8]) -> Option<(usize, bool)> {
    let simple = [name, suffix].concat();
    let extended = [name, suffix, b"*"].concat();
    let first = |attribute: &[u8]| places.get(attribute)?.last().copied();
    let is_extended = match (first(&simple), first(&extended)) {
        (Some(simple), Some(extended)) => extended < simple,
        (simple, _) => simple.is_none(),
    };
    let place = places.get_mut(if is_extended { &extended } else { &simple })?.pop()?;
    Some((place, is_extended))
}

fn append(value: &mut Vec<u8>, extended: &mut bool, next: &[u8], next_extended: bool) {
    match (*extended, next_extended) {
        (true, false) => percent_encode(value, next),
        (false, true) => {
            let mut encoded = b"''".to_vec();
            percent_encode(&mut encoded, value);
            encoded.extend_from_slice(next);
            *value = encoded;
            *extended = true;
        }
        _ => value.extend_from_slice(next),
    }
}

fn percent_encode(out: &mut Vec<u8>, value: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in value {
        if needs_percent(byte) {
            out.extend_from_slice(&[b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        parse(text.as_bytes(), 0).iter().map(|p| (text_of(&p.attribute), text_of(&p.value))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, v)| (a.to_string(), v.to_string())).collect()
    }

    #[test]
    fn tokens_and_quoted_strings() {
        assert_eq!(parsed("a=b; C=\"d;\\\"e\" ; f = g h "), pairs(&[("A", "b"), ("C", "d;\"e"), ("F", "g h")]));
        assert_eq!(parsed("a=\"b\r\n c\"\r\nX: y"), pairs(&[("A", "b c")]));
    }

    #[test]
    fn malformed_parameters_are_skipped() {
        assert_eq!(parsed("a; b=c; =d; e"), pairs(&[("B", "c"), ("", "d")]));
        assert_eq!(parsed("a=\"b"), pairs(&[]));
        assert_eq!(parsed("a=; b=c"), pairs(&[]));
        assert_eq!(parsed("a=;"), pairs(&[("A", ";")]));
    }

    #[test]
    fn continuations_are_joined_in_any_order() {
        assert_eq!(parsed("x*1=b; x*0=a; y=z; x*2*=%43"), pairs(&[("X*", "''ab%43"), ("Y", "z")]));
        assert_eq!(
            parsed("x*0*=us-ascii''a; x*1=\"b c\"; x*3=no"),
            pairs(&[("X*", "us-ascii''ab%20c"), ("X*3", "no")])
        );
    }
}
