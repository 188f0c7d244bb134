//! The bytes of replies.

use super::*;

fn printed(print: impl FnOnce(&mut Writer)) -> String {
    let mut writer = Writer::new(LiteralForm::Plain);
    print(&mut writer);
    String::from_utf8(writer.take().to_vec()).unwrap()
}

fn state() -> MailboxState {
    MailboxState {
        name: mailbox("user.u1"),
        uniqueid: uniqueid("z03vbx4vbu4mamzavst3d9me"),
        mailbox_type: MailboxType::EMAIL,
        partition: partition("default"),
        quota_root: None,
        header: SyncedHeader {
            acl: "u1\tlrs\t".into(),
            options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL | MailboxOptions::SHARED_SEEN),
            uidvalidity: 13,
            last_uid: 5,
            highest_modseq: ModSeq(10),
            created_modseq: ModSeq(0),
            folder_modseq: ModSeq(0),
            recent_uid: 4,
            recent_time: 1,
            last_append_date: 2,
            pop3_last_login: 3,
            pop3_show_after: 0,
        },
        crcs: SyncCrcs::EMPTY,
        user_flags: Vec::new(),
        annotations: Vec::new(),
        index_version: 19,
        racl_modseq: ModSeq(0),
        user_groups: Vec::new(),
    }
}

const BARE: &str = "UNIQUEID z03vbx4vbu4mamzavst3d9me MBOXNAME user.u1 SYNC_CRC 0 SYNC_CRC_ANNOT 12345678 LAST_UID 5 \
        HIGHESTMODSEQ 10 RECENTUID 4 RECENTTIME 1 LAST_APPENDDATE 2 POP3_LAST_LOGIN 3 POP3_SHOW_AFTER 0 UIDVALIDITY 13 \
        PARTITION default ACL \"u1\tlrs\t\" OPTIONS PS";

#[test]
fn a_mailbox_names_its_user_flags_since_3_12() {
    for (release, user_flags) in [
        (Release::V3_6, ""),
        (Release::V3_8, ""),
        (Release::V3_10, ""),
        (Release::V3_12, " USERFLAGS ()"),
        (Release::V3_13, " USERFLAGS ()"),
    ] {
        let printed = printed(|out| reply::mailbox(out, &state(), release));
        assert_eq!(printed, format!("* MAILBOX %({BARE}{user_flags})\r\n"), "{release:?}");
    }
}

#[test]
fn a_mailbox_with_everything() {
    let mut state = state();
    state.mailbox_type = MailboxType::from_letters(b"cl").unwrap();
    state.racl_modseq = ModSeq(21);
    state.quota_root = Some(mailbox("user.u1"));
    (state.header.created_modseq, state.header.folder_modseq) = (ModSeq(22), ModSeq(23));
    let (entry, value) = ("/comment".into(), "a \"b\"".into());
    state.annotations = vec![Annotation { entry, user: "".into(), value, modseq: ModSeq(24) }];
    let flag = |name: &[u8]| Some(FlagName::parse(name).unwrap());
    state.user_flags = vec![flag(b"$A"), None, flag(b"NIL")];
    state.header.acl = "".into();
    state.header.pop3_last_login = -1;
    let expected = "* MAILBOX %(UNIQUEID z03vbx4vbu4mamzavst3d9me MBOXNAME user.u1 MBOXTYPE c SYNC_CRC 0 \
            SYNC_CRC_ANNOT 12345678 LAST_UID 5 HIGHESTMODSEQ 10 RECENTUID 4 RECENTTIME 1 LAST_APPENDDATE 2 \
            POP3_LAST_LOGIN 18446744073709551615 POP3_SHOW_AFTER 0 RACLMODSEQ 21 UIDVALIDITY 13 PARTITION default ACL \"\" \
            OPTIONS PS QUOTAROOT user.u1 CREATEDMODSEQ 22 FOLDERMODSEQ 23 \
            ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 24 VALUE {5}\r\na \"b\")) USERFLAGS ($A NIL))\r\n";
    assert_eq!(printed(|out| reply::mailbox(out, &state, Release::V3_12)), expected);
}

fn record() -> AnnotatedRecord {
    let record = Record {
        uid: Uid::new(7).unwrap(),
        modseq: ModSeq(8),
        last_updated: 9,
        internal_date: 10,
        save_date: 0,
        created_modseq: ModSeq(0),
        cid: 0,
        size: 11,
        guid: guid(),
        system_flags: SystemFlags(0),
        internal_flags: InternalFlags(0),
        user_flags: UserFlags::default(),
    };
    AnnotatedRecord::new(record, Vec::new())
}

#[test]
fn a_mailbox_with_records() {
    let (state, record) = (state(), record());
    let printed = printed(|out| {
        reply::begin_records(out, &state, Release::V3_6);
        reply::record(out, &record, &state);
        reply::record(out, &record, &state);
        reply::end_records(out);
    });
    let one = format!("%(UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS () INTERNALDATE 10 SIZE 11 GUID {GUID})");
    assert_eq!(printed, format!("* MAILBOX %({BARE} RECORD ({one} {one}))\r\n"));
}

#[test]
fn flags_come_in_the_order_of_the_reference() {
    let (mut state, mut record) = (state(), record());
    state.user_flags = vec![FlagName::parse(b"$A").ok(), FlagName::parse(b"Foo").ok()];
    record.record.system_flags = SystemFlags(SystemFlags::ALL);
    record.record.internal_flags = InternalFlags(InternalFlags::EXPUNGED | InternalFlags::UNLINKED);
    // A bit without a name is no flag.
    record.record.user_flags = [0b111, 0, 0, 1 << 31];
    let flags = "FLAGS (\\Deleted \\Answered \\Flagged \\Draft \\Expunged \\Seen $A Foo)";
    let printed = printed(|out| reply::record(out, &record, &state));
    assert_eq!(printed, format!("%(UID 7 MODSEQ 8 LAST_UPDATED 9 {flags} INTERNALDATE 10 SIZE 11 GUID {GUID})"));
}

#[test]
fn what_counts_as_an_annotation_depends_on_the_index_version() {
    let (mut state, mut record) = (state(), record());
    (record.record.cid, record.record.save_date, record.record.created_modseq) = (255, 5, ModSeq(6));
    let field =
        |name: &str, value: &str| format!("%(ENTRY /vendor/cmu/cyrus-imapd/{name} USERID \"\" MODSEQ 0 VALUE {value})");
    let (thrid, saved, created) =
        (field("thrid", "00000000000000ff"), field("savedate", "5"), field("createdmodseq", "6"));
    let own = "%(ENTRY /comment USERID u1 MODSEQ 3 VALUE {3}\r\na\0b)".to_owned();
    let (entry, user, value) = ("/comment".into(), "u1".into(), "a\0b".into());
    let annotations = vec![Annotation { entry, user, value, modseq: ModSeq(3) }];
    let annotated = AnnotatedRecord::new(record.record.clone(), annotations);
    for (version, annotated, expected) in [
        (12, &record, Vec::new()),
        (13, &record, vec![&thrid]),
        (15, &record, vec![&thrid, &saved]),
        (19, &record, vec![&thrid, &saved, &created]),
        (12, &annotated, vec![&own]),
        (19, &annotated, vec![&own, &thrid, &saved, &created]),
    ] {
        state.index_version = version;
        let texts: Vec<&str> = expected.into_iter().map(String::as_str).collect();
        let list = if texts.is_empty() { String::new() } else { format!(" ANNOTATIONS ({})", texts.join(" ")) };
        let printed = printed(|out| reply::record(out, annotated, &state));
        let head = "UID 7 MODSEQ 8 LAST_UPDATED 9 FLAGS () INTERNALDATE 10 SIZE 11 GUID";
        assert_eq!(printed, format!("%({head} {GUID}{list})"), "version {version}");
    }
}

#[test]
fn an_intermediate_folder_has_zeros_for_old_clients() {
    let mut entry = ListedEntry {
        name: mailbox("user.u1.a"),
        uniqueid: None,
        mailbox_type: MailboxType::from_letters(b"i").unwrap(),
        partition: None,
        acl: None,
        uidvalidity: 0,
        created_modseq: ModSeq(2),
        folder_modseq: ModSeq(3),
    };
    let zeros = "SYNC_CRC 0 LAST_UID 0 HIGHESTMODSEQ 0 RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 \
            POP3_SHOW_AFTER 0";
    let expected = format!(
        "* MAILBOX %(UNIQUEID NIL MBOXNAME user.u1.a MBOXTYPE ei {zeros} UIDVALIDITY 0 PARTITION NIL ACL \"\" OPTIONS \"\" \
            CREATEDMODSEQ 2 FOLDERMODSEQ 3)\r\n"
    );
    assert_eq!(printed(|out| reply::intermediate(out, &entry)), expected);
    (entry.uniqueid, entry.partition) = (Some(uniqueid("abc")), Some(partition("p")));
    (entry.acl, entry.uidvalidity) = (Some("a\tb\t".into()), 4);
    let expected = format!(
        "* MAILBOX %(UNIQUEID abc MBOXNAME user.u1.a MBOXTYPE ei {zeros} UIDVALIDITY 4 PARTITION p ACL \"a\tb\t\" \
            OPTIONS \"\" CREATEDMODSEQ 2 FOLDERMODSEQ 3)\r\n"
    );
    assert_eq!(printed(|out| reply::intermediate(out, &entry)), expected);
}

#[test]
fn quota_limits_are_named_as_the_release_names_them() {
    let limits = QuotaLimits { storage: Some(1), message: Some(2), annotation_storage: Some(3), mailbox: Some(4) };
    let quota = Quota { limits, modseq: ModSeq(8) };
    let printed = |quota: &Quota, release| printed(|out| reply::quota(out, &mailbox("user.u1"), quota, release));
    let old = "* QUOTA %(ROOT user.u1 LIMIT 1 STORAGE 1 MESSAGE 2 X-ANNOTATION-STORAGE 3 X-NUM-FOLDERS 4 MODSEQ 8)\r\n";
    let new = "* QUOTA %(ROOT user.u1 LIMIT 1 STORAGE 1 MESSAGE 2 ANNOTATION-STORAGE 3 X-ANNOTATION-STORAGE 3 MAILBOX 4 \
            X-NUM-FOLDERS 4 MODSEQ 8)\r\n";
    let unlimited = "* QUOTA %(ROOT user.u1 LIMIT 4294967295 MODSEQ 0)\r\n";
    for (release, expected) in [
        (Release::V3_6, old),
        (Release::V3_8, old),
        (Release::V3_10, new),
        (Release::V3_12, new),
        (Release::V3_13, new),
    ] {
        assert_eq!(printed(&quota, release), expected, "{release:?}");
        assert_eq!(printed(&Quota::default(), release), unlimited, "{release:?}");
    }
}

#[test]
fn a_users_state() {
    let seen = Seen { last_read: 1, last_uid: 2, last_change: 3, uids: "".into() };
    let mut entry = SeenEntry { uniqueid: uniqueid("abc"), seen };
    let head = "* SEEN %(UNIQUEID abc LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS";
    assert_eq!(printed(|out| reply::seen(out, &entry)), format!("{head} \"\")\r\n"));
    entry.seen.uids = "1:3,5".into();
    assert_eq!(printed(|out| reply::seen(out, &entry)), format!("{head} 1:3,5)\r\n"));
    let names = [mailbox("user.u1"), mailbox("user.u1.a b")];
    assert_eq!(printed(|out| reply::subscriptions(out, &names)), "* LSUB (user.u1 \"user.u1.a b\")\r\n");
    assert_eq!(printed(|out| reply::subscriptions(out, &[])), "");
}

#[test]
fn annotations() {
    let one = Annotation { entry: "/a".into(), user: "u1".into(), value: "".into(), modseq: ModSeq(9) };
    let name = mailbox("m");
    let expected = "* ANNOTATION %(MBOXNAME m ENTRY /a USERID u1 VALUE \"\")\r\n";
    assert_eq!(printed(|out| reply::annotation(out, Some(&name), &one)), expected);
    let one = Annotation { value: "v".into(), ..one };
    let expected = "* ANNOTATION %(MBOXNAME \"\" ENTRY /a USERID u1 VALUE v)\r\n";
    assert_eq!(printed(|out| reply::annotation(out, None, &one)), expected);
}

#[test]
fn answers_to_reserve_capabilities_and_fetch() {
    assert_eq!(printed(|out| reply::missing(out, &[guid(), guid()])), format!("* MISSING ({GUID} {GUID})\r\n"));
    assert_eq!(printed(|out| reply::missing(out, &[])), "");
    assert_eq!(printed(|out| reply::enabled(out, &[])), "* ENABLED ()\r\n");
    assert_eq!(printed(|out| reply::enabled(out, &["A".into(), "B".into()])), "* ENABLED (A B)\r\n");
    let file = FileRef { partition: "default".into(), guid: guid(), size: 5 };
    let head = printed(|out| reply::begin_message(out, &file));
    assert_eq!(head, format!("* MESSAGE %{{default {GUID} 5}}\r\n"));
    assert_eq!(printed(reply::no_message), "* MESSAGE NIL\r\n");
}
