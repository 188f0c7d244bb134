//! The service protocol of Cyrus `master`: accept, say so, serve, say that it is free again.
//!
//! A message on the status pipe is a C struct of two ints, in the machine's own byte order: what happened, and which
//! process (`struct notify_message` of master/service.h). `master` counts its free workers by them, and starts more
//! when there are none. The order of messages is that of `main` in master/service.c; on the way out nothing is said,
//! because `master` sees the process end.
//!
//! The reference takes turns at `accept` with a lock file. Here the socket does not block, so workers that wake up
//! together and find the connection taken just wait again, and a signal is never held up by somebody else's lock.

use std::{
    env, fs,
    fs::File,
    io::{self, ErrorKind, Write},
    net::TcpListener,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixListener},
    },
    path::PathBuf,
    process,
    time::Duration,
};

use nix::{errno::Errno, poll::PollFlags};

use crate::{
    args::Args,
    connection::{self, Server},
    fatal::{EX_OSERR, Fatal},
    inherited::Master,
    signals::{Heed, Woken},
};

/// The messages of master/service.h.
#[derive(Clone, Copy, Debug)]
enum Message {
    Available = 1,
    Unavailable = 2,
    Connection = 3,
}

/// Serves connections one after another until it is time to make room for a fresh process.
pub fn serve(server: &Server, master: Master, args: &Args) -> Result<(), Fatal> {
    let os_error = |error: io::Error| Fatal::new(EX_OSERR, format!("the socket of master: {error}"));
    let listener = Listener::new(master.listener).map_err(os_error)?;
    let mut status = File::from(master.status);
    let program = Program::running();
    for uses in 1_u32.. {
        let limit = args.reuse_timeout.filter(|_| uses > 1).map(spread);
        let Some(connection) = next(server, &listener, &program, limit).map_err(os_error)? else { break };
        notify(&mut status, &[Message::Unavailable, Message::Connection]);
        let output = connection.try_clone().map_err(os_error)?;
        connection::serve(server, connection, output)?;
        if server.signals.pending(Heed::All).is_some() || uses >= args.max_use {
            break;
        }
        notify(&mut status, &[Message::Available]);
    }
    Ok(())
}

/// The next connection; none when it is time to end.
fn next(
    server: &Server,
    listener: &Listener,
    program: &Program,
    limit: Option<Duration>,
) -> io::Result<Option<OwnedFd>> {
    loop {
        if program.has_changed() {
            tracing::info!("process file has changed");
            return Ok(None);
        }
        match server.signals.wait(listener.as_fd(), PollFlags::POLLIN, limit, Heed::All)? {
            Woken::Ready => {}
            Woken::TimedOut | Woken::Signal(_) => return Ok(None),
        }
        match listener.accept() {
            Ok(connection) => return Ok(Some(connection)),
            Err(error) if is_passing(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Between once and twice the time, so that idle workers do not all end at once.
fn spread(limit: Duration) -> Duration {
    let permille = process::id() % 1000;
    limit + limit * permille / 1000
}

#[allow(clippy::host_endian_bytes, reason = "a C struct that stays on this machine")]
fn notify(status: &mut File, messages: &[Message]) {
    let process = process::id().to_ne_bytes();
    let each = messages.iter().flat_map(|message| (*message as i32).to_ne_bytes().into_iter().chain(process));
    if let Err(error) = status.write_all(&each.collect::<Vec<u8>>()) {
        tracing::error!("unable to tell master of {messages:?}: {error}");
    }
}

/// Errors of `accept` that concern one connection and not the socket.
fn is_passing(error: &io::Error) -> bool {
    const PASSING: [Errno; 8] = [
        Errno::ENETDOWN,
        Errno::EPROTO,
        Errno::ENOPROTOOPT,
        Errno::EHOSTDOWN,
        Errno::ENONET,
        Errno::EHOSTUNREACH,
        Errno::EOPNOTSUPP,
        Errno::ENETUNREACH,
    ];
    let kind = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted);
    kind || error.raw_os_error().is_some_and(|number| PASSING.contains(&Errno::from_raw(number)))
}

/// The listening socket of either kind.
enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

impl Listener {
    fn new(socket: OwnedFd) -> io::Result<Listener> {
        let unix = UnixListener::from(socket);
        if unix.local_addr().is_ok() {
            unix.set_nonblocking(true)?;
            return Ok(Listener::Unix(unix));
        }
        let tcp = TcpListener::from(OwnedFd::from(unix));
        tcp.set_nonblocking(true)?;
        Ok(Listener::Tcp(tcp))
    }

    fn accept(&self) -> io::Result<OwnedFd> {
        match self {
            Listener::Unix(socket) => socket.accept().map(|(connection, _)| connection.into()),
            Listener::Tcp(socket) => socket.accept().map(|(connection, _)| connection.into()),
        }
    }

    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Listener::Unix(socket) => socket.as_fd(),
            Listener::Tcp(socket) => socket.as_fd(),
        }
    }
}

/// The file of this program: once another is installed under its name, `master` shall start that.
struct Program {
    path: PathBuf,
    identity: Option<(u64, u64, i64)>,
}

impl Program {
    fn running() -> Program {
        // master starts services by their whole path; the link in /proc is for those who do not.
        let name = env::args_os().next().map(PathBuf::from).filter(|name| name.is_absolute());
        let path = name.or_else(|| env::current_exe().ok()).unwrap_or_default();
        let identity = Program::identity(&path);
        Program { path, identity }
    }

    fn has_changed(&self) -> bool {
        self.identity.is_some() && Program::identity(&self.path) != self.identity
    }

    fn identity(path: &PathBuf) -> Option<(u64, u64, i64)> {
        fs::metadata(path).ok().map(|file| (file.ino(), file.size(), file.mtime()))
    }
}
