//! A conversation said to a real imapd and to our session within IMAP gets the same replies.

use bytes::BytesMut;
use sync_server::session::{Config, Session, Step};
use sync_server::store::MemoryStore;

use crate::common::messages::{guid, mailbox, record, records, upload};
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};

const MESSAGE: &[u8] =
    b"From: a@example.org\r\nSubject: within IMAP\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\ntext\r\n";

#[test]
fn imapd_3_6_says_the_same() -> Result<()> {
    same_replies(Release::V36)
}

#[test]
fn imapd_3_12_says_the_same() -> Result<()> {
    same_replies(Release::V312)
}

fn same_replies(release: Release) -> Result<()> {
    let _serial = release.lock();
    let instance = Instance::start(release, "imapd", SyncServer::Reference, &[])?;
    let mut imapd = instance.imap("cyrus")?;
    let mut session = Talk::new(Config { release: release.ours(), ..Config::within_imap("imapd") });
    let offered = imapd.ok("CAPABILITY")?.concat();
    assert!(offered.split(' ').any(|name| name == "X-REPLICATION"), "{offered}");
    let mut differences = Vec::new();
    for line in conversation() {
        let heard = imapd.answer(&line).map_err(|e| Failure::new(format!("{line}: {}", e.0)))?;
        let theirs = masked(&heard.join("\r\n"));
        let said = masked(&session.answer(&line));
        if said != theirs {
            differences.push(format!("{line}\nimapd: {theirs}\nours:  {said}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    Ok(())
}

#[test]
fn imapd_3_12_refuses_who_is_no_administrator_in_the_same_words() -> Result<()> {
    let _serial = Release::V312.lock();
    let instance = Instance::start(Release::V312, "imapd", SyncServer::Reference, &[])?;
    let mut imapd = instance.imap("u1")?;
    let mut session = Talk::new(Config { trusted_peer: false, ..Config::within_imap("imapd") });
    for line in ["SYNCGET USER u1", "SYNCAPPLY FORCE NIL", "SYNCRESTORE MAILBOX %()", "syncrestart", "SYNCRESTART now"]
    {
        assert_eq!(session.answer(line), imapd.answer(line)?.concat(), "{line}");
    }
    Ok(())
}

/// What to say, in order.
fn conversation() -> Vec<String> {
    let id = "f7b0ac16-8f29-4a5a-9a3c-6b1d1c0b7a01";
    let inbox = mailbox("user.u1", id).with("LAST_UID", 1).with("RECORD", records(&[record(1, MESSAGE)]));
    let reserve = format!("%(PARTITION default MBOXNAME (user.u1) GUID ({}))", guid(MESSAGE));
    let staged = String::from_utf8_lossy(&upload(&[MESSAGE])).trim_end().to_owned();
    let mut said = vec!["SYNCGET USER u1".to_owned(), format!("SYNCAPPLY RESERVE {reserve}")];
    for between in ["SYNCGET USER u1", "SYNCRESTART"] {
        said.push(format!("SYNC{staged}"));
        said.push(between.to_owned());
        said.push(format!("SYNCAPPLY RESERVE {reserve}"));
    }
    said.push(format!("SYNC{staged}"));
    said.push(format!("SYNCAPPLY MAILBOX {inbox}"));
    said.push(format!("SYNCAPPLY MAILBOX {}", inbox.clone().without("LAST_UID")));
    said.push(format!(
        "SyncGet FETCH %(MBOXNAME user.u1 PARTITION default UNIQUEID {id} GUID {} UID 1)",
        guid(MESSAGE)
    ));
    said.push(format!("SYNCGET UNIQUEIDS ({id})"));
    said.extend(
        [
            "SYNCGET MAILBOXES (user.u1 user.none)",
            "SYNCGET FULLMAILBOX user.u1",
            "SYNCGET FULLMAILBOX user.none",
            "SYNCAPPLY SUB %(USERID u1 MBOXNAME user.u1)",
            "SYNCAPPLY ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID u1 VALUE {3+}\r\na\"b)",
            "SYNCGET ANNOTATION user.u1",
            "SYNCGET META u1",
            "SYNCGET USER u1",
            "SYNCAPPLY QUOTA %(ROOT user.u1 STORAGE 100 MODSEQ 20)",
            "SYNCGET QUOTA user.u1",
            "syncapply UNMAILBOX user.none",
            "SYNCAPPLY NONSENSE x",
            "SYNCGET NONSENSE x",
            "SYNCRESTORE NONSENSE x",
            "SYNCGET",
            "SYNCAPPLY",
            "SYNCGET (",
            "SYNCAPPLY FORCE (x))",
            "SYNCGET USER \"u1",
            "SYNCOPATE x",
            "SYNCRESTART now",
            "SYNCRESTART",
            "SYNCAPPLY CAPABILITIES (SIEVE-MAILBOX)",
            "SYNCAPPLY UNUSER u1",
            "SYNCGET USER u1",
        ]
        .map(str::to_owned),
    );
    said
}

/// Without the times and numbers that each server chooses for itself, and without what ours adds to a refusal.
fn masked(reply: &str) -> String {
    const BAD_PARAMETERS: &str = "NO IMAP_PROTOCOL_BAD_PARAMETERS";
    if reply.starts_with(BAD_PARAMETERS) {
        return BAD_PARAMETERS.to_owned();
    }
    let mut words: Vec<String> = reply.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        if matches!(words[at - 1].as_str(), "LAST_UPDATED" | "FOLDERMODSEQ" | "HIGHESTMODSEQ") {
            words[at] = "…".to_owned();
        }
    }
    words.join(" ")
}

/// A conversation with our session.
struct Talk {
    session: Session,
    store: MemoryStore,
    tag: u32,
}

impl Talk {
    fn new(config: Config) -> Talk {
        Talk { session: Session::new(config), store: MemoryStore::new(), tag: 0 }
    }

    /// The reply to a command, without its tag.
    fn answer(&mut self, line: &str) -> String {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        self.session.receive(format!("{tag}{line}\r\n").into());
        let mut said = BytesMut::new();
        loop {
            match self.session.poll().unwrap() {
                Step::Write(output) => said.extend_from_slice(&output),
                Step::Perform(op) => op.perform(&mut self.session, &mut self.store).unwrap(),
                Step::Return(rest) => {
                    assert!(rest.is_empty(), "{rest:?}");
                    return String::from_utf8_lossy(&said).trim_end().replace(&tag, "");
                }
                step => panic!("{step:?}"),
            }
        }
    }
}
