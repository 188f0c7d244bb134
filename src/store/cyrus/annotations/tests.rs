use super::*;
use crate::{
    store::cyrus::{
        options::{AnnotationDefinition, AnnotationScope, AnnotationType, CyrusOptions, Release},
        table::testing::{Map, golden},
    },
    types::{MailboxKind, MailboxOptions},
};

const OLD: &str = include_str!("../../../../tests/golden/mboxlist/3.6.1-by-id.txt");
const NEW: &str = include_str!("../../../../tests/golden/mboxlist/3.12.3-by-id.txt");
const LEGACY: &str = include_str!("../../../../tests/golden/mboxlist/3.12.3-by-name.txt");
const TOMBSTONE: &str = include_str!("../../../../tests/golden/mboxlist/3.12.3-annotations.txt");
const FILE: &str = "conf/annotations.db";

fn mailbox(last: char, name: &str) -> Target {
    let id = UniqueId::parse(format!("abcdefghijklmnopqrstuvw{last}").as_bytes()).unwrap();
    Target::Mailbox(id, MailboxName::parse(name.as_bytes()).unwrap())
}

fn user(name: &str) -> Whose {
    Whose::User(UserId::parse(name.as_bytes()).unwrap())
}

#[test]
fn the_same_writes_give_the_records_of_both_releases() {
    let mut table = Map::new();
    let inbox = mailbox('1', "user.u1");
    for (target, entry, whose, value, modseq) in [
        (&Target::Server, "/comment", Whose::Shared, "server", 0),
        (&Target::Server, "/comment", user("u1"), "serverpriv", 0),
        (&inbox, "/comment", user("u1"), "own", 0),
        (&inbox, "/vendor/cmu/cyrus-imapd/expire", Whose::Shared, "12", 0),
        (&inbox, "/check", Whose::Shared, "true", 0),
        (&mailbox('2', "user.u1.a"), "/specialuse", user("u1"), "\\Trash", 0),
        (&mailbox('4', "user.u1.c"), "/vendor/unknown", Whose::Shared, "fromrecord", 3),
        (&mailbox('4', "user.u1.c"), "/vendor/unknown", user("u1"), "ownerval", 4),
        (&mailbox('4', "user.u1.c"), "/vendor/unknown", user("u9"), "other", 4),
    ] {
        let written = write(&mut table, target, entry.as_bytes(), &whose, value.as_bytes(), ModSeq(modseq)).unwrap();
        assert_eq!(written, Written::Changed { before: Vec::new() });
    }
    assert_eq!(table, golden(OLD, FILE));
    // 3.6.1 aborts on APPLY ANNOTATION for a shared mailbox (`assert_namespacelocked`).
    let shared = mailbox('6', "shared");
    write(&mut table, &shared, b"/comment", &Whose::Shared, b"sharedval", ModSeq(0)).unwrap();
    assert_eq!(table, golden(NEW, FILE));
}

#[test]
fn a_messages_annotations_are_told_apart_by_user() {
    let mut table = golden(LEGACY, "spool/domain/O/example.com/C/user/u1/cyrus.annotations");
    let name = MailboxName::parse(b"example.com!user.u1").unwrap();
    let message = |uid| Target::Message(Uid::new(uid).unwrap(), name.clone());
    let found = list(&mut table, &message(1)).unwrap();
    let values: Vec<_> = found.iter().map(|found| (found.whose.clone(), &found.value.bytes[..])).collect();
    let expected: [(Whose, &[u8]); 3] =
        [(Whose::Shared, b"ours"), (user("u1@example.com"), b"mine"), (user("jane.doe@example.com"), b"janes")];
    assert_eq!(values, expected);
    assert!(list(&mut table, &message(11)).unwrap().is_empty());
    remove_all(&mut table, &message(1)).unwrap();
    assert!(table.is_empty());
}

#[test]
fn tombstones_are_those_of_the_reference() {
    let mut table = golden(TOMBSTONE, "cyrus.annotations");
    let expected = table.clone();
    let message = Target::Message(Uid::new(2).unwrap(), MailboxName::parse(b"user.u1").unwrap());
    let tombstone = list(&mut table, &message).unwrap().remove(0);
    assert_eq!((&tombstone.entry[..], tombstone.value.bytes.len()), (&b"/altsubject"[..], 0));
    assert_eq!(find(&mut table, &message, b"/altsubject", &Whose::Shared).unwrap(), None);
    let modseq = tombstone.value.modseq;
    write(&mut table, &message, b"/altsubject", &Whose::Shared, b"other", ModSeq(1)).unwrap();
    let written = write(&mut table, &message, b"/altsubject", &Whose::Shared, b"", modseq).unwrap();
    assert_eq!(written, Written::Changed { before: b"other".to_vec() });
    assert_eq!(table, expected);
    let unchanged = write(&mut table, &message, b"/nothing", &Whose::Shared, b"", ModSeq(9)).unwrap();
    assert_eq!((unchanged, table), (Written::Unchanged, expected));
}

#[test]
fn an_equal_value_keeps_its_modseq_and_an_empty_one_deletes() {
    let mut table = golden(NEW, FILE);
    let (before, target) = (table.clone(), mailbox('4', "user.u1.c"));
    let write = |table: &mut Map, value: &[u8]| {
        write(table, &target, b"/vendor/unknown", &Whose::Shared, value, ModSeq(99)).unwrap()
    };
    assert_eq!(write(&mut table, b"fromrecord"), Written::Unchanged);
    assert_eq!(table, before);
    write(&mut table, b"");
    assert_eq!(table.len(), before.len() - 1);
    remove_entry(&mut table, &target, b"/vendor/unknown").unwrap();
    assert_eq!(table.len(), before.len() - 3);
}

#[test]
fn values_of_old_releases_and_damaged_ones() {
    let value = |bytes: &[u8], modseq| Ok(AnnotationValue { bytes: bytes.to_vec(), modseq: ModSeq(modseq) });
    let whole = AnnotationValue { bytes: b"ab".to_vec(), modseq: ModSeq(7) }.encode().unwrap();
    assert_eq!(AnnotationValue::decode(&whole), value(b"ab", 7));
    assert_eq!(AnnotationValue::decode(&whole[..whole.len() - 1]), value(b"ab", 7));
    assert_eq!(AnnotationValue::decode(&whole[..30]), value(b"ab", 0));
    assert_eq!(AnnotationValue::decode(&whole[..11]), value(b"ab", 0));
    for length in (0..10).chain(12..29) {
        assert!(AnnotationValue::decode(&whole[..length]).is_err(), "{length}");
    }
    assert!(AnnotationValue::decode(&[0xff; 64]).is_err());
}

#[test]
fn names_that_no_key_can_hold_are_refused() {
    let mut table = Map::new();
    for entry in [&b"a\0b"[..], &[b'a'; 5000]] {
        let written = write(&mut table, &Target::Server, entry, &Whose::Shared, b"x", ModSeq(0));
        assert!(matches!(written, Err(AnnotationError::Name { .. })));
    }
}

/// The answers of 3.12.3 to the same commands.
#[test]
fn what_apply_annotation_may_set_is_what_the_reference_lets_it() {
    let options = CyrusOptions::new("/conf");
    let (inbox, other) = (mailbox('1', "user.u1"), mailbox('4', "user.u1.c"));
    let check = |target: &Target, entry: &str, whose: &Whose, value: Option<&str>| {
        check_store(&options, target, MailboxKind::Email, entry.as_bytes(), whose, value.map(str::as_bytes))
    };
    let own = |entry: &str| format!("/vendor/cmu/cyrus-imapd/{entry}");
    let shared = Whose::Shared;
    assert_eq!(check(&inbox, "/vendor/unknown", &shared, Some("x")), Err(Refused::NotSettable));
    assert_eq!(check(&inbox, &own("expire"), &shared, Some("12")), Ok(Store::Value(b"12".to_vec())));
    assert_eq!(check(&inbox, &own("expire"), &shared, Some("2d12h")), Ok(Store::Value(b"2d12h".to_vec())));
    assert_eq!(check(&inbox, &own("expire"), &shared, Some("abc")), Err(Refused::BadValue));
    assert_eq!(check(&inbox, &own("expire"), &shared, Some("99999999d")), Err(Refused::BadValue));
    assert_eq!(check(&inbox, &own("expire"), &user("u1"), Some("12")), Err(Refused::NotSettable));
    let sharedseen = Store::Option { option: MailboxOptions::SHARED_SEEN, set: true };
    assert_eq!(check(&inbox, &own("sharedseen"), &shared, Some("true")), Ok(sharedseen));
    assert_eq!(check(&inbox, &own("size"), &shared, Some("1")), Err(Refused::NotSettable));
    assert_eq!(check(&inbox, "/check", &shared, Some("TRUE")), Ok(Store::Value(b"true".to_vec())));
    assert_eq!(check(&inbox, "/checkperiod", &shared, Some("notnum")), Err(Refused::BadValue));
    assert_eq!(check(&inbox, "/comment", &shared, None), Ok(Store::Value(Vec::new())));
    assert_eq!(check(&other, "/specialuse", &user("u1"), Some("trash")), Ok(Store::SpecialUse(b"\\Trash".to_vec())));
    assert_eq!(check(&other, "/specialuse", &user("u1"), Some("\\Bogus")), Err(Refused::BadEntry));
    assert_eq!(check(&other, "/specialuse", &shared, Some("\\Junk")), Err(Refused::NotSettable));
    let motd = Store::File { name: "motd", text: Some(b"motdtext".to_vec()) };
    assert_eq!(check(&Target::Server, "/motd", &shared, Some("motdtext")), Ok(motd));
    assert_eq!(check(&inbox, &own("search-fuzzy-always"), &shared, Some("on")), Ok(Store::Value(b"on".to_vec())));
    assert_eq!(check(&other, &own("search-fuzzy-always"), &shared, Some("on")), Err(Refused::NotSettable));
}

#[test]
fn imapd_conf_can_allow_more() {
    let definition = AnnotationDefinition {
        entry: "/vendor/x".to_owned(),
        scope: AnnotationScope::Mailbox,
        value: AnnotationType::Signed,
        shared: true,
        private: false,
    };
    let options = CyrusOptions { annotation_definitions: vec![definition], ..CyrusOptions::new("/conf") };
    let inbox = mailbox('1', "user.u1");
    let check = |options: &CyrusOptions, kind, entry: &str, value: &str| {
        check_store(options, &inbox, kind, entry.as_bytes(), &Whose::Shared, Some(value.as_bytes()))
    };
    assert!(check(&options, MailboxKind::Email, "/vendor/x", "-5").is_ok());
    assert_eq!(check(&options, MailboxKind::Email, "/vendor/x", "five"), Err(Refused::BadValue));
    assert!(check(&options, MailboxKind::Calendar, "/vendor/cmu/cyrus-jmap/x", "y").is_ok());
    let old = CyrusOptions { release: Release::V3_6, ..options.clone() };
    assert!(check(&old, MailboxKind::Calendar, "/vendor/cmu/cyrus-jmap/x", "y").is_err());
    let any = CyrusOptions { undefined_annotations: true, ..options };
    assert!(check(&any, MailboxKind::Email, "/anything", "y").is_ok());
    assert_eq!(check(&any, MailboxKind::Email, "/vendor/cmu/cyrus-imapd/anything", "y"), Err(Refused::NotSettable));
}
