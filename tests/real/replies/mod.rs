//! The same conversations with the reference's server and with ours: the same replies, the same files.
//!
//! `conversations/*.txt` hold what is said, about one conversation for each branch of the reference's handlers; `notation.rs`
//! explains the notation. What is answered is written down nowhere: the reference says it. Where ours answers otherwise or
//! leaves other files on purpose, `differences.txt` shows both and says why. Nothing else may differ, and all of it must.

mod answers;
mod conversation;
mod differences;
mod notation;
mod peer;

use crate::rig::instance::{Instance, SyncServer};
use crate::rig::release::Release;
use crate::rig::{Failure, Result};
use answers::Answers;
use conversation::Conversation;
use differences::{Found, Listed};

/// A second partition.
const SETTINGS: &[&str] = &["partition-other: {d}/other"];

#[test]
fn what_is_said_to_a_3_6_replica_is_answered_as_by_the_reference() -> Result<()> {
    compare(Release::V36)
}

#[test]
fn what_is_said_to_a_3_12_replica_is_answered_as_by_the_reference() -> Result<()> {
    compare(Release::V312)
}

fn compare(release: Release) -> Result<()> {
    let _serial = release.lock();
    let conversations = conversation::all(release)?;
    let listed = Listed::for_release(release)?;
    let real = Instance::start(release, "said-real", SyncServer::Reference, SETTINGS)?;
    let ours = Instance::start(release, "said-ours", SyncServer::Ours, SETTINGS)?;
    let (by_real, by_ours) = std::thread::scope(|scope| {
        let by_real = scope.spawn(|| hold(&real, &conversations));
        let by_ours = hold(&ours, &conversations);
        (by_real.join().unwrap_or_else(|_| Err(Failure::new("a conversation panicked"))), by_ours)
    });
    let mut found = Found::default();
    for ((conversation, real), ours) in conversations.iter().zip(by_real?).zip(by_ours?) {
        found.in_replies(conversation, real, ours, &listed);
    }
    for difference in crate::compare::replicas(&real, &ours)? {
        found.in_files(&conversations, &difference);
    }
    found.check(&listed, &conversations)
}

/// Holds all conversations with one server, one after the other.
fn hold(server: &Instance, conversations: &[Conversation]) -> Result<Vec<Answers>> {
    conversations.iter().map(|conversation| peer::hold(server, conversation)).collect()
}
