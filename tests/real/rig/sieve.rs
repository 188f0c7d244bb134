//! A ManageSieve client, as small as the one for IMAP: how scripts get onto a master.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Failure, Result};

pub struct Sieve {
    stream: BufReader<TcpStream>,
}

impl Sieve {
    /// Logs in with SASL PLAIN; `secret` is the base64 of NUL user NUL password.
    pub fn login(port: u16, secret: &str) -> Result<Sieve> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut sieve = Sieve { stream: BufReader::new(stream) };
        sieve.answer("the greeting")?;
        sieve.ok(&format!("AUTHENTICATE \"PLAIN\" \"{secret}\""))?;
        Ok(sieve)
    }

    pub fn put(&mut self, name: &str, script: &str) -> Result<()> {
        self.ok(&format!("PUTSCRIPT \"{name}\" {{{}+}}\r\n{script}", script.len()))
    }

    /// Sends a command that has to succeed.
    pub fn ok(&mut self, command: &str) -> Result<()> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        self.answer(command)
    }

    fn answer(&mut self, to: &str) -> Result<()> {
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if line.starts_with("OK") {
                return Ok(());
            }
            if line.is_empty() || line.starts_with("NO") || line.starts_with("BYE") {
                return Err(Failure::new(format!("ManageSieve: {to}: {line}")));
            }
        }
    }
}
