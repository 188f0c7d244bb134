//! The judge: whether two replicas of one master hold the same, file by file.
//!
//! Every file is turned into lines of text, databases through `cyr_dbtool`, indexes field by field; what two real
//! replicas of one master do not agree on themselves is left out. Lines are then compared.

mod database;
mod index;
mod sieve;
mod spool;

use std::collections::BTreeSet;
use std::fmt;

pub use spool::{databases, messages};

use crate::rig::Result;
use crate::rig::instance::Instance;

/// One line of one file that the two replicas do not share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub path: String,
    pub real: Option<String>,
    pub ours: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.real, &self.ours) {
            (Some(real), Some(ours)) => {
                let (real, ours) = differing_words(real, ours);
                write!(f, "{}\n    real {real}\n    ours {ours}", self.path)
            }
            (Some(real), None) => write!(f, "{}\n    only real {real}", self.path),
            (None, Some(ours)) => write!(f, "{}\n    only ours {ours}", self.path),
            (None, None) => write!(f, "{}", self.path),
        }
    }
}

/// Of two lines of as many words, the words that differ, after the first one.
fn differing_words(real: &str, ours: &str) -> (String, String) {
    let (real_words, ours_words): (Vec<_>, Vec<_>) = (real.split(' ').collect(), ours.split(' ').collect());
    if real_words.len() != ours_words.len() || real_words.len() < 8 {
        return (real.to_string(), ours.to_string());
    }
    let pairs = real_words.iter().zip(&ours_words).enumerate().filter(|(n, (a, b))| *n < 2 || a != b);
    let (real, ours): (Vec<&str>, Vec<&str>) = pairs.map(|(_, (a, b))| (*a, *b)).unzip();
    (real.join(" "), ours.join(" "))
}

/// Everything that the two replicas do not share, in the order of their files, when nobody is connected to them any more.
pub fn replicas(real: &Instance, ours: &Instance) -> Result<Vec<Difference>> {
    real.wait_for_sessions()?;
    ours.wait_for_sessions()?;
    let (real, ours) = (spool::files(real)?, spool::files(ours)?);
    let scripts = [sieve::ids(&real), sieve::ids(&ours)].concat();
    let (real, ours) = (sieve::renamed(real, &scripts), sieve::renamed(ours, &scripts));
    let paths: BTreeSet<&String> = real.keys().chain(ours.keys()).collect();
    let none = Vec::new();
    Ok(paths
        .into_iter()
        .flat_map(|path| lines(path, real.get(path).unwrap_or(&none), ours.get(path).unwrap_or(&none)))
        .collect())
}

/// What goes wrong step by step: a difference is told of once, at the step that made it.
#[derive(Default)]
pub struct Steps {
    known: Vec<Difference>,
    failures: Vec<String>,
}

impl Steps {
    pub fn fail(&mut self, step: &str, failure: &str) {
        self.failures.push(format!("{step}: {failure}"));
    }

    /// Notes what two replicas do not share after a step.
    pub fn look(&mut self, step: &str, differences: Vec<Difference>) {
        let new: Vec<_> = differences.iter().filter(|d| !self.known.contains(*d)).cloned().collect();
        if !new.is_empty() {
            self.fail(step, &format!("\n{}", report(&new)));
        }
        self.known = differences;
    }

    pub fn assert_none_failed(&self) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }
}

/// How many differences of one step a report shows.
const SHOWN: usize = 25;

/// The differences as a report, cut where a reader stops reading.
pub fn report(differences: &[Difference]) -> String {
    let shown = differences.iter().take(SHOWN).map(|d| format!("{d}\n"));
    let more = differences.len().saturating_sub(SHOWN);
    shown.chain((more > 0).then(|| format!("and {more} more\n"))).collect()
}

/// Lines that begin alike up to the first `=` or tab are about the same thing; others stand alone.
fn lines(path: &str, real: &[String], ours: &[String]) -> Vec<Difference> {
    if real == ours {
        return Vec::new();
    }
    let (in_real, in_ours): (BTreeSet<_>, BTreeSet<_>) = (real.iter().collect(), ours.iter().collect());
    let mut missing: Vec<&String> = real.iter().filter(|line| !in_ours.contains(line)).collect();
    let mut found = Vec::new();
    for line in ours.iter().filter(|line| !in_real.contains(line)) {
        let partner = missing.iter().position(|other| subject(other) == subject(line)).map(|at| missing.remove(at));
        found.push(Difference { path: path.to_string(), real: partner.cloned(), ours: Some(line.clone()) });
    }
    found.extend(missing.into_iter().map(|line| Difference {
        path: path.to_string(),
        real: Some(line.clone()),
        ours: None,
    }));
    if found.is_empty() {
        let (real, ours) = (Some(real.join(" | ")), Some(ours.join(" | ")));
        found.push(Difference { path: format!("{path}: order"), real, ours });
    }
    found
}

fn subject(line: &str) -> &str {
    line.split(['=', '\t']).next().unwrap_or_default()
}
