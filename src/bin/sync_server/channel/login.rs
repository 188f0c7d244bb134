//! Logins: SASL as `imapd.conf` has it.

use std::{cell::OnceCell, collections::HashMap, ffi::CString, net::SocketAddr, thread, time::Duration};

use bytes::Bytes;
use sync_server::{
    config::{ImapdConf, options, value::Number},
    ops::Login,
};

use super::{
    libsasl::{Exchange, Sasl, SaslError, Stand, Terms},
    users,
};
use crate::{registration::Registration, transport::Peer};

/// The library, opened when the first peer comes that has to log in.
#[derive(Default)]
pub struct Logins(OnceCell<Option<Sasl>>);

impl Logins {
    /// `None` where it is not installed, which was said to the log.
    fn library(&self, conf: &ImapdConf) -> Option<&Sasl> {
        let start = || {
            let started = Sasl::start(c"Cyrus", sasl_options(conf));
            let say = |error: &String| tracing::error!("nobody can log in: {error}; install libsasl2");
            started.inspect_err(say).ok()
        };
        self.0.get_or_init(start).as_ref()
    }
}

/// All `sasl_*` options, without that.
fn sasl_options(conf: &ImapdConf) -> HashMap<String, CString> {
    let option = |name: &str| {
        let value = conf.overflow(&format!("sasl_{name}"))?;
        Some((name.to_owned(), CString::new(value).ok()?))
    };
    conf.overflow_names("sasl_").into_iter().filter_map(option).collect()
}

/// Who the peer of one connection is.
pub struct PeerLogin<'a> {
    conf: &'a ImapdConf,
    logins: &'a Logins,
    peer: Peer,
    local: Option<SocketAddr>,
    registration: Registration<'a>,
    exchange: Option<Exchange<'a>>,
    mechanism: String,
}

/// What protects a connection while somebody logs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Protection {
    /// Bits of its key.
    pub strength: u32,
    /// Whether it is TLS, which was started here.
    pub tls: bool,
}

impl<'a> PeerLogin<'a> {
    pub fn new(
        conf: &'a ImapdConf,
        logins: &'a Logins,
        peer: Peer,
        local: Option<SocketAddr>,
        registration: Registration<'a>,
    ) -> PeerLogin<'a> {
        PeerLogin { conf, logins, peer, local, registration, exchange: None, mechanism: String::new() }
    }

    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// The mechanisms to offer; none to a peer that need not log in.
    pub fn mechanisms(&self, protection: Protection) -> String {
        if self.peer == Peer::Local {
            return String::new();
        }
        let Some(sasl) = self.logins.library(self.conf) else { return String::new() };
        let listed = self.begin(sasl, protection).and_then(|exchange| exchange.mechanisms());
        listed.unwrap_or_else(|error| {
            tracing::warn!("no SASL mechanism can be offered: {}", sasl.text(error));
            String::new()
        })
    }

    fn begin(&self, sasl: &'a Sasl, protection: Protection) -> Result<Exchange<'a>, SaslError> {
        let bits = |option: &Number| u32::try_from(self.conf.value(option).max(0)).unwrap_or(u32::MAX);
        let remote = match self.peer {
            Peer::Internet(address) => sasl_address(address),
            Peer::Local => String::new(),
        };
        let terms = Terms {
            server: c_string(self.conf.servername()),
            local: c_string(self.local.map(sasl_address).unwrap_or_default()),
            remote: c_string(remote),
            external: protection.strength,
            least: bits(&options::SASL_MINIMUM_LAYER),
            most: bits(&options::SASL_MAXIMUM_LAYER),
            plaintext: self.conf.value(&options::ALLOWPLAINTEXT),
        };
        Exchange::new(sasl, &terms)
    }

    /// Begins anew.
    pub fn start(&mut self, mechanism: &str, response: Option<&Bytes>, protection: Protection) -> Login {
        let Some(sasl) = self.logins.library(self.conf) else { return Login::Failed("no mechanism available".into()) };
        self.exchange = None;
        mechanism.clone_into(&mut self.mechanism);
        let stand = match self.begin(sasl, protection) {
            Err(error) => Err(error),
            Ok(exchange) => {
                let exchange = self.exchange.insert(exchange);
                let response = response.map(|response| sasl.decode(response)).transpose();
                response.and_then(|response| exchange.start(&c_string(mechanism.to_owned()), response.as_deref()))
            }
        };
        self.conclude(sasl, stand, protection)
    }

    /// Goes on with the peer's answer.
    pub fn go_on(&mut self, response: &[u8], protection: Protection) -> Login {
        let (Some(sasl), Some(exchange)) = (self.logins.library(self.conf), &mut self.exchange) else {
            return Login::Failed("authentication was not begun".into());
        };
        let stand = sasl.decode(response).and_then(|response| exchange.step(&response));
        self.conclude(sasl, stand, protection)
    }

    fn conclude(&mut self, sasl: &Sasl, stand: Result<Stand, SaslError>, protection: Protection) -> Login {
        let user = match stand {
            Ok(Stand::Challenge(challenge)) => return Login::Challenge(challenge),
            Ok(Stand::Done) => self.exchange.as_ref().and_then(|exchange| exchange.user().ok()).unwrap_or_default(),
            Err(error) => return self.fail(&sasl.text(error)),
        };
        let Some(name) = users::canonical(self.conf, &user) else {
            tracing::info!("badlogin: {} {} ({}) [bad userid]", self.peer, self.mechanism, user.escape_debug());
            return self.pause("authentication failure");
        };
        if let Err(error) = self.registration.add_user(&name) {
            tracing::error!("unable to register {name}: {error}");
        }
        let (is_admin, tls) = (users::is_admin(self.conf, &name), if protection.tls { "+TLS" } else { "" });
        tracing::info!("login: {} {name} {}{tls} User logged in", self.peer, self.mechanism);
        if !is_admin {
            tracing::warn!("{name} is not one of 'admins' and may not replicate");
        }
        let strength = self.exchange.as_ref().map_or(0, Exchange::strength);
        Login::Done { is_admin, strength }
    }

    fn fail(&mut self, text: &str) -> Login {
        let (user, detail) = match &self.exchange {
            Some(exchange) => (exchange.user().unwrap_or_else(|_| "-notset-".into()), exchange.detail()),
            None => ("-notset-".into(), String::new()),
        };
        tracing::info!("badlogin: {} {} ({}) [{detail}]", self.peer, self.mechanism, user.escape_debug());
        self.pause(text)
    }

    fn pause(&mut self, text: &str) -> Login {
        self.exchange = None;
        let seconds = u64::try_from(self.conf.value(&options::FAILEDLOGINPAUSE)).unwrap_or(0);
        thread::sleep(Duration::from_secs(seconds));
        Login::Failed(text.to_owned())
    }

    /// The layer that was negotiated.
    pub fn take_layer(&mut self) -> Option<Exchange<'a>> {
        self.exchange.take()
    }
}

fn sasl_address(address: SocketAddr) -> String {
    format!("{};{}", address.ip(), address.port())
}

/// Nothing of what is passed to the library has a NUL; what has one anyway is cut there.
fn c_string(text: String) -> CString {
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    CString::new(&text.as_bytes()[..end]).unwrap_or_default()
}
