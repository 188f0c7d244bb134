//! All that lies below a directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The uids of the messages whose files lie below a directory.
pub fn messages(root: &Path) -> Vec<u32> {
    let uid_of = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix('.')?.parse().ok();
    let mut uids: Vec<u32> = read(root).keys().filter_map(uid_of).collect();
    uids.sort_unstable();
    uids
}

/// The bytes of every file below a directory, by path below it; directories are there with `None`.
pub fn read(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut tree = BTreeMap::new();
    let mut to_do = vec![root.to_owned()];
    while let Some(directory) = to_do.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(root).unwrap().to_owned();
            if path.is_dir() {
                tree.insert(below, None);
                to_do.push(path);
            } else {
                tree.insert(below, Some(fs::read(&path).unwrap()));
            }
        }
    }
    tree
}
