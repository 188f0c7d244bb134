//! APPLY MAILBOX: its own fields.

use super::{
    bad_values::{APPLY, RECORD, line},
    *,
};

fn update(change: impl Fn(&mut Vec<(&'static str, String)>)) -> Result<MailboxUpdate, BadField> {
    let (_, needed, _) = APPLY.last().unwrap();
    let mut fields: Vec<_> = needed.iter().map(|(name, value, _)| (*name, value.to_string())).collect();
    change(&mut fields);
    match apply(&line("MAILBOX", fields.into_iter()))? {
        Some(Apply::Mailbox(update)) => Ok(*update),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_an_old_master_does_not_say_is_nothing() {
    let update = update(|_| ()).unwrap();
    assert_eq!(update.mailbox_type, MailboxType::EMAIL);
    assert_eq!(update.crcs, SyncCrcs { basic: 0, annot: 0 });
    assert_eq!((update.header.created_modseq, update.header.folder_modseq), (ModSeq(0), ModSeq(1)));
    assert_eq!((update.header.pop3_show_after, update.since), (0, None));
    assert_eq!((update.annotations, update.user_flags), (Vec::new(), Vec::new()));
}

#[test]
fn a_folder_modseq_of_zero_is_the_highest_modseq() {
    let update = update(|fields| fields.push(("FOLDERMODSEQ", "0".into()))).unwrap();
    assert_eq!(update.header.folder_modseq, update.header.highest_modseq);
}

#[test]
fn since_needs_a_modseq() {
    let crcs = |fields: &mut Vec<_>| fields.push(("SINCE_CRC", "7".to_owned()));
    assert_eq!(update(crcs).unwrap().since, None);
    let all = update(|fields| {
        crcs(fields);
        fields.push(("SINCE_MODSEQ", "3".into()));
    });
    assert_eq!(all.unwrap().since, Some((ModSeq(3), SyncCrcs { basic: 7, annot: 0 })));
}

#[test]
fn user_flags_that_are_no_names_are_passed_over() {
    let update = update(|fields| fields.push(("USERFLAGS", "($A NIL \"b c\" \\Seen Z)".into()))).unwrap();
    let names: Vec<_> = update.user_flags.iter().map(FlagName::as_str).collect();
    assert_eq!(names, ["$A", "Z"]);
}

#[test]
fn the_groups_of_a_user_are_joined_by_tabs() {
    let groups =
        |text: &str| update(|fields| fields.push(("USERGROUPS", text.to_owned()))).map(|update| update.user_groups);
    let names = |names: &[&'static str]| Ok(Some(names.iter().map(|name| Bytes::from(*name)).collect()));
    assert_eq!(update(|_| ()).unwrap().user_groups, None);
    assert_eq!(groups("NIL"), Ok(None));
    assert_eq!(groups("\"\""), names(&[]));
    assert_eq!(groups("group:a"), names(&["group:a"]));
    assert_eq!(groups("\"b\ta\t\tb\t\""), names(&["a", "b"]));
    for bad in ["{3+}\r\na\0b", "{3+}\r\na\nb", &"g".repeat(501)] {
        assert_eq!(groups(bad), Err(BadField::new("USERGROUPS", Problem::NotText)), "{}", bad.escape_debug());
    }
}

#[test]
fn an_access_control_list_holds_no_control_bytes_but_tabs() {
    let with_line_end = |fields: &mut Vec<(&str, String)>| fields[10].1 = "{3+}\r\na\nb".into();
    assert_eq!(update(with_line_end).unwrap_err(), BadField::new("ACL", Problem::NotText));
}

#[test]
fn intermediate_folders_and_tombstones_need_only_their_names() {
    for (letters, expected) in [("i", "ei"), ("ed", "ed"), ("di", "edi")] {
        let line = format!("MAILBOX %(UNIQUEID abc MBOXNAME m HIGHESTMODSEQ 9 CREATEDMODSEQ 2 MBOXTYPE {letters})");
        let Ok(Some(Apply::MailboxEntry(entry))) = apply(&line) else { panic!("{line}") };
        assert_eq!(entry.mailbox_type.to_string(), expected);
        assert_eq!((entry.created_modseq, entry.folder_modseq), (ModSeq(2), ModSeq(9)));
    }
}

#[test]
fn other_states_of_an_entry_are_not_known() {
    for letters in ["r", "z", "m", "x", "ex", "(e)"] {
        let with_type = |fields: &mut Vec<_>| fields.push(("MBOXTYPE", letters.to_owned()));
        assert_eq!(update(with_type).unwrap_err().field, "MBOXTYPE", "{letters}");
    }
    let legacy = update(|fields| fields.push(("MBOXTYPE", "el".into()))).unwrap();
    assert_eq!(legacy.mailbox_type, MailboxType::EMAIL);
}

#[test]
fn no_record_is_above_the_highest_uid() {
    let records = |uid| {
        let (_, fields, _) = RECORD;
        let fields = fields.iter().map(|(name, value, _)| (*name, value.to_string()));
        let mut record = decode_record(&item(&line("R", fields)).value, &mut FlagNames::default()).unwrap();
        record.record.uid = Uid::new(uid).unwrap();
        vec![record]
    };
    let (_, needed, _) = APPLY.last().unwrap();
    let fields = needed.iter().map(|(name, value, _)| (*name, value.to_string()));
    let Item { name, value } = item(&line("MAILBOX", fields));
    let decode = |uid| Apply::decode(&name, &value, records(uid), FlagNames::default()).map(|_| ());
    assert_eq!(decode(1), Ok(()));
    assert_eq!(decode(2), Err(BadField::new("LAST_UID", Problem::TooLow)));
}
