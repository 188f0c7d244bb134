//! One row: the same work by the reference and by ours, in turn.

use super::Result;
use super::area::{Area, Medium};
use super::load::calls::Calls;
use super::measure::{Cost, converse, count_calls, median};
use super::server::{Server, Whose};

/// Work to be done, in pairs of runs.
pub struct Row {
    pub name: &'static str,
    pub medium: Medium,
    /// What makes the spool that the work starts from; said once, not measured.
    pub before: Vec<Vec<u8>>,
    /// What is measured; the number tells one run from another.
    pub work: Box<dyn Fn(u32) -> Vec<Vec<u8>>>,
    /// Whether each run starts from an empty spool.
    pub afresh: bool,
    /// Messages or changes in one run.
    pub items: f64,
}

/// The runs of one server.
#[derive(Default)]
pub struct Runs {
    pub costs: Vec<Cost>,
    pub calls: Calls,
}

impl Runs {
    pub fn median(&self, of: fn(&Cost) -> f64) -> f64 {
        median(self.costs.iter().map(of))
    }

    pub fn mean(&self, of: fn(&Cost) -> f64) -> f64 {
        self.costs.iter().map(of).sum::<f64>() / self.costs.len() as f64
    }
}

/// Runs of the reference and of ours.
pub struct Outcome {
    pub reference: Runs,
    pub ours: Runs,
}

impl Outcome {
    /// The median of the ratios of the pairs.
    pub fn ratio(&self, of: fn(&Cost) -> f64) -> f64 {
        let pairs = self.ours.costs.iter().zip(&self.reference.costs);
        median(pairs.map(|(ours, reference)| of(ours) / of(reference).max(1e-9)))
    }

    /// The ratio of the means: for CPU seconds, which the system divides into those of user and system mode by looking at
    /// what a process does 250 times a second. Of a short run that says little, of many together more.
    pub fn ratio_of_means(&self, of: fn(&Cost) -> f64) -> f64 {
        self.ours.mean(of) / self.reference.mean(of).max(1e-9)
    }
}

impl Row {
    /// Runs A B A B …, then each once more to count system calls.
    pub fn run(&self, pairs: u32) -> Result<Outcome> {
        let (mut reference, mut ours) = (Side::new(self, Whose::Reference)?, Side::new(self, Whose::Ours)?);
        for number in 0..pairs {
            reference.measure(self, number)?;
            ours.measure(self, number)?;
        }
        Ok(Outcome { reference: reference.count(self, pairs)?, ours: ours.count(self, pairs)? })
    }
}

/// One of the two.
struct Side {
    whose: Whose,
    area: Area,
    runs: Runs,
}

impl Side {
    fn new(row: &Row, whose: Whose) -> Result<Side> {
        let area = Area::new(row.medium, &format!("{whose:?}"))?;
        let side = Side { whose, area, runs: Runs::default() };
        if !row.before.is_empty() {
            let mut server = Server::start(whose, &side.area)?;
            row.before.iter().try_for_each(|line| server.say(line))?;
            server.end()?;
        }
        Ok(side)
    }

    fn server(&self, row: &Row) -> Result<Server> {
        if row.afresh {
            self.area.clear()?;
        }
        Server::start(self.whose, &self.area)
    }

    fn measure(&mut self, row: &Row, number: u32) -> Result<()> {
        let lines = (row.work)(number);
        let idle = self.server(row)?.end()?;
        self.runs.costs.push(converse(self.server(row)?, &lines, idle)?);
        Ok(())
    }

    fn count(mut self, row: &Row, number: u32) -> Result<Runs> {
        let lines = (row.work)(number);
        let mut server = self.server(row)?;
        self.runs.calls = count_calls(&mut server, &lines)?;
        server.end()?;
        Ok(self.runs)
    }
}
