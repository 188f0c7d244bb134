//! What a conversation costs the process that serves it, and medians of that.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

use super::load::calls::Calls;
use super::server::Server;
use super::{Failure, Result};

/// What a conversation cost.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cost {
    /// Seconds.
    pub wall: f64,
    pub user: f64,
    pub system: f64,
    /// The most memory that was resident, in MB.
    pub memory: f64,
}

/// Says lines to a server, and what that costs it; its start and its end cost `idle`.
pub fn converse(mut server: Server, lines: &[Vec<u8>], idle: Used) -> Result<Cost> {
    let start = Instant::now();
    lines.iter().try_for_each(|line| server.say(line))?;
    let wall = start.elapsed().as_secs_f64();
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let memory = field(&status, "VmHWM:")? / 1024.0;
    let used = server.end()?;
    Ok(Cost { wall, user: used.user - idle.user, system: used.system - idle.system, memory })
}

/// Seconds in user and system mode, to the microsecond; the system tells them only of processes that have ended.
#[derive(Clone, Copy, Default, Debug)]
pub struct Used {
    pub user: f64,
    pub system: f64,
}

impl Used {
    /// What a child costs from its start to its end, for which `end` waits. No other may end meanwhile.
    pub fn by(end: impl FnOnce() -> Result<()>) -> Result<Used> {
        let before = Used::by_children()?;
        end()?;
        let after = Used::by_children()?;
        Ok(Used { user: after.user - before.user, system: after.system - before.system })
    }

    fn by_children() -> Result<Used> {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
        let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
        Ok(Used { user: seconds(usage.user_time()), system: seconds(usage.system_time()) })
    }
}

/// Seconds in user and system mode: the process's own, and those of its children that have ended.
pub fn ticks(pid: u32) -> Result<(f64, f64, f64, f64)> {
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|ticks| ticks.parse::<f64>().ok()).unwrap_or(0.0) / TICKS;
    // utime is field 14; the first two were cut off.
    Ok((ticks(11), ticks(12), ticks(13), ticks(14)))
}

fn field(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.ok_or_else(|| Failure(format!("no {name}")))
}

/// Counts the system calls of a conversation: strace is attached behind the greeting.
pub fn count_calls(server: &mut Server, lines: &[Vec<u8>]) -> Result<Calls> {
    let output = std::env::temp_dir().join(format!("replica-{}.strace", std::process::id()));
    let mut strace = attach(server.pid(), &output)?;
    lines.iter().try_for_each(|line| server.say(line))?;
    kill(Pid::from_raw(strace.id().cast_signed()), Signal::SIGINT)?;
    strace.wait()?;
    let text = fs::read_to_string(&output)?;
    let _ = fs::remove_file(&output);
    if std::env::var_os("SHOW_CALLS").is_some() {
        println!("{text}");
    }
    Ok(Calls::summed(&text))
}

fn attach(pid: u32, output: &std::path::Path) -> Result<Child> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-U", "calls,name", "-p", &pid.to_string(), "-o"]).arg(output);
    let child = strace.stderr(Stdio::null()).spawn().map_err(|e| Failure(format!("strace: {e}")))?;
    let end = Instant::now() + Duration::from_secs(10);
    while !is_traced(pid)? {
        if Instant::now() > end {
            return Err(Failure("strace does not attach".to_string()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(child)
}

fn is_traced(pid: u32) -> Result<bool> {
    Ok(field(&fs::read_to_string(format!("/proc/{pid}/status"))?, "TracerPid:")? > 0.0)
}

/// The median.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.into_iter().collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(0.0)
}
