//! The files of an instance as lines of text: which count, and how each kind is shown.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use sha1::{Digest, Sha1};

use super::{database, index, sieve};
use crate::rig::Result;
use crate::rig::instance::Instance;

/// What belongs to the running server and not to the mail: configuration, sockets, locks, staging, the databases'
/// own recovery state, dav.db (`USER.dav` without a mailbox), which any program may create empty when it first meets a user, and the empty
/// conversations.db that 3.12 makes when a folder is renamed, though `conversations` is off. Compiled scripts are left out too:
/// ours leaves it to the programs that run scripts to compile them.
#[rustfmt::skip]
const NOT_MAIL: [&str; 15] = [
    "conf/proc", "conf/lock", "conf/socket", "conf/log", "conf/db", "conf/db.backup1", "conf/db.backup2", "conf/sync",
    "conf/sasldb2", "conf/statuscache.db", "spool/sync.", "spool/stage.", "other/sync.", "run", "bin",
];
const NOT_MAIL_ANYWHERE: [&str; 5] = ["dav.db", "conversations.db", "imapd.conf", "cyrus.conf", "master.out"];

pub fn files(instance: &Instance) -> Result<BTreeMap<String, Vec<String>>> {
    let mut files = BTreeMap::new();
    for (path, metadata) in paths(instance)? {
        let mut lines = vec![format!("mode={:o} owner={}:{}", metadata.mode(), metadata.uid(), metadata.gid())];
        if metadata.is_dir() {
            files.insert(format!("{path}/"), lines);
        } else {
            lines.extend(contents(instance, &path, &metadata)?);
            files.insert(path, lines);
        }
    }
    Ok(without_empty_homes(files))
}

/// Drops the directories of user data that hold no file that counts, which were made for a dav.db, and ours for journals: a
/// journal in it would be seen.
fn without_empty_homes(mut files: BTreeMap<String, Vec<String>>) -> BTreeMap<String, Vec<String>> {
    let paths: Vec<String> = files.keys().cloned().collect();
    let holds_a_file = |directory: &str| paths.iter().any(|path| path.starts_with(directory) && !path.ends_with('/'));
    let is_home = |path: &str| path.starts_with("conf/user/") || path == "conf/sync_server.journal/";
    files.retain(|path, _| !path.ends_with('/') || !is_home(path) || holds_a_file(path));
    files
}

/// The Cyrus databases among the files, each with its `cyr_dbtool` backend.
pub fn databases(instance: &Instance) -> Result<Vec<(String, &'static str)>> {
    let mut found = Vec::new();
    for (path, _) in paths(instance)?.into_iter().filter(|(_, metadata)| metadata.is_file()) {
        if let Some(format) = database::format(&fs::read(instance.base().join(&path))?) {
            found.push((path, format));
        }
    }
    Ok(found)
}

/// The files of messages, when nobody is connected any more.
pub fn messages(instance: &Instance) -> Result<Vec<String>> {
    instance.wait_for_sessions()?;
    let files = paths(instance)?.into_iter().filter(|(path, metadata)| path.ends_with('.') && metadata.is_file());
    Ok(files.map(|(path, _)| path).collect())
}

/// What counts.
fn paths(instance: &Instance) -> Result<Vec<(String, Metadata)>> {
    let mut found = Vec::new();
    walk(instance, "", &mut found)?;
    Ok(found)
}

fn walk(instance: &Instance, directory: &str, found: &mut Vec<(String, Metadata)>) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(instance.base().join(directory))?.collect::<std::io::Result<_>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
        if NOT_MAIL.contains(&path.as_str()) || NOT_MAIL_ANYWHERE.contains(&name.as_str()) || name.ends_with(".lock") {
            continue;
        }
        let compiled = directory.starts_with("sieve/") && name.ends_with(".bc");
        if compiled || (directory.starts_with("conf/") && name.ends_with(".dav")) {
            continue;
        }
        let metadata = entry.metadata()?;
        let is_dir = metadata.is_dir();
        found.push((path.clone(), metadata));
        if is_dir {
            walk(instance, &path, found)?;
        }
    }
    Ok(())
}

fn contents(instance: &Instance, path: &str, metadata: &Metadata) -> Result<Vec<String>> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let file = instance.base().join(path);
    if metadata.is_symlink() {
        return Ok(vec![format!("link={}", fs::read_link(file)?.display())]);
    }
    if is_message(name) {
        return message(&file, metadata);
    }
    let bytes = fs::read(&file)?;
    if name == "cyrus.index" {
        return Ok(index::lines(&bytes));
    }
    match database::format(&bytes) {
        Some(format) => database::lines(instance, path, format, &bytes),
        None if name == "cyrus.cache" => Ok(numbered(bytes.chunks(64))),
        None => Ok(numbered(bytes.split_inclusive(|&b| b == b'\n'))),
    }
}

fn numbered<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    parts.enumerate().map(|(n, part)| format!("{n}={}", part.escape_ascii())).collect()
}

fn is_message(name: &str) -> bool {
    name.strip_suffix('.').is_some_and(|uid| !uid.is_empty() && uid.bytes().all(|b| b.is_ascii_digit()))
}

fn message(file: &Path, metadata: &Metadata) -> Result<Vec<String>> {
    let bytes = fs::read(file)?;
    if let Some(script) = sieve::script(&bytes) {
        return Ok(script);
    }
    Ok(vec![
        format!("length={}", bytes.len()),
        format!("sha1={:x}", Sha1::digest(&bytes)),
        format!("mtime={}", metadata.mtime()),
        format!("nlink={}", metadata.nlink()),
    ])
}
