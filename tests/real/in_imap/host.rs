//! An IMAP server in small, whose replication commands a session carries out: enough of one for `sync_client`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use sync_server::drive::serve_command;
use sync_server::ops::Store;
use sync_server::session::{Config, Recognition, Session, recognize};

use crate::rig::{Failure, Result};

const GREETING: &[u8] = b"* OK [CAPABILITY IMAP4rev1 LITERAL+ X-REPLICATION X-SIEVE-MAILBOX] ready\r\n";

pub struct Host {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Host {
    pub fn start() -> Result<Host> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        Ok(Host { address: listener.local_addr()?, listener })
    }

    /// Serves one connection until its peer logs out: the first words of each command that came.
    pub fn serve_one(&self, store: &mut dyn Store) -> Result<Vec<String>> {
        let mut stream = self.accept()?;
        stream.write_all(GREETING)?;
        let mut session = Session::new(Config::within_imap("host.example.org"));
        let (mut read, mut commands) = (BytesMut::new(), Vec::new());
        loop {
            match recognize(&read) {
                Recognition::Ours => {
                    commands.push(first_words(&read));
                    read = serve_command(&mut session, store, &mut stream, read.freeze())?.into();
                }
                Recognition::Other if read.contains(&b'\n') => {
                    let line = String::from_utf8_lossy(&read.split()).into_owned();
                    commands.push(first_words(line.as_bytes()));
                    if !own_command(&line, &mut stream)? {
                        break;
                    }
                }
                Recognition::Other | Recognition::Unclear => read_more(&mut stream, &mut read)?,
            }
        }
        serve_command(&mut session, store, &mut stream, Bytes::new())?;
        Ok(commands)
    }

    fn accept(&self) -> Result<TcpStream> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                    return Ok(stream);
                }
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock && Instant::now() < end => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn read_more(stream: &mut TcpStream, read: &mut BytesMut) -> Result<()> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer)? {
        0 => Err(Failure::new("the peer left without LOGOUT")),
        length => {
            read.extend_from_slice(&buffer[..length]);
            Ok(())
        }
    }
}

/// Answers a line of the host's own; whether the conversation goes on.
fn own_command(line: &str, stream: &mut TcpStream) -> Result<bool> {
    let (tag, command) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
    match command {
        "NOOP" => stream.write_all(format!("{tag} OK done\r\n").as_bytes())?,
        // A peer need not wait for this.
        "LOGOUT" => drop(stream.write_all(format!("* BYE bye\r\n{tag} OK done\r\n").as_bytes())),
        _ => stream.write_all(format!("{tag} BAD unknown\r\n").as_bytes())?,
    }
    Ok(command != "LOGOUT")
}

/// A command without its tag, up to the third word.
fn first_words(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
    line.split_whitespace().skip(1).take(2).collect::<Vec<_>>().join(" ")
}
