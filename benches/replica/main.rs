//! The reference's `sync_server` and ours, doing the same work in turn: `make bench`, or with the names of rows.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]
#![allow(missing_docs, reason = "not a library")]

mod alone;
mod area;
mod connections;
#[path = "../load/mod.rs"]
mod load;
mod measure;
mod row;
mod rows;
mod server;

use row::{Outcome, Row};

/// What went wrong, in words.
#[derive(Debug)]
pub struct Failure(pub String);

pub type Result<T> = std::result::Result<T, Failure>;

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.to_string())
    }
}

fn main() -> std::process::ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let pairs = std::env::var("PAIRS").ok().and_then(|pairs| pairs.parse().ok()).unwrap_or(5);
    let mut failed = false;
    println!("{HEADING}");
    for (name, row) in rows::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted.as_str())) {
            continue;
        }
        let row = row();
        match row.run(pairs) {
            Ok(outcome) => print(&row, &outcome),
            Err(Failure(why)) => {
                eprintln!("{name}: {why}");
                failed = true;
            }
        }
    }
    let others: [(&str, &dyn Fn() -> Result<()>); 3] =
        [("connections", &|| connections::run(pairs)), ("memory", &alone::memory), ("scanner", &alone::scanner)];
    for (name, run) in others {
        if (wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str())))
            && let Err(Failure(why)) = run()
        {
            eprintln!("{name}: {why}");
            failed = true;
        }
    }
    if failed { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS }
}

const HEADING: &str = "row                       wall s           ratio  user s          ratio  system s        ratio  \
    peak MB        calls/item      flushes/item";

fn print(row: &Row, outcome: &Outcome) {
    let Outcome { reference, ours } = outcome;
    let pair = |of: fn(&measure::Cost) -> f64| {
        format!("{:7.3} {:7.3}  {:5.3}", reference.median(of), ours.median(of), outcome.ratio(of))
    };
    let mean = |of: fn(&measure::Cost) -> f64| {
        format!("{:7.3} {:7.3}  {:5.3}", reference.mean(of), ours.mean(of), outcome.ratio_of_means(of))
    };
    let each = |number: u64| number as f64 / row.items;
    println!(
        "{:24} {}  {}  {}  {:6.1} {:6.1}  {:6.1} {:6.1}  {:6.3} {:6.3}",
        row.name,
        pair(|cost| cost.wall),
        mean(|cost| cost.user),
        mean(|cost| cost.system),
        reference.median(|cost| cost.memory),
        ours.median(|cost| cost.memory),
        each(reference.calls.all),
        each(ours.calls.all),
        each(reference.calls.flushes),
        each(ours.calls.flushes),
    );
}
