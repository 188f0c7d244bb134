//! The file of `annotation_definitions`: which annotations there are beyond Cyrus's own.
//!
//! A line is `name, scope, type, proxy-type, attributes, rights`; `init_annotation_definitions` of imap/annotate.c. As
//! there, a line that is wrong is skipped, with a message, and the file may be missing.

use std::{fs, path::Path};

use crate::store::cyrus::options::{AnnotationDefinition, AnnotationScope, AnnotationType};

/// The definitions in a file, in order.
pub(super) fn read(file: &Path) -> Vec<AnnotationDefinition> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            tracing::error!("{}: could not open annotation definition file: {error}", file.display());
            return Vec::new();
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().zip(1..).filter(|(line, _)| !matches!(line.trim_start().chars().next(), None | Some('#')));
    let definition = |(line, number): (&str, u32)| match definition(line) {
        Ok(definition) => Some(definition),
        Err(reason) => {
            tracing::error!("{}:{number}: {reason}; the annotation is not defined", file.display());
            None
        }
    };
    lines.filter_map(definition).collect()
}

fn definition(line: &str) -> Result<AnnotationDefinition, &'static str> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [entry, scope, value, proxy, attributes, rights] = fields.as_slice() else {
        return Err("a definition has six fields with commas between them");
    };
    let entry = entry.to_ascii_lowercase();
    if !is_word(&entry, ".-_/:") || entry.starts_with("/vendor/cmu/cyrus-imapd/") {
        return Err("invalid annotation name");
    }
    let scope = scope_of(scope).ok_or("invalid annotation scope")?;
    if scope == AnnotationScope::Message && entry.starts_with("/flags/") {
        return Err("message entry under /flags/");
    }
    let value = type_of(value).ok_or("invalid annotation type")?;
    if !proxy.split_ascii_whitespace().all(|word| is_one_of(word, &["proxy", "backend", "proxy_and_backend"])) {
        return Err("invalid annotation proxy type");
    }
    if !attributes.split_ascii_whitespace().all(|word| is_one_of(word, ATTRIBUTES)) {
        return Err("invalid annotation attributes");
    }
    if !is_word(rights, "") {
        return Err("invalid character in the rights");
    }
    let has = |names: &[&str]| attributes.split_ascii_whitespace().any(|word| is_one_of(word, names));
    let (shared, private) = (has(&["value", "value.shared"]), has(&["value", "value.priv"]));
    Ok(AnnotationDefinition { entry, scope, value, shared, private })
}

/// The names that an attribute list may have; all but `value` and its halves mean nothing any more.
const ATTRIBUTES: &[&str] = &[
    "value",
    "value.shared",
    "value.priv",
    "size",
    "size.shared",
    "size.priv",
    "modifiedsince",
    "modifiedsince.shared",
    "modifiedsince.priv",
    "content-type",
    "content-type.shared",
    "content-type.priv",
];

fn scope_of(word: &str) -> Option<AnnotationScope> {
    let scopes = [
        ("server", AnnotationScope::Server),
        ("mailbox", AnnotationScope::Mailbox),
        ("message", AnnotationScope::Message),
    ];
    scopes.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, scope)| scope)
}

/// `content-type`, an old name of `string`, cannot be written: the field takes letters and digits only.
fn type_of(word: &str) -> Option<AnnotationType> {
    let types = [
        ("string", AnnotationType::Text),
        ("boolean", AnnotationType::Boolean),
        ("uint", AnnotationType::Unsigned),
        ("int", AnnotationType::Signed),
    ];
    types.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_one_of(word: &str, names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

fn is_word(word: &str, extra: &str) -> bool {
    word.chars().all(|character| character.is_ascii_alphanumeric() || extra.contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_defines_an_annotation() {
        let defined =
            definition("/Vendor/Acme/Blurdy, mailbox, string, backend, value.shared size.shared, lrs").unwrap();
        let expected = AnnotationDefinition {
            entry: "/vendor/acme/blurdy".into(),
            scope: AnnotationScope::Mailbox,
            value: AnnotationType::Text,
            shared: true,
            private: false,
        };
        assert_eq!(defined, expected);
        let both = definition("/x,MESSAGE,uint,proxy_and_backend,value,").unwrap();
        assert!(both.shared && both.private && both.value == AnnotationType::Unsigned);
    }

    #[test]
    fn what_is_wrong_defines_nothing() {
        let lines = [
            "/x, mailbox, string, backend, value",
            "/x, mailbox, string, backend, value, , more",
            "/x y, mailbox, string, backend, value, ",
            "/vendor/cmu/cyrus-imapd/x, mailbox, string, backend, value, ",
            "/x, folder, string, backend, value, ",
            "/flags/x, message, string, backend, value, ",
            "/x, mailbox, text, backend, value, ",
            "/x, mailbox, content-type, backend, value, ",
            "/x, mailbox, string, frontend, value, ",
            "/x, mailbox, string, backend, all, ",
        ];
        for line in lines {
            assert!(definition(line).is_err(), "{line}");
        }
    }
}
