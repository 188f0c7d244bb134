//! Where the connection meets the session.

use std::{io, sync::Arc};

use sync_server::{
    drive::{self, ServeError},
    event::{Event, Observer, Severity},
    session::{Config, Session},
    store::CyrusStore,
};

use crate::{channel::Wrapped, connection::Server, transport::Peer};

/// Speaks csync with one peer until one of both leaves.
pub fn serve_connection(server: &Server, peer: Peer, channel: &mut Wrapped<'_>) -> io::Result<()> {
    let observer: Arc<dyn Observer> = Arc::new(Log);
    let config = Config {
        trusted_peer: peer == Peer::Local,
        channel: true,
        sieve_folder: server.store.folders.sieve.clone(),
        release: server.store.release,
        observer: observer.clone(),
        ..Config::trusted(&server.conf.servername())
    };
    let mut store = CyrusStore::new(server.store.clone(), observer);
    let served = drive::serve_channel(&mut Session::new(config), &mut store, channel);
    store.expire_trash();
    match served {
        Ok(()) => Ok(()),
        Err(ServeError::Stream(error)) => Err(error),
        Err(error @ (ServeError::Session(_) | ServeError::Misuse(_))) => Err(io::Error::other(error)),
    }
}

/// Events go to the system log.
#[derive(Debug)]
pub struct Log;

impl Observer for Log {
    fn event(&self, event: &Event<'_>) {
        match event.severity {
            Severity::Error => tracing::error!("{event}"),
            Severity::Warning => tracing::warn!("{event}"),
            Severity::Notice => tracing::info!("{event}"),
            Severity::Debug => tracing::debug!("{event}"),
        }
    }
}
