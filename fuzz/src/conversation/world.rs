//! What a client can read of a replica, and what that means.

use super::{
    command::{MESSAGES, guid},
    grammar::{NAMES, USERS},
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::num::ParseIntError;
use std::str::FromStr;
use sync_server::{
    dlist::{Builder, Event, Item, KvList, Value},
    wire::{Scanner, Token, WireLimits},
};

/// All mailboxes, and what users have besides.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct World {
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// Users and names.
    pub subscriptions: BTreeSet<(String, String)>,
    /// By user and unique id.
    pub seen: BTreeMap<(String, String), String>,
    /// `LIMIT` by root.
    pub quotas: BTreeMap<String, String>,
    /// The server's own `/comment`.
    pub comment: Option<String>,
    /// The GUID of what they say, by user and name.
    pub scripts: BTreeMap<(String, String), String>,
    /// Scripts by user.
    pub active: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    pub id: String,
    pub partition: String,
    pub uidvalidity: String,
    pub last_uid: u32,
    pub modseq: u64,
    pub comment: Option<String>,
    pub records: BTreeMap<u32, Message>,
}

/// The GUID, and the flags, `\Expunged` among them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub guid: String,
    pub flags: BTreeSet<String>,
}

impl Message {
    pub fn is_expunged(&self) -> bool {
        self.flags.contains("\\Expunged")
    }
}

/// The lines that read everything.
pub fn questions() -> Vec<String> {
    let folders_too = format!("GET MAILBOXES ({})", NAMES.join(" "));
    let mut lines = vec!["GET ANNOTATION \"\"".to_owned(), folders_too];
    lines.extend(USERS.map(|user| format!("GET META {user}")));
    lines.extend(NAMES.map(|name| format!("GET FULLMAILBOX {name}")));
    lines.extend(NAMES.map(|name| format!("GET QUOTA {name}")));
    lines
}

/// The lines that fetch every message that is there, and what each must bring.
pub fn messages(world: &World) -> Vec<(String, &'static str)> {
    let mut lines = Vec::new();
    for (name, mailbox) in &world.mailboxes {
        for (uid, message) in mailbox.records.iter().filter(|(_, message)| !message.is_expunged()) {
            let Mailbox { id, partition, .. } = mailbox;
            let body = (0..MESSAGES.len()).find(|number| guid(*number) == message.guid);
            let body = body.map(|number| MESSAGES[number]).expect("a message of the grammar's");
            let guid = &message.guid;
            let fields = format!("MBOXNAME {name} PARTITION {partition} UNIQUEID {id} GUID {guid} UID {uid}");
            lines.push((format!("GET FETCH %({fields})"), body));
        }
    }
    lines
}

/// What the replies to the questions say.
pub fn world(replies: &[Bytes]) -> World {
    let mut world = World::default();
    for (question, reply) in questions().iter().zip(replies) {
        let asked = question.rsplit(' ').next().unwrap_or_default();
        // What this one adds are folders, of which nothing is known here but that they stay.
        if !question.starts_with("GET MAILBOXES") {
            items(reply).iter().for_each(|item| world.learn(asked, item));
        }
    }
    world
}

/// The values of the `* NAME value` lines of a reply.
fn items(reply: &Bytes) -> Vec<Item> {
    let mut rest = reply.clone();
    let mut scanner = Scanner::new(WireLimits { max_string: 1 << 16, max_depth: 16 });
    let mut builder = Builder::new(1 << 24, |_, _| false);
    let (mut items, mut is_item) = (Vec::new(), false);
    while let Some(token) = scanner.next(&mut rest) {
        match token {
            Token::Word(word) => is_item = word == "*",
            token if is_item => match builder.push(token).expect("a value that can be read") {
                Event::Done(item) => items.push(item),
                Event::More | Event::Element(_) => {}
            },
            _ => {}
        }
    }
    assert!(scanner.is_between_lines(), "{}", reply.escape_ascii());
    items
}

fn text(value: &Value) -> String {
    value.map().map(|text| text.escape_ascii().to_string()).unwrap_or_default()
}

fn field(fields: &KvList, name: &str) -> String {
    fields.get(name.as_bytes()).map(text).unwrap_or_default()
}

fn number<N: FromStr<Err = ParseIntError>>(fields: &KvList, name: &str) -> N {
    field(fields, name).parse().expect("a number")
}

fn elements<'a>(fields: &'a KvList, name: &str) -> &'a [Value] {
    fields.get(name.as_bytes()).and_then(Value::list).unwrap_or_default()
}

impl World {
    fn learn(&mut self, asked: &str, item: &Item) {
        let (user, fields) = (asked.to_owned(), item.value.kvlist());
        match (&item.name[..], fields) {
            (b"LSUB", _) => {
                let names = item.value.list().expect("a list").iter();
                self.subscriptions.extend(names.map(|name| (user.clone(), text(name))));
            }
            (b"SEEN", Some(seen)) => {
                self.seen.insert((user, field(seen, "UNIQUEID")), field(seen, "SEENUIDS"));
            }
            (b"QUOTA", Some(quota)) => {
                self.quotas.insert(field(quota, "ROOT"), field(quota, "LIMIT"));
            }
            (b"ANNOTATION", Some(annotation)) => self.comment = Some(field(annotation, "VALUE")),
            (b"MAILBOX", Some(fields)) => {
                self.mailboxes.insert(field(fields, "MBOXNAME"), mailbox(fields));
            }
            (b"SIEVE", Some(script)) => {
                let file = field(script, "FILENAME");
                match (file.strip_suffix(".script"), file.strip_suffix(".bc")) {
                    (Some(name), _) => drop(self.scripts.insert((user, name.to_owned()), field(script, "GUID"))),
                    (_, Some(name)) => drop(self.active.insert(user, name.to_owned())),
                    _ => panic!("a file {file}"),
                }
            }
            _ => panic!("{item:?}"),
        }
    }
}

fn mailbox(fields: &KvList) -> Mailbox {
    let records = elements(fields, "RECORD").iter().map(|record| {
        let record = record.kvlist().expect("fields");
        let flags = elements(record, "FLAGS").iter().map(flag).collect();
        (number(record, "UID"), Message { guid: field(record, "GUID"), flags })
    });
    let comment = elements(fields, "ANNOTATIONS").first().and_then(Value::kvlist);
    Mailbox {
        id: field(fields, "UNIQUEID"),
        partition: field(fields, "PARTITION"),
        uidvalidity: field(fields, "UIDVALIDITY"),
        last_uid: number(fields, "LAST_UID"),
        modseq: number(fields, "HIGHESTMODSEQ"),
        comment: comment.map(|annotation| field(annotation, "VALUE")),
        records: records.collect(),
    }
}

fn flag(value: &Value) -> String {
    match value {
        Value::Flag(name) => String::from_utf8_lossy(name).into_owned(),
        value => text(value),
    }
}
