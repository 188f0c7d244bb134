//! A master with two replicas: one served by the real `sync_server`, one by ours. They must not differ.

use super::instance::{Instance, SyncServer};
use super::release::Release;
use super::sync_client::Conversation;
use super::{Failure, Result};
use crate::compare::{self, Difference};
use crate::scenarios::{SCENARIOS, Scenario};

pub struct Trio {
    pub master: Instance,
    pub real: Instance,
    pub ours: Instance,
}

impl Trio {
    pub fn start(release: Release) -> Result<Trio> {
        Trio::with(release, &[])
    }

    /// `settings` are lines added to the replicas' imapd.conf.
    pub fn with(release: Release, settings: &[&str]) -> Result<Trio> {
        Ok(Trio {
            master: Instance::start(release, "master", SyncServer::Reference, &[])?,
            real: Instance::start(release, "real", SyncServer::Reference, settings)?,
            ours: Instance::start(release, "ours", SyncServer::Ours, settings)?,
        })
    }

    /// Changes the master as the scenario says and replicates the change to both replicas.
    pub fn play(&self, scenario: &Scenario) -> Result<()> {
        let named = |e: Failure| Failure::new(format!("{}: {}", scenario.name, e.0));
        self.master.take_sync_log()?;
        (scenario.change)(&self.master).map_err(named)?;
        let log = self.master.take_sync_log()?;
        for arguments in scenario.sync {
            let arguments: Vec<&str> = arguments.iter().map(|&a| if a == "LOG" { log.as_str() } else { a }).collect();
            self.sync(&arguments).map_err(named)?;
        }
        Ok(())
    }

    pub fn play_all(&self) -> Result<()> {
        SCENARIOS.iter().try_for_each(|scenario| self.play(scenario))
    }

    /// Replicates to both; what was said to ours.
    pub fn sync(&self, arguments: &[&str]) -> Result<Conversation> {
        let to_real = self.master.sync(&self.real, arguments);
        let to_ours = self.master.sync(&self.ours, arguments);
        let failed = |whose: &str, replica: &Instance, e: Failure| {
            let log = replica.log();
            let last = log[log.len().saturating_sub(10)..].join("\n");
            Failure::new(format!("sync_client {arguments:?} to {whose}: {}\nlast in its log:\n{last}", e.0))
        };
        to_real.map_err(|e| failed("the real replica", &self.real, e))?;
        to_ours.map_err(|e| failed("our replica", &self.ours, e))
    }

    pub fn differences(&self) -> Result<Vec<Difference>> {
        compare::replicas(&self.real, &self.ours)
    }
}
