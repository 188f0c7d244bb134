//! What was lost, and which commands are known to lose something.

use crate::matrix::Case;
use std::collections::BTreeMap;

/// What is wrong after one command, each with the places where it was found.
#[derive(Debug, Default)]
pub struct Losses(BTreeMap<String, Vec<String>>);

impl Losses {
    pub fn add(&mut self, faults: impl IntoIterator<Item = String>, place: &str) {
        for fault in faults {
            self.0.entry(without_numbers(&fault)).or_default().push(place.to_owned());
        }
    }

    pub fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// What is wrong, how often, and where it was found first.
    pub fn text(&self) -> String {
        let lines = self.0.iter().map(|(fault, places)| format!("    {}x {fault} [{}]\n", places.len(), places[0]));
        lines.collect()
    }
}

/// The same fault with another number is the same.
fn without_numbers(fault: &str) -> String {
    let words =
        fault.split(' ').map(|word| if word.starts_with(|first: char| first.is_ascii_digit()) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Asserts that commands lose nothing, but for those that are listed, which do: else they are listed no longer.
pub fn assert_nothing_lost(cases: &[Case], losses: &[Losses], not_yet: &[(&str, &str)]) {
    let mut report = String::new();
    for (case, losses) in cases.iter().zip(losses) {
        let name = case.command.name;
        if losses.count() > 0 {
            println!("{name}:\n{}", losses.text());
        }
        let is_listed = not_yet.iter().any(|(listed, _)| *listed == name);
        match (losses.count(), is_listed) {
            (0, true) => report += &format!("{name}: loses nothing any more\n"),
            (0, false) | (_, true) => {}
            (count, false) => report += &format!("{name}: {count} losses\n"),
        }
    }
    for (listed, _) in not_yet {
        assert!(cases.iter().any(|case| case.command.name == *listed), "{listed} is no command");
    }
    assert!(report.is_empty(), "{report}");
}
