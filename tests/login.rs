//! A peer that has to log in: what it is offered, what it may do, and what becomes of bytes that it sends too early.
//!
//! Words are those of 3.12's `imap/sync_server.c`. The layers here only mark what passes through them: `[` and `]` around each
//! write.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
};
use sync_server::{
    drive::serve_channel,
    ops::{Channel, ContinueLogin, Layer, Login, Offer, ReadOffer, Refusal, StartLayer, StartLogin},
    session::{Config, Session},
    store::MemoryStore,
};

/// A connection whose peer says one of these with each write, and can log in as `admin` or `user` with the mechanism `ASK`, whose
/// strength is the peer's to say.
#[derive(Default)]
struct Line {
    said: VecDeque<&'static str>,
    heard: String,
    layers: Vec<Layer>,
    broken: bool,
}

impl Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let said = self.said.pop_front().unwrap_or_default();
        buffer[..said.len()].copy_from_slice(said.as_bytes());
        Ok(said.len())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let marks = self.layers.len();
        self.heard += &"[".repeat(marks);
        self.heard += std::str::from_utf8(bytes).unwrap();
        self.heard += &"]".repeat(marks);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn answered(response: &[u8]) -> Login {
    match response {
        b"admin" => Login::Done { is_admin: true, strength: 0 },
        b"admin+1" => Login::Done { is_admin: true, strength: 1 },
        b"admin+128" => Login::Done { is_admin: true, strength: 128 },
        b"user" => Login::Done { is_admin: false, strength: 0 },
        b"more" => Login::Challenge("who".into()),
        _ => Login::Failed("authentication failure".into()),
    }
}

impl Channel for Line {
    fn read_offer(&mut self, _: &ReadOffer) -> Result<Offer, Refusal> {
        let mechanisms = if self.layers.contains(&Layer::Tls) { "ASK PLAIN" } else { "ASK" };
        Ok(Offer { mechanisms: mechanisms.into(), tls: true, deflate: true })
    }

    fn start_login(&mut self, start: &StartLogin) -> Result<Login, Refusal> {
        assert_eq!(start.mechanism, "ASK");
        Ok(start.response.as_deref().map_or(Login::Challenge(String::new()), answered))
    }

    fn continue_login(&mut self, answer: &ContinueLogin) -> Result<Login, Refusal> {
        Ok(answered(&answer.response))
    }

    fn start_layer(&mut self, start: &StartLayer) -> Result<(), Refusal> {
        if self.broken {
            return Err(Refusal::Protocol);
        }
        self.layers.push(start.0);
        Ok(())
    }
}

fn config() -> Config {
    Config { trusted_peer: false, channel: true, version: "3".into(), ..Config::trusted("r") }
}

/// What a peer hears that says this, read by read, after the banner.
fn hears(config: Config, mut line: Line, said: &[&'static str]) -> (String, Line) {
    line.said.extend(said);
    serve_channel(&mut Session::new(config), &mut MemoryStore::new(), &mut line).unwrap();
    (std::mem::take(&mut line.heard), line)
}

const BANNER: &str =
    "* SASL ASK\r\n* STARTTLS\r\n* COMPRESS DEFLATE\r\n* SIEVE-MAILBOX\r\n* OK r Cyrus sync server 3\r\n";

fn after_the_banner(said: &[&'static str]) -> String {
    let (heard, _) = hears(config(), Line::default(), said);
    heard.strip_prefix(BANNER).unwrap_or_else(|| panic!("{heard}")).to_owned()
}

#[test]
fn a_peer_can_log_in_with_and_without_an_initial_response() {
    assert_eq!(
        after_the_banner(&["authenticate ASK admin\r\n", "GET USER u1\r\n"]),
        "OK Success (no protection)\r\nOK success\r\n"
    );
    let asked = "+ \r\n+ who\r\nOK Success (no protection)\r\nOK Noop completed\r\n";
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK\r\n", "more\r\n", "admin\r\n", "NOOP\r\n"]), asked);
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK\r\nmore\r\nadmin\r\nNOOP\r\n"]), asked);
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK more\r\n", "\r\n"]), "+ who\r\nNO authentication failure\r\n");
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK =\r\n"]), "NO authentication failure\r\n");
}

#[test]
fn without_a_login_nothing_can_be_done() {
    for command in ["GET USER u1\r\n", "APPLY UNUSER u1\r\n", "RESTORE MAILBOX %(MBOXNAME user.u1)\r\n"] {
        assert_eq!(after_the_banner(&[command]), "NO Please authenticate first\r\n", "{command}");
    }
    let failed = "NO authentication failure\r\nNO Please authenticate first\r\n";
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK nobody\r\n", "GET USER u1\r\n"]), failed);
    let canceled = "+ \r\nBAD Client canceled authentication\r\nNO Please authenticate first\r\n";
    assert_eq!(after_the_banner(&["AUTHENTICATE ASK\r\n", "*\r\n", "GET USER u1\r\n"]), canceled);
}

#[test]
fn who_is_no_administrator_is_told_so_whatever_the_command() {
    let said = ["AUTHENTICATE ASK user\r\n", "GET USER u1\r\n", "NOOP\r\n", "STARTTLS\r\n"];
    let denied = "NO Permission denied\r\n".repeat(3);
    assert_eq!(after_the_banner(&said), format!("OK Success (no protection)\r\n{denied}"));
}

#[test]
fn lines_that_are_wrong_are_answered_and_the_next_is_read() {
    for (line, answer) in [
        ("AUTHENTICATE", "BAD Missing required argument to Authenticate"),
        ("AUTHENTICATE (ASK)", "BAD Invalid mechanism"),
        ("AUTHENTICATE A*B", "BAD Invalid mechanism"),
        ("AUTHENTICATE ASK admin x", "BAD Unexpected extra arguments to Authenticate"),
        ("STARTTLS now", "BAD Unexpected extra arguments to Starttls"),
        ("COMPRESS", "BAD Missing required argument to Compress"),
        ("COMPRESS DEFLATE x", "BAD Unexpected extra arguments to Compress"),
        ("COMPRESS LZW", "NO Unknown compression algorithm: LZW"),
    ] {
        let said: &'static str = format!("{line}\r\nNOOP\r\n").leak();
        assert_eq!(after_the_banner(&[said]), format!("{answer}\r\nOK Noop completed\r\n"), "{line}");
    }
    let twice = ["AUTHENTICATE ASK admin\r\n", "AUTHENTICATE ASK admin\r\n", "STARTTLS\r\n"];
    let answers =
        "OK Success (no protection)\r\nBAD Already authenticated\r\nBAD Can't Starttls after authentication\r\n";
    assert_eq!(after_the_banner(&twice), answers);
}

#[test]
fn within_tls_the_server_greets_again_and_offers_what_it_has_then() {
    let said = ["STARTTLS\r\n", "STARTTLS\r\n", "AUTHENTICATE ASK admin\r\n"];
    let (heard, line) = hears(config(), Line::default(), &said);
    let greeting = "* SASL ASK PLAIN\r\n* SIEVE-MAILBOX\r\n* OK r Cyrus sync server 3\r\n";
    let within = format!("[{greeting}][BAD Already did a successful Starttls\r\n][OK Success (tls protection)\r\n]");
    assert_eq!(heard, format!("{BANNER}OK Begin TLS negotiation now\r\n{within}"));
    assert_eq!(line.layers, [Layer::Tls]);
}

#[test]
fn each_layer_begins_behind_the_answer() {
    for (response, protection) in [("admin+1", "integrity protection"), ("admin+128", "privacy protection")] {
        let login: &'static str = format!("AUTHENTICATE ASK {response}\r\n").leak();
        let said = [login, "COMPRESS deflate\r\n", "COMPRESS DEFLATE\r\n", "NOOP\r\n"];
        let wrapped = "[OK deflate active\r\n][[NO Compression already active: DEFLATE\r\n]][[OK Noop completed\r\n]]";
        assert_eq!(after_the_banner(&said), format!("OK Success ({protection})\r\n{wrapped}"));
    }
}

/// What somebody in between has put behind the command must not count as said by who is within the layer.
#[test]
fn what_comes_too_early_is_not_part_of_a_layer() {
    let (heard, _) =
        hears(config(), Line::default(), &["STARTTLS\r\nAUTHENTICATE ASK admin\r\nGET USER u1\r\n", "GET USER u2\r\n"]);
    assert!(heard.ends_with("sync server 3\r\n][NO Please authenticate first\r\n]"), "{heard}");
    assert_eq!(
        after_the_banner(&["COMPRESS DEFLATE\r\nEXIT\r\n", "NOOP\r\n"]),
        "OK DEFLATE active\r\n[OK Noop completed\r\n]"
    );
    let early = after_the_banner(&["AUTHENTICATE ASK admin+1\r\nEXIT\r\n", "NOOP\r\n"]);
    assert_eq!(early, "OK Success (integrity protection)\r\n[OK Noop completed\r\n]");
}

#[test]
fn a_layer_that_cannot_be_started_ends_the_connection() {
    for command in ["STARTTLS\r\n", "COMPRESS DEFLATE\r\n", "AUTHENTICATE ASK admin+1\r\n"] {
        let (heard, line) = hears(config(), Line { broken: true, ..Line::default() }, &[command, "NOOP\r\n"]);
        assert!(heard.ends_with(")\r\n") || heard.ends_with("now\r\n") || heard.ends_with("active\r\n"), "{heard}");
        assert_eq!(line.said, ["NOOP\r\n"], "{command}");
    }
}

#[test]
fn a_peer_on_this_host_is_offered_nothing_and_can_compress() {
    let config = Config { trusted_peer: true, ..config() };
    let (heard, _) =
        hears(config, Line::default(), &["AUTHENTICATE ASK admin\r\n", "COMPRESS DEFLATE\r\n", "NOOP\r\n"]);
    let answers = "BAD Already authenticated\r\nOK DEFLATE active\r\n[OK Noop completed\r\n]";
    assert_eq!(heard, format!("* OK r Cyrus sync server 3\r\n{answers}"));
}

#[test]
fn a_host_that_can_do_nothing_to_the_connection_offers_nothing() {
    let config = Config { channel: false, ..config() };
    let (heard, line) = hears(config, Line::default(), &["AUTHENTICATE ASK admin\r\nSTARTTLS\r\nCOMPRESS DEFLATE\r\n"]);
    let unknown = "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n".repeat(3);
    assert_eq!(heard, format!("* SIEVE-MAILBOX\r\n* OK r Cyrus sync server 3\r\n{unknown}"));
    assert!(line.layers.is_empty());
}

/// A response is a line like others: as long as a string may be, and never part of a later command.
#[test]
fn a_response_has_a_bound() {
    let mut said = vec![b'A'; 200_000];
    said.splice(..0, *b"AUTHENTICATE ASK\r\n");
    said.extend_from_slice(b"\r\nNOOP\r\n");
    let said: &'static str = String::from_utf8(said).unwrap().leak();
    let pieces: Vec<&str> = said.as_bytes().chunks(4096).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
    assert_eq!(after_the_banner(&pieces), "+ \r\nNO authentication failure\r\nOK Noop completed\r\n");
}

#[test]
fn the_end_of_file_within_an_exchange_is_the_end_of_the_connection() {
    let mut line = Line { said: ["AUTHENTICATE ASK\r\n"].into(), ..Line::default() };
    assert!(serve_channel(&mut Session::new(config()), &mut MemoryStore::new(), &mut line).is_err());
}
