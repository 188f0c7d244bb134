//! What was lost.

use super::case::Case;
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

/// Asserts that no command loses anything.
pub fn assert_nothing_lost(cases: &[Case], losses: &[Losses]) {
    let lossy = cases.iter().zip(losses).filter(|(_, losses)| losses.count() > 0);
    let report: String = lossy.map(|(case, losses)| format!("{}:\n{}", case.command.name, losses.text())).collect();
    assert!(report.is_empty(), "{report}");
}
