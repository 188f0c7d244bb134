//! Cyrus's own tools and its imapd on what our server wrote: they find nothing to repair and see what the master has.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

use sha1::{Digest, Sha1};

use crate::rig::instance::Instance;
use crate::rig::release::{Release, run};
use crate::rig::trio::Trio;
use crate::rig::{Failure, Result};
use crate::scenarios::SCENARIOS;

#[test]
fn tools_find_nothing_to_repair_in_a_replica_of_3_6() -> Result<()> {
    tools_agree(Release::V36)
}

#[test]
fn tools_find_nothing_to_repair_in_a_replica_of_3_12() -> Result<()> {
    tools_agree(Release::V312)
}

#[test]
fn clients_see_the_same_in_a_replica_of_3_6_as_on_its_master() -> Result<()> {
    clients_agree(Release::V36)
}

#[test]
fn clients_see_the_same_in_a_replica_of_3_12_as_on_its_master() -> Result<()> {
    clients_agree(Release::V312)
}

fn tools_agree(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    // A folder that leaves its quota root keeps it on the reference's own replicas, which `quota` then sees.
    let renamed = SCENARIOS.iter().position(|s| s.name == "a folder renamed").ok_or(Failure::new("no such step"))?;
    let (before, after) = SCENARIOS.split_at(renamed);
    before.iter().try_for_each(|scenario| trio.play(scenario))?;
    assert_eq!(quota_changes(&trio.ours)?, Vec::<String>::new(), "quota -f");
    after.iter().try_for_each(|scenario| trio.play(scenario))?;
    assert_eq!(quota_changes(&trio.ours)?, quota_changes(&trio.real)?, "quota -f");
    assert_eq!(repairs(&trio.ours)?, Vec::<String>::new(), "reconstruct -n");
    assert_eq!(printed(&trio.ours, "quota", &[])?, printed(&trio.real, "quota", &[])?, "quota");
    assert_eq!(inconsistent_databases(&trio.ours)?, Vec::<String>::new(), "cyr_dbtool consistent");
    for mailbox in mailboxes(&trio.ours)? {
        let examined = printed(&trio.ours, "mbexamine", &["-q", &mailbox])?.join("\n");
        assert!(examined.contains("CORRECT total quota usage"), "mbexamine {mailbox}: {examined}");
        let [ours, real] = [&trio.ours, &trio.real].map(|replica| printed(replica, "mbexamine", &[&mailbox]));
        assert_eq!(ours?, real?, "mbexamine {mailbox}");
    }
    Ok(())
}

fn clients_agree(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::start(release)?;
    trio.play_all()?;
    for user in ["u1", "u2", "u3", "u4", "cyrus"] {
        let (mut master, mut ours) = (trio.master.imap(user)?, trio.ours.imap(user)?);
        for command in ["LIST \"\" \"*\"", "LSUB \"\" \"*\"", "NAMESPACE", "GETMETADATA \"\" (/shared/comment)"] {
            assert_eq!(undeleted(master.ok(command)?), undeleted(ours.ok(command)?), "{user}: {command}");
        }
        for mailbox in listed(&undeleted(master.ok("LIST \"\" \"*\"")?)) {
            for command in LOOKS {
                let command = command.replace("MAILBOX", &mailbox);
                let (on_master, on_ours) = (master.answer(&command)?, ours.answer(&command)?);
                assert_eq!(on_master.len(), on_ours.len(), "{user}: {command}: {on_master:#?} {on_ours:#?}");
                for (on_master, on_ours) in on_master.iter().zip(&on_ours) {
                    assert_eq!(without_flag_order(on_master), without_flag_order(on_ours), "{user}: {command}");
                }
            }
        }
    }
    Ok(())
}

/// What a client looks at in one mailbox.
const LOOKS: [&str; 7] = [
    "STATUS MAILBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ MAILBOXID)",
    "MYRIGHTS MAILBOX",
    "GETACL MAILBOX",
    "GETQUOTAROOT MAILBOX",
    "GETMETADATA MAILBOX (/private/comment /shared/comment /private/specialuse /shared/vendor/example/size)",
    "EXAMINE MAILBOX",
    "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE MODSEQ BODY.PEEK[] ANNOTATION (/* (value size)))",
];

/// A replica numbers a mailbox's keywords as it meets them in records; their order means nothing to a client.
fn without_flag_order(line: &str) -> String {
    let Some((before, rest)) = line.split_once("FLAGS (") else { return line.to_string() };
    let Some((flags, after)) = rest.split_once(')') else { return line.to_string() };
    let mut flags: Vec<&str> = flags.split(' ').collect();
    flags.sort_unstable();
    format!("{before}FLAGS ({}){after}", flags.join(" "))
}

/// Responses but those about deleted mailboxes, which each server expires when it wants to.
fn undeleted(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.contains("DELETED.")).collect()
}

/// The names in LIST responses, quoted as they came.
fn listed(responses: &[String]) -> Vec<String> {
    let name =
        |line: &String| line.split_once("\"/\" ").or(line.split_once("\".\" ")).map(|(_, name)| name.to_string());
    responses.iter().filter_map(name).collect()
}

pub fn printed(instance: &Instance, tool: &str, arguments: &[&str]) -> Result<Vec<String>> {
    let mut command = instance.tool(tool);
    command.args(arguments);
    let output = run(command)?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok(text.replace(&instance.directory, "DIR").lines().map(str::to_string).collect())
}

/// Fails unless Cyrus's tools have nothing to mend in what an instance keeps.
pub fn nothing_to_mend(instance: &Instance) -> Result<()> {
    assert_eq!(repairs(instance)?, Vec::<String>::new(), "reconstruct -n");
    assert_eq!(inconsistent_databases(instance)?, Vec::<String>::new(), "cyr_dbtool consistent");
    Ok(())
}

/// What `quota -f` would change: it names the root or mailbox, a colon, and the change.
pub fn quota_changes(instance: &Instance) -> Result<Vec<String>> {
    let lines = printed(instance, "quota", &["-f", "-n"])?;
    Ok(lines.into_iter().filter(|line| line.contains(": ")).collect())
}

/// What `reconstruct` would change: it prints each mailbox's name, and more only when something is wrong with it.
pub fn repairs(instance: &Instance) -> Result<Vec<String>> {
    let known = mailboxes(instance)?;
    let mut lines = printed(instance, "reconstruct", &["-n", "-r", "user"])?;
    lines.extend(printed(instance, "reconstruct", &["-n", "-r", "shared"])?);
    assert!(!lines.is_empty(), "reconstruct looked at nothing");
    Ok(lines.into_iter().filter(|line| !known.contains(line)).collect())
}

/// The same of one tree, which may be empty.
pub fn repairs_below(instance: &Instance, tree: &str) -> Result<Vec<String>> {
    let known = mailboxes(instance)?;
    let lines = printed(instance, "reconstruct", &["-n", "-r", tree])?;
    Ok(lines.into_iter().filter(|line| !known.contains(line)).collect())
}

/// The same of users' mailboxes, where no server runs that tells which there are.
pub fn repairs_among(instance: &Instance, mailboxes: &BTreeSet<&str>) -> Result<Vec<String>> {
    let lines = printed(instance, "reconstruct", &["-n", "-r", "user"])?;
    let seen: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
    let unseen = mailboxes.difference(&seen).map(|name| format!("{name} is not looked at"));
    Ok(seen.difference(mailboxes).map(|line| (*line).to_owned()).chain(unseen).collect())
}

fn mailboxes(instance: &Instance) -> Result<Vec<String>> {
    let list = instance.imap("cyrus")?.ok("LIST \"\" \"*\"")?;
    Ok(listed(&list).iter().map(|name| name.trim_matches('"').to_string()).collect())
}

/// What `cyr_dbtool` finds wrong; of files of the same bytes only the first is looked at, unless it is wrong.
pub fn inconsistent_databases(instance: &Instance) -> Result<Vec<String>> {
    static KNOWN: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut wrong = Vec::new();
    for (path, format) in crate::compare::databases(instance)? {
        let sum = Sha1::digest(fs::read(instance.base().join(&path))?).to_vec();
        if known().contains(&sum) {
            continue;
        }
        let said = printed(instance, "cyr_dbtool", &[&format!("{}/{path}", instance.directory), format, "consistent"])?;
        if said != ["Yes, consistent"] {
            wrong.push(format!("{path}: {}", said.join("; ")));
        } else {
            known().insert(sum);
        }
    }
    Ok(wrong)
}
