//! The changes that a raw csync conversation made at 3.6.1 and 3.12.3, made again, must give the same records.

use super::*;
use crate::{
    store::cyrus::{
        options::{CyrusOptions, Release},
        paths::UserPlace,
        table::testing::{Map, golden},
    },
    types::{MailboxName, MailboxType, ModSeq, Partition, UniqueId, UserId},
};

const FILE: &str = "conf/mailboxes.db";

macro_rules! golden_text {
    ($name:literal) => {
        include_str!(concat!("../../../../tests/golden/mboxlist/", $name))
    };
}

struct Stages {
    release: Release,
    made: &'static str,
    renamed: &'static str,
    deleted: &'static str,
}

const STAGES: [Stages; 2] = [
    Stages {
        release: Release::V3_6,
        made: golden_text!("3.6.1-by-id.txt"),
        renamed: golden_text!("3.6.1-renamed.txt"),
        deleted: golden_text!("3.6.1-deleted.txt"),
    },
    Stages {
        release: Release::V3_12,
        made: golden_text!("3.12.3-by-id.txt"),
        renamed: golden_text!("3.12.3-renamed.txt"),
        deleted: golden_text!("3.12.3-deleted.txt"),
    },
];

fn options(release: Release) -> CyrusOptions {
    CyrusOptions { release, ..CyrusOptions::new("/conf") }
}

fn name(name: &str) -> MailboxName {
    MailboxName::parse(name.as_bytes()).unwrap()
}

fn id(last: char) -> UniqueId {
    UniqueId::parse(format!("abcdefghijklmnopqrstuvw{last}").as_bytes()).unwrap()
}

/// Times differ between the conversation and the test.
fn timeless(table: &Map) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let without_times = |value: &str| {
        let mut parts = value.split(" M ");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |all, part| format!("{all} M t{}", part.trim_start_matches(|c: char| c.is_ascii_digit())))
    };
    table.iter().map(|(key, value)| (text(key), without_times(&text(value)))).collect()
}

#[test]
fn what_cyrus_wrote_is_read_and_written_back() {
    let by_name = [golden_text!("3.6.1-by-name.txt"), golden_text!("3.12.3-by-name.txt")];
    for (stages, by_name) in STAGES.iter().zip(by_name) {
        let options = options(stages.release);
        for text in [stages.made, stages.renamed, stages.deleted, by_name] {
            let table = golden(text, FILE);
            assert!(table.len() > 15);
            for (key, value) in table {
                let again = match key.split_first().unwrap() {
                    (b'N', db_name) => {
                        let name = key::from_db_name(db_name).unwrap();
                        assert_eq!(name_key(&options, &name), key);
                        MailboxEntry::decode_name_record(&name, &value).unwrap().encode_name_record()
                    }
                    (_, id) => {
                        let id = UniqueId::parse(id).unwrap();
                        MailboxEntry::decode_id_record(&id, &value).unwrap().encode_id_record(&options)
                    }
                };
                assert_eq!(again.escape_ascii().to_string(), value.escape_ascii().to_string());
            }
        }
    }
}

#[test]
fn entries_made_one_by_one_are_those_that_cyrus_made() {
    for stages in &STAGES {
        let options = options(stages.release);
        let expected = golden(stages.made, FILE);
        let mut table = Map::new();
        for entry in Tree::all(TreeFlags::ALL).next_page(&mut expected.clone(), 99).unwrap() {
            update(&mut table, &options, &entry, 7).unwrap();
        }
        assert_eq!(timeless(&table), timeless(&expected), "{:?}", stages.release);
    }
}

#[test]
fn renames_leave_tombstones_and_former_names() {
    for stages in &STAGES {
        let options = options(stages.release);
        let mut table = golden(stages.made, FILE);
        for (from, to) in [
            ("user.u1.c", "user.u1.d"),
            ("user.u1.d", "user.u1.e"),
            ("user.u1.inter", "user.u1.inter2"),
            ("shared", "DELETED.shared.6B04A085"),
        ] {
            let entry = find(&mut table, &options, &name(from)).unwrap().unwrap();
            let renamed = MailboxEntry { name: name(to), ..entry.clone() };
            rename(&mut table, &options, &entry, &renamed, 7).unwrap();
        }
        delete_mailbox(&mut table, &options, "user.u1.Notes");
        assert_eq!(timeless(&table), timeless(&golden(stages.renamed, FILE)), "{:?}", stages.release);
    }
}

#[test]
fn deletions_leave_what_the_release_leaves() {
    for stages in &STAGES {
        let options = options(stages.release);
        let mut table = golden(stages.renamed, FILE);
        delete(&mut table, &options, &name("user.u1.inter2"), None, 7).unwrap().unwrap();
        delete_mailbox(&mut table, &options, "DELETED.shared.6B04A085");
        delete_mailbox(&mut table, &options, "user.u1.a");
        delete(&mut table, &options, &name("user.u1.gone"), None, 7).unwrap().unwrap();
        let missing = delete(&mut table, &options, &name("no.such"), None, 7).unwrap();
        assert_eq!(missing, Err(NotChanged::Nonexistent));
        assert_eq!(timeless(&table), timeless(&golden(stages.deleted, FILE)), "{:?}", stages.release);
    }
}

fn delete_mailbox(table: &mut Map, options: &CyrusOptions, mailbox: &str) {
    let entry = find(table, options, &name(mailbox)).unwrap().unwrap();
    let closed = ClosedMailbox {
        uniqueid: entry.uniqueid.unwrap(),
        uidvalidity: entry.uidvalidity,
        created_modseq: entry.created_modseq,
        highest_modseq: entry.folder_modseq,
    };
    delete(table, options, &name(mailbox), Some(&closed), 7).unwrap().unwrap();
}

#[test]
fn a_name_that_gets_another_mailbox_loses_the_first_ones_record() {
    let options = options(Release::V3_12);
    let mut table = golden(STAGES[1].made, FILE);
    let mut entry = find(&mut table, &options, &name("user.u1.c")).unwrap().unwrap();
    entry.uniqueid = Some(id('z'));
    update(&mut table, &options, &entry, 7).unwrap();
    assert_eq!(find_by_uniqueid(&mut table, &id('4')).unwrap(), None);
    assert_eq!(find_by_uniqueid(&mut table, &id('z')).unwrap().unwrap().name, name("user.u1.c"));
}

#[test]
fn acls_and_modseqs_only_go_up() {
    let options = options(Release::V3_12);
    let mut table = golden(STAGES[1].made, FILE);
    let before = table.clone();
    let acl = b"u1\tlrswipkxtecdan\t";
    assert_eq!(set_acl(&mut table, &options, &name("user.u1.c"), acl, ModSeq(3), 7).unwrap(), Ok(()));
    assert_eq!(set_folder_modseq(&mut table, &options, &name("user.u1.c"), ModSeq(18), 7).unwrap(), Ok(()));
    assert_eq!(table, before);
    set_acl(&mut table, &options, &name("user.u1.c"), b"anyone\tlrs\tx\t\t", ModSeq(3), 7).unwrap().unwrap();
    set_folder_modseq(&mut table, &options, &name("user.u1.c"), ModSeq(20), 7).unwrap().unwrap();
    let entry = find(&mut table, &options, &name("user.u1.c")).unwrap().unwrap();
    assert_eq!(entry.acl.as_deref(), Some(&b"anyone\tlrs\tx\t\t"[..]));
    assert_eq!(entry.folder_modseq, ModSeq(20));
    let refused = set_acl(&mut table, &options, &name("user.u1.gone"), acl, ModSeq(99), 7).unwrap();
    assert_eq!(refused, Err(NotChanged::NotSupported));
}

#[test]
fn a_tree_comes_in_pages_and_in_order() {
    let options = options(Release::V3_12);
    let mut table = golden(STAGES[1].renamed, FILE);
    let names = |table: &mut Map, tree: &mut Tree, limit| -> Vec<String> {
        tree.next_page(table, limit).unwrap().iter().map(|entry| entry.name.to_string()).collect()
    };
    let mailboxes = Tree::of(&options, &name("user.u1"), TreeFlags::default());
    let all = names(&mut table, &mut mailboxes.clone(), 99);
    assert_eq!(all.first().unwrap(), "user.u1");
    assert_eq!(all.len(), 10);
    let mut paged = mailboxes;
    let mut seen = Vec::new();
    while let page @ [_, ..] = &names(&mut table, &mut paged, 2)[..] {
        seen.extend_from_slice(page);
    }
    assert_eq!(seen, all);
    let deleted = names(&mut table, &mut Tree::of(&options, &name("shared"), TreeFlags::ALL), 99);
    assert_eq!(deleted, ["shared", "DELETED.shared.6B04A085"]);
    assert!(has_children(&mut table, &options, &name("user.u1.a")).unwrap());
    assert!(!has_children(&mut table, &options, &name("user.u1.inter")).unwrap());
}

#[test]
fn a_users_files_lie_where_the_inbox_says() {
    let options = options(Release::V3_12);
    let user = |name: &str| UserId::parse(name.as_bytes()).unwrap();
    let mut table = golden(STAGES[1].made, FILE);
    assert_eq!(user_place(&mut table, &options, &user("jane.doe")).unwrap(), UserPlace::ById(id('5')));
    assert_eq!(user_place(&mut table, &options, &user("nobody")).unwrap(), UserPlace::ByName(user("nobody")));
    delete_mailbox(&mut table, &options, "user.jane^doe");
    assert_eq!(user_place(&mut table, &options, &user("jane.doe")).unwrap(), UserPlace::ByName(user("jane.doe")));
    let mut legacy = golden(golden_text!("3.12.3-by-name.txt"), FILE);
    let jane = user("jane.doe@example.com");
    assert_eq!(user_place(&mut legacy, &options, &jane).unwrap(), UserPlace::ByName(jane));
}

#[test]
fn the_default_domain_is_not_written() {
    let options = CyrusOptions { default_domain: "example.com".to_owned(), ..options(Release::V3_12) };
    assert_eq!(name_key(&options, &name("example.com!user.u1")), b"Nuser\x1fu1");
    assert_eq!(name_key(&options, &name("example.org!user.u1")), b"Nexample.org\x1duser\x1fu1");
}

#[test]
fn hostile_values_are_errors() {
    let mailbox = name("user.u1");
    for value in [
        &b""[..],
        b"0 default u1\tlrs\t",
        b"%(",
        b"%(T)",
        b"%(T x)",
        b"%(V -1)",
        b"%(V 4294967296)",
        b"%(P ../x)",
        b"%(I ../../x)",
        b"%(A (a b))",
        b"%(A %(a (b)))",
        b"%(S \xff)",
    ] {
        assert!(MailboxEntry::decode_name_record(&mailbox, value).is_err(), "{}", value.escape_ascii());
    }
    for value in [&b"%(T e)"[..], b"%(N \"\")", b"%(N \x1f)", b"%(N a/b)", b"%(N a H (x))", b"%(N a H (%(M 1)))"] {
        assert!(MailboxEntry::decode_id_record(&id('1'), value).is_err(), "{}", value.escape_ascii());
    }
    let damaged = Map::from([(b"Nuser\x1fu1".to_vec(), b"%(".to_vec()), (b"N\xff".to_vec(), Vec::new())]);
    assert!(Tree::all(TreeFlags::ALL).next_page(&mut damaged.clone(), 9).unwrap().is_empty());
    let mut table = damaged;
    assert!(find(&mut table, &options(Release::V3_12), &mailbox).is_err());
    let entry = MailboxEntry {
        uniqueid: Some(id('1')),
        partition: Some(Partition::parse(b"default").unwrap()),
        ..MailboxEntry::new(mailbox.clone(), MailboxType::EMAIL)
    };
    update(&mut table, &options(Release::V3_12), &entry, 7).unwrap();
    assert!(find(&mut table, &options(Release::V3_12), &mailbox).unwrap().unwrap().place().is_some());
}

#[test]
fn no_changed_byte_and_no_cut_makes_reading_fail_badly() {
    let mailbox = name("user.u1");
    for (_, value) in golden(STAGES[1].renamed, FILE) {
        for at in 0..value.len() {
            let _ = MailboxEntry::decode_id_record(&id('1'), &value[..at]);
            for byte in [0, b' ', b'(', b')', b'"', b'\\', b'{', 0xff] {
                let mut value = value.clone();
                value[at] = byte;
                let _ = MailboxEntry::decode_name_record(&mailbox, &value);
                let _ = MailboxEntry::decode_id_record(&id('1'), &value);
            }
        }
    }
}

#[test]
fn each_release_has_its_tombstones() {
    let record = "%(T a I abcdefghijklmnopqrstuvw1 P default V 5 C 2 F 3 M 7 A %(u1 lrs))";
    for (release, tombstone) in [
        (Release::V3_6, "%(T ed I abcdefghijklmnopqrstuvw1 V 5 C 2 F 3 M 7)"),
        (Release::V3_8, "%(T ad I abcdefghijklmnopqrstuvw1 V 5 C 2 F 3 M 7)"),
        (Release::V3_10, "%(T ad I abcdefghijklmnopqrstuvw1 V 5 C 2 F 3 M 7)"),
        (Release::V3_12, "%(T ad M 7)"),
        (Release::V3_13, "%(T ad I abcdefghijklmnopqrstuvw1 P default V 5 C 2 F 3 M 7 A %(u1 lrs))"),
    ] {
        let key = name_key(&options(release), &name("user.u1"));
        let mut table = Map::from([(key.clone(), record.as_bytes().to_vec())]);
        delete_mailbox(&mut table, &options(release), "user.u1");
        assert_eq!(table[&key].escape_ascii().to_string(), tombstone, "{release:?}");
    }
}

#[test]
fn a_jmap_id_of_a_later_release_is_kept() {
    let record = b"%(T e I abcdefghijklmnopqrstuvw1 J Pxyz P default M 7)";
    let entry = MailboxEntry::decode_name_record(&name("user.u1"), record).unwrap();
    assert_eq!(entry.encode_name_record(), record);
}
