//! Conversations, with the operations between what the client says and what it is told.
//!
//! `C:` is what the client says, `S:` the reply; the lines between are operations, in their order and in short.

mod commands;
mod half_replies;
mod reports;
mod the_boundary;
mod uploads;

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
