//! What there is, as a peer is told.

use super::sound::Findings;
use crate::common::peer::Peer;
use std::collections::{BTreeMap, BTreeSet};
use sync_server::ops::Store;

pub const USERS: [&str; 5] = ["u1", "u2", "u3", "u4", "u5"];
/// What is a date, in seconds since 1970; the master's are earlier than those of this test.
const DATES: [&str; 5] = ["LAST_UPDATE", "LAST_UPDATED", "INTERNALDATE", "LAST_APPENDDATE", "VALUE"];
const OWN: u64 = 1_710_000_000;
const ROOTS: [&str; 2] = ["user.u1", "user.u1.a"];

/// All that can be asked for, and what no peer is told, in parts that a change has made or not made: each mailbox with its records and annotations, each
/// quota root, each list of a user.
///
/// Scripts are told by name and content: the messages that hold them have ids of the replica's own.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct State(BTreeMap<String, String>);

impl State {
    /// Asks for everything.
    pub fn ask<S: Store>(peer: &mut Peer<S>) -> State {
        let mut state = State::default();
        for user in USERS {
            let reply = peer.say(format!("GET USER {user}\r\n"));
            reply.lines().for_each(|line| state.add(user, line));
        }
        for root in ROOTS {
            state.0.insert(format!("root {root}"), peer.say(format!("GET QUOTA {root}\r\n")));
        }
        state.0.insert("server".to_owned(), peer.say("GET ANNOTATION \"\"\r\n"));
        for name in state.mailboxes() {
            let all = peer.say(format!("GET FULLMAILBOX {name}\r\nGET ANNOTATION {name}\r\n"));
            state.0.entry(format!("mailbox {name}")).or_default().push_str(&all);
        }
        state.0.values_mut().for_each(|told| *told = without_dates_of_own(told));
        state
    }

    /// With what no peer is told.
    pub fn with_untold(mut self, findings: &Findings) -> State {
        self.0.extend(findings.untold.clone());
        self
    }

    fn add(&mut self, user: &str, line: &str) {
        let word = line.split(' ').nth(1).unwrap_or_default();
        let part = match word {
            "MAILBOX" => format!("mailbox {}", value(line, "MBOXNAME")),
            _ if line.starts_with("* ") => format!("{word} of {user}"),
            _ => format!("user {user}"),
        };
        let told = self.0.entry(part).or_default();
        told.push_str(line);
        told.push('\n');
    }

    /// Those that are more than a list entry.
    fn mailboxes(&self) -> Vec<String> {
        let mailboxes = self.0.iter().filter(|(_, told)| told.contains(" SYNC_CRC "));
        mailboxes.filter_map(|(part, _)| Some(part.strip_prefix("mailbox ")?.to_owned())).collect()
    }

    /// Whether a user has an INBOX.
    pub fn has_user(&self, user: &str) -> bool {
        self.0.contains_key(&format!("mailbox user.{user}"))
    }

    /// The names of mailboxes that are gone.
    pub fn tombstones(&self) -> impl Iterator<Item = &str> {
        self.0.keys().filter_map(|part| part.strip_prefix("tombstone "))
    }

    /// The annotations of the server.
    pub fn server(&self) -> Option<&String> {
        self.0.get("server")
    }

    /// The parts that are as in neither of two states, with the first word that is not, and whether all others are as in one.
    pub fn compare(&self, before: &State, after: &State) -> Comparison {
        let mut comparison = Comparison::default();
        let parts: BTreeSet<&String> = [self, before, after].iter().flat_map(|state| state.0.keys()).collect();
        for part in parts {
            let [here, before, after] = [self, before, after].map(|state| state.0.get(part));
            match (here == before, here == after) {
                (true, true) => {}
                (true, false) => comparison.before.push(part.clone()),
                (false, true) => comparison.after.push(part.clone()),
                (false, false) => comparison.neither.push(format!("{part}{}", first_difference(here, before, after))),
            }
        }
        comparison
    }
}

/// How the parts of a state are to those of two others, as far as these differ.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub before: Vec<String>,
    pub after: Vec<String>,
    pub neither: Vec<String>,
}

/// Without the dates that the replica has given, which are those of this test, and the checksums that they are in.
fn without_dates_of_own(told: &str) -> String {
    let words: Vec<&str> = told.split(' ').collect();
    let keys = std::iter::once(&"").chain(&words);
    let is_own = |key: &str, word: &str| {
        DATES.contains(&key) && word.trim_end_matches(')').parse().is_ok_and(|date: u64| date > OWN)
    };
    if !keys.clone().zip(&words).any(|(key, word)| is_own(key, word)) {
        return told.to_owned();
    }
    let left_out = |key: &str, word: &str| is_own(key, word) || ["SYNC_CRC", "SYNC_CRC_ANNOT"].contains(&key);
    let kept: Vec<&str> = keys.zip(&words).map(|(key, word)| if left_out(key, word) { "own" } else { *word }).collect();
    kept.join(" ")
}

fn value<'a>(line: &'a str, key: &str) -> &'a str {
    let rest = line.split_once(&format!(" {key} ")).map_or("", |(_, rest)| rest);
    rest.split([' ', ')']).next().unwrap_or_default()
}

/// The first word that is not as after, with the word in front of it.
fn first_difference(here: Option<&String>, before: Option<&String>, after: Option<&String>) -> String {
    let Some(here) = here else { return " is gone".to_owned() };
    let Some(wanted) = after.or(before) else { return " is there".to_owned() };
    let words = here.split_whitespace().zip(wanted.split_whitespace());
    let pairs: Vec<(&str, &str)> = words.collect();
    let Some(at) = pairs.iter().position(|(here, wanted)| here != wanted) else { return " ends early".to_owned() };
    let (found, wanted) = pairs[at];
    let key = if at == 0 { "" } else { pairs[at - 1].0 };
    let short = |word: &str| word.chars().take(24).collect::<String>();
    format!(" {key} {} not {}", short(found), short(wanted))
}
