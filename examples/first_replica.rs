//! Plays a conversation recorded from a real `sync_client` into a new spool under `target/`, and shows what lies in it.
//!
//! Needs no Cyrus: `cargo run --example first_replica`.

#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use sync_server::{
    ops::{ListUserMailboxes, Listed, Store},
    session::{Session, Step},
    store::{
        CyrusStore,
        cyrus::options::{CyrusOptions, PartitionDirectories},
    },
    types::{Partition, UserId},
};

#[path = "../tests/common/transcript.rs"]
#[allow(dead_code, clippy::panic, clippy::unwrap_used, reason = "shared with the tests, which use more of it")]
mod transcript;

use transcript::Transcript;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/first_replica");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let mut store = CyrusStore::new(options(&root)?, Arc::new(()));
    let transcript = Transcript::read("first-user-312.csync");
    println!("A Cyrus 3.12 master replicates user u1; the replica is new and lies in {}", root.display());
    play(&transcript, &mut store)?;
    show_mailboxes(&mut store)?;
    println!("\nThe files:");
    show_files(&root, &root)
}

fn options(root: &Path) -> Result<CyrusOptions, Box<dyn Error>> {
    let (config, spool) = (root.join("conf"), root.join("spool"));
    fs::create_dir_all(&config)?;
    fs::create_dir_all(&spool)?;
    let mut options = CyrusOptions::new(config);
    options.partitions.insert(Partition::parse(b"default")?, PartitionDirectories::new(spool));
    Ok(options)
}

/// Sends what the client said, and compares what the session replies with what the real server replied.
fn play(transcript: &Transcript, store: &mut CyrusStore) -> Result<(), Box<dyn Error>> {
    let mut session = Session::new(transcript.config());
    let mut turns = transcript.turns.iter().filter(|turn| !turn.client.is_empty());
    let mut heard = Vec::new();
    loop {
        match session.poll()? {
            Step::NeedInput => {
                let Some(turn) = turns.next() else { break };
                println!("  C: {}", summary(&turn.client));
                session.receive(turn.client.clone());
            }
            Step::Write(reply) => {
                println!("  S: {}", summary(&reply));
                heard.extend_from_slice(&reply);
            }
            Step::Perform(operation) => operation.perform(&mut session, store)?,
            Step::Channel(_) | Step::Return(_) | Step::Paused | Step::Closed => break,
        }
    }
    if heard != transcript.server() {
        return Err("the replies are not those of the real server".into());
    }
    println!("The replies are those of the real server, to the byte.");
    Ok(())
}

/// The first line, cut to a terminal's width, and how much follows.
fn summary(text: &[u8]) -> String {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line: String = String::from_utf8_lossy(line).trim_end().chars().take(90).collect();
    if text.len() > line.len() + 2 { format!("{line} … ({} bytes)", text.len()) } else { line }
}

fn show_mailboxes(store: &mut CyrusStore) -> Result<(), Box<dyn Error>> {
    let list = ListUserMailboxes { user: UserId::parse(b"u1")?, after: None, limit: 100 };
    println!("\nThe mailboxes:");
    for listed in store.list_user_mailboxes(&list)? {
        if let Listed::Mailbox(mailbox) = listed {
            let flags: Vec<&str> = mailbox.user_flags.iter().flatten().map(|flag| flag.as_str()).collect();
            println!(
                "  {}: unique id {}, last uid {}, highest modseq {}, user flags {}",
                mailbox.name,
                mailbox.uniqueid,
                mailbox.header.last_uid,
                mailbox.header.highest_modseq,
                flags.join(" ")
            );
        }
    }
    Ok(())
}

fn show_files(root: &Path, directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    for path in paths {
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            show_files(root, &path)?;
        } else {
            println!("  {:>8}  {}", metadata.len(), path.strip_prefix(root)?.display());
        }
    }
    Ok(())
}
