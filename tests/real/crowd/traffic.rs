//! What users do, on the master and on mailboxes that only the replica has.

use std::thread;
use std::time::{Duration, Instant};

use crate::mail;
use crate::rig::Result;
use crate::rig::imap::Imap;
use crate::rig::instance::Instance;

/// Makes a mailbox for each user, and has its use counted.
pub fn make(instance: &Instance, users: &[&str]) -> Result<()> {
    let mut admin = instance.imap("cyrus")?;
    let make = |user: &&str| {
        admin
            .all(&[&format!("CREATE user.{user}"), &format!("SETQUOTA user.{user} (STORAGE 10000000 MESSAGE 1000000)")])
    };
    users.iter().try_for_each(make)
}

/// Messages by which the INBOX grows in a round.
pub const MORE: u64 = 2;

/// One round of a user's day: mail comes, is flagged, copied and expunged; folders come and go.
pub fn round(instance: &Instance, user: &str, round: u64) -> Result<()> {
    let mut imap = instance.imap(user)?;
    (0..3).try_for_each(|n| imap.append("INBOX", "", &mail::message(round * 10 + n)))?;
    let folder = format!("INBOX.f{}", round % 3);
    // It may be there from the last time.
    imap.answer(&format!("CREATE {folder}"))?;
    imap.all(&[
        "SELECT INBOX",
        &format!("STORE 1:2 +FLAGS (\\Flagged word{})", round % 20),
        &format!("COPY 1 {folder}"),
    ])?;
    imap.all(&["STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "CLOSE"])?;
    if round % 5 == 4 {
        delete(&mut imap, &folder)?;
    }
    imap.ok("LOGOUT").map(drop)
}

/// Deletes a folder. The original keeps it under a name that the second is part of, so that it refuses to delete a folder of the
/// same name twice in one.
fn delete(imap: &mut Imap, folder: &str) -> Result<()> {
    let command = format!("DELETE {folder}");
    match imap.ok(&command) {
        Err(failure) if failure.0.ends_with("NO Mailbox already exists") => {
            thread::sleep(Duration::from_secs(1));
            imap.ok(&command).map(drop)
        }
        outcome => outcome.map(drop),
    }
}

/// Reads and writes until the end; how many rounds that were.
pub fn until(end: Instant, instance: &Instance, user: &str) -> Result<u64> {
    let mut done = 0;
    while Instant::now() < end {
        round(instance, user, done)?;
        let mut imap = instance.imap(user)?;
        imap.all(&["EXAMINE INBOX", "FETCH 1:* (UID FLAGS ENVELOPE BODY.PEEK[])", "LOGOUT"])?;
        done += 1;
    }
    Ok(done)
}

/// How many of the messages are missing that so many rounds, all of them answered OK, left in the INBOX.
pub fn missing_after(rounds: u64, instance: &Instance, user: &str) -> Result<u64> {
    let examined = instance.imap(user)?.ok("EXAMINE INBOX")?;
    let exists = examined.iter().find_map(|line| line.strip_prefix("* ")?.strip_suffix(" EXISTS")?.parse().ok());
    Ok((rounds * MORE).abs_diff(exists.unwrap_or(0)))
}

/// What a client sees in each folder of a user is the same on both.
pub fn assert_same(master: &Instance, replica: &Instance, user: &str) -> Result<()> {
    let (mut on_master, mut on_replica) = (master.imap(user)?, replica.imap(user)?);
    let folders = on_master.ok("LIST \"\" \"*\"")?;
    assert_eq!(folders, on_replica.ok("LIST \"\" \"*\"")?, "the folders of {user}");
    for folder in folders.iter().filter_map(|line| line.rsplit(' ').next()) {
        let status = format!("STATUS {folder} (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
        assert_eq!(on_master.ok(&status)?, on_replica.ok(&status)?, "{folder} of {user}");
        on_master.ok(&format!("EXAMINE {folder}"))?;
        on_replica.ok(&format!("EXAMINE {folder}"))?;
        let look = "UID FETCH 1:* (INTERNALDATE RFC822.SIZE MODSEQ BODY.PEEK[])";
        assert_eq!(on_master.ok(look)?, on_replica.ok(look)?, "{folder} of {user}");
    }
    Ok(())
}
