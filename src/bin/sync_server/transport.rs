//! The bytes of one connection: reading and writing with the idle limit, ended by signals.

use std::{
    fmt,
    io::{self, ErrorKind, Read, Write},
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::PollFlags,
    sys::socket::{AddressFamily, MsgFlags, SockaddrLike, SockaddrStorage, getpeername, getsockname, send},
};

use crate::signals::{Heed, Signal, Signals, Woken};

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Peer {
    /// On this host, over a UNIX socket or a pipe: an administrator without login.
    Local,
    /// Over TCP: has to log in.
    Internet(SocketAddr),
}

impl Peer {
    /// Who is at the other end of a descriptor (`get_clienthost` of imap/global.c, without the name from DNS).
    pub fn of(fd: &OwnedFd) -> Peer {
        let Ok(stored) = getpeername::<SockaddrStorage>(fd.as_raw_fd()) else { return Peer::Local };
        address(&stored).map_or(Peer::Local, Peer::Internet)
    }
}

fn address(stored: &SockaddrStorage) -> Option<SocketAddr> {
    let ip4 = stored.as_sockaddr_in().map(|ip| SocketAddr::V4((*ip).into()));
    ip4.or(stored.as_sockaddr_in6().map(|ip| SocketAddr::V6((*ip).into())))
}

impl fmt::Display for Peer {
    /// As `cyr_info proc` shows it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Local => formatter.write_str("[unix socket]"),
            Peer::Internet(address) => write!(formatter, "[{}]", address.ip()),
        }
    }
}

/// Why reading or writing ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The peer was silent, or did not read, for longer than `sync_timeout`.
    Idle,
    /// A signal.
    Signal(Signal),
}

/// One connection. Reads and writes fail once it has [ended](Stream::ended).
pub struct Stream<'a> {
    input: OwnedFd,
    output: OwnedFd,
    /// Whether the output is a socket; else it is a pipe or a file.
    is_socket: bool,
    idle: Duration,
    signals: &'a Signals,
    ended: Option<End>,
}

/// What a pipe takes without blocking once it can be written (`PIPE_BUF`).
const PIPE_BUF: usize = 4096;

impl<'a> Stream<'a> {
    pub fn new(input: OwnedFd, output: OwnedFd, idle: Duration, signals: &'a Signals) -> Stream<'a> {
        let family = getsockname::<SockaddrStorage>(output.as_raw_fd()).map(|address| address.family());
        let is_socket = family.is_ok_and(|family| family != Some(AddressFamily::Unspec));
        Stream { input, output, is_socket, idle, signals, ended: None }
    }

    /// Why it ended, other than by the peer.
    pub fn ended(&self) -> Option<End> {
        self.ended
    }

    /// The address of this end; none but of TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        getsockname::<SockaddrStorage>(self.input.as_raw_fd()).ok().as_ref().and_then(address)
    }

    /// Says this on the way out, if the peer is ready to hear it.
    pub fn say_last(&self, message: &[u8]) {
        // There is nobody to tell if it fails.
        let _ = match self.is_socket {
            true => send(self.output.as_raw_fd(), message, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL),
            false => nix::unistd::write(&self.output, message),
        };
    }

    fn wait(&mut self, fd: Direction) -> io::Result<()> {
        if self.ended.is_some() {
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let (fd, events, heed) = match fd {
            Direction::In => (&self.input, PollFlags::POLLIN, Heed::All),
            Direction::Out => (&self.output, PollFlags::POLLOUT, Heed::Shutdown),
        };
        match self.signals.wait(fd.as_fd(), events, Some(self.idle), heed)? {
            Woken::Ready => Ok(()),
            Woken::TimedOut => self.end(End::Idle, ErrorKind::TimedOut),
            Woken::Signal(signal) => self.end(End::Signal(signal), ErrorKind::ConnectionAborted),
        }
    }

    fn end(&mut self, end: End, kind: ErrorKind) -> io::Result<()> {
        self.ended = Some(end);
        Err(kind.into())
    }
}

#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(Direction::In)?;
        Ok(nix::unistd::read(&self.input, buffer)?)
    }
}

impl Write for Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_socket {
            self.wait(Direction::Out)?;
            return Ok(nix::unistd::write(&self.output, bytes.get(..PIPE_BUF).unwrap_or(bytes))?);
        }
        loop {
            let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
            match send(self.output.as_raw_fd(), bytes, flags) {
                Err(Errno::EAGAIN) => self.wait(Direction::Out)?,
                sent => return Ok(sent?),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
