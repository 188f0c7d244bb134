//! What a master has, and how it says so.

use sha1::{Digest, Sha1};
use std::{collections::BTreeMap, fmt::Write};
use sync_server::{
    plan::crc::{self, RecordFacts, VirtualFacts},
    types::{Guid, ModSeq, SystemFlags},
};

/// Random numbers: xorshift64*, the same from the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

/// A message.
#[derive(Clone, Debug)]
pub struct Message {
    pub text: String,
    pub guid: Guid,
}

impl Message {
    /// Message number so and so; the same number is the same message.
    pub fn number(number: usize) -> Message {
        let mut text = format!(
            "From: Jane <jane@example.com>\r\nTo: u1@example.com\r\nSubject: message {number}\r\n\
             Date: Mon, 1 Jan 2024 10:00:00 +0000\r\nMessage-ID: <{number}@example.com>\r\n\r\n"
        );
        for line in 0..number % 7 {
            writeln!(text, "line {line} of {number}\r").unwrap();
        }
        Message::of(text)
    }

    /// A message with this text.
    pub fn of(text: String) -> Message {
        let guid = Guid::from_bytes(Sha1::digest(&text).into());
        Message { text, guid }
    }

    /// `APPLY MESSAGE`
    pub fn upload(&self, partition: &str) -> String {
        format!("APPLY MESSAGE (%{{{partition} {} {}}}\r\n{})\r\n", self.guid, self.text.len(), self.text)
    }
}

/// A record.
#[derive(Clone, Debug)]
pub struct Record {
    pub modseq: u64,
    pub message: Message,
    pub flags: Vec<&'static str>,
    pub expunged: bool,
    /// By entry and user.
    pub annotations: BTreeMap<(&'static str, &'static str), String>,
    pub save_date: i64,
    pub conversation: u64,
}

const DATE: i64 = 1_700_000_000;

const SYSTEM_FLAGS: [(&str, u32); 5] = [
    ("\\Seen", SystemFlags::SEEN),
    ("\\Answered", SystemFlags::ANSWERED),
    ("\\Flagged", SystemFlags::FLAGGED),
    ("\\Deleted", SystemFlags::DELETED),
    ("\\Draft", SystemFlags::DRAFT),
];

impl Record {
    fn line(&self, uid: u32) -> String {
        let mut flags: Vec<&str> = self.flags.clone();
        if self.expunged {
            flags.push("\\Expunged");
        }
        let mut annotations = String::new();
        let mut add = |entry: &str, user: &str, value: &str| {
            write!(annotations, "%(ENTRY {entry} USERID \"{user}\" MODSEQ {} VALUE {value}) ", self.modseq).unwrap();
        };
        add("/vendor/cmu/cyrus-imapd/savedate", "", &self.save_date.to_string());
        if self.conversation != 0 {
            add("/vendor/cmu/cyrus-imapd/thrid", "", &format!("{:x}", self.conversation));
        }
        for ((entry, user), value) in &self.annotations {
            add(entry, user, value);
        }
        format!(
            "%(UID {uid} MODSEQ {} LAST_UPDATED {} FLAGS ({}) INTERNALDATE {} SIZE {} GUID {} ANNOTATIONS ({}))",
            self.modseq,
            DATE + self.modseq as i64,
            flags.join(" "),
            DATE - i64::from(uid),
            self.message.text.len(),
            self.message.guid,
            annotations.trim_end(),
        )
    }

    fn crcs(&self, uid: u32) -> (u32, u32) {
        if self.expunged {
            return (0, 0);
        }
        let mut facts = RecordFacts {
            uid,
            modseq: ModSeq(self.modseq),
            last_updated: DATE + self.modseq as i64,
            internaldate: DATE - i64::from(uid),
            system_flags: SystemFlags::default(),
            user_flags: 0,
            guid: self.message.guid,
            expunged: false,
        };
        for flag in &self.flags {
            match SYSTEM_FLAGS.iter().find(|(name, _)| name == flag) {
                Some((_, bit)) => facts.system_flags.0 |= bit,
                None => facts.user_flags ^= crc::flag(flag.as_bytes()),
            }
        }
        let fields = VirtualFacts { uid, cid: self.conversation, savedate: self.save_date, ..VirtualFacts::default() };
        let own = self
            .annotations
            .iter()
            .map(|((entry, user), value)| crc::annotation(uid, entry.as_bytes(), user.as_bytes(), value.as_bytes()));
        (crc::basic(&facts), own.fold(crc::virtual_annotations(&fields, 19), |all, one| all ^ one))
    }
}

/// A mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox {
    pub name: String,
    pub id: String,
    pub partition: &'static str,
    pub uidvalidity: u32,
    pub last_uid: u32,
    pub modseq: u64,
    pub folder_modseq: u64,
    pub acl: &'static str,
    pub options: &'static str,
    pub annotations: BTreeMap<(&'static str, &'static str), String>,
    pub records: BTreeMap<u32, Record>,
}

impl Mailbox {
    pub fn new(name: &str, id: &str) -> Mailbox {
        Mailbox {
            name: name.to_owned(),
            id: id.to_owned(),
            partition: "default",
            uidvalidity: 1_700_000_001,
            last_uid: 0,
            modseq: 1,
            folder_modseq: 1,
            acl: "u1\tlrswipkxtecdan\t",
            options: "P",
            annotations: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }

    /// Adds a message; returns its uid.
    pub fn append(&mut self, message: Message) -> u32 {
        self.modseq += 1;
        self.last_uid += 1;
        let record = Record {
            modseq: self.modseq,
            message,
            flags: Vec::new(),
            expunged: false,
            annotations: BTreeMap::new(),
            save_date: DATE,
            conversation: 0,
        };
        self.records.insert(self.last_uid, record);
        self.last_uid
    }

    /// Changes a record.
    pub fn change(&mut self, uid: u32, change: impl FnOnce(&mut Record)) {
        self.modseq += 1;
        let record = self.records.get_mut(&uid).unwrap();
        record.modseq = self.modseq;
        change(record);
    }

    /// The checksums over all records.
    pub fn crcs(&self) -> (u32, u32) {
        let each = self.records.iter().map(|(uid, record)| record.crcs(*uid));
        each.fold((0, 12_345_678), |(basic, annot), one| (basic ^ one.0, annot ^ one.1))
    }

    /// `APPLY MAILBOX` with these records and checksums, and `more` in front of the records.
    pub fn line(&self, uids: &[u32], (basic, annot): (u32, u32), more: &str) -> String {
        let mut annotations = String::new();
        for ((entry, user), value) in &self.annotations {
            write!(annotations, "%(ENTRY {entry} USERID \"{user}\" MODSEQ {} VALUE {value}) ", self.modseq).unwrap();
        }
        let records: Vec<String> = uids.iter().map(|uid| self.records[uid].line(*uid)).collect();
        format!(
            "APPLY MAILBOX %(UNIQUEID {} MBOXNAME \"{}\" SYNC_CRC {basic} SYNC_CRC_ANNOT {annot} LAST_UID {} \
             HIGHESTMODSEQ {} RECENTUID {} RECENTTIME 0 LAST_APPENDDATE {DATE} POP3_LAST_LOGIN 0 POP3_SHOW_AFTER 0 \
             UIDVALIDITY {} PARTITION {} ACL \"{}\" OPTIONS \"{}\" CREATEDMODSEQ 1 FOLDERMODSEQ {} {more}\
             ANNOTATIONS ({}) RECORD ({}))\r\n",
            self.id,
            self.name,
            self.last_uid,
            self.modseq,
            self.last_uid,
            self.uidvalidity,
            self.partition,
            self.acl,
            self.options,
            self.folder_modseq,
            annotations.trim_end(),
            records.join(" "),
        )
    }

    /// `APPLY MAILBOX` with all records.
    pub fn all(&self) -> String {
        self.line(&self.records.keys().copied().collect::<Vec<_>>(), self.crcs(), "")
    }
}
