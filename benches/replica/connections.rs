//! Connections under Cyrus `master`: banner, NOOP, EXIT; what they cost the services that serve them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::area::{Area, INSIDE, Medium, command};
use super::measure::{median, ticks};
use super::server::Whose;
use super::{Failure, Result};

/// Connections in one run.
const CONNECTIONS: u32 = 1000;

/// Prints the row.
pub fn run(pairs: u32) -> Result<()> {
    let (mut reference, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        reference.push(seconds(Whose::Reference)?);
        ours.push(seconds(Whose::Ours)?);
    }
    let ratio = median(ours.iter().zip(&reference).map(|(ours, reference)| ours / reference));
    println!(
        "connections: CPU seconds of {CONNECTIONS}: {:.3} {:.3}, ratio {ratio:.3}",
        median(reference),
        median(ours)
    );
    Ok(())
}

/// CPU seconds of the services; `master`'s own are the same for both and not counted.
fn seconds(whose: Whose) -> Result<f64> {
    let area = Area::new(Medium::Disk, &format!("master-{whose:?}"))?;
    let program = whose.program(&area)?;
    let conf = format!(
        "SERVICES {{\n  csync cmd=\"{program} -C {INSIDE}/imapd.conf\" listen=\"{INSIDE}/conf/socket/csync\" prefork=0\n}}\n"
    );
    fs::write(area.path().join("cyrus.conf"), conf)?;
    let master = Master::start(&area)?;
    let socket = area.path().join("conf/socket/csync");
    let end = Instant::now() + Duration::from_secs(20);
    while !socket.exists() {
        if Instant::now() > end {
            return Err(Failure("master does not start".to_string()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (0..CONNECTIONS).try_for_each(|_| connect(&socket))?;
    master.seconds_of_services()
}

fn connect(socket: &std::path::Path) -> Result<()> {
    let mut to = UnixStream::connect(socket)?;
    to.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut from = BufReader::new(to.try_clone()?);
    let mut until = |start: &str| -> Result<()> {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            if from.read_line(&mut line)? == 0 {
                return Err(Failure("the connection was closed".to_string()));
            }
        }
        Ok(())
    };
    until("* OK")?;
    to.write_all(b"NOOP\r\n")?;
    until("OK")?;
    to.write_all(b"EXIT\r\n")?;
    until("OK")
}

/// Cyrus's `master`, in a mount namespace and a process of its own.
struct Master(Child);

impl Master {
    fn start(area: &Area) -> Result<Master> {
        let mut command = command(area, "/usr/lib/cyrus/bin/master", "root:root");
        command.args(["-C", &format!("{INSIDE}/imapd.conf"), "-M", &format!("{INSIDE}/cyrus.conf")]);
        command.args(["-p", &format!("{INSIDE}/master.pid")]);
        Ok(Master(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
    }

    /// Of those that have ended and those that wait for more.
    fn seconds_of_services(&self) -> Result<f64> {
        let pid = self.0.id();
        let ended = ticks(pid)?;
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        let mut seconds = ended.2 + ended.3;
        for child in children.split_whitespace() {
            let own = ticks(child.parse().map_err(|_| Failure("no process number".to_string()))?)?;
            seconds += own.0 + own.1;
        }
        Ok(seconds)
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
