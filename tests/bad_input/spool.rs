//! The same on a spool as Cyrus keeps it: the same answers, and not a byte of a file is another.

use crate::{
    common::messages::{guid, mailbox, upload},
    replica::{NEW, ONE, TWO, fill, u1},
    row::{Bad, bad},
    unharmed::{Kept, Replica, Unharmed},
};
use bytes::Bytes;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use sync_server::{
    session::SessionError,
    store::{
        CyrusStore,
        cyrus::options::{CyrusOptions, PartitionDirectories},
    },
    types::Partition,
};

/// A directory that goes away with its owner. The spool is one level deeper, so that what leaves it is seen beside it.
struct Spool(PathBuf);

impl Spool {
    fn new(name: &str) -> Spool {
        let root = std::env::temp_dir().join(format!("sync_server-bad-input-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("cyrus/conf")).unwrap();
        fs::create_dir_all(root.join("cyrus/spool")).unwrap();
        Spool(root)
    }

    fn store(&self) -> CyrusStore {
        let mut options = CyrusOptions::new(self.0.join("cyrus/conf"));
        options.sieve_directory = Some(self.0.join("cyrus/sieve"));
        let partition = Partition::parse(b"default").unwrap();
        options.partitions.insert(partition, PartitionDirectories::new(self.0.join("cyrus/spool")));
        // A lock that was left is a failure and no reason to wait.
        options.lock_timeout = Duration::from_secs(5);
        CyrusStore::new(options, Arc::new(()))
    }

    fn filled(name: &str) -> Unharmed<Spool> {
        let spool = Spool::new(name);
        let store = fill(spool.store());
        Unharmed::new(spool, store)
    }
}

impl Replica for Spool {
    type Store = CyrusStore;

    fn another(&self, _: &CyrusStore) -> CyrusStore {
        self.store()
    }

    /// Every file that holds something, by path: lock files are empty.
    fn kept(&self, _: &CyrusStore) -> Kept {
        let mut kept = Kept::new();
        collect(&self.0, &mut kept);
        kept
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A directory that stays behind fails no test.
        fs::remove_dir_all(&self.0).ok();
    }
}

fn collect(directory: &Path, found: &mut Kept) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            found.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else if path.is_dir() {
            collect(&path, found);
        } else {
            let contents = fs::read(&path).unwrap();
            if !contents.is_empty() {
                found.insert(path, contents);
            }
        }
    }
}

/// What only a store knows to be wrong.
fn bad_on_disk() -> Vec<Bad> {
    let nowhere = "NO IMAP_PARTITION_UNKNOWN Unknown/invalid partition\r\n";
    let new = mailbox("user.u3", "u3u3u3").with("PARTITION", "nowhere");
    let message = format!("APPLY MESSAGE (%{{nowhere {} {}}}\r\n", guid(NEW), NEW.len());
    vec![
        bad("a message for a partition that is not here", [message.as_bytes(), NEW, b")"].concat(), nowhere),
        bad("a mailbox on a partition that is not here", format!("APPLY MAILBOX {new}"), nowhere),
        bad(
            "a mailbox that moves to a partition that is not here",
            "APPLY RENAME %(OLDMBOXNAME user.u1 NEWMBOXNAME user.u1 PARTITION nowhere)",
            nowhere,
        ),
        bad(
            "a mailbox from a backup on a partition that is not here",
            "RESTORE MAILBOX %(MBOXNAME user.u3 PARTITION nowhere RECORD ())",
            nowhere,
        ),
        bad(
            "messages reserved on a partition that is not here",
            format!("APPLY RESERVE %(PARTITION nowhere MBOXNAME (user.u1) GUID ({}))", guid(ONE)),
            nowhere,
        ),
        bad(
            "a quota root with a wild card",
            "APPLY QUOTA %(ROOT user.* LIMIT 1)",
            "NO IMAP_PROTOCOL_BAD_PARAMETERS \r\n",
        ),
        bad(
            "SEENUIDS that are no sequence",
            "APPLY SEEN %(USERID u1 UNIQUEID u1u1u1 LASTREAD 1 LASTUID 1 LASTCHANGE 1 SEENUIDS :,:)",
            "NO IMAP_PROTOCOL_BAD_PARAMETERS \r\n",
        ),
    ]
}

#[test]
fn bad_input_is_answered_and_changes_nothing_on_disk() {
    Spool::filled("whole").say_all(bad_on_disk());
}

/// An upload and the update behind it, cut anywhere: nothing is left behind, and nothing is staged for the next one.
#[test]
fn lines_that_end_anywhere_leave_nothing_behind() {
    let mut unharmed = Spool::filled("ends");
    let update = format!("APPLY MAILBOX {}", u1().with("HIGHESTMODSEQ", 11));
    let line = Bytes::from([&upload(&[NEW, ONE, TWO])[..], update.as_bytes()].concat());
    let between_lines = upload(&[NEW, ONE, TWO]).len();
    for end in (0..line.len()).step_by(5) {
        unharmed.talk.say(line.slice(..end));
        let expected = if end == 0 || end == between_lines { Ok(()) } else { Err(SessionError::Truncated) };
        assert_eq!(unharmed.talk.hang_up(), expected, "ended at {end}");
        unharmed.talk.store.assert_idle();
        unharmed = unharmed.reconnected();
        unharmed.assert_unharmed(&format!("what ended at {end}"));
    }
}
