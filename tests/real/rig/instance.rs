//! One Cyrus server: its directory, its configuration, its `master` process.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::imap::Imap;
use super::release::{PROGRAMS, Release, User, run};
use super::sieve::Sieve;
use super::syslog::Sink;
use super::{Failure, Result};

/// Everybody's password.
pub const PASSWORD: &str = "secret";
const USERS: [&str; 9] = ["cyrus", "u1", "u2", "u3", "u4", "u5", "u6", "u7", "u8"];

/// The csync service of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncServer {
    /// The one its Cyrus ships.
    Reference,
    /// The binary of this crate; the reference again when `SYNC_SERVER_UNDER_TEST=reference`, which tests the tests.
    Ours,
}

pub struct Instance {
    pub release: Release,
    pub name: String,
    /// Its directory as its Cyrus sees it.
    pub directory: String,
    imap_port: u16,
    sieve_port: u16,
    /// Its csync service over TCP, and that of the server that its Cyrus ships.
    pub csync_port: u16,
    pub reference_port: u16,
    master: Option<Child>,
    log: Option<Arc<Sink>>,
}

impl Instance {
    /// Makes and starts a server. `settings` are lines added to its imapd.conf; `{d}` in them is its directory.
    pub fn start(release: Release, name: &str, sync_server: SyncServer, settings: &[&str]) -> Result<Instance> {
        let mut instance = Instance::set_up(release, name, sync_server, settings)?;
        instance.run_master()?;
        Ok(instance)
    }

    /// Makes a server without its `master`, for programs that need none.
    pub fn set_up(release: Release, name: &str, sync_server: SyncServer, settings: &[&str]) -> Result<Instance> {
        release.check()?;
        let name = format!("{name}-{}", std::process::id());
        let directory = format!("{}/cyrus-test-{name}", release.scratch());
        let log = Sink::of(release)?;
        let instance = Instance {
            release,
            name,
            directory,
            imap_port: free_port()?,
            sieve_port: free_port()?,
            csync_port: free_port()?,
            reference_port: free_port()?,
            master: None,
            log,
        };
        instance.configure(sync_server, settings)?;
        Ok(instance)
    }

    /// Its directory as seen from outside.
    pub fn base(&self) -> PathBuf {
        self.release.outside(&self.directory)
    }

    /// Its csync socket as a `sync_client` of the same installation sees it.
    pub fn csync_socket(&self) -> String {
        format!("{}/conf/socket/csync", self.directory)
    }

    /// The same, of the server that its Cyrus ships, which runs beside the one under test on the same spool.
    pub fn reference_socket(&self) -> String {
        format!("{}/conf/socket/reference", self.directory)
    }

    /// Connects to its csync socket. `master` closes the socket of a service whose processes keep dying, where the dying of
    /// one may be seen before its taking a connection is; SIGHUP opens it again.
    pub fn connect(&self) -> Result<UnixStream> {
        let socket = self.release.outside(&self.csync_socket());
        let mut connected = UnixStream::connect(&socket);
        if let (Err(_), Some(master)) = (&connected, &self.master) {
            kill(Pid::from_raw(i32::try_from(master.id())?), Signal::SIGHUP)?;
            wait_until(Duration::from_secs(20), || {
                connected = UnixStream::connect(&socket);
                connected.is_ok()
            });
        }
        connected.map_err(|e| Failure::new(format!("{}: {e}", socket.display())))
    }

    /// The processes that serve its csync socket.
    pub fn sync_servers(&self) -> Vec<Pid> {
        let program = format!("{}/bin/sync_server", self.directory);
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
        pids.filter(|&pid| arguments(pid).first() == Some(&program)).map(Pid::from_raw).collect()
    }

    /// Waits until no connection is registered: a `sync_client` ends before the server that it said EXIT to has tidied up.
    pub fn wait_for_sessions(&self) -> Result<()> {
        if wait_until(Duration::from_secs(20), || self.connected() == 0) {
            return Ok(());
        }
        Err(Failure::new(format!("{} connections to {} do not end", self.connected(), self.name)))
    }

    /// How many of its processes have registered a connection. One that died may have left its registration.
    fn connected(&self) -> usize {
        let configuration = format!("{}/imapd.conf", self.directory);
        let registered = fs::read_dir(self.base().join("conf/proc")).into_iter().flatten().flatten();
        let pids = registered.filter_map(|file| file.file_name().to_str()?.parse().ok());
        pids.filter(|&pid| arguments(pid).contains(&configuration)).count()
    }

    pub fn imap(&self, user: &str) -> Result<Imap> {
        Imap::login(self.imap_port, user, PASSWORD)
    }

    pub fn sieve_of_u1(&self) -> Result<Sieve> {
        Sieve::login(self.sieve_port, "AHUxAHNlY3JldA==")
    }

    /// A command-line program of its Cyrus, set to its configuration.
    pub fn tool(&self, program: &str) -> Command {
        let mut command = self.release.command(User::Cyrus, &format!("{PROGRAMS}/{program}"));
        command.arg("-C").arg(format!("{}/imapd.conf", self.directory));
        command
    }

    /// Runs `cyr_expire`.
    pub fn expire(&self, arguments: &[&str]) -> Result<()> {
        let mut expire = self.tool("cyr_expire");
        expire.args(arguments);
        run(expire).map(drop)
    }

    /// What it logged so far; empty where the machine's own syslog daemon has it.
    pub fn log(&self) -> Vec<String> {
        self.log.as_ref().map_or_else(Vec::new, |sink| sink.lines(&self.name))
    }

    pub fn stop(&mut self) {
        let Some(mut master) = self.master.take() else { return };
        let Ok(pid) = i32::try_from(master.id()) else { return };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let ended = wait_until(Duration::from_secs(10), || matches!(master.try_wait(), Ok(Some(_))));
        // Services of a master that did not end live on in its process group, and so do those it left behind.
        let _ = kill(Pid::from_raw(-pid), Signal::SIGKILL);
        if !ended {
            let _ = master.wait();
        }
    }

    fn configure(&self, sync_server: SyncServer, settings: &[&str]) -> Result<()> {
        let base = self.base();
        let _ = fs::remove_dir_all(&base);
        for sub in
            ["conf/socket", "conf/proc", "conf/lock", "conf/log", "conf/db", "spool", "other", "sieve", "run", "bin"]
        {
            fs::create_dir_all(base.join(sub))?;
        }
        let program = self.install(sync_server)?;
        fs::write(base.join("imapd.conf"), self.imapd_conf(settings))?;
        fs::write(base.join("cyrus.conf"), self.cyrus_conf(&program))?;
        self.add_users()?;
        let mut own = self.release.command(User::Root, "chown");
        own.args(["-R", "cyrus:mail", &self.directory]);
        run(own).map(drop)
    }

    fn add_users(&self) -> Result<()> {
        let add = format!("saslpasswd2 -p -c -f {}/conf/sasldb2 -u {}.example.org", self.directory, self.name);
        let script: Vec<String> = USERS.iter().map(|user| format!("echo {PASSWORD} | {add} {user}")).collect();
        let mut shell = self.release.command(User::Root, "sh");
        shell.arg("-ec").arg(script.join("\n"));
        run(shell).map(drop)
    }

    /// Puts the binary where user `cyrus` of this installation can run it; its path inside.
    fn install(&self, sync_server: SyncServer) -> Result<String> {
        let reference = std::env::var("SYNC_SERVER_UNDER_TEST").is_ok_and(|v| v == "reference");
        if sync_server == SyncServer::Reference || reference {
            return Ok(format!("{PROGRAMS}/sync_server"));
        }
        let built =
            option_env!("CARGO_BIN_EXE_sync_server").ok_or(Failure::new("the sync_server binary is not built"))?;
        let copy = self.base().join("bin/sync_server");
        fs::copy(built, &copy)?;
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        Ok(format!("{}/bin/sync_server", self.directory))
    }

    fn imapd_conf(&self, settings: &[&str]) -> String {
        let (d, name) = (&self.directory, &self.name);
        let mut conf = format!(
            "configdirectory: {d}/conf\nproc_path: {d}/conf/proc\nmboxname_lockpath: {d}/conf/lock\n\
             defaultpartition: default\npartition-default: {d}/spool\nsievedir: {d}/sieve\n\
             servername: {name}.example.org\nsyslog_prefix: {name}\nadmins: cyrus\nallowplaintext: yes\n\
             sasl_pwcheck_method: auxprop\nsasl_auxprop_plugin: sasldb\nsasl_sasldb_path: {d}/conf/sasldb2\n\
             sasl_mech_list: PLAIN LOGIN\nvirtdomains: off\naltnamespace: no\nunixhierarchysep: no\n\
             sync_log: yes\nallowusermoves: yes\nsync_try_imap: no\nannotation_allow_undefined: yes\n\
             idlesocket: {d}/conf/socket/idle\nlmtpsocket: {d}/conf/socket/lmtp\nnotifysocket: {d}/conf/socket/notify\n"
        );
        // What an administrator of a 3.6 replica has to say to our server; Cyrus itself does not know it.
        if self.release == Release::V36 {
            conf.push_str("sync_server_index_version: 17\n");
        }
        for setting in settings {
            conf.push_str(&setting.replace("{d}", d));
            conf.push('\n');
        }
        conf
    }

    fn cyrus_conf(&self, sync_server: &str) -> String {
        let (d, imap, sieve) = (&self.directory, self.imap_port, self.sieve_port);
        let (csync, reference) = (self.csync_port, self.reference_port);
        // `master` opens them in this order: once imap takes connections, all others do.
        format!(
            "START {{\n  recover cmd=\"{PROGRAMS}/ctl_cyrusdb -C {d}/imapd.conf -r\"\n}}\n\
             SERVICES {{\n  \
               sieve cmd=\"{PROGRAMS}/timsieved -C {d}/imapd.conf\" listen=\"127.0.0.1:{sieve}\" prefork=0\n  \
               csync cmd=\"{sync_server} -C {d}/imapd.conf\" listen=\"{d}/conf/socket/csync\" prefork=0\n  \
               reference cmd=\"{PROGRAMS}/sync_server -C {d}/imapd.conf\" listen=\"{d}/conf/socket/reference\" prefork=0\n  \
               csyncnet cmd=\"{sync_server} -C {d}/imapd.conf\" listen=\"127.0.0.1:{csync}\" prefork=0\n  \
               refnet cmd=\"{PROGRAMS}/sync_server -C {d}/imapd.conf\" listen=\"127.0.0.1:{reference}\" prefork=0\n  \
               imap cmd=\"{PROGRAMS}/imapd -C {d}/imapd.conf\" listen=\"127.0.0.1:{imap}\" prefork=0\n\
             }}\nEVENTS {{\n}}\n"
        )
    }

    pub fn run_master(&mut self) -> Result<()> {
        let base = self.base();
        let output = fs::File::create(base.join("run/master.out"))?;
        let mut command = self.release.command(User::Root, &format!("{PROGRAMS}/master"));
        command.arg("-C").arg(format!("{}/imapd.conf", self.directory));
        command.arg("-M").arg(format!("{}/cyrus.conf", self.directory));
        command.arg("-p").arg(format!("{}/run/master.pid", self.directory));
        command.stdout(Stdio::from(output.try_clone()?)).stderr(Stdio::from(output)).process_group(0);
        self.master = Some(command.spawn()?);
        let imap = SocketAddr::from(([127, 0, 0, 1], self.imap_port));
        if wait_until(Duration::from_secs(20), || TcpStream::connect(imap).is_ok()) {
            return Ok(());
        }
        let said = fs::read_to_string(base.join("run/master.out")).unwrap_or_default();
        Err(Failure::new(format!("{} does not start: {said}\n{}", self.name, self.log().join("\n"))))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.stop();
        let kept = std::env::var_os("KEEP").is_some();
        if kept {
            eprintln!("kept: {}", self.base().display());
        } else if let Err(e) = fs::remove_dir_all(self.base()) {
            eprintln!("{}: {e}", self.base().display());
        }
    }
}

/// What a process was started with; nothing if there is none.
fn arguments(pid: i32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|argument| String::from_utf8_lossy(argument).into_owned()).collect()
}

/// Asks every 20 ms until it holds or the time is over.
pub fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// A loopback port that nobody listens on, below the range that outgoing connections take theirs from.
fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 17143 + u16::try_from(std::process::id() % 500).unwrap_or(0) * 20;
    for _ in 0..1000 {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Failure::new("no free port on loopback"))
}
