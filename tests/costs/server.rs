//! The program, run three times with the same conversation: plainly, under strace and under valgrind.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::load::calls::Calls;

/// What a conversation cost, the start and the end of the program included.
pub struct Cost {
    pub calls: Calls,
    /// Bytes that were written, replies included.
    pub written: u64,
    /// KiB that were resident at most.
    pub memory: u64,
    pub instructions: u64,
}

/// Who the program runs as: it refuses root.
const NOBODY: u32 = 65534;

pub fn cost_of(lines: &[Vec<u8>]) -> Cost {
    let (written, memory) = plainly(lines);
    let strace = Host::new();
    strace.hold(&["strace", "-f", "-c", "-U", "calls,name", "-o", &strace.path("calls")], lines, |_| ());
    let calls = Calls::summed(&fs::read_to_string(strace.path("calls")).unwrap());
    Cost { calls, written, memory, instructions: instructions(lines) }
}

fn plainly(lines: &[Vec<u8>]) -> (u64, u64) {
    let of = |pid: u32, file: &str, name: &str| -> u64 {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Host::new().hold(&[], lines, |pid| (of(pid, "io", "wchar:"), of(pid, "status", "VmHWM:")))
}

/// Counted as valgrind's processor has them: one without instructions for SHA-1, on every machine.
fn instructions(lines: &[Vec<u8>]) -> u64 {
    let host = Host::new();
    let (log, out) = (format!("--log-file={}", host.path("log")), format!("--callgrind-out-file={}", host.path("out")));
    host.hold(&["valgrind", "--tool=callgrind", &log, &out], lines, |_| ());
    let log = fs::read_to_string(host.path("log")).unwrap();
    let collected = log.lines().find_map(|line| line.split_once("Collected : ")).unwrap();
    collected.1.trim().parse().unwrap()
}

/// A folder with a configuration, a spool and a copy of the program.
struct Host(PathBuf);

impl Host {
    fn new() -> Host {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sync_server-costs-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let host = Host(std::env::temp_dir().join(name));
        for folder in ["", "conf", "conf/proc", "spool"] {
            let folder = host.0.join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let conf = "configdirectory: DIR/conf\npartition-default: DIR/spool\nservername: r.example.org\n";
        fs::write(host.path("imapd.conf"), conf.replace("DIR", &host.0.display().to_string())).unwrap();
        // By another process: a file that is open for writing here could be inherited by a child, and not be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_sync_server")).arg(host.path("program")).status();
        assert!(copied.unwrap().success());
        host
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Says all lines, each of which must succeed, and looks at the process before it ends.
    fn hold<T>(&self, tool: &[&str], lines: &[Vec<u8>], look: impl Fn(u32) -> T) -> T {
        let (mut child, mut to) = self.start(tool);
        let mut from = BufReader::new(to.try_clone().unwrap());
        assert!(reply(&mut from).starts_with("* OK "));
        for line in lines {
            to.write_all(line).unwrap();
            let said = reply(&mut from);
            assert!(said.starts_with("OK "), "{said}");
        }
        let seen = look(child.id());
        to.write_all(b"EXIT\r\n").unwrap();
        assert!(child.wait().unwrap().success());
        seen
    }

    fn start(&self, tool: &[&str]) -> (Child, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (input, output): (OwnedFd, OwnedFd) = (theirs.try_clone().unwrap().into(), theirs.into());
        let (program, conf) = (self.path("program"), self.path("imapd.conf"));
        let words = [tool, &[&program, "-X", "-C", &conf]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(input).stdout(output).stderr(Stdio::null()).current_dir(&self.0);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        if fs::metadata("/proc/self").is_ok_and(|status| std::os::unix::fs::MetadataExt::uid(&status) == 0) {
            command.uid(NOBODY);
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        (child, ours)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(Path::new(&self.0));
    }
}

/// The last line of a reply.
fn reply(from: &mut impl BufRead) -> String {
    loop {
        let mut line = Vec::new();
        assert!(from.read_until(b'\n', &mut line).unwrap() > 0, "the connection was closed");
        if ["OK ", "NO ", "BAD ", "* OK "].iter().any(|word| line.starts_with(word.as_bytes())) {
            return String::from_utf8_lossy(&line).into_owned();
        }
    }
}
