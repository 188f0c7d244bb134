//! Where ours differs from the reference: what `differences.txt` lists, and what was found.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::conversation::without_made_up_ids;
use super::{Answers, Conversation};
use crate::compare::Difference;
use crate::rig::release::Release;
use crate::rig::{Failure, Result};

const TABLE: &str = include_str!("differences.txt");

/// The entry whose lines may stand for each other in any conversation.
const ANYWHERE: &str = "*";

/// The entry of files that are about no conversation.
const ELSEWHERE: &str = "files";

/// Lines by the name of the conversation: `- ` what only the reference said, `+ ` what only ours, `~ ` a line of a file.
type Lines = BTreeMap<String, Vec<String>>;

/// The table.
pub struct Listed {
    entries: Lines,
    /// What the reference says, what ours says instead, which may end in `*`.
    anywhere: Vec<(String, String)>,
    used: RefCell<BTreeSet<usize>>,
}

impl Listed {
    /// What the table lists for a release: `# name`, or `# name @3.6` for one release, below a reason, `== why`.
    pub fn for_release(release: Release) -> Result<Listed> {
        let this = if release == Release::V36 { "3.6" } else { "3.12" };
        let (mut entries, mut anywhere, mut reason, mut entry) = (Lines::new(), Vec::new(), None, None);
        for line in TABLE.lines() {
            if let Some(why) = line.strip_prefix("== ") {
                (reason, entry) = (Some(why), None);
            } else if let Some(heading) = line.strip_prefix("# ") {
                reason.ok_or_else(|| Failure::new(format!("differences.txt: {heading} has no reason")))?;
                let (name, only) = heading.split_once(" @").unwrap_or((heading, this));
                entry = Some(name).filter(|_| only == this);
            } else if let Some(name) = entry.filter(|_| is_difference(line)) {
                entries.entry(name.to_string()).or_default().push(line.to_string());
            }
        }
        for pair in entries.remove(ANYWHERE).unwrap_or_default().chunks(2) {
            anywhere.push((pair[0][2..].to_string(), pair[1][2..].to_string()));
        }
        Ok(Listed { entries, anywhere, used: RefCell::default() })
    }

    /// Whether ours may say this where the reference says that, in any conversation.
    fn covers(&self, real: &str, ours: &str) -> bool {
        let fits = |(by_real, by_ours): &(String, String)| {
            by_real == real && by_ours.strip_suffix('*').map_or(by_ours == ours, |start| ours.starts_with(start))
        };
        let place = self.anywhere.iter().position(fits);
        self.used.borrow_mut().extend(place);
        place.is_some()
    }
}

/// `…/uuid/i/` and `…/uuid/i/d/` are there because of all the unique ids that begin so.
fn is_hash_directory(path: &str) -> bool {
    let Some((_, levels)) = path.split_once("uuid/") else { return false };
    levels.split_terminator('/').count() <= 2 && levels.split_terminator('/').all(|level| level.len() == 1)
}

fn is_difference(line: &str) -> bool {
    ["- ", "+ ", "~ "].iter().any(|sign| line.starts_with(sign))
}

/// What was found.
#[derive(Default)]
pub struct Found {
    replies: Lines,
    files: BTreeMap<String, BTreeSet<String>>,
    details: BTreeMap<String, String>,
    /// Paths of the files and directories that only one server has.
    missing: Vec<String>,
}

impl Found {
    pub fn in_replies(&mut self, conversation: &Conversation, real: Answers, ours: Answers, listed: &Listed) {
        let count = real.0.len().max(ours.0.len());
        let nothing = Vec::new();
        let mut lines = Vec::new();
        for at in 0..count {
            let (real, ours) = (real.0.get(at).unwrap_or(&nothing), ours.0.get(at).unwrap_or(&nothing));
            lines.extend(differing(real, ours, listed));
        }
        if !lines.is_empty() {
            self.replies.insert(conversation.name.clone(), lines);
        }
    }

    /// A file that only one server has is one line, and so is a directory with all that is in it.
    pub fn in_files(&mut self, conversations: &[Conversation], difference: &Difference) {
        let Difference { path, real, ours } = difference;
        if is_hash_directory(path) || self.missing.iter().any(|missing| path.starts_with(missing.as_str())) {
            return;
        }
        let line = real.as_ref().or(ours.as_ref()).map_or("", String::as_str);
        let subject = line.split(['=', '\t']).next().unwrap_or_default();
        let shown = match (real, ours) {
            (Some(_), None) if subject == "mode" => format!("- {path}"),
            (None, Some(_)) if subject == "mode" => format!("+ {path}"),
            _ => format!("~ {path} {subject}"),
        };
        let about = conversations.iter().filter(|conversation| conversation.is_about(&difference.to_string()));
        let about = about.max_by_key(|conversation| conversation.name.len());
        let name = about.map_or(ELSEWHERE, |about| about.name.as_str()).to_string();
        if shown.starts_with('~') {
            let _ = writeln!(self.details.entry(name.clone()).or_default(), "{difference}");
        } else {
            self.missing.push(path.clone());
        }
        let shown = about.map_or_else(|| without_made_up_ids(&shown), |about| about.generic(&shown));
        self.files.entry(name).or_default().insert(shown.trim_end().to_string());
    }

    /// Entries as the table has them: the replies in order, then the files in the order of their paths.
    fn entries(&self) -> Lines {
        let mut entries = self.replies.clone();
        for (name, lines) in &self.files {
            entries.entry(name.clone()).or_default().extend(lines.iter().cloned());
        }
        entries
    }

    /// Fails unless what was found is what is listed. The failure shows entries as the table has them.
    pub fn check(&self, listed: &Listed, conversations: &[Conversation]) -> Result<()> {
        let mut wrong = String::new();
        let entries = self.entries();
        for (name, lines) in &entries {
            if listed.entries.get(name) != Some(lines) {
                let known = if listed.entries.contains_key(name) { ", otherwise than listed" } else { "" };
                let detail = self.details.get(name).map_or("", String::as_str);
                let _ = write!(wrong, "\n# {name}{known}\n{}\n{detail}", lines.join("\n"));
            }
        }
        for name in listed.entries.keys().filter(|name| !entries.contains_key(*name)) {
            let _ = write!(wrong, "\n# {name}\n(listed, but there is no difference)\n");
        }
        let used = listed.used.borrow();
        for (_, (real, ours)) in listed.anywhere.iter().enumerate().filter(|(at, _)| !used.contains(at)) {
            let _ = write!(wrong, "\n# *\n- {real}\n+ {ours}\n(listed, but never met)\n");
        }
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!("of {} conversations:\n{wrong}", conversations.len())))
    }
}

/// Of two answers to one command, the lines that differ.
fn differing(real: &[String], ours: &[String], listed: &Listed) -> Vec<String> {
    let mut real: Vec<&String> = real.iter().collect();
    let mut ours: Vec<&String> = ours.iter().collect();
    let same = |a: &String, b: &String| a == b || listed.covers(a, b);
    while let (Some(a), Some(b)) = (real.last(), ours.last())
        && same(a, b)
    {
        real.pop();
        ours.pop();
    }
    let start = real.iter().zip(&ours).take_while(|(a, b)| same(a, b)).count();
    let (real, ours) = (&real[start..], &ours[start..]);
    if real.len() == ours.len() {
        return real.iter().zip(ours).flat_map(|(real, ours)| differing_words(real, ours)).collect();
    }
    let by_real = real.iter().map(|line| format!("- {}", beginning(line)));
    by_real.chain(ours.iter().map(|line| format!("+ {}", beginning(line)))).collect()
}

/// Of two data lines of as many words, the words that differ, each behind its name; else both lines.
fn differing_words(real: &str, ours: &str) -> [String; 2] {
    let (by_real, by_ours): (Vec<&str>, Vec<&str>) = (real.split(' ').collect(), ours.split(' ').collect());
    if by_real.len() != by_ours.len() || !real.starts_with("* ") {
        return [format!("- {}", beginning(real)), format!("+ {}", beginning(ours))];
    }
    let differ: Vec<usize> = (1..by_real.len()).filter(|&at| by_real[at] != by_ours[at]).collect();
    let shown = |words: &[&str]| {
        let words = differ.iter().map(|&at| format!(" … {} {}", words[at - 1], words[at]));
        words.collect::<String>()
    };
    [format!("- * {}{}", by_real[1], shown(&by_real)), format!("+ * {}{}", by_ours[1], shown(&by_ours))]
}

/// A data line's first words, which say what it is about; any other line as it is.
fn beginning(line: &str) -> String {
    const WORDS: usize = 6;
    if line.split(' ').count() <= WORDS || !line.starts_with("* ") {
        return line.to_string();
    }
    let words: Vec<&str> = line.split(' ').take(WORDS).collect();
    format!("{} …", words.join(" "))
}
