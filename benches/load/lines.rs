//! Lines as `sync_client` of 3.12 sends them. Checksums of 0 are not compared.

use std::fmt::Write;

use sync_server::types::Guid;

/// When everything happened.
const TIME: u32 = 1_795_464_234;

/// The user whose mailboxes these are.
pub const USER: &str = "u1";

/// A mailbox, as far as its lines differ from those of another.
#[derive(Clone)]
pub struct Mailbox {
    pub name: String,
    pub uniqueid: String,
    pub last_uid: u32,
    pub modseq: u64,
}

impl Mailbox {
    /// The user's INBOX for 0, a folder below it for any other number.
    pub fn numbered(number: u32) -> Mailbox {
        let folder = if number == 0 { String::new() } else { format!(".folder{number}") };
        let name = format!("user.{USER}{folder}");
        Mailbox { name, uniqueid: format!("bench{number:019}"), last_uid: 0, modseq: 1 }
    }

    pub fn get(&self) -> Vec<u8> {
        format!("GET MAILBOXES ({})\r\n", self.name).into_bytes()
    }

    /// `APPLY MAILBOX` with these records.
    pub fn apply(&self, records: impl IntoIterator<Item = Record>) -> Vec<u8> {
        let Mailbox { name, uniqueid, last_uid, modseq } = self;
        let mut line = format!(
            "APPLY MAILBOX %(UNIQUEID {uniqueid} MBOXNAME {name} SYNC_CRC 0 SYNC_CRC_ANNOT 0 LAST_UID {last_uid} \
             HIGHESTMODSEQ {modseq} RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0 POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 \
             UIDVALIDITY {TIME} PARTITION default ACL \"{USER}\tlrswipkxtecdan\t\" OPTIONS P CREATEDMODSEQ 1 \
             FOLDERMODSEQ 1 USERFLAGS ($Label) RECORD ("
        );
        for (nth, record) in records.into_iter().enumerate() {
            line.push_str(if nth == 0 { "" } else { " " });
            record.print(&mut line);
        }
        line.push_str("))\r\n");
        line.into_bytes()
    }
}

/// A record.
#[derive(Clone, Copy)]
pub struct Record {
    pub uid: u32,
    pub modseq: u64,
    pub flags: &'static str,
    pub size: usize,
    pub guid: Guid,
}

impl Record {
    /// One whose message is long gone.
    pub fn expunged(uid: u32) -> Record {
        let mut guid = [0xee; 20];
        guid[..4].copy_from_slice(&uid.to_be_bytes());
        let flags = "\\Expunged \\Seen $Label";
        Record { uid, modseq: 2, flags, size: 13719, guid: Guid::from_bytes(guid) }
    }

    pub fn of(uid: u32, message: &[u8]) -> Record {
        Record { uid, modseq: 2, flags: "\\Seen", size: message.len(), guid: Guid::of(message) }
    }

    fn print(&self, line: &mut String) {
        let Record { uid, modseq, flags, size, guid } = self;
        write!(
            line,
            "%(UID {uid} MODSEQ {modseq} LAST_UPDATED {TIME} FLAGS ({flags}) INTERNALDATE {TIME} SIZE {size} GUID {guid} \
             ANNOTATIONS (%(ENTRY /vendor/cmu/cyrus-imapd/savedate USERID \"\" MODSEQ 0 VALUE {TIME}) \
             %(ENTRY /vendor/cmu/cyrus-imapd/createdmodseq USERID \"\" MODSEQ 0 VALUE 2)))"
        )
        .unwrap_or_default();
    }
}

/// `APPLY MESSAGE` with these messages.
pub fn upload<'a>(messages: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<u8> {
    let mut line = b"APPLY MESSAGE (".to_vec();
    for (nth, message) in messages.into_iter().enumerate() {
        let space = if nth == 0 { "" } else { " " };
        let head = format!("{space}%{{default {} {}}}\r\n", Guid::of(message), message.len());
        line.extend_from_slice(head.as_bytes());
        line.extend_from_slice(message);
    }
    line.extend_from_slice(b")\r\n");
    line
}

/// `APPLY RESERVE` of these messages.
pub fn reserve(mailboxes: &[&Mailbox], guids: impl IntoIterator<Item = Guid>) -> Vec<u8> {
    let names: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect();
    let guids: Vec<String> = guids.into_iter().map(|guid| guid.to_string()).collect();
    let (names, guids) = (names.join(" "), guids.join(" "));
    format!("APPLY RESERVE %(PARTITION default MBOXNAME ({names}) GUID ({guids}))\r\n").into_bytes()
}

/// What is said to fill new mailboxes: for each a look at it, its messages, its records; at last what is staged is let go of.
pub fn seed(mailboxes: u32, messages: u32, mean_size: usize) -> Vec<Vec<u8>> {
    let mut random = super::mail::Random::new(1);
    let mut number = 0;
    let mut lines = vec![format!("GET USER {USER}\r\n").into_bytes()];
    for mailbox in 0..mailboxes {
        let mut mailbox = Mailbox::numbered(mailbox);
        mailbox.last_uid = messages;
        mailbox.modseq = 3;
        let batch: Vec<Vec<u8>> = (0..messages)
            .map(|_| {
                number += 1;
                super::mail::message(number, super::mail::size(&mut random, mean_size))
            })
            .collect();
        let records: Vec<Record> = (1..).zip(&batch).map(|(uid, message)| Record::of(uid, message)).collect();
        lines.push(mailbox.get());
        lines.push(reserve(&[&mailbox], records.iter().map(|record| record.guid)));
        lines.push(upload(&batch));
        lines.push(mailbox.apply(records));
    }
    lines.push(b"RESTART\r\n".to_vec());
    lines
}
