//! Conversations, with the operations between what the client says and what it is told.
//!
//! `C:` is what the client says, `S:` the reply; the lines between are operations, in their order and in short.

use super::*;
use crate::{
    ops::{Change, MailboxRef, Target},
    store::MemoryStore,
    types::{Guid, Uid},
};
use bytes::BytesMut;
use sha1::{Digest, Sha1};
use std::sync::{Mutex, PoisonError};

/// An operation in a few words.
fn short(op: &Op) -> String {
    let uids = |uids: &[Uid]| uids.iter().map(Uid::to_string).collect::<Vec<_>>().join(",");
    let after = |after: Option<String>| after.map_or(String::new(), |after| format!(" after {after}"));
    match op {
        Op::BeginUpload(op) => format!("BeginUpload {} {} bytes", op.partition, op.size),
        Op::UploadChunk(op) => format!("UploadChunk {}", op.0.escape_ascii()),
        Op::FinishUpload(_) => "FinishUpload".into(),
        Op::AbortUpload(_) => "AbortUpload".into(),
        Op::Reserve(op) => format!("Reserve {} of {:?} on {}", op.guids.len(), op.mailboxes, op.partition),
        Op::DiscardStaged(_) => "DiscardStaged".into(),
        Op::OpenMessage(op) => format!("OpenMessage {} {} {} {}", op.partition, op.mailbox, op.uniqueid, op.uid),
        Op::ReadMessage(op) => format!("ReadMessage {}+{}", op.offset, op.length),
        Op::OpenMailbox(op) => format!("OpenMailbox {} {:?}", op.name, op.intent),
        Op::CloseMailbox(_) => "CloseMailbox".into(),
        Op::FindRecords(op) => format!("FindRecords {}", uids(&op.uids)),
        Op::ReadRecords(op) => format!("ReadRecords{}", after(op.after.map(|uid| uid.to_string()))),
        Op::ScanCrcs(_) => "ScanCrcs".into(),
        Op::ReadListed(op) => match &op.0 {
            MailboxRef::Name(name) => format!("ReadListed {name}"),
            MailboxRef::UniqueId(id) => format!("ReadListed id {id}"),
        },
        Op::ListUserMailboxes(op) => {
            format!("ListUserMailboxes {}{}", op.user, after(op.after.as_ref().map(ToString::to_string)))
        }
        Op::ReadDefaults(op) => format!("ReadDefaults {}", op.name),
        Op::ReadQuota(op) => format!("ReadQuota {}", op.root),
        Op::ReadSeen(op) => format!("ReadSeen {}{}", op.user, after(op.after.as_ref().map(ToString::to_string))),
        Op::ReadSubscriptions(op) => format!("ReadSubscriptions {}", op.user),
        Op::ReadAnnotations(op) => format!("ReadAnnotations {:?}", op.mailbox),
        Op::Commit(op) => format!("Commit {}", short_change(&op.0)),
    }
}

fn short_change(change: &Change) -> String {
    let Change::Mailbox(change) = change else {
        let text = format!("{change:?}");
        return text.split_once(' ').map_or(text.clone(), |(name, _)| name.to_owned());
    };
    let target = match &change.target {
        Target::Existing => "existing".into(),
        Target::New { uniqueid, replace, .. } => {
            format!("{} {uniqueid}", if *replace { "replacing by" } else { "new" })
        }
    };
    let header = if change.header.is_some() { " header" } else { "" };
    let flags =
        if change.new_user_flags.is_empty() { String::new() } else { format!(" flags {:?}", change.new_user_flags) };
    let annotations = if change.annotations.is_empty() { "" } else { " annotations" };
    let records: Vec<String> = change
        .records
        .iter()
        .map(|record| format!("{}{}", record.record.uid, if record.record.is_expunged() { "x" } else { "" }))
        .collect();
    let records = if records.is_empty() { String::new() } else { format!(" records {}", records.join(",")) };
    format!("{target}{header}{flags}{annotations}{records}")
}

/// Everything said and asked for so far, a line each.
struct Talk {
    session: Session,
    store: MemoryStore,
    log: String,
}

impl Talk {
    fn new(config: Config) -> Talk {
        let mut talk = Talk { session: Session::new(config), store: MemoryStore::new(), log: String::new() };
        talk.say("");
        talk.log.clear();
        talk
    }

    fn trusted() -> Talk {
        Talk::new(Config::trusted("r"))
    }

    /// Says the line, without telling what came of it.
    fn quietly(mut self, lines: &str) -> Talk {
        self.say(lines);
        assert!(!self.log.contains("S: NO") && !self.log.contains("S: BAD"), "{}", self.log);
        self.log.clear();
        self
    }

    fn say(&mut self, text: &str) {
        if !text.is_empty() {
            self.session.receive(Bytes::copy_from_slice(text.as_bytes()));
            self.log += &text.lines().map(|line| format!("C: {line}\n")).collect::<String>();
        }
        self.listen();
    }

    fn listen(&mut self) {
        let mut said = BytesMut::new();
        loop {
            let step = self.session.poll();
            if !matches!(step, Ok(Step::Write(_))) && !said.is_empty() {
                let said = String::from_utf8_lossy(&said.split()).into_owned();
                self.log += &said.lines().map(|line| format!("S: {line}\n")).collect::<String>();
            }
            match step {
                Ok(Step::NeedInput) => return,
                Ok(Step::Write(output)) => said.extend_from_slice(&output),
                Ok(Step::Perform(op)) => {
                    self.log += &format!("   {}\n", short(&op));
                    op.perform(&mut self.session, &mut self.store).unwrap();
                }
                Ok(Step::Channel(_) | Step::Return(_) | Step::Paused) => panic!("nothing is outstanding"),
                Ok(Step::Closed) => {
                    self.log += "closed\n";
                    return;
                }
                Err(error) => {
                    self.log += &format!("{error}\n");
                    return;
                }
            }
        }
    }

    /// Says each `C:` line of a conversation and compares what happens.
    #[track_caller]
    fn goes(mut self, expected: &str) -> Talk {
        let expected: Vec<&str> = expected.trim().lines().map(str::trim_end).collect();
        let expected: Vec<String> = expected.iter().map(|line| unindent(line)).collect();
        for line in expected.iter().filter_map(|line| line.strip_prefix("C: ")) {
            self.say(&format!("{line}\r\n"));
        }
        let short = |lines: Vec<&str>| lines.into_iter().map(shorten).collect::<Vec<_>>().join("\n");
        assert_eq!(short(self.log.lines().collect()), short(expected.iter().map(String::as_str).collect()));
        self.log.clear();
        self
    }
}

/// Lines of a conversation are written with any indentation; an operation's keeps three spaces.
fn unindent(line: &str) -> String {
    let text = line.trim_start();
    let spoken = ["C: ", "S: ", "closed", "the peer"].iter().any(|start| text.starts_with(start));
    if spoken { text.to_owned() } else { format!("   {text}") }
}

/// Replies that print a mailbox are compared by their names and values up to the checksums.
fn shorten(line: &str) -> &str {
    line.split_once(" SYNC_CRC").filter(|(head, _)| head.starts_with("S: ")).map_or(line, |(head, _)| head)
}

fn guid(message: &str) -> Guid {
    Guid::from_bytes(Sha1::digest(message).into())
}

fn upload(messages: &[&str]) -> String {
    let file = |message: &&str| format!("%{{default {} {}}}\r\n{message}", guid(message), message.len());
    let files: Vec<String> = messages.iter().map(file).collect();
    format!("APPLY MESSAGE ({})\r\n", files.join(" "))
}

fn record(uid: u32, message: &str, flags: &str) -> String {
    let (size, guid) = (message.len(), guid(message));
    format!("%(UID {uid} MODSEQ 5 LAST_UPDATED 1 FLAGS ({flags}) INTERNALDATE 1 SIZE {size} GUID {guid})")
}

fn mailbox(name: &str, id: &str, last_uid: u32, modseq: u64, more: &str, records: &[String]) -> String {
    format!(
        "APPLY MAILBOX %(UNIQUEID {id} MBOXNAME {name} LAST_UID {last_uid} HIGHESTMODSEQ {modseq} RECENTUID 0 RECENTTIME 0 \
        LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 UIDVALIDITY 1 PARTITION default ACL \"\" \
        OPTIONS P {more} RECORD ({}))",
        records.join(" ")
    )
}

/// `user.u1` with two messages, quota and a subscription; `user.u1.sub` without.
fn with_mail() -> Talk {
    let records = [record(1, "one", ""), record(3, "three", "$A")];
    let lines = [
        upload(&["one", "three"]),
        mailbox("user.u1", "id-u1", 3, 10, "", &records),
        "\r\n".into(),
        mailbox("user.u1.sub", "id-sub", 0, 2, "", &[]),
        "\r\nAPPLY QUOTA %(ROOT user.u1 LIMIT 9 MODSEQ 3)\r\n".into(),
        "APPLY SUB %(USERID u1 MBOXNAME user.u1)\r\n".into(),
        "APPLY SEEN %(USERID u1 UNIQUEID id-x LASTREAD 1 LASTUID 2 LASTCHANGE 3 SEENUIDS 1)\r\n".into(),
        "RESTART\r\n".into(),
    ];
    Talk::trusted().quietly(&lines.concat())
}

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

mod uploads {
    use super::*;

    #[test]
    fn one_after_the_other_within_one_line() {
        let mut talk = Talk::trusted();
        talk.say(&upload(&["one", "three"]));
        let happened: Vec<&str> = talk.log.lines().filter(|line| !line.starts_with("C: ")).collect();
        let expected = [
            "   BeginUpload default 3 bytes",
            "   UploadChunk one",
            "   FinishUpload",
            "   BeginUpload default 5 bytes",
            "   UploadChunk three",
            "   FinishUpload",
            "S: OK success",
        ];
        assert_eq!(happened, expected);
    }

    #[test]
    fn a_message_that_comes_in_pieces_is_handed_on_in_pieces() {
        let line = upload(&["abcdef"]);
        let (head, rest) = line.split_at(line.find("abcdef").unwrap() + 2);
        let mut talk = Talk::trusted();
        talk.say(head);
        talk.say(rest);
        assert!(talk.log.contains("   UploadChunk ab\n"), "{}", talk.log);
        assert!(talk.log.contains("   UploadChunk cdef\n   FinishUpload\nS: OK success\n"), "{}", talk.log);
    }

    #[test]
    fn a_message_without_bytes() {
        let mut talk = Talk::trusted();
        talk.say(&upload(&[""]));
        assert!(talk.log.ends_with("   BeginUpload default 0 bytes\n   FinishUpload\nS: OK success\n"), "{}", talk.log);
    }

    #[test]
    fn bytes_of_another_guid_are_given_up() {
        let mut talk = Talk::trusted();
        talk.say(&upload(&["one"]).replace("one", "two"));
        let end =
            "   UploadChunk two\n   AbortUpload\nS: NO IMAP_MESSAGE_CONTENT_MISMATCH Message does not match its GUID\n";
        assert!(talk.log.ends_with(end), "{}", talk.log);
    }

    #[test]
    fn an_upload_that_the_end_of_file_cuts_is_discarded() {
        let line = upload(&["abcdef"]);
        let mut talk = Talk::trusted();
        talk.say(&line[..line.len() - 5]);
        talk.session.receive(Bytes::new());
        talk.listen();
        let end = "   UploadChunk abcd\n   DiscardStaged\nthe peer closed the connection inside a command\n";
        assert!(talk.log.ends_with(end), "{}", talk.log);
        assert!(matches!(talk.session.poll(), Ok(Step::Closed)));
    }

    /// Every chunk lies within the buffer that was given to `receive`: no byte of a message is copied.
    #[test]
    fn chunks_are_slices_of_the_input() {
        let message = "m".repeat(10_000);
        let line = Bytes::from(upload(&[&message]));
        let mut session = Session::new(Config::trusted("r"));
        let mut store = MemoryStore::new();
        let mut rest = line.clone();
        let mut chunks = 0;
        loop {
            match session.poll().unwrap() {
                Step::NeedInput if rest.is_empty() => break,
                Step::NeedInput => session.receive(rest.split_to(rest.len().min(3000))),
                Step::Write(_) => {}
                Step::Perform(op) => {
                    if let Op::UploadChunk(chunk) = &op {
                        assert!(line.as_ptr_range().contains(&chunk.0.as_ptr()), "a chunk is a copy");
                        chunks += chunk.0.len();
                    }
                    op.perform(&mut session, &mut store).unwrap();
                }
                step => panic!("{step:?}"),
            }
        }
        assert_eq!(chunks, message.len());
    }
}

mod the_boundary {
    use super::*;

    /// The first operation of a session that was told this.
    fn asked(line: &'static str) -> (Session, Op) {
        let mut session = Session::new(Config::trusted("r"));
        session.receive(Bytes::from_static(line.as_bytes()));
        loop {
            match session.poll().unwrap() {
                Step::Write(_) => {}
                Step::Perform(op) => return (session, op),
                step => panic!("{step:?}"),
            }
        }
    }

    const LINE: &str = "GET FULLMAILBOX user.u1\r\n";

    #[test]
    fn until_a_request_is_completed_the_session_is_paused() {
        let (mut session, op) = asked(LINE);
        for _ in 0..2 {
            assert!(matches!(session.poll(), Ok(Step::Paused)));
        }
        session.receive(Bytes::from_static(b"NOOP\r\n"));
        assert!(matches!(session.poll(), Ok(Step::Paused)));
        op.perform(&mut session, &mut MemoryStore::new()).unwrap();
        let Ok(Step::Write(said)) = session.poll() else { panic!("no reply") };
        assert!(
            said.ends_with(b"\r\nNO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\nOK Noop completed\r\n"),
            "{said:?}"
        );
    }

    #[test]
    fn another_sessions_request_is_misuse_and_changes_nothing() {
        let ((mut one, of_one), (mut other, of_other)) = (asked(LINE), asked(LINE));
        let (Op::OpenMailbox(of_one), Op::OpenMailbox(of_other)) = (of_one, of_other) else {
            panic!("another operation")
        };
        assert_eq!(one.complete(of_other, Ok(None)), Err(Misuse::WrongRequest));
        assert!(matches!(one.poll(), Ok(Step::Paused)));
        one.complete(of_one, Ok(None)).unwrap();
        assert!(matches!(one.poll(), Ok(Step::Write(_))));
        assert!(matches!(other.poll(), Ok(Step::Paused)));
    }

    #[test]
    fn a_request_of_a_session_that_waits_for_none_is_misuse() {
        let (_, op) = asked(LINE);
        let mut idle = Session::new(Config::trusted("r"));
        assert_eq!(op.perform(&mut idle, &mut MemoryStore::new()), Err(Misuse::WrongRequest));
        let Ok(Step::Write(_)) = idle.poll() else { panic!("no greeting") };
    }

    #[test]
    fn output_comes_before_input_is_asked_for_and_before_the_end() {
        let mut session = Session::new(Config::trusted("r"));
        for piece in ["NOOP\r", "\nNO", "OP\r\n", ""] {
            session.receive(Bytes::from_static(piece.as_bytes()));
        }
        let mut store = MemoryStore::new();
        let mut steps = Vec::new();
        loop {
            match session.poll().unwrap() {
                Step::Write(output) => steps.push(String::from_utf8(output.to_vec()).unwrap()),
                Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
                Step::Closed => break,
                step => panic!("{step:?}"),
            }
        }
        assert!(steps.concat().ends_with("OK Noop completed\r\nOK Noop completed\r\n"));
        assert!(matches!(session.poll(), Ok(Step::Closed)));
    }

    #[test]
    fn what_comes_behind_the_end_of_file_is_ignored() {
        let mut session = Session::new(Config::trusted("r"));
        session.receive(Bytes::new());
        session.receive(Bytes::from_static(b"NOOP\r\n"));
        let mut store = MemoryStore::new();
        loop {
            match session.poll().unwrap() {
                Step::Write(output) => assert!(output.starts_with(b"* OK ")),
                Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
                Step::Closed => break,
                step => panic!("{step:?}"),
            }
        }
    }

    /// A long reply leaves in pieces: it never lies in memory whole.
    #[test]
    fn a_long_reply_is_written_as_it_grows() {
        let records: Vec<String> = (1..=5000).map(|uid| record(uid, "one", "\\Seen $A")).collect();
        let line = format!("{}\r\n", mailbox("user.u2", "id-u2", 5000, 10, "", &records));
        let Talk { mut session, mut store, .. } = Talk::trusted().quietly(&upload(&["one"])).quietly(&line);
        session.receive(Bytes::from_static(b"GET FULLMAILBOX user.u2\r\n"));
        let mut longest = 0;
        let mut total = 0;
        loop {
            match session.poll().unwrap() {
                Step::NeedInput => break,
                Step::Write(output) => {
                    longest = longest.max(output.len());
                    total += output.len();
                }
                Step::Perform(op) => op.perform(&mut session, &mut store).unwrap(),
                step => panic!("{step:?}"),
            }
        }
        assert!(total > 500_000 && longest < 128 * 1024, "{longest} of {total}");
    }
}

/// A store may fail while a reply is being given: the reply's framing holds.
mod half_replies {
    use super::*;

    /// Says a line to a session whose reads of records and messages are refused where `refuse` says so; the reply.
    fn converse(mut talk: Talk, line: &str, mut refuse: impl FnMut() -> bool) -> String {
        talk.session.receive(Bytes::copy_from_slice(line.as_bytes()));
        let mut said = BytesMut::new();
        loop {
            match talk.session.poll().unwrap() {
                Step::NeedInput => return String::from_utf8(said.to_vec()).unwrap(),
                Step::Write(output) => said.extend_from_slice(&output),
                Step::Perform(op) => match op {
                    Op::ReadRecords(request) if refuse() => {
                        talk.session.complete(request, Err(Refusal::BadFormat)).unwrap();
                    }
                    Op::ReadMessage(request) if refuse() => {
                        talk.session.complete(request, Err(Refusal::Io)).unwrap();
                    }
                    op => op.perform(&mut talk.session, &mut talk.store).unwrap(),
                },
                step => panic!("{step:?}"),
            }
        }
    }

    #[test]
    fn records_that_cannot_be_read_end_the_list_and_the_refusal_follows() {
        let mut reads = 0;
        let said = converse(with_mail(), "GET FULLMAILBOX user.u1\r\nNOOP\r\n", || {
            reads += 1;
            reads == 2
        });
        let (list, rest) = said.split_once("))\r\n").unwrap();
        assert!(list.starts_with("* MAILBOX %(UNIQUEID id-u1") && list.contains(" RECORD (%(UID 1 "), "{said}");
        assert_eq!(rest, "NO IMAP_MAILBOX_BADFORMAT Mailbox has an invalid format\r\nOK Noop completed\r\n");
    }

    #[test]
    fn a_mailbox_none_of_whose_records_can_be_read_is_only_refused() {
        let said = converse(with_mail(), "GET FULLMAILBOX user.u1\r\nNOOP\r\n", || true);
        assert_eq!(said, "NO IMAP_MAILBOX_BADFORMAT Mailbox has an invalid format\r\nOK Noop completed\r\n");
    }

    #[test]
    fn a_message_of_which_a_piece_cannot_be_read_keeps_its_announced_length() {
        let message = "m".repeat(200_000);
        let line = format!("{}\r\n", mailbox("user.u2", "id-u2", 1, 10, "", &[record(1, &message, "")]));
        let talk = Talk::trusted().quietly(&upload(&[&message])).quietly(&line);
        let fetch =
            format!("GET FETCH %(MBOXNAME user.u2 PARTITION default UNIQUEID id-u2 GUID {} UID 1)\r\n", guid(&message));
        let mut reads = 0;
        let said = converse(talk, &fetch, || {
            reads += 1;
            reads == 2
        });
        let (head, body) = said.split_once("\r\n").unwrap();
        assert_eq!(head, format!("* MESSAGE %{{default {} 200000}}", guid(&message)));
        let (body, rest) = body.split_at(200_000);
        assert!(body != message && body.contains('\0'));
        assert_eq!(rest, "\r\nNO IMAP_IOERROR System I/O error\r\n");
    }
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

mod reports {
    use super::*;
    use crate::event::Event;

    #[derive(Debug, Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Observer for Notes {
        fn event(&self, event: &Event<'_>) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
        }
    }

    #[track_caller]
    fn noted(line: &str, expected: &[&str]) {
        assert_eq!(notes_on(&[line]), expected);
    }

    fn notes_on(lines: &[&str]) -> Vec<String> {
        let notes = Arc::new(Notes::default());
        let mut talk = with_mail();
        talk.session = Session::new(Config { observer: notes.clone(), ..Config::trusted("r") });
        for line in lines {
            talk.say(&format!("{line}\r\n"));
        }
        std::mem::take(&mut notes.0.lock().unwrap())
    }

    #[test]
    fn after_a_mismatch_of_checksums_the_records_and_annotations_that_differ_are_named() {
        let mismatch = mailbox("user.u1", "id-u1", 3, 11, "SYNC_CRC 1", &[]);
        let annotated = record(1, "one", "\\Seen Foo")
            .replace("GUID", "ANNOTATIONS (%(ENTRY /comment USERID \"\" MODSEQ 4 VALUE x)) GUID");
        let all = mailbox("user.u1", "id-u1", 3, 12, "", &[annotated, record(3, "three", "$A")]);
        let notes = notes_on(&[&mismatch, &all, &all]);
        let [crc, refused, differed, annotation] = &notes[..] else { panic!("{notes:#?}") };
        assert!(
            crc.starts_with("Notice: SYNCNOTICE: CRC error after apply: mailbox=<user.u1> crcs_master=<1/0>"),
            "{crc}"
        );
        assert!(refused.contains("IMAP_SYNC_CHECKSUM"), "{refused}");
        assert!(
            differed.starts_with("Notice: SYNCNOTICE: record differed: mailbox=<user.u1> uid=<1> master=<"),
            "{differed}"
        );
        assert!(
            differed.contains("(\\Seen Foo)") && differed.contains(" replica=<") && differed.contains(" () "),
            "{differed}"
        );
        let expected = "Notice: SYNCNOTICE: annotation differed: mailbox=<user.u1> uid=<1> entry=</comment> userid=<>";
        assert_eq!(annotation, expected);
    }

    #[test]
    fn what_goes_well_is_not_worth_a_word() {
        noted("NOOP", &[]);
        noted(&mailbox("user.u1", "id-u1", 3, 11, "", &[record(1, "one", "")]), &[]);
    }

    #[test]
    fn refusals_name_the_mailbox_and_the_uid() {
        noted(
            &mailbox("user.u1", "id-u1", 3, 11, "", &[record(1, "three", "")]),
            &[
                "Error: SYNCNOTICE: guid mismatch: mailbox=<user.u1> uid=<1>",
                "Error: SYNCERROR: command refused: command=<APPLY MAILBOX> about=<user.u1> error=<IMAP_SYNC_CHECKSUM Checksum Failure>",
            ],
        );
        noted(
            &mailbox("user.u1", "id-u1", 3, 9, "", &[]),
            &[
                "Error: SYNCNOTICE: higher modseq on replica: mailbox=<user.u1> master=<9> replica=<10>",
                "Error: SYNCERROR: command refused: command=<APPLY MAILBOX> about=<user.u1> error=<IMAP_SYNC_CHECKSUM Checksum Failure>",
            ],
        );
    }

    #[test]
    fn bad_lines_are_noted_without_what_a_peer_could_forge() {
        noted("APPLY SUB (", &["Error: IOERROR: received bad command: command=<APPLY> error=<a list is not closed>"]);
        noted("NOOP\x1b[2J", &["Error: IOERROR: received bad command: command=<NOOP\\x1b[2J>"]);
        noted("APPLY {9+}\r\nX\r\nFORGED %()", &["Error: SYNCERROR: unknown command: command=<X\\r\\nFORGED>"]);
    }
}
