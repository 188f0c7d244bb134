//! Recorded conversations, as readable text that keeps every byte.
//!
//! Each line is a line of the conversation: `C` or `S` for who said it; then `:` if it ends in CRLF, `,` if it ends in a bare
//! LF, `.` if it has no end; then a space and the bytes, with `\xNN` for those that are not printable and `\\` for a backslash.

use bytes::{Bytes, BytesMut};
use std::path::Path;
use sync_server::{session::Config, types::Release};

/// What the client said at once, and what the server replied to it.
pub struct Turn {
    pub client: Bytes,
    pub server: Bytes,
}

/// A recorded conversation. The first turn's client says nothing: the server speaks first.
pub struct Transcript {
    pub turns: Vec<Turn>,
}

impl Transcript {
    pub fn read(name: &str) -> Transcript {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Transcript::parse(&text)
    }

    pub fn parse(text: &str) -> Transcript {
        let mut turns = Vec::new();
        let (mut client, mut server) = (BytesMut::new(), BytesMut::new());
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (head, body) = line.split_at(3.min(line.len()));
            if head.starts_with('C') && !server.is_empty() {
                turns.push(Turn { client: client.split().freeze(), server: server.split().freeze() });
            }
            let side = if head.starts_with('C') { &mut client } else { &mut server };
            unescape(body, side);
            match head.as_bytes()[1] {
                b':' => side.extend_from_slice(b"\r\n"),
                b',' => side.extend_from_slice(b"\n"),
                b'.' => {}
                other => panic!("unknown line end {:?}", char::from(other)),
            }
        }
        turns.push(Turn { client: client.freeze(), server: server.freeze() });
        Transcript { turns }
    }

    /// All that the client said.
    pub fn client(&self) -> Bytes {
        self.turns.iter().flat_map(|turn| turn.client.iter().copied()).collect()
    }

    /// All that the server said.
    pub fn server(&self) -> Bytes {
        self.turns.iter().flat_map(|turn| turn.server.iter().copied()).collect()
    }

    /// A session that greets as the recorded server did.
    pub fn config(&self) -> Config {
        let greeting = String::from_utf8(self.turns[0].server.to_vec()).unwrap();
        let words: Vec<&str> = greeting.split_whitespace().collect();
        let [_, _, name, "Cyrus", "sync", "server", version] = words[..] else { panic!("greeting {greeting}") };
        let release = if version.starts_with("3.6.") { Release::V3_6 } else { Release::V3_12 };
        Config { version: version.to_owned(), release, ..Config::trusted(name) }
    }
}

fn unescape(text: &str, out: &mut BytesMut) {
    let mut rest = text.as_bytes();
    while let Some((byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (b'\\', [b'x', high, low, tail @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).unwrap();
                out.extend_from_slice(&[u8::from_str_radix(digits, 16).unwrap()]);
                tail
            }
            (b'\\', [b'\\', tail @ ..]) => {
                out.extend_from_slice(b"\\");
                tail
            }
            (byte, tail) => {
                out.extend_from_slice(&[*byte]);
                tail
            }
        };
    }
}
