//! `APPLY SIEVE`, `UNSIEVE`, `ACTIVATE_SIEVE`, `UNACTIVATE_SIEVE`, `GET FETCH_SIEVE`, and `SIEVE-MAILBOX`

use crate::peer::{Spool, empty_mailbox, say, say_to_both};
use sha1::{Digest, Sha1};
use sync_server::{
    store::MemoryStore,
    types::{Guid, Release},
};

const OK: &str = "OK success\r\n";
/// SHA-1 of `keep;` and of `discard;`
const KEEP: &str = "1741a5f56c1cfc0f7ef3d0ad53bceb6518bdfdad";
const DISCARD: &str = "0b1374c47420fba6b5be353403e3bdc15a27f2e6";

fn store(name: &str, script: &str) -> String {
    format!("APPLY SIEVE %(USERID u1 FILENAME {name} LAST_UPDATE 5 CONTENT {{{}+}}\r\n{script})\r\n", script.len())
}

/// `FILENAME`, `GUID` and `ISACTIVE` of each script that a reply lists.
fn scripts(heard: &str) -> Vec<(&str, &str, &str)> {
    let of = |line: &str, key: &str| {
        let from = line.find(&format!("{key} ")).unwrap() + key.len() + 1;
        from..from + line[from..].find([' ', ')']).unwrap()
    };
    heard
        .lines()
        .filter(|line| line.starts_with("* SIEVE "))
        .map(|line| {
            let value = |key| &line[of(line, key)];
            (value("FILENAME"), value("GUID"), value("ISACTIVE"))
        })
        .collect()
}

fn listed(memory: &mut MemoryStore, spool: &Spool) -> String {
    let said = "GET META u1\r\n";
    let heard = say(memory, Release::V3_12, said);
    let on_disk = say(&mut spool.store(Release::V3_12), Release::V3_12, said);
    assert_eq!(scripts(&heard), scripts(&on_disk));
    heard
}

const NULL: &str = "0000000000000000000000000000000000000000";

#[test]
fn scripts_are_stored_replaced_activated_and_removed() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let lines = empty_mailbox("user.u1", "aa1") + &store("a.script", "keep;") + &store("b.script", "discard;");
    assert_eq!(say_to_both(&mut memory, &spool, &lines), OK.repeat(3));
    let heard = listed(&mut memory, &spool);
    assert_eq!(scripts(&heard), [("a.script", KEEP, "0"), ("b.script", DISCARD, "0")]);

    let activate = "APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME a.bc)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &activate.repeat(2)), OK.repeat(2));
    let heard = listed(&mut memory, &spool);
    assert_eq!(scripts(&heard), [("a.script", KEEP, "0"), ("a.bc", NULL, "1"), ("b.script", DISCARD, "0")]);
    assert_eq!(link(&spool).as_deref(), Some("a.bc"));

    // A script stays active when it is replaced, and the older one goes.
    assert_eq!(say_to_both(&mut memory, &spool, &store("a.script", "discard;")), OK);
    let heard = listed(&mut memory, &spool);
    assert_eq!(scripts(&heard), [("b.script", DISCARD, "0"), ("a.script", DISCARD, "0"), ("a.bc", NULL, "1")]);
    let fetch = "GET FETCH_SIEVE %(USERID u1 FILENAME a.script)\r\n";
    let expected = "* SIEVE %(USERID u1 FILENAME a.script CONTENT discard;)\r\nOK success\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, fetch), expected);

    let other = "APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME b.bc)\r\nAPPLY UNSIEVE %(USERID u1 FILENAME a.script)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, other), OK.repeat(2));
    let heard = listed(&mut memory, &spool);
    assert_eq!(scripts(&heard), [("b.script", DISCARD, "0"), ("b.bc", NULL, "1")]);
    assert_eq!(link(&spool).as_deref(), Some("b.bc"));

    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNACTIVATE_SIEVE %(USERID u1)\r\n"), OK);
    assert_eq!(scripts(&listed(&mut memory, &spool)), [("b.script", DISCARD, "0")]);
    assert_eq!(link(&spool), None);
}

fn link(spool: &Spool) -> Option<String> {
    let link = std::fs::read_link(spool.path().join("sieve/uuid/a/a/aa1/defaultbc")).ok()?;
    Some(link.to_str().unwrap().to_owned())
}

/// `lmtpd` compiles what is missing or older than the script, but only seconds tell which is older.
#[test]
fn what_was_compiled_from_another_script_goes() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &(empty_mailbox("user.u1", "aa1") + &store("a.script", "keep;")));
    let directory = spool.path().join("sieve/uuid/a/a/aa1");
    let write = |name: &str| std::fs::write(directory.join(name), "").unwrap();
    write("a.bc");
    write("gone.bc");
    say_to_both(&mut memory, &spool, &store("a.script", "discard;"));
    assert_eq!(spool.files("sieve/uuid/a/a/aa1"), Vec::<String>::new());
}

#[test]
fn what_is_no_script_is_passed_over() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &empty_mailbox("user.u1", "aa1"));
    let lines = store("a.bc", "x") + &store("defaultbc", "x") + "APPLY UNSIEVE %(USERID u1 FILENAME a.bc)\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &lines), OK.repeat(3));
    assert_eq!(say_to_both(&mut memory, &spool, "GET META u1\r\n"), OK);
}

#[test]
fn scripts_and_users_that_are_not_there() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    assert_eq!(say_to_both(&mut memory, &spool, &store("a.script", "keep;")), "NO IMAP_INVALID_USER No Such User\r\n");
    say_to_both(&mut memory, &spool, &(empty_mailbox("user.u1", "aa1") + &store("a.script", "keep;")));
    for line in [
        "APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME b.bc)",
        "APPLY UNSIEVE %(USERID u1 FILENAME b.script)",
        "GET FETCH_SIEVE %(USERID u1 FILENAME b.script)",
        "GET FETCH_SIEVE %(USERID u1 FILENAME a.bc)",
        "GET FETCH_SIEVE %(USERID u2 FILENAME a.script)",
    ] {
        let heard = say_to_both(&mut memory, &spool, &format!("{line}\r\n"));
        assert_eq!(heard, "NO IMAP_MAILBOX_NONEXISTENT No Such Mailbox\r\n", "{line}");
    }
    for (line, problem) in [
        ("SIEVE %(USERID u1 FILENAME ../a.script LAST_UPDATE 5 CONTENT x)", "FILENAME holds the byte 0x2f"),
        ("SIEVE %(USERID u1 FILENAME .script LAST_UPDATE 5 CONTENT x)", "FILENAME is empty"),
        ("SIEVE %(USERID u1 FILENAME a.script CONTENT x)", "LAST_UPDATE is missing"),
        ("SIEVE %(USERID u1 FILENAME a.script LAST_UPDATE 5)", "CONTENT is missing"),
        ("SIEVE %(USERID ../u1 FILENAME a.script LAST_UPDATE 5 CONTENT x)", "USERID holds the byte 0x2f"),
        ("ACTIVATE_SIEVE %(USERID u1 FILENAME a.script)", "FILENAME is not known"),
        ("UNACTIVATE_SIEVE %()", "USERID is missing"),
    ] {
        let heard = say_to_both(&mut memory, &spool, &format!("APPLY {line}\r\n"));
        assert_eq!(heard, format!("NO IMAP_PROTOCOL_BAD_PARAMETERS APPLY {problem}\r\n"), "{line}");
    }
}

#[test]
fn the_mailbox_is_there_only_for_those_who_ask() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    say_to_both(&mut memory, &spool, &(empty_mailbox("user.u1", "aa1") + &store("a.script", "keep;")));
    let hidden =
        say(&mut spool.store(Release::V3_12), Release::V3_12, "GET USER u1\r\nGET MAILBOXES (user.u1.#sieve)\r\n");
    assert!(hidden.contains("* SIEVE ") && !hidden.contains("MBOXNAME user.u1.#sieve "), "{hidden}");
    let asked = "APPLY CAPABILITIES (FOO SIEVE-MAILBOX)\r\nGET USER u1\r\n";
    let shown = say(&mut spool.store(Release::V3_12), Release::V3_12, asked);
    assert!(shown.starts_with("* ENABLED (SIEVE-MAILBOX)\r\nOK success\r\n"), "{shown}");
    assert!(!shown.contains("* SIEVE ") && shown.contains("MBOXNAME user.u1.#sieve MBOXTYPE f "), "{shown}");

    let update = empty_mailbox("user.u2.#sieve", "bb1").replace(" SYNC_CRC 0", " MBOXTYPE f SYNC_CRC 0");
    let refused = "NO IMAP_PROTOCOL_BAD_PARAMETERS APPLY MBOXTYPE is not known\r\n";
    assert_eq!(say_to_both(&mut memory, &spool, &update), refused);
    let asked = format!("APPLY CAPABILITIES (SIEVE-MAILBOX)\r\n{update}");
    assert_eq!(say_to_both(&mut memory, &spool, &asked), "* ENABLED (SIEVE-MAILBOX)\r\nOK success\r\nOK success\r\n");
}

#[test]
fn a_message_that_is_too_long_is_no_script() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let head = "Subject: a\r\nContent-Disposition: attachment;\r\n\tfilename=\"id.sieve\"\r\n\r\n";
    for (uniqueid, user, size, listed) in [("aa1", "u1", 4 << 20, 1), ("bb1", "u2", (4 << 20) + 1, 0)] {
        let message = format!("{head}{}", "#".repeat(size - head.len()));
        let guid = Guid::from_bytes(Sha1::digest(&message).into());
        let record = format!(
            "LAST_UID 1 RECORD (%(UID 1 MODSEQ 4 LAST_UPDATED 9 FLAGS () INTERNALDATE 8 SIZE {size} GUID {guid}))"
        );
        let mailbox = empty_mailbox(&format!("user.{user}.#sieve"), uniqueid).replace(" SYNC_CRC 0", " MBOXTYPE f");
        let mailbox = mailbox.replace("LAST_UID 0", &record).replace(" RECORD ())", ")");
        let said = format!(
            "APPLY CAPABILITIES (SIEVE-MAILBOX)\r\nAPPLY MESSAGE (%{{default {guid} {size}}}\r\n{message})\r\n{mailbox}"
        );
        let heard = say_to_both(&mut memory, &spool, &said);
        assert_eq!(heard, format!("* ENABLED (SIEVE-MAILBOX)\r\n{}", OK.repeat(3)));
        let heard = say_to_both(&mut memory, &spool, &format!("GET META {user}\r\n"));
        assert_eq!(heard.matches("* SIEVE ").count(), listed, "{size} bytes");
    }
}

#[cfg(feature = "dav")]
#[test]
fn scripts_are_listed_where_cyrus_looks_them_up() {
    let (mut memory, spool) = (MemoryStore::new(), Spool::new());
    let lines = empty_mailbox("user.u1", "aa1") + &store("a.script", "keep;") + &store("b.script", "discard;");
    say_to_both(&mut memory, &spool, &lines);
    say_to_both(&mut memory, &spool, "APPLY ACTIVATE_SIEVE %(USERID u1 FILENAME b.bc)\r\n");
    say_to_both(
        &mut memory,
        &spool,
        &(store("b.script", "keep;") + "APPLY UNSIEVE %(USERID u1 FILENAME a.script)\r\n"),
    );
    let db = rusqlite::Connection::open(spool.path().join("conf/user/uuid/a/a/aa1/dav.db")).unwrap();
    let mut rows =
        db.prepare("SELECT name, imap_uid, contentid, isactive, alive FROM sieve_scripts ORDER BY name").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))).unwrap();
    let rows: Vec<(String, u32, String, bool, bool)> = rows.map(Result::unwrap).collect();
    let expected = [("a", 1, KEEP, false, false), ("b", 3, KEEP, true, true)];
    assert_eq!(rows, expected.map(|(name, uid, guid, active, alive)| (name.into(), uid, guid.into(), active, alive)));
    // A user who is removed leaves none of it.
    assert_eq!(say_to_both(&mut memory, &spool, "APPLY UNUSER u1\r\n"), OK);
    assert!(!spool.files("conf/user").iter().any(|file| file.contains("aa1")));
    assert_eq!(spool.files("sieve"), ["uuid", "uuid/a", "uuid/a/a"]);
}
