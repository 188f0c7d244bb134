//! The same conversation with a `MemoryStore` and a `CyrusStore` gets the same replies.
//!
//! Not asked, because the two differ on purpose:
//!
//! | what | `MemoryStore` | `CyrusStore` |
//! |---|---|---|
//! | a partition that is not configured | takes any | refuses it |
//! | `APPLY ANNOTATION` of an entry that nobody defined, or that is an option of the mailbox | writes it | the rules of `imapd.conf` |
//! | a `SEENUIDS` that is no sequence | takes it | refuses it |
//! | a mailbox type other than mail | takes it | refuses it |
//! | an intermediate folder or a tombstone in place of a mailbox | removes the mailbox | changes only the list, as Cyrus does |
//! | seen state and subscriptions of a user whose INBOX was replaced | are the user's | are the former INBOX's, as in Cyrus |

use crate::{
    archive::archive_from,
    common::{
        master::{Dice, Mailbox, Message},
        peer::Peer,
    },
    lock_order::Taken,
    spool::TestSpool,
};
use std::collections::BTreeMap;
use sync_server::{
    ops::{CloseMailbox, Intent, OpenMailbox, ScanCrcs, Store},
    store::{
        CyrusStore, MemoryStore,
        cyrus::quota::{self, QuotaRoot},
    },
    types::{MailboxName, SyncCrcs},
};

const INBOXES: [&str; 3] = ["user.u1", "user.u2", "user.jane^doe"];
const NAMES: [&str; 10] = [
    INBOXES[0],
    INBOXES[1],
    INBOXES[2],
    "user.u1.a",
    "user.u1.a.b",
    "user.u1.a b",
    "user.u2.x",
    "user.u2.x.y",
    "shared",
    "shared.news",
];
const USERS: [&str; 3] = ["u1", "u2", "jane.doe"];
const ROOTS: [&str; 4] = ["user.u1", "user.u1.a", "user.u2", "shared"];
const PARTITIONS: [&str; 2] = ["default", "second"];
const FLAGS: [&str; 7] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Work", "Todo"];
const OWNERS: [&str; 2] = ["", "u1"];

/// Both ends of two conversations that should be one.
pub struct Both<'a> {
    memory: Peer<MemoryStore>,
    cyrus: Peer<CyrusStore>,
    spool: &'a TestSpool,
    /// What was said and was not a question, each with the reply, for a test that fails.
    said: Vec<String>,
}

impl<'a> Both<'a> {
    pub fn new(spool: &'a TestSpool) -> Both<'a> {
        Both { memory: Peer::new(MemoryStore::new()), cyrus: Peer::new(spool.store()), spool, said: Vec::new() }
    }

    /// Says it to both; returns what both reply.
    pub fn say(&mut self, words: &str) -> String {
        let expected = self.memory.say(words);
        let reply = self.cyrus.say(words);
        let log = self.spool.log.text();
        if reply != expected || !log.is_empty() {
            let lines = reply.lines().zip(expected.lines()).find(|(one, other)| one != other);
            let said = self.said.join("\n");
            panic!(
                "after\n{said}\nto {words}\nthe replies differ: {lines:#?}, in length {} and {}\n{log}",
                reply.len(),
                expected.len()
            );
        }
        if !words.starts_with("GET") {
            self.said.push(format!("{} -> {}", words.trim_end(), reply.trim_end()));
        }
        reply
    }

    fn history(&self) -> String {
        self.said.join("\n")
    }

    /// Says it to the one that has the disk.
    pub fn say_to_cyrus(&mut self, words: &str) -> String {
        self.cyrus.say(words)
    }

    /// Says it to the other.
    pub fn say_to_memory(&mut self, words: &str) {
        self.memory.say(words);
    }

    /// A new process takes the place of the one that has the disk.
    pub fn connect_again(&mut self) {
        self.cyrus.say("EXIT\r\n");
        self.cyrus = Peer::new(self.spool.store());
    }

    fn again(self) -> Both<'a> {
        Both { memory: self.memory.again(), cyrus: self.cyrus.again(), ..self }
    }

    /// Asks both for all there is.
    pub fn compare(&mut self, context: &str) {
        for question in questions() {
            let expected = self.memory.say(question.clone());
            assert_eq!(self.cyrus.say(question), expected, "{context}");
        }
    }

    /// What no reply says: stored checksums are those of the records.
    pub fn check_crcs(&mut self) {
        for name in self.memory.store.names().cloned().collect::<Vec<_>>() {
            let open = OpenMailbox { name: name.clone(), intent: Intent::Read };
            let state = self.cyrus.store.open_mailbox(&open).unwrap().unwrap();
            assert_eq!(self.cyrus.store.scan_crcs(&ScanCrcs).unwrap(), state.crcs, "checksums of {name}");
            self.cyrus.store.close_mailbox(&CloseMailbox).unwrap();
        }
    }

    /// Nor this: quota roots count what their mailboxes use.
    fn check_quota(&self) {
        let mut used = BTreeMap::new();
        for name in self.memory.store.names() {
            if let Some(root) = self.memory.store.mailbox(name).unwrap().state.quota_root.clone() {
                let used: &mut [i64; 4] = used.entry(root).or_default();
                used.iter_mut().zip(self.use_of(name)).for_each(|(sum, one)| *sum += one);
            }
        }
        for root in ROOTS {
            let path = self.spool.options.quota_file(&QuotaRoot::parse(root.as_bytes()).unwrap());
            let Some(quota) = quota::read(&self.spool.disk, &path).unwrap() else { continue };
            let root = MailboxName::parse(root.as_bytes()).unwrap();
            assert_eq!(quota.used, used.remove(&root).unwrap_or_default(), "use of {root}");
        }
        assert!(used.is_empty(), "mailboxes count for roots that are gone: {used:?}");
    }

    /// What a mailbox uses of storage, messages, annotation storage and folders.
    fn use_of(&self, name: &MailboxName) -> [i64; 4] {
        let mailbox = self.memory.store.mailbox(name).unwrap();
        let mut used = [0, 0, mailbox.state.annotations.iter().map(|a| a.value.len() as i64).sum(), 1];
        for record in mailbox.records.values().filter(|record| !record.record.is_expunged()) {
            used[0] += i64::from(record.record.size);
            used[1] += 1;
            used[2] += record.annotations().iter().map(|a| a.value.len() as i64).sum::<i64>();
        }
        used
    }
}

/// Everything that can be asked for.
fn questions() -> Vec<String> {
    let users = USERS.iter().flat_map(|user| [format!("USER {user}"), format!("META {user}")]);
    let mailboxes = names().flat_map(|name| {
        [format!("MAILBOXES (\"{name}\")"), format!("FULLMAILBOX \"{name}\""), format!("ANNOTATION \"{name}\"")]
    });
    let roots = ROOTS.iter().map(|root| format!("QUOTA {root}"));
    let all = users.chain(mailboxes).chain(roots).chain(["ANNOTATION \"\"".to_owned()]);
    all.map(|question| format!("GET {question}\r\n")).collect()
}

fn names() -> impl Iterator<Item = String> {
    NAMES.iter().map(|name| (*name).to_owned()).chain(["DELETED.user.u1.a.65A0B1C2".to_owned()])
}

/// A master that does whatever the dice say, and a little that it should not.
struct Master {
    dice: Dice,
    mailboxes: BTreeMap<String, Mailbox>,
    ids: usize,
    messages: usize,
}

impl Master {
    fn new(seed: u64) -> Master {
        Master { dice: Dice::new(seed), mailboxes: BTreeMap::new(), ids: 0, messages: 0 }
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.dice.below(NAMES.len())]
    }

    /// The users' INBOXes, which stay.
    fn start(&mut self, both: &mut Both<'_>) {
        for inbox in INBOXES {
            let mailbox = Mailbox::new(inbox, &self.id());
            self.apply(mailbox.clone(), &mailbox.all(), both);
        }
    }

    /// The name of no INBOX.
    fn folder(&mut self) -> &'static str {
        NAMES[INBOXES.len() + self.dice.below(NAMES.len() - INBOXES.len())]
    }

    /// A mailbox that exists, most of the time.
    fn mailbox(&mut self) -> Option<Mailbox> {
        let all: Vec<&Mailbox> = self.mailboxes.values().collect();
        if all.is_empty() { None } else { Some((*self.dice.pick(&all)).clone()) }
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("id{:022}", self.ids)
    }

    /// Says something that changes something, or should not.
    fn step(&mut self, both: &mut Both<'_>) {
        match self.dice.below(24) {
            0..=2 => self.create(both),
            3..=7 => self.append(both),
            8..=10 => self.change(both),
            11 => self.expunge(both),
            12 => self.stale(both),
            13 => self.replace(both),
            14 => self.rename(both),
            15 => self.unmailbox(both),
            16 => self.subscribe(both),
            17 => self.seen(both),
            18 => self.quota(both),
            19 => self.annotate(both),
            20 => self.entry(both),
            21 => self.annotate_mailbox(both),
            22 => drop(both.say("RESTART\r\n")),
            _ => self.look(both),
        }
    }

    fn create(&mut self, both: &mut Both<'_>) {
        let (name, id) = (self.folder(), self.id());
        let mut mailbox = Mailbox::new(name, &id);
        mailbox.partition = *self.dice.pick(&PARTITIONS);
        self.fill(&mut mailbox, both);
        self.apply(mailbox.clone(), &mailbox.all(), both);
    }

    /// Sends it; the master's mailbox is that from now on if the replica took it.
    fn apply(&mut self, mailbox: Mailbox, line: &str, both: &mut Both<'_>) {
        if both.say(line) == "OK success\r\n" {
            self.mailboxes.insert(mailbox.name.clone(), mailbox);
        }
    }

    /// Adds some messages, each of them uploaded or reserved, but for one that was forgotten.
    fn fill(&mut self, mailbox: &mut Mailbox, both: &mut Both<'_>) -> Vec<u32> {
        let mut uids = Vec::new();
        for _ in 0..self.dice.below(4) {
            mailbox.last_uid += self.dice.below(2) as u32;
            self.messages += 1;
            let message = Message::number(if self.dice.below(3) == 0 { self.dice.below(10) } else { self.messages });
            match self.dice.below(12) {
                0 => {}
                1..=3 => {
                    let from = self.name();
                    let partition = mailbox.partition;
                    let reserve = format!(
                        "APPLY RESERVE %(PARTITION {partition} MBOXNAME ({from} \"{}\") GUID ({}))\r\n",
                        mailbox.name, message.guid
                    );
                    if both.say(&reserve).contains("MISSING") {
                        both.say(&message.upload(partition));
                    }
                }
                _ => drop(both.say(&message.upload(mailbox.partition))),
            }
            let uid = mailbox.append(message);
            let expunged = self.dice.below(8) == 0;
            self.decorate(mailbox, uid, expunged);
            uids.push(uid);
        }
        uids
    }

    fn decorate(&mut self, mailbox: &mut Mailbox, uid: u32, expunged: bool) {
        let dice = &mut self.dice;
        mailbox.change(uid, |record| {
            record.expunged = expunged;
            record.flags.clear();
            record.flags.extend(FLAGS.iter().filter(|_| dice.below(3) == 0));
            record.conversation = dice.below(3) as u64 * 0x1234_5678_9abc;
            for owner in OWNERS {
                match dice.below(8) {
                    0 => drop(record.annotations.insert(("/comment", owner), format!("c{}", dice.below(99999)))),
                    1 => drop(record.annotations.insert(("/altsubject", owner), format!("s{}", dice.below(9)))),
                    2 => drop(record.annotations.remove(&("/comment", owner))),
                    _ => {}
                }
            }
        });
    }

    fn append(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        let before = mailbox.clone();
        let uids = self.fill(&mut mailbox, both);
        if uids.is_empty() {
            mailbox.modseq += 1;
        }
        let since = match self.dice.below(4) {
            0 => {
                let (modseq, (basic, annot)) = (before.modseq, before.crcs());
                format!("SINCE_MODSEQ {modseq} SINCE_CRC {basic} SINCE_CRC_ANNOT {annot} ")
            }
            1 if self.dice.below(4) == 0 => "SINCE_MODSEQ 1 SINCE_CRC 2 SINCE_CRC_ANNOT 3 ".to_owned(),
            _ => String::new(),
        };
        let crcs = match self.dice.below(8) {
            0 => (0, 0),
            1 => (1, 0),
            _ => mailbox.crcs(),
        };
        let line = mailbox.line(&uids, crcs, &since);
        self.apply(mailbox, &line, both);
    }

    /// Flags and annotations of some records, and what the header says.
    fn change(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        let all: Vec<u32> = mailbox.records.keys().copied().collect();
        let chosen: Vec<u32> = all.into_iter().filter(|_| self.dice.below(2) == 0).collect();
        for uid in &chosen {
            let expunged = mailbox.records[uid].expunged || self.dice.below(6) == 0;
            self.decorate(&mut mailbox, *uid, expunged);
        }
        mailbox.modseq += 1;
        if self.dice.below(3) == 0 {
            mailbox.acl = *self.dice.pick(&["", "u1\tlrs\t", "u1\tlrs\tu2\tlr\t"]);
            mailbox.folder_modseq = mailbox.modseq;
        }
        if self.dice.below(3) == 0 {
            mailbox.options = *self.dice.pick(&["", "P", "PS", "D"]);
        }
        let flags = if self.dice.below(3) == 0 { "USERFLAGS ($Work Later Todo) " } else { "" };
        let line = mailbox.line(&chosen, mailbox.crcs(), flags);
        self.apply(mailbox, &line, both);
    }

    fn expunge(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        let uids: Vec<u32> = mailbox.records.keys().copied().filter(|_| self.dice.below(3) == 0).collect();
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        let id = if self.dice.below(8) == 0 { "another" } else { &mailbox.id };
        let line =
            format!("APPLY EXPUNGE %(MBOXNAME \"{}\" UNIQUEID {id} UID ({} 4000))\r\n", mailbox.name, list.join(" "));
        uids.iter().for_each(|uid| mailbox.records.get_mut(uid).unwrap().expunged = true);
        self.apply(mailbox, &line, both);
    }

    /// What a master says that has lost some of its changes.
    fn stale(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        let uids: Vec<u32> = mailbox.records.keys().copied().collect();
        match self.dice.below(6) {
            0 => mailbox.modseq = 1,
            1 => mailbox.uidvalidity -= 1,
            2 => mailbox.last_uid /= 2,
            3 => mailbox.records.values_mut().for_each(|record| record.modseq = 1),
            4 => {
                let messages = &mut self.messages;
                mailbox.records.values_mut().for_each(|record| {
                    *messages += 1;
                    record.message = Message::number(*messages);
                });
            }
            _ => mailbox.records.values_mut().for_each(|record| record.expunged = false),
        }
        let line = mailbox.line(&uids, mailbox.crcs(), "");
        if self.dice.below(3) == 0 {
            both.say("APPLY FORCE %()\r\n");
        }
        self.apply(mailbox, &line, both);
    }

    /// Another mailbox of the same name, and one whose unique id another mailbox has.
    fn replace(&mut self, both: &mut Both<'_>) {
        let name = self.folder();
        let id = match self.mailbox() {
            Some(other) if self.dice.below(4) == 0 => other.id,
            _ => self.id(),
        };
        let mut mailbox = Mailbox::new(name, &id);
        self.fill(&mut mailbox, both);
        if self.dice.below(2) == 0 {
            both.say("APPLY FORCE %()\r\n");
        }
        let line = mailbox.all();
        self.apply(mailbox, &line, both);
    }

    fn rename(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        let old = mailbox.name.clone();
        mailbox.name = match self.dice.below(4) {
            _ if INBOXES.contains(&&*old) => old.clone(),
            0 => old.clone(),
            1 if old == "user.u1.a" => "DELETED.user.u1.a.65A0B1C2".to_owned(),
            _ => self.folder().to_owned(),
        };
        mailbox.partition = *self.dice.pick(&PARTITIONS);
        let uidvalidity = self.dice.below(2) as u32 * (mailbox.uidvalidity + 1);
        let line = format!(
            "APPLY RENAME %(OLDMBOXNAME \"{old}\" NEWMBOXNAME \"{}\" PARTITION {} UIDVALIDITY {uidvalidity})\r\n",
            mailbox.name, mailbox.partition
        );
        if uidvalidity != 0 {
            mailbox.uidvalidity = uidvalidity;
        }
        if both.say(&line) == "OK success\r\n" {
            self.mailboxes.remove(&old);
            self.mailboxes.insert(mailbox.name.clone(), mailbox);
        }
    }

    fn unmailbox(&mut self, both: &mut Both<'_>) {
        let name = self.folder();
        if both.say(&format!("APPLY UNMAILBOX \"{name}\"\r\n")) == "OK success\r\n" {
            self.mailboxes.remove(name);
        }
    }

    fn subscribe(&mut self, both: &mut Both<'_>) {
        let verb = self.dice.pick(&["SUB", "SUB", "UNSUB"]);
        let (user, name) = (*self.dice.pick(&USERS), self.name());
        both.say(&format!("APPLY {verb} %(USERID {user} MBOXNAME \"{name}\")\r\n"));
    }

    fn seen(&mut self, both: &mut Both<'_>) {
        let user = *self.dice.pick(&USERS);
        let id = self.mailbox().map_or_else(|| self.id(), |mailbox| mailbox.id);
        let uids = *self.dice.pick(&["", "1", "1:3", "1:3,7"]);
        let time = 1_700_000_000 + self.dice.below(1000);
        both.say(&format!(
            "APPLY SEEN %(USERID {user} UNIQUEID {id} LASTREAD {time} LASTUID 7 LASTCHANGE {time} SEENUIDS \"{uids}\")\r\n"
        ));
    }

    fn quota(&mut self, both: &mut Both<'_>) {
        let root = *self.dice.pick(&ROOTS);
        let limit = self.dice.below(100_000);
        let modseq = self.dice.below(1000) + 1;
        both.say(&match self.dice.below(3) {
            0 => format!("APPLY UNQUOTA {root}\r\n"),
            1 => format!("APPLY QUOTA %(ROOT {root} LIMIT {limit} MESSAGE 1000 MODSEQ {modseq})\r\n"),
            _ => format!("APPLY QUOTA %(ROOT {root} LIMIT {limit} STORAGE {limit} MODSEQ {modseq})\r\n"),
        });
    }

    fn annotate(&mut self, both: &mut Both<'_>) {
        let name = if self.dice.below(3) == 0 { "" } else { self.name() };
        let user = *self.dice.pick(&OWNERS);
        let value = self.dice.below(100_000);
        let reply = both.say(&match self.dice.below(3) {
            0 => format!("APPLY UNANNOTATION %(MBOXNAME \"{name}\" ENTRY /comment USERID \"{user}\")\r\n"),
            _ => format!("APPLY ANNOTATION %(MBOXNAME \"{name}\" ENTRY /comment USERID \"{user}\" VALUE v{value})\r\n"),
        });
        assert!(!name.is_empty() || reply.starts_with("OK"), "{reply}");
    }

    /// Annotations that come with the mailbox.
    fn annotate_mailbox(&mut self, both: &mut Both<'_>) {
        let Some(mut mailbox) = self.mailbox() else { return };
        mailbox.modseq += 1;
        mailbox.annotations.clear();
        for owner in OWNERS {
            if self.dice.below(2) == 0 {
                mailbox.annotations.insert(("/comment", owner), format!("m{}", self.dice.below(1000)));
            }
            if self.dice.below(2) == 0 {
                mailbox.annotations.insert(("/vendor/example/x", owner), format!("x{}", self.dice.below(1000)));
            }
        }
        let line = mailbox.line(&[], mailbox.crcs(), "");
        self.apply(mailbox, &line, both);
    }

    /// An intermediate folder or a tombstone, where there is no mailbox.
    fn entry(&mut self, both: &mut Both<'_>) {
        let (name, id) = (self.name(), self.id());
        if both.say(&format!("GET MAILBOXES (\"{name}\")\r\n")).contains("SYNC_CRC_ANNOT")
            || self.mailboxes.contains_key(name)
        {
            return;
        }
        let letter = self.dice.pick(&["i", "d"]);
        both.say(&format!(
            "APPLY MAILBOX %(UNIQUEID {id} MBOXNAME \"{name}\" MBOXTYPE {letter} HIGHESTMODSEQ 7 CREATEDMODSEQ 3)\r\n"
        ));
    }

    fn look(&mut self, both: &mut Both<'_>) {
        let name = self.name();
        both.say(&format!("GET FULLMAILBOX \"{name}\"\r\n"));
        let id = self.mailbox().map_or_else(|| self.id(), |mailbox| mailbox.id);
        both.say(&format!("GET UNIQUEIDS ({id})\r\n"));
        let Some(mailbox) = self.mailbox() else { return };
        let Some((uid, record)) = mailbox.records.iter().next() else { return };
        if !record.expunged {
            both.say(&format!(
                "GET FETCH %(MBOXNAME \"{}\" PARTITION {} UNIQUEID {} GUID {} UID {uid})\r\n",
                mailbox.name, mailbox.partition, mailbox.id, record.message.guid
            ));
        }
    }
}

#[test]
fn random_conversations_get_the_replies_of_the_memory_store() {
    let locks = Taken::default();
    for seed in 0..12 {
        let mut spool = TestSpool::new("model");
        spool.locks = locks.clone();
        if seed % 2 == 1 {
            archive_from(&mut spool, 200);
        }
        let mut master = Master::new(seed);
        let mut both = Both::new(&spool);
        master.start(&mut both);
        for _ in 0..3 {
            for _ in 0..25 {
                master.step(&mut both);
            }
            both.compare(&both.history());
            // What one process has not written, the next does not read.
            both = both.again();
            both.connect_again();
            spool.assert_tidy("between two connections");
            both.compare(&both.history());
            both.check_crcs();
            both.check_quota();
        }
    }
    locks.assert_every_kind();
}

#[test]
fn an_empty_mailbox_has_the_checksums_of_no_records() {
    let spool = TestSpool::new("empty");
    let mut both = Both::new(&spool);
    both.say(&Mailbox::new("user.u1", "id0").all());
    both.check_crcs();
    assert_eq!(Mailbox::new("user.u1", "id0").crcs(), (SyncCrcs::EMPTY.basic, SyncCrcs::EMPTY.annot));
}
