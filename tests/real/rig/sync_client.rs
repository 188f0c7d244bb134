//! The real `sync_client`, the only peer that a replica ever has.

use std::process::Command;

use super::instance::Instance;
use super::release::{PROGRAMS, User};
use super::{Failure, Result};

/// What `sync_client -v -v` printed: its progress, every line it sent and every line it was answered.
pub struct Conversation(pub String);

impl Conversation {
    /// The lines sent that change something.
    pub fn applied(&self) -> Vec<&str> {
        self.0.lines().filter_map(sent).filter(|command| command.starts_with("APPLY")).collect()
    }
}

impl Instance {
    /// Runs `sync_client` from this master to a replica of the same installation.
    pub fn sync(&self, replica: &Instance, arguments: &[&str]) -> Result<Conversation> {
        self.sync_to(&replica.csync_socket(), arguments)
    }

    /// Runs it to a socket, as its Cyrus sees that.
    pub fn sync_to(&self, socket: &str, arguments: &[&str]) -> Result<Conversation> {
        let mut command = self.tool("sync_client");
        command.args(["-v", "-v", "-S", socket]).args(arguments);
        said_by(command)
    }

    /// Runs it over TCP to a port, as somebody who has to log in; `settings` are lines added to its imapd.conf.
    pub fn sync_over_tcp(&self, port: u16, settings: &[&str], arguments: &[&str]) -> Result<Conversation> {
        let own = format!("{}/sync_client.conf", self.directory);
        let mut conf = std::fs::read_to_string(self.base().join("imapd.conf"))?;
        conf += &format!("sync_port: {port}\nsync_authname: cyrus\n");
        settings.iter().for_each(|setting| conf += &format!("{setting}\n"));
        std::fs::write(self.release.outside(&own), conf)?;
        let mut command = self.release.command(User::Cyrus, &format!("{PROGRAMS}/sync_client"));
        command.args(["-C", &own, "-v", "-v", "-S", "127.0.0.1"]).args(arguments);
        said_by(command)
    }

    /// Sets aside what the programs of this master logged for rolling replication; where it lies, as Cyrus sees it.
    pub fn take_sync_log(&self) -> Result<String> {
        let log = format!("{}/conf/sync/taken", self.directory);
        match std::fs::rename(self.base().join("conf/sync/log"), self.release.outside(&log)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.into()),
            _ => Ok(log),
        }
    }
}

fn said_by(mut command: Command) -> Result<Conversation> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        return Ok(Conversation(said));
    }
    Err(Failure::new(format!("{}\n{}", output.status, refusals(&said).join("\n"))))
}

/// Of a conversation that failed: each refusal after the command it answers, and how it ended; long lines are cut.
fn refusals(conversation: &str) -> Vec<String> {
    let lines: Vec<&str> = conversation.lines().collect();
    let refused = |line: &str| line.trim_start().starts_with('<') && (line.contains("<NO ") || line.contains("<BAD "));
    let mut shown = Vec::new();
    for at in (0..lines.len()).filter(|&at| refused(lines[at])) {
        shown.extend(lines[..at].iter().rev().find(|line| sent(line).is_some()));
        shown.push(&lines[at]);
    }
    shown.extend(lines.iter().rev().take(3).rev());
    shown.into_iter().map(|line| line.chars().take(1500).collect()).collect()
}

/// The command in a line of the telemetry, which is `>time>command` for what was sent.
fn sent(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('>')?.split_once('>').map(|(_, command)| command)
}
