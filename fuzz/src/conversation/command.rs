//! Commands, and how a client prints them.

use sync_server::types::Guid;

/// The bodies of all messages there are.
pub const MESSAGES: [&str; 4] = ["A: 0\r\n\r\nzero\r\n", "A: 1\r\n\r\n(\"\r\n", "A: 2\r\n\r\nNOOP\r\n", "A: 3\r\n\r\n"];

pub fn guid(message: usize) -> String {
    Guid::of(MESSAGES[message].as_bytes()).to_string()
}

/// What a master says of a mailbox. `identity` is of no account to `APPLY`.
#[derive(Clone, Debug)]
pub struct Update {
    pub name: &'static str,
    pub id: &'static str,
    pub identity: bool,
    pub partition: &'static str,
    pub uidvalidity: u32,
    pub last_uid: u32,
    pub modseq: u32,
    pub annotation: Option<&'static str>,
    pub records: Vec<Record>,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub uid: u32,
    pub modseq: u32,
    pub message: usize,
    pub flags: Vec<&'static str>,
}

#[derive(Clone, Debug)]
pub enum Command {
    Message {
        partition: &'static str,
        messages: Vec<usize>,
    },
    Reserve {
        partition: &'static str,
        mailboxes: Vec<&'static str>,
        messages: Vec<usize>,
    },
    Mailbox(Update),
    /// An intermediate folder or a tombstone.
    Entry {
        name: &'static str,
        id: &'static str,
        letter: &'static str,
    },
    Restore(Update),
    Expunge {
        name: &'static str,
        id: &'static str,
        uids: Vec<u32>,
    },
    Unmailbox(&'static str),
    Rename {
        old: &'static str,
        new: &'static str,
        partition: &'static str,
        uidvalidity: u32,
    },
    Subscription {
        user: &'static str,
        name: &'static str,
        subscribed: bool,
    },
    Seen {
        user: &'static str,
        id: &'static str,
        uids: &'static str,
    },
    Quota {
        root: &'static str,
        limit: u32,
    },
    Unquota(&'static str),
    /// Of the server where there is no name; no value removes it.
    Annotation {
        name: &'static str,
        value: &'static str,
    },
    Script {
        user: &'static str,
        name: &'static str,
        content: &'static str,
    },
    Unscript {
        user: &'static str,
        name: &'static str,
    },
    Activate {
        user: &'static str,
        name: &'static str,
    },
    Deactivate(&'static str),
    Unuser(&'static str),
    /// One that reads.
    Get {
        item: &'static str,
        value: String,
    },
    Force,
    Restart,
}

/// A line: what it begins with, and its fields or only value.
pub struct Line {
    pub head: String,
    pub value: Value,
}

pub enum Value {
    Nothing,
    Plain(String),
    Fields(Vec<(&'static str, String)>),
}

impl Line {
    pub fn print(&self) -> Vec<u8> {
        let value = match &self.value {
            Value::Nothing => String::new(),
            Value::Plain(value) => format!(" {value}"),
            Value::Fields(fields) => format!(" {}", print_fields(fields)),
        };
        format!("{}{value}\r\n", self.head).into_bytes()
    }
}

fn print_fields(fields: &[(&'static str, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("%({})", pairs.join(" "))
}

fn list(elements: impl IntoIterator<Item = impl ToString>) -> String {
    let elements: Vec<String> = elements.into_iter().map(|element| element.to_string()).collect();
    format!("({})", elements.join(" "))
}

fn guids(messages: &[usize]) -> String {
    list(messages.iter().map(|message| guid(*message)))
}

impl Command {
    pub fn line(&self) -> Line {
        let apply = |item: &str, value| Line { head: format!("APPLY {item}"), value };
        let fields = |item, fields: &[(&'static str, &str)]| {
            let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            apply(item, Value::Fields(fields))
        };
        match self {
            Command::Message { partition, messages } => apply("MESSAGE", Value::Plain(upload(partition, messages))),
            Command::Reserve { partition, mailboxes, messages } => fields(
                "RESERVE",
                &[("PARTITION", partition), ("MBOXNAME", &list(mailboxes)), ("GUID", &guids(messages))],
            ),
            Command::Mailbox(update) => apply("MAILBOX", Value::Fields(update.fields())),
            Command::Restore(update) => {
                Line { head: "RESTORE MAILBOX".to_owned(), value: Value::Fields(update.of_backup()) }
            }
            Command::Entry { name, id, letter } => {
                fields("MAILBOX", &[("UNIQUEID", id), ("MBOXNAME", name), ("HIGHESTMODSEQ", "9"), ("MBOXTYPE", letter)])
            }
            Command::Expunge { name, id, uids } => {
                fields("EXPUNGE", &[("MBOXNAME", name), ("UNIQUEID", id), ("UID", &list(uids))])
            }
            Command::Unmailbox(name) => apply("UNMAILBOX", Value::Plain((*name).to_owned())),
            Command::Rename { old, new, partition, uidvalidity } => fields(
                "RENAME",
                &[
                    ("OLDMBOXNAME", old),
                    ("NEWMBOXNAME", new),
                    ("PARTITION", partition),
                    ("UIDVALIDITY", &uidvalidity.to_string()),
                ],
            ),
            Command::Subscription { user, name, subscribed } => {
                fields(if *subscribed { "SUB" } else { "UNSUB" }, &[("USERID", user), ("MBOXNAME", name)])
            }
            Command::Seen { user, id, uids } => fields(
                "SEEN",
                &[
                    ("USERID", user),
                    ("UNIQUEID", id),
                    ("LASTREAD", "1"),
                    ("LASTUID", "2"),
                    ("LASTCHANGE", "3"),
                    ("SEENUIDS", uids),
                ],
            ),
            Command::Quota { root, limit } => {
                fields("QUOTA", &[("ROOT", root), ("LIMIT", &limit.to_string()), ("MODSEQ", "5")])
            }
            Command::Unquota(root) => apply("UNQUOTA", Value::Plain((*root).to_owned())),
            Command::Annotation { name, value: "" } => {
                fields("UNANNOTATION", &[("MBOXNAME", name), ("ENTRY", "/comment"), ("USERID", "\"\"")])
            }
            Command::Annotation { name, value } => {
                fields("ANNOTATION", &[("MBOXNAME", name), ("ENTRY", "/comment"), ("USERID", "\"\""), ("VALUE", value)])
            }
            Command::Script { user, name, content } => fields(
                "SIEVE",
                &[
                    ("USERID", user),
                    ("FILENAME", &format!("{name}.script")),
                    ("LAST_UPDATE", "5"),
                    ("CONTENT", &format!("{{{}+}}\r\n{content}", content.len())),
                ],
            ),
            Command::Unscript { user, name } => {
                fields("UNSIEVE", &[("USERID", user), ("FILENAME", &format!("{name}.script"))])
            }
            Command::Activate { user, name } => {
                fields("ACTIVATE_SIEVE", &[("USERID", user), ("FILENAME", &format!("{name}.bc"))])
            }
            Command::Deactivate(user) => fields("UNACTIVATE_SIEVE", &[("USERID", user)]),
            Command::Unuser(user) => apply("UNUSER", Value::Plain((*user).to_owned())),
            Command::Get { item, value } => Line { head: format!("GET {item}"), value: Value::Plain(value.clone()) },
            Command::Force => apply("FORCE", Value::Plain("%()".to_owned())),
            Command::Restart => Line { head: "RESTART".to_owned(), value: Value::Nothing },
        }
    }
}

fn upload(partition: &str, messages: &[usize]) -> String {
    list(messages.iter().map(|message| {
        let body = MESSAGES[*message];
        format!("%{{{partition} {} {}}}\r\n{body}", guid(*message), body.len())
    }))
}

impl Record {
    fn print(&self) -> String {
        print_fields(&[
            ("UID", self.uid.to_string()),
            ("MODSEQ", self.modseq.to_string()),
            ("LAST_UPDATED", "1700000000".to_owned()),
            ("FLAGS", list(&self.flags)),
            ("INTERNALDATE", "1690000000".to_owned()),
            ("SIZE", MESSAGES[self.message].len().to_string()),
            ("GUID", guid(self.message)),
        ])
    }
}

impl Update {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.identified();
        fields.extend([
            ("MBOXNAME", self.name.to_owned()),
            ("LAST_UID", self.last_uid.to_string()),
            ("RECENTUID", "0".to_owned()),
            ("RECENTTIME", "0".to_owned()),
            ("LAST_APPENDDATE", "0".to_owned()),
            ("POP3_LAST_LOGIN", "0".to_owned()),
            ("POP3_SHOW_AFTER", "0".to_owned()),
            ("PARTITION", self.partition.to_owned()),
            ("ACL", "\"\"".to_owned()),
            ("OPTIONS", "P".to_owned()),
            ("RECORD", self.list()),
        ]);
        fields
    }

    /// As a backup has it, for which all but the name and the records is said or left to the replica.
    fn of_backup(&self) -> Vec<(&'static str, String)> {
        let mut fields = if self.identity { self.identified() } else { Vec::new() };
        let name = ("MBOXNAME", self.name.to_owned());
        fields.extend([name, ("PARTITION", self.partition.to_owned()), ("RECORD", self.list())]);
        fields
    }

    fn identified(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("UNIQUEID", self.id.to_owned()),
            ("UIDVALIDITY", self.uidvalidity.to_string()),
            ("HIGHESTMODSEQ", self.modseq.to_string()),
        ];
        let annotation = |value| format!("(%(ENTRY /comment USERID \"\" MODSEQ 1 VALUE {value}))");
        fields.extend(self.annotation.map(|value| ("ANNOTATIONS", annotation(value))));
        fields
    }

    fn list(&self) -> String {
        list(self.records.iter().map(Record::print))
    }
}
