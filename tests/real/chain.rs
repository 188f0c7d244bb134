//! A replica that others follow: a further replica and a search index by its sync log, its own `imapd` by what is kept beside the
//! mailboxes: counts, and whose mailboxes a user may see.

use std::collections::BTreeSet;

use crate::compare::{self, Steps};
use crate::rig::Result;
use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::trio::Trio;
use crate::scenarios::{SCENARIOS, SIEVE, Scenario};

/// What a replica's imapd.conf says for all of that, and the other format of subscriptions.
pub const FOLLOWED: &[&str] = &[
    "sync_log_chain: yes",
    "sync_log_channels: \"\" squatter",
    "statuscache: yes",
    "reverseacls: yes",
    "subscription_db: twoskip",
];

#[test]
fn a_3_6_replica_is_followed_as_a_real_one() -> Result<()> {
    is_followed(Release::V36)
}

#[test]
fn a_3_12_replica_is_followed_as_a_real_one() -> Result<()> {
    is_followed(Release::V312)
}

fn is_followed(release: Release) -> Result<()> {
    let _serial = release.lock();
    let trio = Trio::with(release, FOLLOWED)?;
    let of_real = Instance::start(release, "of-real", SyncServer::Reference, &[])?;
    let of_ours = Instance::start(release, "of-ours", SyncServer::Reference, &[])?;
    let mut steps = Steps::default();
    for scenario in SCENARIOS {
        trio.play(scenario)?;
        steps.look(scenario.name, trio.differences()?);
        if let Some(difference) = in_logs(&trio, scenario)? {
            steps.fail(scenario.name, &difference);
        }
        if let Some(difference) = in_status(&trio)? {
            steps.fail(scenario.name, &difference);
        }
        hand_on(&trio.real, &of_real)?;
        hand_on(&trio.ours, &of_ours)?;
    }
    let differences = compare::replicas(&of_real, &of_ours)?;
    assert!(differences.is_empty(), "{}", compare::report(&differences));
    for scenario in &SIEVE[1..] {
        trio.play(scenario)?;
        if let Some(difference) = in_logs(&trio, scenario)? {
            steps.fail(scenario.name, &difference);
        }
        trio.real.take_sync_log()?;
        trio.ours.take_sync_log()?;
    }
    steps.assert_none_failed();
    Ok(())
}

/// Replicates what was logged, and nothing else.
fn hand_on(replica: &Instance, further: &Instance) -> Result<()> {
    if replica.base().join("conf/sync/log").exists() {
        replica.sync(further, &["-r", "-f", &replica.take_sync_log()?])?;
    }
    Ok(())
}

/// What one replica has logged in this step and the other has not.
fn in_logs(trio: &Trio, scenario: &Scenario) -> Result<Option<String>> {
    let (mut real, ours) = (logged(&trio.real, "")?, logged(&trio.ours, "")?);
    real.retain(|line| ours.contains(line) || !is_of_no_use(line, scenario, trio.master.release));
    let of_index = logged(&trio.ours, "squatter/")?;
    let is_same = real == ours && ours.is_subset(&of_index);
    Ok((!is_same).then(|| format!("logged by real {real:?}, ours {ours:?}, for the index {of_index:?}")))
}

/// The lines in a replica's log of a channel.
fn logged(replica: &Instance, channel: &str) -> Result<BTreeSet<String>> {
    let log = replica.base().join(format!("conf/sync/{channel}log"));
    Ok(std::fs::read_to_string(log).unwrap_or_default().lines().map(str::to_string).collect())
}

/// Whether a line of the reference's tells followers nothing.
fn is_of_no_use(line: &str, scenario: &Scenario, release: Release) -> bool {
    // Which root a mailbox belongs to is not replicated; the root is, and has a line.
    let of_quota = scenario.name.starts_with("quota") && line.starts_with("MAILBOX ");
    // 3.6 logs the INBOX of whoever may see a mailbox from now on, or no more; it has not changed.
    let of_reader =
        release == Release::V36 && ["MAILBOX user.u1", "MAILBOX user.u2", "MAILBOX user.u3"].contains(&line);
    // The reference's UNUSER of a renamed user's old name ends the new one's subscriptions.
    let of_unuser = scenario.name == "logged: a user renamed" && line.starts_with("SUB ");
    of_quota || of_reader || of_unuser
}

/// What the two replicas' `imapd`s say differently of users' mailboxes.
fn in_status(trio: &Trio) -> Result<Option<String>> {
    const ASKED: &str = "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ SIZE))";
    for user in ["u1", "u2"] {
        let says = |replica: &Instance| -> Result<BTreeSet<String>> {
            Ok(replica.imap(user)?.answer(ASKED)?.into_iter().collect())
        };
        let (real, ours) = (says(&trio.real)?, says(&trio.ours)?);
        if real != ours {
            let (only_real, only_ours) = (real.difference(&ours), ours.difference(&real));
            let lists = format!("{:?}, {:?}", only_real.collect::<Vec<_>>(), only_ours.collect::<Vec<_>>());
            return Ok(Some(format!("STATUS of {user}: {lists}")));
        }
    }
    Ok(None)
}
