//! The same command in both framings gives the same untagged lines and the same outcome.

use super::talk;
use crate::common::{
    messages::{guid, mailbox, record, records, upload},
    strict::Strict,
    talk::Talk,
    transcript::Transcript,
};
use bytes::Bytes;
use sync_server::{
    session::{Config, Framing},
    store::MemoryStore,
};

/// One store behind each framing.
struct Both {
    csync: Talk,
    imap: Talk,
    commands: usize,
}

impl Both {
    fn new(config: Config) -> Both {
        let within = Config { framing: Framing::Imap, ..config.clone() };
        Both {
            csync: Talk::with(config, Strict::new(MemoryStore::new())),
            imap: Talk::without_greeting(within, Strict::new(MemoryStore::new())),
            commands: 0,
        }
    }

    /// Says a csync line in both framings; the reply, which is the same but for its tag.
    #[track_caller]
    fn say(&mut self, line: &[u8]) -> Bytes {
        self.commands += 1;
        let tag = format!("S{}", self.commands);
        let reply = self.csync.say(line.to_vec());
        let tagged = self.imap.say([tag.as_bytes(), b" SYNC", line].concat());
        assert_eq!(self.imap.returned.as_deref(), Some(&b""[..]));
        assert_eq!(tagged, with_tag(&tag, &reply), "{}", String::from_utf8_lossy(line));
        reply
    }
}

/// The reply with the tag before its last line.
fn with_tag(tag: &str, reply: &[u8]) -> Vec<u8> {
    let lines = reply.strip_suffix(b"\r\n").unwrap();
    let last = lines.windows(2).rposition(|end| end == b"\r\n").map_or(0, |at| at + 2);
    [&reply[..last], tag.as_bytes(), b" ", &reply[last..]].concat()
}

/// Commands of every kind, each with what its reply holds.
fn commands() -> Vec<(String, &'static str)> {
    let inbox = mailbox("user.jane", "id-jane");
    let with_mail =
        inbox.clone().with("LAST_UID", 1).with("RECORD", records(&[record(1, b"Subject: one\r\n\r\n1\r\n")]));
    let reserve = format!("%(PARTITION default MBOXNAME () GUID ({}))", guid(b"none"));
    vec![
        ("GET USER jane".into(), "OK success"),
        (format!("APPLY RESERVE {reserve}"), "* MISSING ("),
        (format!("APPLY MAILBOX {with_mail}"), "OK success"),
        (format!("APPLY MAILBOX {}", inbox.clone().with("UNIQUEID", "id-other")), "NO IMAP_MAILBOX_MOVED"),
        (format!("APPLY MAILBOX {}", inbox.clone().without("UIDVALIDITY")), "NO IMAP_PROTOCOL_BAD_PARAMETERS"),
        ("GET USER jane".into(), "* MAILBOX %("),
        ("GET META jane".into(), "OK success"),
        ("GET MAILBOXES (user.jane user.none)".into(), "* MAILBOX %("),
        ("GET UNIQUEIDS (id-jane)".into(), "* MAILBOX %("),
        ("GET FULLMAILBOX user.jane".into(), "RECORD (%(UID 1"),
        ("GET FULLMAILBOX user.none".into(), "NO IMAP_MAILBOX_NONEXISTENT"),
        ("APPLY QUOTA %(ROOT user.jane STORAGE 100)".into(), "OK success"),
        ("GET QUOTA user.jane".into(), "* QUOTA %(ROOT user.jane"),
        ("APPLY SUB %(USERID jane MBOXNAME user.jane)".into(), "OK success"),
        (
            "APPLY SEEN %(USERID jane UNIQUEID id-jane LASTREAD 1 LASTUID 1 LASTCHANGE 2 SEENUIDS 1)".into(),
            "OK success",
        ),
        ("APPLY ANNOTATION %(MBOXNAME user.jane ENTRY /comment USERID jane VALUE {3+}\r\na\"b)".into(), "OK success"),
        ("GET ANNOTATION user.jane".into(), "* ANNOTATION %("),
        ("GET META jane".into(), "* SEEN %("),
        (
            format!(
                "GET FETCH %(MBOXNAME user.jane PARTITION default UNIQUEID id-jane GUID {} UID 1)",
                guid(b"Subject: one\r\n\r\n1\r\n")
            ),
            "* MESSAGE %{",
        ),
        ("GET FETCH_SIEVE %(USERID jane FILENAME none.script)".into(), "NO "),
        ("APPLY EXPUNGE %(MBOXNAME user.jane UNIQUEID id-jane UID (1))".into(), "OK success"),
        ("APPLY CAPABILITIES (SIEVE-MAILBOX UNHEARD-OF)".into(), "* ENABLED (SIEVE-MAILBOX)"),
        ("APPLY FORCE NIL".into(), "OK success"),
        (format!("RESTORE MAILBOX %(MBOXNAME user.back RECORD {})", records(&[])), ""),
        (
            "APPLY RENAME %(OLDMBOXNAME user.jane NEWMBOXNAME user.joan PARTITION default UIDVALIDITY 7)".into(),
            "OK success",
        ),
        ("APPLY UNSUB %(USERID jane MBOXNAME user.jane)".into(), "OK success"),
        ("APPLY UNQUOTA user.jane".into(), ""),
        ("APPLY UNMAILBOX user.joan".into(), "OK success"),
        ("APPLY UNUSER jane".into(), "OK success"),
        ("APPLY NONSENSE x".into(), "NO IMAP_PROTOCOL_ERROR"),
        ("GET NONSENSE x".into(), "NO IMAP_PROTOCOL_ERROR"),
        ("RESTART".into(), "OK Restarting"),
    ]
}

#[test]
fn commands_of_every_kind() {
    let mut both = Both::new(Config::trusted("r"));
    both.say(&upload(&[b"Subject: one\r\n\r\n1\r\n"]));
    for (line, holds) in commands() {
        let reply = both.say(format!("{line}\r\n").as_bytes());
        let reply = String::from_utf8_lossy(&reply);
        assert!(reply.contains(holds), "{line}\n{reply}");
    }
}

/// What a real client said to a real server, each line behind a tag.
#[test]
fn recorded_conversations() {
    for names in [["first-user-36.csync", "all-36.csync"], ["first-user-312.csync", "all-312.csync"]] {
        let mut both = Both::new(Transcript::read(names[0]).config());
        for turn in names.iter().flat_map(|name| Transcript::read(name).turns) {
            let is_shared =
                [&b"APPLY "[..], b"GET ", b"RESTORE ", b"RESTART"].iter().any(|verb| turn.client.starts_with(verb));
            if is_shared {
                assert_eq!(both.say(&turn.client), turn.server);
            }
        }
        assert!(both.commands >= 10, "{}", both.commands);
    }
}

#[test]
fn what_one_framing_says_of_a_line_it_cannot_read_the_other_says_too() {
    let mut csync = Talk::about(MemoryStore::new());
    for (line, in_csync, in_imap) in [
        ("GET (", "BAD IMAP_PROTOCOL_ERROR Failed to parse GET line", "BAD Replication parse failure in Syncget"),
        ("APPLY", "BAD IMAP_PROTOCOL_ERROR Failed to parse APPLY line", "BAD Replication parse failure in Syncapply"),
        (
            "RESTORE x",
            "BAD IMAP_PROTOCOL_ERROR Failed to parse RESTORE line",
            "BAD Replication parse failure in Syncrestore",
        ),
        ("RESTART x", "BAD Unexpected extra arguments to Restart", "BAD Unexpected extra arguments to Syncrestart"),
    ] {
        assert_eq!(csync.line(line), format!("{in_csync}\r\n"));
        assert_eq!(talk().line(&format!("x SYNC{line}")), format!("x {in_imap}\r\n"));
    }
}
