//! The lines of a configuration file, and of the files that it includes.
//!
//! `config_read_file` of lib/libconfig.c: leading white space is skipped; a `#` begins a comment only at the start of
//! a line; a backslash before the line's end joins the next line, as it is; names are folded to lower case and end at
//! the colon; values are trimmed. `@include` names a file, relative to the working directory, which may be named once.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use super::{ConfigError, Place};

/// The largest file that is read. Real ones have some thousand bytes.
const MAX_FILE: u64 = 16 << 20;
/// How deep files may include each other. The reference has no limit of its own and runs out of descriptors.
const MAX_DEPTH: usize = 64;

/// One `option: value`.
pub(super) struct Assignment {
    /// In lower case.
    pub name: String,
    /// Trimmed, not empty. Bytes that are not UTF-8 are replaced: no option of the table needs them.
    pub text: String,
    pub place: Place,
}

/// Hands over every assignment of a file and of those that it includes, in order.
pub(super) fn read(
    path: &Path,
    assign: &mut dyn FnMut(Assignment) -> Result<(), ConfigError>,
) -> Result<(), ConfigError> {
    let place = Place { file: path.to_string_lossy().into(), line: None };
    Reader { seen: BTreeSet::new(), assign }.file(place.file.to_string(), &place, 0)
}

struct Reader<'a> {
    seen: BTreeSet<String>,
    assign: &'a mut dyn FnMut(Assignment) -> Result<(), ConfigError>,
}

impl Reader<'_> {
    fn file(&mut self, file: String, included_at: &Place, depth: usize) -> Result<(), ConfigError> {
        let bytes = contents(&file)?;
        if depth > MAX_DEPTH {
            return Err(ConfigError::IncludedTooDeep { place: included_at.clone(), limit: MAX_DEPTH });
        }
        if !self.seen.insert(file.clone()) {
            return Err(ConfigError::IncludedTwice { place: included_at.clone(), file });
        }
        let file: Arc<str> = file.into();
        for (number, line) in logical_lines(&bytes) {
            self.line(&line, Place { file: Arc::clone(&file), line: Some(number) }, depth)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], place: Place, depth: usize) -> Result<(), ConfigError> {
        let line = trim(line);
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let Some((name, text)) = split(line) else { return Err(ConfigError::BadName { place }) };
        if text.is_empty() {
            return Err(ConfigError::NoValue { place, option: name });
        }
        match name.as_str() {
            "@include" => self.file(text, &place, depth + 1),
            directive if directive.starts_with('@') => Err(ConfigError::BadDirective { place, directive: name }),
            _ => (self.assign)(Assignment { name, text, place }),
        }
    }
}

fn contents(file: &str) -> Result<Vec<u8>, ConfigError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(file)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) if bytes.len() as u64 > MAX_FILE => {
            Err(ConfigError::TooLarge { file: file.to_owned(), limit: MAX_FILE })
        }
        Ok(bytes) => Ok(bytes),
        Err(error) => Err(ConfigError::Unreadable { file: file.to_owned(), error }),
    }
}

/// Lines with the number of their first physical line; joined where a backslash ends one.
///
/// As in the reference, a joined line that the file's end cuts short is not a line, and a backslash without a newline
/// behind it is part of the value.
fn logical_lines(bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut lines = Vec::new();
    let mut pending: Option<(u32, Vec<u8>)> = None;
    for (index, physical) in (1_u32..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        let (number, mut line) = pending.take().unwrap_or((index, Vec::new()));
        match physical.strip_suffix(b"\n") {
            Some(text) if text.ends_with(b"\\") => {
                line.extend_from_slice(text.strip_suffix(b"\\").unwrap_or(text));
                pending = Some((number, line));
                continue;
            }
            Some(text) => line.extend_from_slice(text),
            None => line.extend_from_slice(physical),
        }
        lines.push((number, line));
    }
    lines
}

/// The name in lower case and the trimmed value; none if the line does not begin with a name and a colon.
fn split(line: &[u8]) -> Option<(String, String)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, rest) = line.split_at_checked(colon)?;
    let word = name.strip_prefix(b"@").unwrap_or(name);
    if !word.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return None;
    }
    let text = rest.strip_prefix(b":").unwrap_or(rest);
    Some((lossy(name).to_ascii_lowercase(), lossy(trim(text))))
}

/// Without the white space of C's `isspace` around it; `trim_ascii` leaves vertical tabs.
fn trim(mut text: &[u8]) -> &[u8] {
    let is_space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_space(*last)
    {
        text = rest;
    }
    text
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
