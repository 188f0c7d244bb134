//! Bytes to commands about few users, mailboxes, uids and messages, so that they meet; now and then one with a field that is
//! not what it should be.

use super::{
    choices::Choices,
    command::{Command, Line, MESSAGES, Record, Update, Value, guid},
};

/// A line, and what it means; `None` where one of its fields was made another.
pub struct Said {
    pub line: Vec<u8>,
    pub command: Option<Command>,
}

pub const USERS: [&str; 2] = ["u1", "u2"];
pub const NAMES: [&str; 5] = ["user.u1", "user.u1.a", "user.u1.a.b", "user.u2", "user.u2.a"];
const IDS: [&str; 5] = ["id-1", "id-1a", "id-1ab", "id-2", "id-2a"];
const PARTITIONS: [&str; 2] = ["default", "p"];
pub const SCRIPTS: [&str; 2] = ["s", "t"];
const CONTENTS: [&str; 3] = ["keep;", "discard;", ""];
const FLAGS: [&str; 6] = ["\\Seen", "\\Flagged", "Foo", "$Bar", "\\Deleted", "\\Expunged"];

/// Commands of one conversation, behind its beginning: enough for them to meet, and few, as everything is read after each.
const LONGEST: usize = 16;

/// The conversation that these bytes choose. Mostly there are two users already, and all messages are staged.
pub fn conversation(bytes: &[u8]) -> Vec<Said> {
    let mut choices = Choices::of(bytes);
    let mut said = if choices.one_in(4) { Vec::new() } else { beginning() };
    while !choices.is_empty() && said.len() < LONGEST {
        let command = command(&mut choices);
        let mut line = command.line();
        let mutated = choices.one_in(8) && mutate(&mut line, &mut choices);
        said.push(Said { line: line.print(), command: Some(command).filter(|_| !mutated) });
    }
    said
}

fn beginning() -> Vec<Said> {
    let all: Vec<usize> = (0..MESSAGES.len()).collect();
    let staged = PARTITIONS.map(|partition| Command::Message { partition, messages: all.clone() });
    let mailbox = |place: usize, uids: &[u32]| {
        let record =
            |uid: &u32| Record { uid: *uid, modseq: 2, message: *uid as usize % MESSAGES.len(), flags: vec![] };
        Command::Mailbox(Update {
            name: NAMES[place],
            id: IDS[place],
            identity: true,
            partition: PARTITIONS[0],
            uidvalidity: 1,
            last_uid: uids.last().copied().unwrap_or_default(),
            modseq: 9,
            annotation: None,
            records: uids.iter().map(record).collect(),
        })
    };
    let commands = staged.into_iter().chain([mailbox(0, &[1, 3]), mailbox(1, &[2]), mailbox(3, &[])]);
    commands.map(|command| Said { line: command.line().print(), command: Some(command) }).collect()
}

fn command(choices: &mut Choices) -> Command {
    let user = |choices: &mut Choices| choices.one_of(&USERS);
    match choices.below(28) {
        0..=3 => Command::Message { partition: partition(choices), messages: messages(choices) },
        4 => {
            let (partition, mailboxes) = (partition(choices), choices.some_of(&NAMES));
            Command::Reserve { partition, mailboxes, messages: messages(choices) }
        }
        5..=9 => Command::Mailbox(update(choices)),
        10 => Command::Entry {
            name: choices.one_of(&NAMES),
            id: choices.one_of(&IDS),
            letter: choices.one_of(&["i", "d"]),
        },
        11 => Command::Restore(update(choices)),
        12 | 13 => {
            let (name, id) = name_and_id(choices);
            Command::Expunge { name, id, uids: (1..=8).filter(|_| choices.one_in(2)).collect() }
        }
        14 => Command::Unmailbox(choices.one_of(&NAMES)),
        15 => Command::Rename {
            old: choices.one_of(&NAMES),
            new: choices.one_of(&NAMES),
            partition: partition(choices),
            uidvalidity: choices.below(3),
        },
        16 => {
            Command::Subscription { user: user(choices), name: choices.one_of(&NAMES), subscribed: !choices.one_in(3) }
        }
        17 => Command::Seen {
            user: user(choices),
            id: choices.one_of(&IDS),
            uids: choices.one_of(&["1", "1:3,5", "\"\""]),
        },
        18 => Command::Quota { root: choices.one_of(&NAMES), limit: choices.below(4) },
        19 => Command::Unquota(choices.one_of(&NAMES)),
        20 => {
            let name = if choices.one_in(4) { "\"\"" } else { choices.one_of(&NAMES) };
            Command::Annotation { name, value: choices.one_of(&["", "x", "y"]) }
        }
        21 => {
            Command::Script { user: user(choices), name: choices.one_of(&SCRIPTS), content: choices.one_of(&CONTENTS) }
        }
        22 => Command::Unscript { user: user(choices), name: choices.one_of(&SCRIPTS) },
        23 => Command::Activate { user: user(choices), name: choices.one_of(&SCRIPTS) },
        24 => Command::Deactivate(user(choices)),
        25 if choices.one_in(4) => Command::Unuser(user(choices)),
        25 | 26 => get(choices),
        _ if choices.one_in(4) => Command::Force,
        _ => Command::Restart,
    }
}

fn partition(choices: &mut Choices) -> &'static str {
    PARTITIONS[usize::from(choices.one_in(5))]
}

fn messages(choices: &mut Choices) -> Vec<usize> {
    let bits = choices.byte();
    (0..MESSAGES.len()).filter(|place| bits >> place & 1 == 0).collect()
}

/// Mostly each mailbox has its own unique id.
fn name_and_id(choices: &mut Choices) -> (&'static str, &'static str) {
    let place = choices.below(NAMES.len() as u32) as usize;
    let id = if choices.one_in(6) { choices.one_of(&IDS) } else { IDS[place] };
    (NAMES[place], id)
}

fn update(choices: &mut Choices) -> Update {
    let (name, id) = name_and_id(choices);
    let records = records(choices);
    Update {
        name,
        id,
        identity: choices.one_in(2),
        partition: partition(choices),
        uidvalidity: 1 + choices.below(2),
        // Now and then too low.
        last_uid: (records.last().map_or(0, |record| record.uid) + choices.below(4))
            .saturating_sub(u32::from(choices.one_in(8))),
        modseq: 10 + choices.below(16),
        annotation: Some(choices.one_of(&["x", "y"])).filter(|_| choices.one_in(3)),
        records,
    }
}

fn records(choices: &mut Choices) -> Vec<Record> {
    let mut uid = choices.below(4);
    let count = choices.below(4);
    let mut record = || {
        uid += choices.below(8).max(1) / 2 + u32::from(uid == 0);
        let message = choices.below(MESSAGES.len() as u32) as usize;
        Record { uid, modseq: 1 + choices.below(12), message, flags: choices.some_of(&FLAGS) }
    };
    (0..count).map(|_| record()).collect()
}

fn get(choices: &mut Choices) -> Command {
    let (item, value) = match choices.below(6) {
        0 => ("USER", choices.one_of(&USERS).to_owned()),
        1 => ("MAILBOXES", format!("({})", NAMES.join(" "))),
        2 => ("UNIQUEIDS", format!("({})", IDS.join(" "))),
        3 => ("FULLMAILBOX", choices.one_of(&NAMES).to_owned()),
        4 => (
            "FETCH_SIEVE",
            format!("%(USERID {} FILENAME {}.script)", choices.one_of(&USERS), choices.one_of(&SCRIPTS)),
        ),
        _ => {
            let (name, id) = name_and_id(choices);
            let guid = guid(choices.below(MESSAGES.len() as u32) as usize);
            let (partition, uid) = (partition(choices), choices.below(9));
            ("FETCH", format!("%(MBOXNAME {name} PARTITION {partition} UNIQUEID {id} GUID {guid} UID {uid})"))
        }
    };
    Command::Get { item, value }
}

/// What may stand where something else should.
const WRONG: [&str; 14] = [
    "NIL",
    "\"\"",
    "()",
    "%()",
    "(",
    ")",
    "0",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "../../x",
    "{3+}\r\na\0b",
    "%{default 0000000000000000000000000000000000000000 3}\r\nabc",
    "user.u2",
];

/// Makes a field another, or leaves it out; whether there was one.
fn mutate(line: &mut Line, choices: &mut Choices) -> bool {
    match &mut line.value {
        Value::Nothing => return false,
        Value::Plain(value) => *value = choices.one_of(&WRONG).to_owned(),
        Value::Fields(fields) if fields.is_empty() => return false,
        Value::Fields(fields) => {
            let place = choices.byte() as usize % fields.len();
            match choices.below(4) {
                0 => drop(fields.remove(place)),
                _ => fields[place].1 = choices.one_of(&WRONG).to_owned(),
            }
        }
    }
    true
}
