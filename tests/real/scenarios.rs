//! What happens on the master, step by step; every step builds on those before it.

use crate::mail;
use crate::rig::Result;
use crate::rig::imap::Imap;
use crate::rig::instance::Instance;
use crate::rig::release::Release;

/// One change on the master and the `sync_client` runs that carry it to a replica.
pub struct Scenario {
    pub name: &'static str,
    pub change: fn(&Instance) -> Result<()>,
    pub sync: &'static [&'static [&'static str]],
}

const U1: &[&[&str]] = &[&["-u", "u1"]];
const U1_U2: &[&[&str]] = &[&["-u", "u1"], &["-u", "u2"]];
const SHARED: &[&[&str]] = &[&["-m", "shared.news"], &["-s", "u2"], &["-u", "u2"]];
const EVERYTHING: &[&[&str]] = &[&["-A"]];
/// As rolling replication does it: `LOG` stands for the log of what changed in this step.
const LOGGED: &[&[&str]] = &[&["-r", "-f", "LOG"]];
/// The same, then all of the user: the reference's UNUSER of the old name takes the new name's subscriptions away, ours does
/// not.
const RENAMED: &[&[&str]] = &[&["-r", "-f", "LOG"], &["-u", "u4"]];

pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "the first mail of two users", change: first_mail, sync: U1_U2 },
    Scenario { name: "more mail in a mailbox that is there", change: more_mail, sync: U1 },
    Scenario { name: "folders with odd names", change: odd_names, sync: U1 },
    Scenario { name: "flags set and taken away", change: flags, sync: U1 },
    Scenario { name: "more user flags than one word holds", change: user_flags, sync: U1 },
    Scenario { name: "expunge", change: expunge, sync: U1 },
    Scenario { name: "copies", change: copies, sync: U1 },
    Scenario { name: "moves", change: moves, sync: U1 },
    Scenario { name: "quota set", change: quota_set, sync: U1 },
    Scenario { name: "quota changed, and a second root below", change: quota_changed, sync: U1 },
    Scenario { name: "quota lifted", change: quota_lifted, sync: U1 },
    Scenario { name: "access rights", change: access_rights, sync: U1 },
    Scenario { name: "a shared mailbox read by another user", change: shared_mailbox, sync: SHARED },
    Scenario { name: "seen by another user, mail by mail", change: shared_seen, sync: SHARED },
    Scenario { name: "subscriptions", change: subscriptions, sync: U1_U2 },
    Scenario { name: "mailbox annotations", change: mailbox_annotations, sync: U1 },
    Scenario { name: "mailbox annotations changed and removed", change: mailbox_annotations_changed, sync: U1 },
    Scenario { name: "message annotations", change: message_annotations, sync: U1 },
    Scenario { name: "message annotations changed and removed", change: message_annotations_changed, sync: U1 },
    Scenario { name: "special use", change: special_use, sync: U1 },
    Scenario { name: "malformed mail", change: malformed_mail, sync: U1 },
    Scenario { name: "a large message", change: large_message, sync: U1 },
    Scenario { name: "a folder renamed", change: rename, sync: U1 },
    Scenario { name: "a folder deleted", change: delete, sync: U1 },
    Scenario { name: "a folder deleted and made again", change: delete_and_create, sync: U1 },
    Scenario { name: "a mailbox emptied", change: empty, sync: U1 },
    Scenario { name: "a user with many folders", change: many_folders, sync: &[&["-u", "u3"]] },
    Scenario { name: "everything at once", change: nothing, sync: EVERYTHING },
    Scenario { name: "expunged messages expired on the master", change: expire, sync: EVERYTHING },
    Scenario { name: "mail after the expiry", change: more_mail, sync: U1 },
    Scenario { name: "logged: mail", change: more_mail, sync: LOGGED },
    Scenario { name: "logged: seen by another user", change: logged_seen, sync: LOGGED },
    Scenario { name: "logged: subscriptions, quota, rights, annotations", change: logged_settings, sync: LOGGED },
    Scenario { name: "logged: a folder renamed", change: logged_rename, sync: LOGGED },
    Scenario { name: "logged: a folder deleted", change: logged_delete, sync: LOGGED },
    Scenario { name: "logged: a quota root removed with its folder", change: logged_quota_root, sync: LOGGED },
    Scenario { name: "logged: a user deleted", change: delete_user, sync: LOGGED },
    Scenario { name: "logged: a user renamed", change: rename_user, sync: RENAMED },
    Scenario { name: "everything again", change: nothing, sync: EVERYTHING },
];

/// A user's sieve scripts, apart from the rest because a replica makes a mailbox of its own for them.
pub const SIEVE: &[Scenario] = &[
    Scenario { name: "the first mail of two users", change: first_mail, sync: U1_U2 },
    Scenario { name: "sieve scripts", change: sieve, sync: U1 },
    Scenario { name: "sieve scripts changed", change: sieve_changed, sync: U1 },
    Scenario { name: "logged: sieve scripts", change: sieve_logged, sync: LOGGED },
];

fn first_mail(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&["CREATE user.u1", "CREATE user.u2"])?;
    let mut u1 = master.imap("u1")?;
    for n in 0..20 {
        let options = ["", "(\\Seen)", "(\\Flagged) \"17-Jul-2024 02:44:25 -0700\"", "\" 1-Jan-1999 00:00:00 +0000\""];
        u1.append("INBOX", options[n as usize % options.len()], &mail::message(n))?;
    }
    let mut u2 = master.imap("u2")?;
    (100..103).try_for_each(|n| u2.append("INBOX", "", &mail::message(n)))
}

fn more_mail(master: &Instance) -> Result<()> {
    let mut u1 = selected(master, "u1", "INBOX")?;
    (200..205).try_for_each(|n| u1.append("INBOX", "", &mail::message(n)))?;
    u1.ok("NOOP").map(drop)
}

fn odd_names(master: &Instance) -> Result<()> {
    let mut u1 = master.imap("u1")?;
    for name in
        ["Sub folder", "&AOk-t&AOk-", "Q&-A", "x^y", "a.b.c.d.e.f.g", "UPPER", "[Mail]", "(round)", "it's", "=?x?="]
    {
        u1.ok(&format!("CREATE \"INBOX.{name}\""))?;
        u1.append(&format!("\"INBOX.{name}\""), "", &mail::message(300 + name.len() as u64))?;
    }
    Ok(())
}

fn flags(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&[
        "STORE 1:3 +FLAGS (\\Answered \\Flagged $Label1 Junk)",
        "STORE 2 FLAGS (\\Draft \\Seen)",
        "STORE 3 -FLAGS ($Label1 \\Flagged)",
        "STORE 4 +FLAGS ($MDNSent NonJunk $Forwarded)",
        "FETCH 5:6 BODY[TEXT]",
    ])
}

fn user_flags(master: &Instance) -> Result<()> {
    let mut u1 = selected(master, "u1", "INBOX")?;
    (0..40).try_for_each(|n| u1.ok(&format!("STORE {} +FLAGS (keyword{n})", 1 + n % 20)).map(drop))
}

fn expunge(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&[
        "STORE 2,4,6,8 +FLAGS (\\Deleted)",
        "UID EXPUNGE 2:5",
        "EXPUNGE",
        "STORE 1 +FLAGS (\\Deleted)",
    ])
}

fn copies(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&["COPY 1:4 \"INBOX.Sub folder\"", "COPY 3:5 INBOX.UPPER", "COPY 3 INBOX"])
}

fn moves(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&["MOVE 3:4 INBOX.a.b.c.d.e.f.g", "UID MOVE 12:13 \"INBOX.Sub folder\""])
}

fn quota_set(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&["SETQUOTA user.u1 (STORAGE 100000)"])
}

fn quota_changed(master: &Instance) -> Result<()> {
    let (folders, annotations) = match master.release {
        Release::V36 => ("X-NUM-FOLDERS", "X-ANNOTATION-STORAGE"),
        Release::V312 => ("MAILBOX", "ANNOTATION-STORAGE"),
    };
    master.imap("cyrus")?.all(&[
        &format!("SETQUOTA user.u1 (STORAGE 200000 MESSAGE 5000 {folders} 1000 {annotations} 4000)"),
        "SETQUOTA user.u1.a (STORAGE 1000)",
    ])
}

fn quota_lifted(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&["SETQUOTA user.u1 (STORAGE 300000)", "SETQUOTA user.u1.a ()"])
}

fn access_rights(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&[
        "SETACL user.u1 u2 lrs",
        "SETACL user.u1.UPPER u2 lrswipkxtecda",
        "SETACL user.u1.UPPER -u3 w",
        "SETACL user.u1.UPPER anyone lr",
        "SETACL user.u1.x^y u2 lrs",
        "DELETEACL user.u1.x^y u2",
    ])
}

fn shared_mailbox(master: &Instance) -> Result<()> {
    let mut admin = master.imap("cyrus")?;
    admin.all(&[
        "CREATE shared",
        "CREATE shared.news",
        "SETACL shared.news u1 lrswip",
        "SETACL shared.news u2 lrswn",
    ])?;
    let mut u1 = master.imap("u1")?;
    (400..406).try_for_each(|n| u1.append("shared.news", "", &mail::message(n)))?;
    let mut u2 = selected(master, "u2", "shared.news")?;
    u2.all(&["FETCH 1:2 BODY[]", "SUBSCRIBE shared.news", "CLOSE", "LOGOUT"])
}

fn shared_seen(master: &Instance) -> Result<()> {
    let mut u2 = selected(master, "u2", "shared.news")?;
    u2.all(&["STORE 1 -FLAGS (\\Seen)", "STORE 4,6 +FLAGS (\\Seen)", "CLOSE", "LOGOUT"])?;
    let mut u2 = selected(master, "u2", "user.u1.UPPER")?;
    u2.all(&["STORE 1 +FLAGS (\\Seen)", "CLOSE", "LOGOUT"])
}

fn subscriptions(master: &Instance) -> Result<()> {
    let folders = ["SUBSCRIBE INBOX", "SUBSCRIBE \"INBOX.Sub folder\"", "SUBSCRIBE INBOX.x^y", "SUBSCRIBE INBOX.a.b.c"];
    master.imap("u1")?.all(&folders)?;
    master.imap("u1")?.all(&["UNSUBSCRIBE INBOX.x^y"])?;
    master.imap("u2")?.all(&["SUBSCRIBE INBOX", "UNSUBSCRIBE shared.news", "SUBSCRIBE user.u1.UPPER"])
}

fn mailbox_annotations(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&[
        "SETMETADATA INBOX (/private/comment \"mine\" /shared/comment \"ours\")",
        "SETMETADATA \"INBOX.Sub folder\" (/private/comment {9+}\r\ntwo\r\nline /shared/vendor/example/color \"#ff0000\")",
        "SETMETADATA INBOX.UPPER (/private/comment \"\" /shared/comment \"goes\")",
    ])?;
    let mut admin = master.imap("cyrus")?;
    admin.all(&[
        "SETACL user.u1 cyrus lrswipkxtecdan",
        "SETMETADATA user.u1 (/shared/vendor/cmu/cyrus-imapd/expire \"3650\")",
    ])
}

fn mailbox_annotations_changed(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&[
        "SETMETADATA INBOX (/private/comment \"changed\")",
        "SETMETADATA INBOX.UPPER (/shared/comment NIL)",
        "SETMETADATA \"INBOX.Sub folder\" (/shared/vendor/example/color NIL /shared/vendor/example/size \"9\")",
    ])
}

fn message_annotations(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&[
        "STORE 1:3 ANNOTATION (/comment (value.priv \"private note\" value.shared \"shared note\"))",
        "STORE 4 ANNOTATION (/altsubject (value.shared \"another subject\"))",
    ])?;
    let mut u2 = selected(master, "u2", "user.u1.UPPER")?;
    u2.all(&["STORE 1 ANNOTATION (/comment (value.priv \"of another user\"))"])
}

fn message_annotations_changed(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX")?.all(&[
        "STORE 1 ANNOTATION (/comment (value.priv NIL))",
        "STORE 2 ANNOTATION (/comment (value.priv \"changed\" value.shared NIL))",
        "COPY 2 INBOX.UPPER",
    ])
}

fn special_use(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&[
        "CREATE INBOX.Drafts (USE (\\Drafts))",
        "CREATE INBOX.Sent",
        "SETMETADATA INBOX.Sent (/private/specialuse \"\\\\Sent\")",
        "CREATE INBOX.Junk (USE (\\Junk))",
        "SETMETADATA INBOX.Junk (/private/specialuse NIL)",
    ])
}

fn malformed_mail(master: &Instance) -> Result<()> {
    let mut u1 = master.imap("u1")?;
    u1.ok("CREATE INBOX.malformed")?;
    mail::malformed().iter().try_for_each(|message| u1.append("INBOX.malformed", "", message))
}

fn large_message(master: &Instance) -> Result<()> {
    master.imap("u1")?.append("INBOX.UPPER", "(\\Seen)", &mail::large(500, 1_500_000))
}

fn sieve(master: &Instance) -> Result<()> {
    let mut sieve = master.sieve_of_u1()?;
    sieve.put("keep", "keep;\r\n")?;
    sieve.put(
        "to file",
        "require \"fileinto\";\r\nif header :contains \"subject\" \"list\" { fileinto \"INBOX.Sub\"; }\r\n",
    )?;
    sieve.ok("SETACTIVE \"to file\"")
}

fn sieve_changed(master: &Instance) -> Result<()> {
    let mut sieve = master.sieve_of_u1()?;
    sieve.put("keep", "discard;\r\n")?;
    sieve.ok("SETACTIVE \"keep\"")?;
    sieve.ok("DELETESCRIPT \"to file\"")
}

fn sieve_logged(master: &Instance) -> Result<()> {
    let mut sieve = master.sieve_of_u1()?;
    sieve.put("third", "stop;\r\n")?;
    sieve.ok("SETACTIVE \"\"")
}

fn rename(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&["RENAME INBOX.a INBOX.z", "RENAME \"INBOX.Sub folder\" INBOX.Sub"])
}

fn delete(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&["DELETE INBOX.x^y", "DELETE INBOX.UPPER"])
}

fn delete_and_create(master: &Instance) -> Result<()> {
    let mut u1 = master.imap("u1")?;
    u1.all(&["DELETE INBOX.[Mail]", "CREATE INBOX.[Mail]"])?;
    u1.append("INBOX.[Mail]", "", &mail::message(600))
}

fn empty(master: &Instance) -> Result<()> {
    selected(master, "u1", "INBOX.Sub")?.all(&["STORE 1:* +FLAGS.SILENT (\\Deleted)", "EXPUNGE"])
}

fn many_folders(master: &Instance) -> Result<()> {
    let mut admin = master.imap("cyrus")?;
    admin.ok("CREATE user.u3")?;
    let mut u3 = master.imap("u3")?;
    for n in 0..60 {
        u3.ok(&format!("CREATE INBOX.list{}.topic{n}", n % 7))?;
        if n % 5 == 0 {
            u3.append(&format!("INBOX.list{}.topic{n}", n % 7), "(work)", &mail::message(700 + n))?;
        }
    }
    Ok(())
}

fn expire(master: &Instance) -> Result<()> {
    master.expire(&["-E", "0", "-X", "0", "-D", "0"])
}

fn delete_user(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&["SETACL user.u3 cyrus lrswipkxtecda", "DELETE user.u3"])
}

fn rename_user(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&["RENAME user.u2 user.u4"])
}

fn logged_seen(master: &Instance) -> Result<()> {
    let mut u2 = selected(master, "u2", "shared.news")?;
    u2.all(&["STORE 3 +FLAGS (\\Seen)", "STORE 4 -FLAGS (\\Seen)", "CLOSE", "LOGOUT"])
}

fn logged_settings(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&[
        "SUBSCRIBE INBOX.Sent",
        "UNSUBSCRIBE \"INBOX\"",
        "SETMETADATA INBOX.Sent (/private/comment \"logged\" /shared/comment \"logged\")",
    ])?;
    master.imap("cyrus")?.all(&[
        "SETQUOTA user.u1 (STORAGE 400000)",
        "SETQUOTA user.u1.Sent (MESSAGE 100)",
        "SETACL user.u1.Sent u3 lr",
        "SETMETADATA \"\" (/shared/comment \"of the server\")",
    ])
}

fn logged_rename(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&["RENAME INBOX.z.b INBOX.y", "RENAME INBOX.Sent INBOX.Gone"])
}

fn logged_delete(master: &Instance) -> Result<()> {
    master.imap("u1")?.all(&["DELETE INBOX.Sub"])
}

fn logged_quota_root(master: &Instance) -> Result<()> {
    master.imap("cyrus")?.all(&[
        "CREATE shared.quota",
        "SETQUOTA shared.quota (STORAGE 10)",
        "SETACL shared.quota cyrus lrswipkxtecda",
        "DELETE shared.quota",
    ])
}

fn nothing(_: &Instance) -> Result<()> {
    Ok(())
}

fn selected(master: &Instance, user: &str, mailbox: &str) -> Result<Imap> {
    let mut imap = master.imap(user)?;
    imap.ok(&format!("SELECT \"{mailbox}\""))?;
    Ok(imap)
}
