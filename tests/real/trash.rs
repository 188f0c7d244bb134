//! With `sync_server_trash`: a master removes a folder and a user for good, Cyrus's own tools are content with what is kept,
//! and imapd serves it again after one command.

use std::fs;

use crate::mail;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::{Release, User, run};
use crate::rig::{Result, imap::Imap};
use crate::tools::{inconsistent_databases, printed, repairs, repairs_below};

#[test]
fn what_a_3_6_master_removes_comes_back_by_one_command() -> Result<()> {
    removed_and_restored(Release::V36)
}

#[test]
fn what_a_3_12_master_removes_comes_back_by_one_command() -> Result<()> {
    removed_and_restored(Release::V312)
}

fn removed_and_restored(release: Release) -> Result<()> {
    if std::env::var_os("SYNC_SERVER_UNDER_TEST").is_some() {
        return Ok(());
    }
    let _serial = release.lock();
    let master = Instance::start(release, "master", SyncServer::Reference, &["delete_mode: immediate"])?;
    let ours = Instance::start(release, "ours", SyncServer::Ours, &["sync_server_trash: 7d"])?;
    fill(&master)?;
    master.sync(&ours, &["-A"])?;
    let before = seen_by_both(&ours)?;
    master.take_sync_log()?;
    master.imap("u1")?.ok("DELETE INBOX.Work")?;
    master.imap("cyrus")?.ok("DELETE user.u3")?;
    // Of a user who is gone at once, 3.12.3 logs more than its sync_client survives.
    let log = master.take_sync_log()?;
    fs::write(release.outside(&log), "UNMAILBOX user.u1.Work\nUNUSER u3\n")?;
    let said = master.sync(&ours, &["-r", "-f", &log])?;
    assert_eq!(said.applied(), ["APPLY UNMAILBOX user.u1.Work", "APPLY UNUSER u3"], "{}", said.0);
    let deleted = ours.imap("cyrus")?.ok("LIST \"\" \"DELETED.*\"")?;
    assert_eq!(deleted.len(), 3, "{deleted:?}");
    assert_eq!(ours.imap("u1")?.ok("LIST \"\" INBOX.*")?, Vec::<String>::new());
    content(&ours)?;
    // The master neither sees the trash nor fights it.
    for arguments in [&["-A"][..], &["-u", "u1"]] {
        let said = master.sync(&ours, arguments)?;
        assert_eq!(said.applied(), Vec::<&str>::new(), "{arguments:?}");
        assert!(!said.0.contains("DELETED"), "{}", said.0);
    }
    let restored = restore(&ours, &["user.u1.Work", "user.u3"])?;
    assert_eq!(restored.matches(" restored from DELETED.user.").count(), 3, "{restored}");
    assert_eq!(seen_by_both(&ours)?, before);
    assert_eq!(ours.imap("cyrus")?.ok("LIST \"\" \"DELETED.*\"")?, Vec::<String>::new());
    content(&ours)?;
    let mut u3 = ours.imap("u3")?;
    u3.append("INBOX", "", &mail::message(9))?;
    assert_eq!(u3.ok("STATUS INBOX (MESSAGES)")?, ["* STATUS INBOX (MESSAGES 4)"]);
    content(&ours)?;
    expired_by_cyrus(&master, &ours, &log)
}

/// What is removed again goes for good by the tool with which Cyrus empties its own trash.
fn expired_by_cyrus(master: &Instance, ours: &Instance, log: &str) -> Result<()> {
    fs::write(master.release.outside(log), "UNUSER u3\n")?;
    master.sync(ours, &["-r", "-f", log])?;
    assert_eq!(ours.imap("cyrus")?.ok("LIST \"\" \"DELETED.*\"")?.len(), 2);
    // A mailbox is deleted if it is older than the time given, in whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    ours.expire(&["-E", "3", "-D", "0"])?;
    assert_eq!(ours.imap("cyrus")?.ok("LIST \"\" \"DELETED.*\"")?, Vec::<String>::new());
    content(ours)
}

/// A user with a folder, and one with a folder, a quota, a subscription and mail that was read.
fn fill(master: &Instance) -> Result<()> {
    let mut admin = master.imap("cyrus")?;
    admin.all(&["CREATE user.u1", "CREATE user.u3", "SETACL user.u3 cyrus lrswipkxtecda"])?;
    admin.ok("SETQUOTA user.u3 (STORAGE 5000)")?;
    for (user, folder) in [("u1", "Work"), ("u3", "Sub")] {
        let mut imap = master.imap(user)?;
        (0..3).try_for_each(|n| imap.append("INBOX", "", &mail::message(n)))?;
        imap.all(&[&format!("CREATE INBOX.{folder}"), &format!("SUBSCRIBE INBOX.{folder}")])?;
        (3..8).try_for_each(|n| imap.append(&format!("INBOX.{folder}"), "(\\Flagged $Work)", &mail::message(n)))?;
        imap.ok(&format!("SETMETADATA INBOX.{folder} (/private/comment \"of {user}\")"))?;
        imap.all(&[&format!("SELECT INBOX.{folder}"), "STORE 1:2 +FLAGS (\\Seen)"])?;
    }
    Ok(())
}

/// What both users see of the mailboxes that are to go.
fn seen_by_both(ours: &Instance) -> Result<Vec<String>> {
    let mut seen = looks(&mut ours.imap("u1")?, "INBOX.Work")?;
    let mut u3 = ours.imap("u3")?;
    seen.extend(looks(&mut u3, "INBOX.Sub")?);
    seen.extend(looks(&mut u3, "INBOX")?);
    Ok(seen)
}

fn looks(imap: &mut Imap, mailbox: &str) -> Result<Vec<String>> {
    let mut seen = Vec::new();
    for command in [
        "LIST \"\" \"*\"",
        "LSUB \"\" \"*\"",
        "GETQUOTAROOT @",
        "STATUS @ (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)",
        "GETMETADATA @ (/private/comment)",
        "EXAMINE @",
        "UID FETCH 1:* (FLAGS INTERNALDATE MODSEQ ENVELOPE BODY.PEEK[])",
    ] {
        seen.extend(imap.ok(&command.replace('@', mailbox))?);
    }
    Ok(seen)
}

/// Cyrus's tools find nothing to repair.
fn content(ours: &Instance) -> Result<()> {
    assert_eq!(repairs(ours)?, Vec::<String>::new(), "reconstruct -n");
    assert_eq!(repairs_below(ours, "DELETED")?, Vec::<String>::new(), "reconstruct -n of the trash");
    let mut listed = printed(ours, "ctl_mboxlist", &["-v"])?;
    // It looks for directories by name only: of a sound spool too it finds none of any mailbox, and no mailbox of any.
    listed.retain(|line| !line.contains(" has a DB entry but no directory ") && !line.contains("' but no DB entry"));
    assert_eq!(listed, Vec::<String>::new(), "ctl_mboxlist -v");
    assert_eq!(inconsistent_databases(ours)?, Vec::<String>::new(), "cyr_dbtool consistent");
    let changed: Vec<String> =
        printed(ours, "quota", &["-f", "-n"])?.into_iter().filter(|line| line.contains(": ")).collect();
    assert_eq!(changed, Vec::<String>::new(), "quota -f");
    Ok(())
}

fn restore(ours: &Instance, names: &[&str]) -> Result<String> {
    let mut command = ours.release.command(User::Cyrus, &format!("{}/bin/sync_server", ours.directory));
    command.args(["-C", &format!("{}/imapd.conf", ours.directory), "--restore-trash"]).args(names);
    let output = run(command)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
