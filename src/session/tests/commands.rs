//! Each command: which operations it takes, and in which order.

use super::*;

#[test]
fn the_server_speaks_first() {
    let config = Config { version: "3.12.3".into(), ..Config::trusted("replica.example.org") };
    let mut session = Session::new(config);
    let Ok(Step::Write(greeting)) = session.poll() else { panic!("no greeting") };
    assert_eq!(greeting, "* OK replica.example.org Cyrus sync server 3.12.3\r\n");
    assert!(matches!(session.poll(), Ok(Step::NeedInput)));
    assert!(matches!(session.poll(), Ok(Step::NeedInput)), "asked again");
}

#[test]
fn commands_that_touch_no_mailbox() {
    Talk::trusted().goes(
        "C: NOOP
         S: OK Noop completed
         C: noop
         S: OK Noop completed
         C: RESTART
            DiscardStaged
         S: OK Restarting
         C: AUTHENTICATE PLAIN
         S: BAD Already authenticated
         C: EXIT
            DiscardStaged
         S: OK Finished
         closed",
    );
}

#[test]
fn get_user_lists_mailboxes_then_quota_roots_then_what_was_seen() {
    with_mail().goes(
        "C: GET USER u1
            ListUserMailboxes u1
            ListUserMailboxes u1 after user.u1.sub
            ReadQuota user.u1
            ReadSeen u1
            ReadSeen u1 after id-x
            ReadSubscriptions u1
            OpenMailbox user.u1.#sieve Read
         S: * MAILBOX %(UNIQUEID id-u1 MBOXNAME user.u1 SYNC_CRC
         S: * MAILBOX %(UNIQUEID id-sub MBOXNAME user.u1.sub SYNC_CRC
         S: * QUOTA %(ROOT user.u1 LIMIT 9 STORAGE 9 MODSEQ 3)
         S: * SEEN %(UNIQUEID id-x LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS 1)
         S: * LSUB (user.u1)
         S: OK success
         C: GET USER u2
            ListUserMailboxes u2
         S: OK success
         C: GET META u1
            ReadSeen u1
            ReadSeen u1 after id-x
            ReadSubscriptions u1
            OpenMailbox user.u1.#sieve Read
         S: * SEEN %(UNIQUEID id-x LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS 1)
         S: * LSUB (user.u1)
         S: OK success",
    );
}

#[test]
fn mailboxes_are_read_one_by_one_and_those_that_are_not_there_left_out() {
    with_mail().goes(
        "C: GET MAILBOXES (user.u1.sub user.u9 user.u1)
            ReadListed user.u1.sub
            ReadListed user.u9
            ReadListed user.u1
         S: * MAILBOX %(UNIQUEID id-sub MBOXNAME user.u1.sub SYNC_CRC
         S: * MAILBOX %(UNIQUEID id-u1 MBOXNAME user.u1 SYNC_CRC
         S: OK success
         C: GET UNIQUEIDS (id-u1 id-none)
            ReadListed id id-u1
            ReadListed id id-none
         S: * MAILBOX %(UNIQUEID id-u1 MBOXNAME user.u1 SYNC_CRC
         S: OK success",
    );
}

#[test]
fn a_full_mailbox_is_read_in_pages_while_it_is_open() {
    with_mail().goes(
        "C: GET FULLMAILBOX user.u1
            OpenMailbox user.u1 Read
            ReadRecords
            ReadRecords after 3
            CloseMailbox
         S: * MAILBOX %(UNIQUEID id-u1 MBOXNAME user.u1 SYNC_CRC
         S: OK success
         C: GET FULLMAILBOX user.u9
            OpenMailbox user.u9 Read
         S: NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox",
    );
}

#[test]
fn a_message_is_fetched_by_its_place_and_checked_by_its_guid() {
    let fetch = |uid: u32| {
        format!("C: GET FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID id-u1 GUID {} UID {uid})", guid("three"))
    };
    with_mail().goes(&format!(
        "{}
            OpenMessage default user.u1 id-u1 3
            ReadMessage 0+5
         S: * MESSAGE %{{default {} 5}}
         S: three
         S: OK success
         {}
            OpenMessage default user.u1 id-u1 1
         S: * MESSAGE NIL
         S: OK success
         {}
            OpenMessage default user.u1 id-u1 2
         S: NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox",
        fetch(3),
        guid("three"),
        fetch(1),
        fetch(2)
    ));
}

#[test]
fn only_what_is_neither_staged_nor_asked_for_before_is_looked_for() {
    let (one, new) = (guid("one"), guid("new"));
    with_mail().goes(&format!(
        "C: APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({one} {new} {one}))
            Reserve 2 of [\"user.u1\"] on default
         S: * MISSING ({new})
         S: OK success
         C: APPLY RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({one}))
         S: OK success
         C: APPLY RESERVE %(PARTITION other MBOXNAME () GUID ({one}))
            Reserve 1 of [] on other
         S: * MISSING ({one})
         S: OK success"
    ));
}

#[test]
fn a_new_mailbox_is_made_in_one_commit() {
    let line =
        mailbox("user.u2", "id-u2", 2, 10, "USERFLAGS ($B)", &[record(1, "one", "$A"), record(2, "two", "\\Expunged")]);
    Talk::trusted().quietly(&upload(&["one"])).goes(&format!(
        "C: {line}
            OpenMailbox user.u2 Write
            ReadListed id id-u2
            Commit new id-u2 header flags [\"$A\", \"$B\"] records 1,2x
         S: OK success"
    ));
}

#[test]
fn a_change_reads_only_the_records_that_may_be_there() {
    let records = [record(1, "one", "\\Seen"), record(4, "four", ""), record(5, "five", "")];
    let line = mailbox("user.u1", "id-u1", 5, 11, "", &records);
    with_mail().quietly(&upload(&["four", "five"])).goes(&format!(
        "C: {line}
            OpenMailbox user.u1 Write
            FindRecords 1
            Commit existing header records 1,4,5
         S: OK success"
    ));
}

#[test]
fn an_append_reads_no_record() {
    let line = mailbox("user.u1", "id-u1", 4, 11, "", &[record(4, "four", "")]);
    with_mail().quietly(&upload(&["four"])).goes(&format!(
        "C: {line}
            OpenMailbox user.u1 Write
            Commit existing header records 4
         S: OK success"
    ));
}

#[test]
fn a_mailbox_whose_header_alone_changed() {
    let annotations = "ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 4 VALUE x))";
    with_mail().goes(&format!(
        "C: {}
            OpenMailbox user.u1 Write
            Commit existing header annotations
         S: OK success",
        mailbox("user.u1", "id-u1", 3, 11, annotations, &[])
    ));
}

#[test]
fn checksums_that_differ_are_computed_anew_once_and_the_change_is_kept() {
    with_mail().goes(&format!(
        "C: {}
            OpenMailbox user.u1 Write
            ScanCrcs
            Commit existing header
         S: NO IMAP_SYNC_CHECKSUM Checksum Failure",
        mailbox("user.u1", "id-u1", 3, 11, "SYNC_CRC 1", &[])
    ));
}

#[test]
fn a_mailbox_that_was_made_anew_on_the_master_replaces_an_empty_one() {
    with_mail().goes(&format!(
        "C: {}
            OpenMailbox user.u1.sub Write
            ReadListed id id-new
            Commit replacing by id-new header
         S: OK success",
        mailbox("user.u1.sub", "id-new", 0, 11, "", &[])
    ));
}

#[test]
fn a_refused_change_closes_the_mailbox() {
    let other = mailbox("user.u1", "id-other", 3, 11, "", &[]);
    let older = mailbox("user.u1", "id-u1", 3, 9, "", &[]);
    let missing = mailbox("user.u1", "id-u1", 4, 11, "", &[record(1, "one", ""), record(4, "four", "")]);
    let taken = mailbox("user.u3", "id-u1", 0, 1, "", &[]);
    with_mail().goes(&format!(
        "C: {other}
            OpenMailbox user.u1 Write
            ReadListed id id-other
            CloseMailbox
         S: NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid
         C: {older}
            OpenMailbox user.u1 Write
            CloseMailbox
         S: NO IMAP_SYNC_CHECKSUM Checksum Failure
         C: {missing}
            OpenMailbox user.u1 Write
            FindRecords 1
            CloseMailbox
         S: NO IMAP_MESSAGE_MISSING Message was not uploaded
         C: {taken}
            OpenMailbox user.u3 Write
            ReadListed id id-u1
            CloseMailbox
         S: NO IMAP_MAILBOX_MOVED Mailbox exists with another name or uniqueid"
    ));
}

#[test]
fn records_are_found_in_pages_of_512() {
    let records: Vec<String> = (1..=1100).map(|uid| record(uid, "one", "")).collect();
    let first = format!("{}\r\n", mailbox("user.u2", "id-u2", 1100, 10, "", &records));
    let again = format!("{}\r\n", mailbox("user.u2", "id-u2", 1100, 11, "", &records));
    let mut talk = Talk::trusted().quietly(&upload(&["one"])).quietly(&first);
    talk.say(&again);
    let counts: Vec<usize> = talk
        .log
        .lines()
        .filter_map(|line| line.strip_prefix("   FindRecords "))
        .map(|uids| uids.split(',').count())
        .collect();
    assert_eq!(counts, [512, 512, 76]);
}

#[test]
fn expunge_marks_the_records_that_are_there() {
    with_mail().goes(
        "C: APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID id-u1 UID (3 2 1))
            OpenMailbox user.u1 Write
            FindRecords 1,2,3
            Commit existing records 1x,3x
         S: OK success
         C: APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID id-u1 UID (3))
            OpenMailbox user.u1 Write
            FindRecords 3
            CloseMailbox
         S: OK success
         C: APPLY EXPUNGE %(MBOXNAME user.u1 UNIQUEID id-u1 UID ())
            OpenMailbox user.u1 Write
            CloseMailbox
         S: OK success
         C: APPLY EXPUNGE %(MBOXNAME user.u9 UNIQUEID id-u1 UID (3))
            OpenMailbox user.u9 Write
            CloseMailbox
         S: NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox",
    );
}

#[test]
fn every_other_change_is_one_commit() {
    with_mail().goes(
        "C: APPLY MAILBOX %(UNIQUEID id-i MBOXNAME user.u1.i HIGHESTMODSEQ 3 MBOXTYPE i)
            Commit ListEntry
         S: OK success
         C: APPLY RENAME %(OLDMBOXNAME user.u1.sub NEWMBOXNAME user.u1.new PARTITION default)
            Commit RenameMailbox
         S: OK success
         C: APPLY UNMAILBOX user.u1.new
            Commit DeleteMailbox
         S: OK success
         C: APPLY UNUSER u3
            Commit RemoveUser
         S: OK success
         C: APPLY UNUSER NIL
         S: OK success
         C: APPLY UNSUB %(USERID u1 MBOXNAME user.u1)
            Commit Subscription
         S: OK success
         C: APPLY UNQUOTA user.u1
            Commit RemoveQuota
         S: OK success
         C: APPLY ANNOTATION %(MBOXNAME user.u1 ENTRY /a USERID \"\" VALUE x)
            Commit Annotation
         S: OK success
         C: GET ANNOTATION user.u1
            ReadAnnotations Some(\"user.u1\")
         S: * ANNOTATION %(MBOXNAME user.u1 ENTRY /a USERID \"\" VALUE x)
         S: OK success
         C: APPLY CAPABILITIES (SIEVE-MAILBOX)
         S: * ENABLED (SIEVE-MAILBOX)
         S: OK success",
    );
}

#[test]
fn a_master_of_2_4_is_told_of_a_mismatch_by_the_name_it_knows() {
    let line = |more| mailbox("user.u1", "id-u1", 3, 11, more, &[]).replace("POP3_SHOW_AFTER 0 ", "");
    with_mail().goes(&format!(
        "C: {}
            OpenMailbox user.u1 Write
            ScanCrcs
            Commit existing header
         S: NO IMAP_MAILBOX_CRC Checksum Failure
         C: {}
            OpenMailbox user.u1 Write
            Commit existing header
         S: OK success",
        line("SYNC_CRC 1"),
        line(""),
    ));
}
