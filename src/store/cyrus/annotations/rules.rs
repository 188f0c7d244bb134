//! What `APPLY ANNOTATION` may set, and where it is kept.
//!
//! That command stores as IMAP's SETMETADATA does, with an admin's rights: unlike the annotations that come with a
//! mailbox, which are written as they are, an entry must be one that can be set, its value must have the entry's type, and
//! some entries are options of the mailbox. Source: `find_desc_store`, `annotate_canon_value`, `annotate_state_store`,
//! `mailbox_builtin_entries`, `server_builtin_entries` (imap/annotate.c).

use super::{Target, Whose};
use crate::{
    store::cyrus::options::{AnnotationScope, AnnotationType, CyrusOptions, Release},
    types::{MailboxKind, MailboxOptions},
};

/// What to do to store an annotation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Store {
    /// Write this value, with modseq 0; an empty one deletes.
    Value(Vec<u8>),
    /// Set or clear an option of the mailbox.
    Option {
        /// The bit.
        option: u32,
        /// Whether it is to be set.
        set: bool,
    },
    /// Set POP3_SHOW_AFTER from an RFC 5322 date; `None` clears it.
    Pop3ShowAfter(Option<Vec<u8>>),
    /// Write a file in the `msg` directory, with a line end behind the value; `None` removes it.
    File {
        /// `motd` or `shutdown`
        name: &'static str,
        /// What it shall hold.
        text: Option<Vec<u8>>,
    },
    /// Write these special uses, if no other mailbox of the user has one of them that this one does not have already.
    SpecialUse(Vec<u8>),
}

/// Why an annotation is not stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// The entry is unknown, cannot be set, or not for one user or for all: IMAP_PERMISSION_DENIED.
    #[error("the annotation cannot be set")]
    NotSettable,
    /// IMAP_ANNOTATION_BADVALUE
    #[error("the annotation's value is not of its type")]
    BadValue,
    /// IMAP_ANNOTATION_BADENTRY: an unknown special use, or a value for another mailbox's entry.
    #[error("the annotation is not for this mailbox or has an unknown value")]
    BadEntry,
}

/// Checks an annotation that is to be stored, and says how to store it; `None` for no value.
///
/// # Errors
/// [`Refused`]
pub fn check_store(
    options: &CyrusOptions,
    target: &Target,
    kind: MailboxKind,
    entry: &[u8],
    whose: &Whose,
    value: Option<&[u8]>,
) -> Result<Store, Refused> {
    let scope = match target {
        Target::Server => AnnotationScope::Server,
        Target::Mailbox(..) => AnnotationScope::Mailbox,
        Target::Message(..) => AnnotationScope::Message,
    };
    let entry = std::str::from_utf8(entry).map_err(|_| Refused::NotSettable)?;
    let rule = rule(options, scope, kind, entry).ok_or(Refused::NotSettable)?;
    let allowed = match whose {
        Whose::Shared => rule.shared,
        Whose::User(_) => rule.private,
    };
    if !allowed {
        return Err(Refused::NotSettable);
    }
    let value = value.map(|value| canonical(value, rule.value).ok_or(Refused::BadValue)).transpose()?;
    match rule.set {
        Set::Value => Ok(Store::Value(value.unwrap_or_default())),
        Set::Option(option) => Ok(Store::Option { option, set: value.is_some_and(|value| value == b"true") }),
        Set::Pop3ShowAfter => Ok(Store::Pop3ShowAfter(value)),
        Set::File(name) => Ok(Store::File { name, text: value }),
        Set::SpecialUse => value.map_or(Ok(Store::Value(Vec::new())), |value| special_uses(options, &value)),
        Set::InboxSwitch => inbox_switch(target, value.unwrap_or_default()),
    }
}

#[derive(Clone, Copy)]
enum Set {
    Value,
    Option(u32),
    Pop3ShowAfter,
    File(&'static str),
    SpecialUse,
    InboxSwitch,
}

#[derive(Clone, Copy)]
struct Rule {
    value: AnnotationType,
    shared: bool,
    private: bool,
    set: Set,
}

impl Rule {
    const fn both(value: AnnotationType) -> Rule {
        Rule { value, shared: true, private: true, set: Set::Value }
    }

    const fn shared(value: AnnotationType) -> Rule {
        Rule { value, shared: true, private: false, set: Set::Value }
    }

    const fn private(value: AnnotationType) -> Rule {
        Rule { value, shared: false, private: true, set: Set::Value }
    }

    const fn by(self, set: Set) -> Rule {
        Rule { set, ..self }
    }
}

/// Entries that Cyrus itself knows.
const OWN: &str = "/vendor/cmu/cyrus-imapd/";
/// Entries of WebDAV collections, which may have any of them.
const DAV: [&str; 2] = ["/vendor/cmu/cyrus-httpd/", "/vendor/cmu/cyrus-jmap/"];

fn rule(options: &CyrusOptions, scope: AnnotationScope, kind: MailboxKind, entry: &str) -> Option<Rule> {
    let is_dav = matches!(kind, MailboxKind::Collection | MailboxKind::Calendar | MailboxKind::Addressbook);
    let namespaces = if options.release >= Release::V3_10 { &DAV[..] } else { &DAV[..1] };
    if scope != AnnotationScope::Server && is_dav && namespaces.iter().any(|space| entry.starts_with(space)) {
        return Some(Rule::both(AnnotationType::Text));
    }
    let built_in = match scope {
        AnnotationScope::Server => server_rule(options.release, entry),
        AnnotationScope::Mailbox => mailbox_rule(options.release, entry),
        AnnotationScope::Message => message_rule(entry),
    };
    built_in.or_else(|| defined_rule(options, scope, entry)).or_else(|| {
        let reserved = entry.starts_with(OWN) || scope == AnnotationScope::Message && entry.starts_with("/flags/");
        (options.undefined_annotations && !reserved).then_some(Rule::both(AnnotationType::Text))
    })
}

fn defined_rule(options: &CyrusOptions, scope: AnnotationScope, entry: &str) -> Option<Rule> {
    let mut definitions = options.annotation_definitions.iter();
    let found = definitions.find(|definition| definition.scope == scope && definition.entry == entry)?;
    Some(Rule { value: found.value, shared: found.shared, private: found.private, set: Set::Value })
}

/// Before 3.10 a number of days, since then a time span.
fn time_span(release: Release) -> AnnotationType {
    if release >= Release::V3_10 { AnnotationType::Duration } else { AnnotationType::Unsigned }
}

fn mailbox_rule(release: Release, entry: &str) -> Option<Rule> {
    use AnnotationType::*;
    let option = |option| Rule::shared(Boolean).by(Set::Option(option));
    Some(match entry {
        "/check" => Rule::both(Boolean),
        "/checkperiod" => Rule::both(Unsigned),
        "/comment" | "/sort" | "/thread" => Rule::both(Text),
        "/specialuse" => Rule::private(Text).by(Set::SpecialUse),
        _ => match entry.strip_prefix(OWN)? {
            "archive" | "delete" | "expire" => Rule::shared(time_span(release)),
            "noexpire_until" if release >= Release::V3_10 => Rule::shared(Unsigned),
            "news2mail" | "sieve" => Rule::shared(Text),
            "squat" => Rule::shared(Boolean),
            "sortorder" => Rule::private(Unsigned),
            "search-fuzzy-always" => Rule::shared(Text).by(Set::InboxSwitch),
            "pop3showafter" => Rule::shared(Text).by(Set::Pop3ShowAfter),
            "duplicatedeliver" => option(MailboxOptions::DUPDELIVER),
            "pop3newuidl" => option(MailboxOptions::POP3_NEW_UIDL),
            "sharedseen" => option(MailboxOptions::SHARED_SEEN),
            _ => return None,
        },
    })
}

fn server_rule(release: Release, entry: &str) -> Option<Rule> {
    use AnnotationType::*;
    Some(match entry {
        "/admin" => Rule::shared(Text),
        "/comment" => Rule::both(Text),
        "/motd" => Rule::shared(Text).by(Set::File("motd")),
        _ => match entry.strip_prefix(OWN)? {
            "expire" => Rule::shared(time_span(release)),
            "squat" => Rule::shared(Boolean),
            "shutdown" => Rule::shared(Text).by(Set::File("shutdown")),
            _ => return None,
        },
    })
}

fn message_rule(entry: &str) -> Option<Rule> {
    match entry {
        "/altsubject" | "/comment" => Some(Rule::both(AnnotationType::Text)),
        _ => match entry.strip_prefix(OWN)? {
            "basethrid" | "thrid" | "savedate" | "createdmodseq" => Some(Rule::both(AnnotationType::Text)),
            "snoozed" | "snoozed-until" => Some(Rule::shared(AnnotationType::Text)),
            _ => None,
        },
    }
}

/// A value in the form in which it is kept; `None` if it is not of this type.
fn canonical(value: &[u8], value_type: AnnotationType) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(value).ok();
    let valid = match value_type {
        AnnotationType::Text => true,
        AnnotationType::Boolean => {
            let lower = value.to_ascii_lowercase();
            return matches!(&lower[..], b"true" | b"false").then_some(lower);
        }
        AnnotationType::Unsigned => text()?.trim_start().parse::<u64>().is_ok(),
        AnnotationType::Signed => text()?.trim_start().parse::<i64>().is_ok(),
        AnnotationType::Duration => is_duration(text()?),
    };
    valid.then(|| value.to_vec())
}

/// `config_parseduration`: numbers each with a unit, the last one's may be missing; all together fit 31 bits of seconds.
fn is_duration(text: &str) -> bool {
    let mut seconds = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, behind) = rest.split_at(digits);
        let Ok(number) = number.parse::<i32>() else { return false };
        let unit = match behind.bytes().next() {
            None | Some(b'd') => 86_400,
            Some(b'h') => 3_600,
            Some(b'm') => 60,
            Some(b's') => 1,
            Some(_) => return false,
        };
        seconds += i64::from(number) * unit;
        if seconds > i64::from(i32::MAX) {
            return false;
        }
        rest = behind.get(1..).unwrap_or_default();
    }
    true
}

const SPECIAL_USES: [&str; 8] =
    [r"\Archive", r"\Drafts", r"\Important", r"\Junk", r"\Sent", r"\Trash", r"\Snoozed", r"\Scheduled"];

/// Brings special uses into the form in which they are kept (`specialuse_validate`).
fn special_uses(options: &CyrusOptions, value: &[u8]) -> Result<Store, Refused> {
    let text = std::str::from_utf8(value).map_err(|_| Refused::BadEntry)?;
    let is_known = |known: &&str| options.release >= Release::V3_8 || *known != r"\Scheduled";
    let known = || {
        let extra = options.extra_special_uses.iter().map(String::as_str);
        extra.chain(SPECIAL_USES.into_iter().filter(is_known))
    };
    let find = |word: &str| {
        known().find(|known| {
            known.eq_ignore_ascii_case(word) || known.get(1..).is_some_and(|k| k.eq_ignore_ascii_case(word))
        })
    };
    let uses = text.split_ascii_whitespace().map(find).collect::<Option<Vec<&str>>>().ok_or(Refused::BadEntry)?;
    Ok(Store::SpecialUse(uses.join(" ").into_bytes()))
}

/// `annotation_set_fuzzyalways`: only on an INBOX, and only what `imapd.conf` takes for a switch.
fn inbox_switch(target: &Target, value: Vec<u8>) -> Result<Store, Refused> {
    let Target::Mailbox(_, name) = target else { return Err(Refused::NotSettable) };
    if !name.is_inbox() {
        return Err(Refused::NotSettable);
    }
    // `config_parse_switch` looks at the first letters only.
    let is_switch = match value.first() {
        None | Some(b'0' | b'n' | b'f' | b'1' | b'y' | b't') => true,
        Some(b'o') => matches!(value.get(1), Some(b'f' | b'n')),
        Some(_) => false,
    };
    if is_switch { Ok(Store::Value(value)) } else { Err(Refused::BadEntry) }
}
