//! What a master says in the matrix: one of each kind of change, in an order in which each has something to change.

use crate::common::master::{Mailbox, Message};

/// One command.
#[derive(Clone, Debug)]
pub struct Command {
    /// What it does, for reports.
    pub name: &'static str,
    /// Said once in an earlier session: mailboxes that are there for this command, and those of another that go.
    pub setting: String,
    /// Said first in the session of the command, whenever it is said: uploads that are not to be cut.
    pub before: String,
    /// The command.
    pub said: String,
    /// Whether it is one change, or many that are each made whole.
    pub grain: Grain,
}

/// What of a command is done or not done together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grain {
    /// All of it.
    Whole,
    /// Each mailbox, quota root and list of a user on its own.
    Each,
}

/// All commands.
pub fn script() -> Vec<Command> {
    let mut script = Script { commands: Vec::new(), inbox: Mailbox::new("user.u1", "id00000001") };
    script.mailboxes();
    script.records();
    script.headers();
    script.quota();
    script.names();
    script.lists();
    script.scripts();
    script.removals();
    script.commands
}

struct Script {
    commands: Vec<Command>,
    inbox: Mailbox,
}

fn uploads(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| Message::number(number).upload("default")).collect()
}

/// A mailbox that was made with these messages.
fn filled(name: &str, id: &str, numbers: std::ops::Range<usize>) -> Mailbox {
    let mut mailbox = Mailbox::new(name, id);
    for number in numbers {
        mailbox.append(Message::number(number));
    }
    mailbox
}

fn apply(line: &str) -> String {
    format!("APPLY {line}\r\n")
}

fn rename(old: &str, new: &str, partition: &str) -> String {
    apply(&format!("RENAME %(OLDMBOXNAME {old} NEWMBOXNAME {new} PARTITION {partition} UIDVALIDITY 0)"))
}

impl Script {
    fn say(&mut self, name: &'static str, said: String) {
        self.say_after(String::new(), String::new(), name, said);
    }

    fn say_after(&mut self, setting: String, before: String, name: &'static str, said: String) {
        self.commands.push(Command { name, setting, before, said, grain: Grain::Whole });
    }

    fn say_each(&mut self, name: &'static str, said: String) {
        self.say(name, said);
        self.commands.last_mut().unwrap().grain = Grain::Each;
    }

    /// The INBOX says what is new in these records.
    fn inbox_says(&mut self, name: &'static str, uids: &[u32]) {
        let line = self.inbox.line(uids, self.inbox.crcs(), "");
        self.say(name, line);
    }

    /// New mailboxes and new messages.
    fn mailboxes(&mut self) {
        self.inbox_says("new mailbox", &[]);
        let mut folder = filled("user.u1.a", "id00000002", 0..2);
        folder.annotations.insert(("/comment", "u1"), "of-the-mailbox".to_owned());
        folder.change(2, |record| {
            record.flags = vec!["\\Seen", "$Work"];
            record.annotations.insert(("/comment", ""), "of-a-message".to_owned());
            record.conversation = 0x1234_5678_9abc;
        });
        self.say("new mailbox with messages", uploads(0..2) + &folder.all());
        let uid = self.inbox.append(Message::number(10));
        let line = self.inbox.line(&[uid], self.inbox.crcs(), "");
        self.say("append one", uploads(10..11) + &line);
        let uids: Vec<u32> = (11..17).map(|number| self.inbox.append(Message::number(number))).collect();
        self.inbox.change(uids[2], |record| {
            record.flags = vec!["\\Flagged", "Todo"];
            record.annotations.insert(("/altsubject", "u1"), "six".to_owned());
        });
        let line = self.inbox.line(&uids, self.inbox.crcs(), "");
        self.say("append six", uploads(11..17) + &line);
        let mut other = Mailbox::new("user.u2", "id00000003");
        let empty = other.all();
        let uids: Vec<u32> = (20..65).map(|number| other.append(Message::number(number))).collect();
        self.say_after(empty, uploads(20..65), "append forty-five", other.line(&uids, other.crcs(), ""));
    }

    /// Changes of records.
    fn records(&mut self) {
        self.inbox.change(1, |record| record.flags.push("\\Seen"));
        let line = self.inbox.line(&[1], self.inbox.crcs(), "");
        self.say_after(apply("UNUSER u2"), String::new(), "flag of one message", line);
        let mut big = filled("user.u3", "id00000004", 100..300);
        let setting = uploads(100..300) + &big.all();
        let uids: Vec<u32> = (1..=200).step_by(3).collect();
        uids.iter().for_each(|uid| big.change(*uid, |record| record.flags.push("\\Answered")));
        self.say_after(setting, String::new(), "flags of many messages", big.line(&uids, big.crcs(), ""));
        self.inbox.change(2, |record| record.flags.push("New"));
        let line = self.inbox.line(&[2], self.inbox.crcs(), "USERFLAGS (Todo New Later) ");
        self.say_after(apply("UNUSER u3"), String::new(), "new user flags", line);
        for uid in [3, 4] {
            self.inbox.change(uid, |record| drop(record.annotations.insert(("/comment", "u1"), format!("of-{uid}"))));
        }
        self.inbox_says("annotations of messages", &[3, 4]);
        self.inbox.change(3, |record| drop(record.annotations.remove(&("/comment", "u1"))));
        self.inbox_says("annotation of a message removed", &[3]);
        self.inbox.change(4, |record| record.expunged = true);
        self.inbox.change(5, |record| record.expunged = true);
        self.inbox_says("expunge by records", &[4, 5]);
        self.say("expunge by uids", apply("EXPUNGE %(MBOXNAME user.u1 UNIQUEID id00000001 UID (2 6))"));
        for uid in [2, 6] {
            self.inbox.records.get_mut(&uid).unwrap().expunged = true;
        }
    }

    /// Changes of what a mailbox says of itself.
    fn headers(&mut self) {
        self.inbox.modseq += 1;
        self.inbox.annotations.insert(("/comment", ""), "for-all".to_owned());
        self.inbox.annotations.insert(("/comment", "u1"), "for-one".to_owned());
        self.inbox_says("annotations of a mailbox", &[]);
        self.inbox.annotations.remove(&("/comment", "u1"));
        self.inbox.modseq += 1;
        self.inbox_says("annotation of a mailbox removed", &[]);
        self.inbox.modseq += 1;
        self.inbox.folder_modseq = self.inbox.modseq;
        self.inbox.acl = "u1\tlrs\tu2\tlr\t";
        self.inbox_says("access rights", &[]);
        self.inbox.modseq += 1;
        self.inbox.options = "PS";
        self.inbox.uidvalidity += 1;
        self.inbox_says("options and uidvalidity", &[]);
        self.inbox.modseq += 1;
        let line = self.inbox.line(&[], self.inbox.crcs(), "USERGROUPS staff ");
        self.say("groups of a user", line);
    }

    /// Quota roots, and changes that count for one.
    fn quota(&mut self) {
        self.say_each("quota root above", apply("QUOTA %(ROOT user.u1 LIMIT 1000 STORAGE 1000 MODSEQ 3)"));
        self.say_each("quota root below", apply("QUOTA %(ROOT user.u1.a LIMIT 2000 MESSAGE 20 MODSEQ 4)"));
        self.say("limits of a quota root", apply("QUOTA %(ROOT user.u1 LIMIT 3000 STORAGE 3000 MODSEQ 5)"));
        let uid = self.inbox.append(Message::number(17));
        let line = self.inbox.line(&[uid], self.inbox.crcs(), "");
        self.say("append below a quota root", uploads(17..18) + &line);
        let uids: Vec<u32> = (70..75).map(|number| self.inbox.append(Message::number(number))).collect();
        let line = self.inbox.line(&uids, self.inbox.crcs(), "");
        self.say_after(String::new(), uploads(70..75), "append five below a quota root", line);
        self.inbox.change(7, |record| record.flags.push("\\Deleted"));
        self.inbox_says("flag below a quota root", &[7]);
        self.inbox.change(7, |record| record.expunged = true);
        self.inbox_says("expunge below a quota root", &[7]);
        self.inbox.change(1, |record| drop(record.annotations.insert(("/comment", ""), "counted".to_owned())));
        self.inbox_says("annotation of a message below a quota root", &[1]);
        let annotation = apply("ANNOTATION %(MBOXNAME user.u1.a ENTRY /comment USERID \"\" VALUE alone)");
        self.say("annotation below a quota root", annotation);
        self.say(
            "option by annotation",
            apply("ANNOTATION %(MBOXNAME user.u1.a ENTRY /vendor/cmu/cyrus-imapd/sharedseen USERID \"\" VALUE true)"),
        );
    }

    /// Mailboxes that take messages of others, other names and other places.
    fn names(&mut self) {
        let message = Message::number(10);
        let folder = filled("user.u1.c", "id00000005", 10..11);
        let reserve = apply(&format!("RESERVE %(PARTITION default MBOXNAME (user.u1) GUID ({}))", message.guid));
        self.say("message of another mailbox", reserve + &folder.all());
        self.say("rename", rename("user.u1.c", "user.u1.d", "default"));
        self.say("rename to another quota root", rename("user.u1.d", "user.u1.a.d", "default"));
        self.say("move to another partition", rename("user.u1.a.d", "user.u1.a.d", "second"));
        self.say("rename and move", rename("user.u1.a.d", "user.u1.a.f", "default"));
        let inbox = filled("user.u4", "id00000006", 30..31);
        let setting = uploads(30..31)
            + &inbox.all()
            + &apply("SUB %(USERID u4 MBOXNAME user.u4)")
            + &apply("SEEN %(USERID u4 UNIQUEID id00000001 LASTREAD 5 LASTUID 4 LASTCHANGE 5 SEENUIDS 1:2)");
        self.say_after(setting, String::new(), "rename of an INBOX", rename("user.u4", "user.u5", "default"));
        let old = Mailbox::new("user.u1.e", "id00000007");
        let new = filled("user.u1.e", "id00000008", 31..32);
        self.say_after(old.all(), uploads(31..32), "replace an empty mailbox", new.all());
        let mut newer = filled("user.u1.e", "id00000009", 32..34);
        newer.annotations.insert(("/comment", ""), "newer".to_owned());
        self.say_after(String::new(), apply("FORCE %()") + &uploads(32..34), "replace a mailbox by force", newer.all());
        let restored = "RESTORE MAILBOX %(MBOXNAME user.u1.e RECORD (%(UID 9 MODSEQ 1 LAST_UPDATED 1700000000 FLAGS () \
             INTERNALDATE 1690000000 SIZE";
        let message = Message::number(35);
        let line = format!("{restored} {} GUID {})))\r\n", message.text.len(), message.guid);
        self.say_after(String::new(), message.upload("default"), "restore a message", line);
    }

    /// What lies in files of its own.
    fn lists(&mut self) {
        for (name, line) in [
            ("annotation of the server", "ANNOTATION %(MBOXNAME \"\" ENTRY /comment USERID \"\" VALUE one)"),
            ("annotation of the server removed", "UNANNOTATION %(MBOXNAME \"\" ENTRY /comment USERID \"\")"),
            ("annotation of a mailbox by itself", "ANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID u1 VALUE two)"),
            ("annotation of a mailbox removed by itself", "UNANNOTATION %(MBOXNAME user.u1 ENTRY /comment USERID u1)"),
            ("subscribe", "SUB %(USERID u1 MBOXNAME user.u1.a)"),
            ("subscribe to another", "SUB %(USERID u1 MBOXNAME user.u1)"),
            ("unsubscribe", "UNSUB %(USERID u1 MBOXNAME user.u1.a)"),
            ("seen", "SEEN %(USERID u1 UNIQUEID id00000001 LASTREAD 5 LASTUID 4 LASTCHANGE 5 SEENUIDS 1:2)"),
            ("seen more", "SEEN %(USERID u1 UNIQUEID id00000001 LASTREAD 6 LASTUID 5 LASTCHANGE 6 SEENUIDS 1:5)"),
            (
                "tombstone",
                "MAILBOX %(UNIQUEID id00000010 MBOXNAME user.u1.t MBOXTYPE d HIGHESTMODSEQ 7 CREATEDMODSEQ 3)",
            ),
            (
                "place holder",
                "MAILBOX %(UNIQUEID id00000011 MBOXNAME user.u1.i MBOXTYPE i HIGHESTMODSEQ 7 CREATEDMODSEQ 3)",
            ),
        ] {
            self.say(name, apply(line));
        }
    }

    /// Sieve scripts.
    fn scripts(&mut self) {
        let script = |name: &str, content: &str| {
            apply(&format!("SIEVE %(USERID u1 FILENAME {name}.script LAST_UPDATE 5 CONTENT \"{content}\")"))
        };
        self.say("script", script("one", "keep;"));
        self.say("script replaced", script("one", "discard;"));
        self.say_after(
            script("two", "keep;"),
            String::new(),
            "script activated",
            apply("ACTIVATE_SIEVE %(USERID u1 FILENAME two.bc)"),
        );
        self.say("script deactivated", apply("UNACTIVATE_SIEVE %(USERID u1)"));
        self.say("script removed", apply("UNSIEVE %(USERID u1 FILENAME one.script)"));
    }

    /// What goes.
    fn removals(&mut self) {
        self.say("remove a place holder", apply("UNMAILBOX user.u1.i"));
        self.say("remove a mailbox", apply("UNMAILBOX user.u1.e"));
        self.say_each("remove a quota root", apply("UNQUOTA user.u1.a"));
        self.say_each("remove a user", apply("UNUSER u1"));
    }
}
