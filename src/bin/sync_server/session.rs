//! Where the connection meets the session.

use std::io::{self, Read, Write};

use crate::{
    connection::Server,
    transport::{Peer, Stream},
};

/// Speaks csync with one peer until one of both leaves.
///
/// Stands in for the session: the banner, `NOOP` and `EXIT`.
pub fn serve_connection(server: &Server, peer: Peer, stream: &mut Stream<'_>) -> io::Result<()> {
    tracing::debug!(partitions = server.store.partitions.len(), "accepted connection from {peer}");
    write!(stream, "* OK {} Cyrus sync server {}\r\n", server.conf.servername(), env!("CARGO_PKG_VERSION"))?;
    let mut line = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        for byte in buffer.iter().take(count) {
            match byte {
                b'\n' if answer(std::mem::take(&mut line).trim_ascii_end(), stream)? => return Ok(()),
                b'\n' => {}
                _ if line.len() < buffer.len() => line.push(*byte),
                _ => {}
            }
        }
    }
}

/// Whether the peer has left.
fn answer(line: &[u8], stream: &mut Stream<'_>) -> io::Result<bool> {
    let is = |word: &str| line.eq_ignore_ascii_case(word.as_bytes());
    let reply = match () {
        () if is("EXIT") => "OK Finished\r\n",
        () if is("NOOP") => "OK Noop completed\r\n",
        () => "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n",
    };
    stream.write_all(reply.as_bytes())?;
    Ok(is("EXIT"))
}
