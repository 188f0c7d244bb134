//! STARTTLS: what `tls_*` options say, and one connection's TLS.
//!
//! `tls_ciphers` and the like are not read: rustls has none of those that they are meant to exclude.

use std::{
    io::{self, ErrorKind, Read, Write},
    path::Path,
    sync::Arc,
};

use rustls::{
    ServerConfig, ServerConnection, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    version::{TLS12, TLS13},
};
use sync_server::config::{ImapdConf, options, value::Text};

/// The server's side of TLS; `None` where the configuration has none (`tls_enabled` of imap/tls.c).
///
/// # Errors
/// One line that says which option is wrong.
pub fn config(conf: &ImapdConf) -> Result<Option<Arc<ServerConfig>>, String> {
    let file = |setting: &Text| conf.value(setting).filter(|path: &String| !path.eq_ignore_ascii_case("disabled"));
    let (Some(chain), Some(key)) = (file(&options::TLS_SERVER_CERT), file(&options::TLS_SERVER_KEY)) else {
        return Ok(None);
    };
    if conf.value(&options::TLS_CLIENT_CERTS) == "require" {
        return Err("tls_client_certs: require: clients' certificates are not looked at; set it to optional".into());
    }
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(Path::new(&chain)).and_then(Iterator::collect);
    let certificates = certificates.map_err(|error| format!("tls_server_cert: {chain}: {error}"))?;
    let of_key = |error: &dyn std::fmt::Display| format!("tls_server_key: {key}: {error}");
    let private = PrivateKeyDer::from_pem_file(Path::new(&key)).map_err(|error| of_key(&error))?;
    let versions = versions(&conf.value(&options::TLS_VERSIONS).unwrap_or_default());
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_protocol_versions(&versions).map_err(|_| "tls_versions: neither tls1_2 nor tls1_3")?;
    let config = builder.with_no_client_auth().with_single_cert(certificates, private);
    config.map(Arc::new).map(Some).map_err(|error| of_key(&error))
}

fn versions(words: &str) -> Vec<&'static SupportedProtocolVersion> {
    let known = [("tls1_2", &TLS12), ("tls1_3", &TLS13)];
    let given = |name| words.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(name));
    known.into_iter().filter(|(name, _)| given(name)).map(|(_, version)| version).collect()
}

/// One connection.
pub struct Tls(ServerConnection);

impl Tls {
    /// Shakes hands with the peer.
    pub fn accept(config: Arc<ServerConfig>, stream: &mut (impl Read + Write)) -> io::Result<Tls> {
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        connection.set_buffer_limit(None);
        while connection.is_handshaking() {
            connection.complete_io(stream)?;
        }
        Ok(Tls(connection))
    }

    /// Bits of the key that both ends have (`SSL_CIPHER_get_bits`).
    pub fn strength(&self) -> u32 {
        let suite = self.0.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        if suite.is_some_and(|name| name.contains("AES_128")) { 128 } else { 256 }
    }

    /// What stands for these bytes on the wire, and what else is due there.
    pub fn wrap(&mut self, plain: &[u8]) -> io::Result<Vec<u8>> {
        self.0.writer().write_all(plain)?;
        self.due()
    }

    /// What the peer is owed: alerts, new keys.
    pub fn due(&mut self) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut output)?;
        }
        Ok(output)
    }

    /// Takes bytes from the wire and adds what they stand for to `plain`.
    pub fn unwrap(&mut self, mut wrapped: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        while !wrapped.is_empty() {
            self.0.read_tls(&mut wrapped)?;
            self.take(plain)?;
        }
        Ok(())
    }

    /// Adds what has come so far, also during the handshake.
    pub fn take(&mut self, plain: &mut Vec<u8>) -> io::Result<()> {
        let invalid = |error| io::Error::new(ErrorKind::InvalidData, error);
        let state = self.0.process_new_packets().map_err(invalid)?;
        let start = plain.len();
        plain.resize(start + state.plaintext_bytes_to_read(), 0);
        match plain.get_mut(start..) {
            Some([]) | None => Ok(()),
            Some(place) => self.0.reader().read_exact(place),
        }
    }

    /// Tells the peer that nothing follows; what is to be sent for that.
    pub fn close(&mut self) -> io::Result<Vec<u8>> {
        self.0.send_close_notify();
        self.due()
    }
}
