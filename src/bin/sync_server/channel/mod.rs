//! The connection as a session sees it: the peer can log in, and bytes can be wrapped in TLS, in what SASL has negotiated and in a
//! deflate stream, in this order from the wire inwards, in whichever order they were started (`prot_fill` and `prot_flush_encode`
//! of lib/prot.c).

mod deflate;
mod libsasl;
mod login;
mod tls;
mod users;

use std::{
    borrow::Cow,
    cell::OnceCell,
    io::{self, ErrorKind, Read, Write},
    sync::Arc,
};

use rustls::ServerConfig;
use sync_server::{
    config::{ImapdConf, options},
    ops::{Channel, ContinueLogin, Layer, Login, Offer, ReadOffer, Refusal, StartLayer, StartLogin},
    types::Release,
};

use self::{
    deflate::Deflate,
    libsasl::Exchange,
    login::{Logins, PeerLogin, Protection},
    tls::Tls,
};
use crate::{
    connection::Server,
    registration::Registration,
    transport::{End, Peer, Stream},
};

/// Bytes read from the wire at once where they are wrapped.
const READ: usize = 64 * 1024;

/// What all connections of this process share.
#[derive(Default)]
pub struct Means {
    logins: Logins,
    tls: OnceCell<Option<Arc<ServerConfig>>>,
    /// Bits of the key of what wraps connections outside of this process: `-p`.
    external: u32,
}

impl Means {
    pub fn new(external: u32) -> Means {
        Means { external, ..Means::default() }
    }

    /// What STARTTLS needs; `None` where it is not configured, or wrongly, which is said to the log once.
    fn tls(&self, conf: &ImapdConf, release: Release) -> Option<&Arc<ServerConfig>> {
        // 3.6 has no such option and offers it.
        let is_allowed = release == Release::V3_6 || conf.value(&options::ALLOWSTARTTLS);
        let read = || {
            let say = |error: &String| tracing::error!("STARTTLS is not offered: {error}");
            tls::config(conf).inspect_err(say).ok().flatten()
        };
        is_allowed.then(|| self.tls.get_or_init(read).as_ref()).flatten()
    }
}

/// One connection.
pub struct Wrapped<'a> {
    stream: Stream<'a>,
    tls_config: Option<&'a Arc<ServerConfig>>,
    external: u32,
    login: PeerLogin<'a>,
    tls: Option<Tls>,
    sasl: Option<Exchange<'a>>,
    deflate: Option<Deflate>,
    /// What was read and unwrapped as far as to the deflate stream.
    read: Vec<u8>,
    /// How much of it is used.
    used: usize,
    buffer: Vec<u8>,
}

impl<'a> Wrapped<'a> {
    /// A connection as it came. `registration` says who the peer is as soon as that is known.
    pub fn new(stream: Stream<'a>, server: &'a Server, peer: Peer, registration: Registration<'a>) -> Wrapped<'a> {
        let (conf, means) = (&server.conf, &server.means);
        // A peer that need not log in has no address and cannot start TLS.
        let (local, tls_config) = match peer {
            Peer::Local => (None, None),
            Peer::Internet(_) => (stream.local_address(), means.tls(conf, server.store.release)),
        };
        let login = PeerLogin::new(conf, &means.logins, peer, local, registration);
        Wrapped {
            stream,
            tls_config,
            external: means.external,
            login,
            tls: None,
            sasl: None,
            deflate: None,
            read: Vec::new(),
            used: 0,
            buffer: Vec::new(),
        }
    }

    fn protection(&self) -> Protection {
        match &self.tls {
            Some(tls) => Protection { strength: tls.strength(), tls: true },
            None => Protection { strength: self.external, tls: false },
        }
    }

    /// Why it ended, other than by the peer.
    pub fn ended(&self) -> Option<End> {
        self.stream.ended()
    }

    /// Says goodbye on the way out, if the peer is ready to hear it (`shut_down_via_signal`).
    pub fn say_goodbye(mut self) {
        // There is nobody to tell if it fails.
        if let Ok(message) = self.wrap(b"BYE shutting down\r\n") {
            self.stream.say_last(&message);
        }
    }

    /// Ends TLS in order, so that the peer can tell the end from a cut.
    pub fn close(mut self) {
        if let Some(last) = self.tls.as_mut().and_then(|tls| tls.close().ok()) {
            self.stream.say_last(&last);
        }
    }

    fn is_bare(&self) -> bool {
        self.tls.is_none() && self.sasl.is_none() && self.deflate.is_none()
    }

    fn wrap<'p>(&mut self, plain: &'p [u8]) -> io::Result<Cow<'p, [u8]>> {
        let mut bytes = Cow::Borrowed(plain);
        if let Some(deflate) = &mut self.deflate {
            bytes = deflate.compress(&bytes)?.into();
        }
        if let Some(sasl) = &mut self.sasl {
            bytes = sasl.wrap(&bytes).map_err(|_| io::Error::other("the SASL layer failed"))?.into();
        }
        if let Some(tls) = &mut self.tls {
            bytes = tls.wrap(&bytes)?.into();
        }
        Ok(bytes)
    }

    /// Reads from the wire and unwraps; whether there was something.
    fn fill(&mut self) -> io::Result<bool> {
        self.read.clear();
        self.used = 0;
        self.buffer.resize(READ, 0);
        let length = self.stream.read(&mut self.buffer)?;
        let wire = self.buffer.get(..length).unwrap_or_default();
        if wire.is_empty() {
            return Ok(false);
        }
        let Some(tls) = &mut self.tls else {
            return unwrap_sasl(self.sasl.as_mut(), wire, &mut self.read).map(|()| true);
        };
        let mut opened = Vec::new();
        let outcome = tls.unwrap(wire, &mut opened);
        // Also what says why it failed.
        let due = tls.due()?;
        self.stream.write_all(&due)?;
        outcome?;
        unwrap_sasl(self.sasl.as_mut(), &opened, &mut self.read)?;
        Ok(true)
    }
}

fn unwrap_sasl(layer: Option<&mut Exchange<'_>>, wrapped: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
    match layer {
        Some(sasl) => {
            let invalid = |_| io::Error::new(ErrorKind::InvalidData, "what came is not of the SASL layer");
            sasl.unwrap(wrapped, plain).map_err(invalid)
        }
        None => {
            plain.extend_from_slice(wrapped);
            Ok(())
        }
    }
}

impl Read for Wrapped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_bare() {
            return self.stream.read(buffer);
        }
        loop {
            let rest = self.read.get(self.used..).unwrap_or_default();
            let (used, given) = match &mut self.deflate {
                // Also without input: what fitted nowhere before.
                Some(deflate) => deflate.decompress(rest, buffer)?,
                None => {
                    let length = (&*rest).read(buffer)?;
                    (length, length)
                }
            };
            self.used += used;
            if given > 0 {
                return Ok(given);
            }
            if used == 0 && !self.fill()? {
                return Ok(0);
            }
        }
    }
}

impl Write for Wrapped<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_bare() {
            return self.stream.write(bytes);
        }
        let wrapped = self.wrap(bytes)?;
        self.stream.write_all(&wrapped)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel for Wrapped<'_> {
    fn read_offer(&mut self, _: &ReadOffer) -> Result<Offer, Refusal> {
        let mechanisms = self.login.mechanisms(self.protection());
        Ok(Offer { mechanisms, tls: self.tls_config.is_some(), deflate: true })
    }

    fn start_login(&mut self, start: &StartLogin) -> Result<Login, Refusal> {
        Ok(self.login.start(&start.mechanism, start.response.as_ref(), self.protection()))
    }

    fn continue_login(&mut self, answer: &ContinueLogin) -> Result<Login, Refusal> {
        Ok(self.login.go_on(&answer.response, self.protection()))
    }

    fn start_layer(&mut self, start: &StartLayer) -> Result<(), Refusal> {
        (self.read, self.used) = (Vec::new(), 0);
        match start.0 {
            Layer::Tls => {
                let config = self.tls_config.ok_or(Refusal::Protocol)?;
                let accepted = Tls::accept(Arc::clone(config), &mut self.stream);
                let say = |error: &io::Error| tracing::info!("TLS negotiation failed: {}: {error}", self.login.peer());
                let tls = self.tls.insert(accepted.inspect_err(say).map_err(|_| Refusal::Protocol)?);
                tls.take(&mut self.read).map_err(|_| Refusal::Protocol)?;
            }
            Layer::Sasl => self.sasl = Some(self.login.take_layer().ok_or(Refusal::Protocol)?),
            Layer::Deflate => self.deflate = Some(Deflate::new()),
        }
        Ok(())
    }
}
