//! One connection from start to end.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt};
use sync_server::{
    config::{ImapdConf, options, value::Seconds},
    store::cyrus::options::CyrusOptions,
};

use crate::{
    channel::{Means, Wrapped},
    fatal::{EX_IOERR, EX_OSERR, Fatal},
    registration::Register,
    session,
    signals::{Signal, Signals},
    transport::{End, Peer, Stream},
};

/// What all connections of this process share.
pub struct Server {
    pub conf: ImapdConf,
    /// What the store that sessions work on needs to know.
    pub store: CyrusOptions,
    /// The service's name in cyrus.conf.
    pub service: String,
    pub signals: Signals,
    pub register: Register,
    /// What logins and layers need.
    pub means: Means,
}

/// The least that `sync_timeout` means.
const SHORTEST_IDLE: i32 = 3;

/// Serves standard input and output.
pub fn serve_stdio(server: &Server) -> Result<(), Fatal> {
    let owned = |fd: io::Result<OwnedFd>| fd.map_err(|error| Fatal::new(EX_OSERR, format!("standard input: {error}")));
    let input = owned(io::stdin().as_fd().try_clone_to_owned())?;
    let output = owned(io::stdout().as_fd().try_clone_to_owned())?;
    serve(server, input, output)
}

/// Serves one connection, however it ends.
pub fn serve(server: &Server, input: OwnedFd, output: OwnedFd) -> Result<(), Fatal> {
    let peer = Peer::of(&input);
    if let Peer::Internet(_) = peer {
        set_tcp_options(&server.conf, &output);
    }
    let registration = server.register.enter(&server.service, peer);
    let registration =
        registration.map_err(|error| Fatal::new(EX_IOERR, format!("unable to register process: {error}")))?;
    let idle = server.conf.value(&options::SYNC_TIMEOUT).max(SHORTEST_IDLE).unsigned_abs();
    let stream = Stream::new(input, output, Duration::from_secs(idle.into()), &server.signals);
    let mut channel = Wrapped::new(stream, server, peer, registration);
    let result = session::serve_connection(server, peer, &mut channel);
    match (channel.ended(), result) {
        (Some(End::Signal(Signal::Shutdown)), _) => channel.say_goodbye(),
        (Some(End::Signal(Signal::Hangup)), _) => tracing::info!("{peer}: closed to start anew"),
        (Some(End::Idle), _) => tracing::info!("{peer}: idle for too long"),
        (None, Err(error)) => tracing::error!("{peer}: connection lost: {error}"),
        (None, Ok(())) => channel.close(),
    }
    Ok(())
}

/// `tcp_enable_keepalive` and `tcp_disable_nagle` of lib/util.c. A connection without them still works.
fn set_tcp_options(conf: &ImapdConf, socket: &OwnedFd) {
    let positive = |number: i64| u32::try_from(number).ok().filter(|number| *number > 0);
    let seconds = |setting: &Seconds| positive(conf.value(setting).into());
    let mut results = vec![setsockopt(socket, sockopt::TcpNoDelay, &true)];
    if conf.value(&options::TCP_KEEPALIVE) {
        results.push(setsockopt(socket, sockopt::KeepAlive, &true));
        let count = positive(conf.value(&options::TCP_KEEPALIVE_CNT));
        results.extend(count.map(|count| setsockopt(socket, sockopt::TcpKeepCount, &count)));
        let idle = seconds(&options::TCP_KEEPALIVE_IDLE);
        results.extend(idle.map(|idle| setsockopt(socket, sockopt::TcpKeepIdle, &idle)));
        let interval = seconds(&options::TCP_KEEPALIVE_INTVL);
        results.extend(interval.map(|interval| setsockopt(socket, sockopt::TcpKeepInterval, &interval)));
    }
    for error in results.into_iter().filter_map(Result::err) {
        tracing::warn!("unable to set a TCP option: {error}");
    }
}
