//! The replica side of Cyrus IMAP replication, as a drop-in for Cyrus's own `sync_server`.
//!
//! Started by Cyrus `master` it accepts connections on the socket that it was given; started in any other way (inetd,
//! systemd, socat, ssh) it serves the one connection on its standard input and output.

use std::{env, process::ExitCode};

use nix::sys::stat::{Mode, SFlag, fstat, umask};
use sync_server::config::{ImapdConf, spool};

mod args;
mod channel;
mod connection;
mod descriptors;
mod fatal;
mod inherited;
mod log;
mod master;
mod registration;
mod session;
mod signals;
mod transport;
mod trash;

use args::{Args, Task};
use fatal::{EX_OSERR, EX_USAGE, Fatal};
use log::Log;
use signals::{Heed, Signals};

/// The service's name where `master` gives none; it is what `cyrus.conf` examples call this service.
const SERVICE: &str = "syncserver";

fn main() -> ExitCode {
    let master = inherited::take();
    let service = env::var("CYRUS_SERVICE").unwrap_or_else(|_| SERVICE.into());
    let log = Log::start(&service);
    match run(master, service, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fatal) => {
            complain(&fatal);
            ExitCode::from(fatal.code)
        }
    }
}

fn run(master: Option<inherited::Master>, service: String, log: &Log) -> Result<(), Fatal> {
    let args = Args::parse(env::args_os().skip(1))?;
    if nix::unistd::geteuid().is_root() {
        return Err(Fatal::new(EX_USAGE, "must run as the Cyrus user, not as root"));
    }
    let conf = ImapdConf::read(&args.config, &service)?;
    log.configure(&service, &conf);
    conf.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut store = spool::cyrus_options(&conf)?;
    store.held_files = descriptors::for_messages();
    umask(Mode::from_bits_truncate(store.umask));
    match &args.task {
        Task::Serve => {}
        Task::ListTrash => return trash::list(store),
        Task::RestoreTrash(names) => return trash::restore(store, names),
    }
    let signals = Signals::install(log.debug()).map_err(|error| Fatal::new(EX_OSERR, format!("signals: {error}")))?;
    let register = registration::Register::new(&conf);
    let means = channel::Means::new(args.external_strength);
    let server = connection::Server { conf, store, service, signals, register, means };
    let served = match master.filter(|_| !args.stdio) {
        Some(master) => master::serve(&server, master, &args),
        None => connection::serve_stdio(&server),
    };
    if server.signals.pending(Heed::Shutdown).is_some() {
        tracing::info!("graceful shutdown");
    }
    served
}

/// One line for the administrator: in the system log, and on standard error unless that is the peer, as under inetd.
#[allow(clippy::print_stderr, reason = "a server that cannot start says so to whoever started it")]
fn complain(fatal: &Fatal) {
    tracing::error!("{fatal}");
    let identity = |status: nix::sys::stat::FileStat| (status.st_dev, status.st_ino, status.st_mode);
    let input = fstat(std::io::stdin()).map(identity);
    let error = fstat(std::io::stderr()).map(identity);
    let is_socket = |mode| SFlag::from_bits_truncate(mode) & SFlag::S_IFMT == SFlag::S_IFSOCK;
    if !(input == error && error.is_ok_and(|(_, _, mode)| is_socket(mode))) {
        eprintln!("sync_server: {fatal}");
    }
}
