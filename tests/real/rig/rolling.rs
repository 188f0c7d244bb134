//! Rolling replication: `sync_client -R`, which follows what a master's programs log.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Result;
use super::instance::{Instance, wait_until};

/// A client that runs until this is dropped.
struct Rolling(Child);

impl Instance {
    /// Follows this master's log until the end, with another client if one gives up, as an administrator's `DAEMON` entry does;
    /// how many gave up.
    pub fn roll_until(&self, end: Instant, replica: &Instance) -> Result<u64> {
        let (mut client, mut gave_up) = (self.roll(replica)?, 0);
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(100));
            if client.0.try_wait()?.is_some() {
                client = self.roll(replica)?;
                gave_up += 1;
            }
        }
        Ok(gave_up)
    }

    fn roll(&self, replica: &Instance) -> Result<Rolling> {
        let mut command = self.tool("sync_client");
        command.args(["-R", "-d", "1", "-S", &replica.csync_socket()]).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Rolling(command.spawn()?))
    }
}

impl Drop for Rolling {
    fn drop(&mut self) {
        let Ok(pid) = i32::try_from(self.0.id()) else { return };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        if !wait_until(Duration::from_secs(10), || matches!(self.0.try_wait(), Ok(Some(_)))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
