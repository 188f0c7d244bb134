//! Who the peer is, and what its connection is wrapped in.
//!
//! Source: `dobanner`, `cmd_authenticate`, `cmd_starttls` and `cmd_compress` of `imap/sync_server.c`; `saslserver` of
//! `imap/saslserver.c`. Unlike there, what the peer has sent behind STARTTLS, COMPRESS or its last SASL response is never read as
//! if it had come within the layer.

use super::{
    Config, SessionError,
    csync::Next,
    line::Lines,
    script::{Peer, State},
};
use crate::ops::{ContinueLogin, Layer, Login, Offer, ReadOffer, StartLayer, StartLogin};
use bytes::Bytes;

/// How the connection stands: nothing is offered or started where the host can do nothing to it.
#[derive(Default)]
pub(super) struct Standing {
    /// Whether the host can.
    is_there: bool,
    offer: Offer,
    tls: bool,
    deflate: bool,
}

impl Standing {
    pub(super) fn new(config: &Config) -> Standing {
        Standing { is_there: config.channel, ..Standing::default() }
    }
}

/// The server's first words; said again within TLS.
pub(super) async fn greet(state: &mut State, config: &Config) {
    if state.channel.is_there {
        // What cannot be found out is not offered.
        state.channel.offer = state.io.perform(ReadOffer).await.unwrap_or_default();
    }
    if state.peer == Peer::Unknown {
        let Standing { offer, tls, deflate, .. } = &state.channel;
        if !offer.mechanisms.is_empty() {
            state.reply(format_args!("* SASL {}", offer.mechanisms));
        }
        if offer.tls && !tls {
            state.reply("* STARTTLS");
        }
        if offer.deflate && !deflate && !tls {
            state.reply("* COMPRESS DEFLATE");
        }
        state.reply("* SIEVE-MAILBOX");
    }
    state.reply(format_args!("* OK {} Cyrus sync server {}", config.server_name, config.version));
}

/// A command of this module; `None` if it is none.
pub(super) async fn command(
    state: &mut State,
    lines: &mut Lines,
    config: &Config,
    name: &[u8],
) -> Result<Option<Next>, SessionError> {
    let next = match name {
        b"AUTHENTICATE" if state.channel.is_there || state.peer != Peer::Unknown => authenticate(state, lines).await?,
        b"STARTTLS" if state.channel.offer.tls => start_tls(state, lines, config).await?,
        b"COMPRESS" if state.channel.offer.deflate => compress(state, lines).await?,
        _ => return Ok(None),
    };
    Ok(Some(next))
}

async fn authenticate(state: &mut State, lines: &mut Lines) -> Result<Next, SessionError> {
    let Some(mechanism) = lines.atom().await? else {
        state.reply("BAD Missing required argument to Authenticate");
        return Ok(Next::Command);
    };
    let Some(mechanism) = mechanism_name(&mechanism) else {
        lines.skip().await?;
        state.reply("BAD Invalid mechanism");
        return Ok(Next::Command);
    };
    let response = lines.atom().await?;
    if response.is_some() && !lines.end(state, "Authenticate").await? {
        return Ok(Next::Command);
    }
    if state.peer != Peer::Unknown {
        state.reply("BAD Already authenticated");
        return Ok(Next::Command);
    }
    // A response without bytes is written so, since it could not be seen.
    let response = response.map(|response| if &*response == b"=" { Bytes::new() } else { response });
    let mut outcome = state.io.perform(StartLogin { mechanism, response }).await;
    loop {
        match outcome {
            Ok(Login::Challenge(challenge)) => {
                state.reply(format_args!("+ {challenge}"));
                let Some(response) = response_line(state, lines).await? else { return Ok(Next::Command) };
                outcome = state.io.perform(ContinueLogin { response }).await;
            }
            Ok(Login::Done { is_admin, strength }) => {
                state.peer = if is_admin { Peer::Administrator } else { Peer::User };
                return Ok(welcome(state, lines, strength).await);
            }
            Ok(Login::Failed(text)) => {
                state.reply(format_args!("NO {text}"));
                return Ok(Next::Command);
            }
            Err(refusal) => {
                state.reply(format_args!("NO {refusal}"));
                return Ok(Next::Command);
            }
        }
    }
}

/// The name of a SASL mechanism (RFC 4422, section 3.1).
fn mechanism_name(atom: &[u8]) -> Option<String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_name = (1..=20).contains(&atom.len()) && atom.iter().all(is_part);
    is_name.then(|| String::from_utf8_lossy(atom).into_owned())
}

/// A line within the exchange; `None` if the peer gives up.
async fn response_line(state: &State, lines: &mut Lines) -> Result<Option<Bytes>, SessionError> {
    let Some(response) = lines.word().await? else { return Err(SessionError::Truncated) };
    lines.skip().await?;
    if response.first() == Some(&b'*') {
        state.reply("BAD Client canceled authentication");
        return Ok(None);
    }
    Ok(Some(response))
}

async fn welcome(state: &mut State, lines: &mut Lines, strength: u32) -> Next {
    let protection = match (state.channel.tls, strength) {
        (false, 0) => "no protection",
        (false, 1) => "integrity protection",
        (false, _) => "privacy protection",
        (true, 0) => "tls protection",
        (true, 1) => "tls plus integrity protection",
        (true, _) => "tls plus privacy protection",
    };
    state.reply(format_args!("OK Success ({protection})"));
    if strength == 0 { Next::Command } else { start(state, lines, Layer::Sasl).await }
}

async fn start_tls(state: &mut State, lines: &mut Lines, config: &Config) -> Result<Next, SessionError> {
    if !lines.end(state, "Starttls").await? {
        return Ok(Next::Command);
    }
    if state.peer != Peer::Unknown {
        lines.discard();
        state.reply("BAD Can't Starttls after authentication");
        return Ok(Next::Command);
    }
    if state.channel.tls {
        lines.discard();
        state.reply("BAD Already did a successful Starttls");
        return Ok(Next::Command);
    }
    state.reply("OK Begin TLS negotiation now");
    let next = start(state, lines, Layer::Tls).await;
    if next == Next::Command {
        state.channel.tls = true;
        greet(state, config).await;
    }
    Ok(next)
}

async fn compress(state: &mut State, lines: &mut Lines) -> Result<Next, SessionError> {
    let Some(algorithm) = lines.atom().await? else {
        state.reply("BAD Missing required argument to Compress");
        return Ok(Next::Command);
    };
    if !lines.end(state, "Compress").await? {
        return Ok(Next::Command);
    }
    let name = algorithm.escape_ascii();
    if state.channel.deflate {
        state.reply(format_args!("NO Compression already active: {name}"));
        return Ok(Next::Command);
    }
    if !algorithm.eq_ignore_ascii_case(b"DEFLATE") {
        state.reply(format_args!("NO Unknown compression algorithm: {name}"));
        return Ok(Next::Command);
    }
    state.reply(format_args!("OK {name} active"));
    state.channel.deflate = true;
    Ok(start(state, lines, Layer::Deflate).await)
}

/// Sends what was said and wraps what follows. Where that cannot be there is nothing that both ends would understand.
async fn start(state: &State, lines: &mut Lines, layer: Layer) -> Next {
    state.io.flush().await;
    lines.discard();
    match state.io.perform(StartLayer(layer)).await {
        Ok(()) => Next::Command,
        Err(_) => Next::Close,
    }
}
