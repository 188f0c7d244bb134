//! A blocking IMAP client, small enough to trust: it sends what it is told and returns whole response lines.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Failure, Result};

pub struct Imap {
    stream: BufReader<TcpStream>,
    tag: u32,
}

impl Imap {
    pub fn login(port: u16, user: &str, password: &str) -> Result<Imap> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        let mut imap = Imap { stream: BufReader::new(stream), tag: 0 };
        imap.line()?;
        imap.ok(&format!("LOGIN {user} {password}"))?;
        Ok(imap)
    }

    /// Sends a command that has to succeed; its untagged responses, literals included.
    pub fn ok(&mut self, command: &str) -> Result<Vec<String>> {
        self.send(command.as_bytes())
    }

    /// Sends a command that may be refused; its untagged responses and how it ended, without the time it took.
    pub fn answer(&mut self, command: &str) -> Result<Vec<String>> {
        let (mut lines, ending) = self.exchange(command.as_bytes())?;
        lines.push(ending.split(" (").next().unwrap_or_default().to_string());
        Ok(lines)
    }

    /// Sends commands that have to succeed, in order.
    pub fn all(&mut self, commands: &[&str]) -> Result<()> {
        commands.iter().try_for_each(|command| self.ok(command).map(drop))
    }

    /// Appends a message. `options` are flags and date as the command wants them, or empty.
    pub fn append(&mut self, mailbox: &str, options: &str, message: &[u8]) -> Result<()> {
        let space = if options.is_empty() { "" } else { " " };
        let mut command = format!("APPEND {mailbox} {options}{space}{{{}+}}\r\n", message.len()).into_bytes();
        command.extend_from_slice(message);
        self.send(&command).map(drop)
    }

    fn send(&mut self, command: &[u8]) -> Result<Vec<String>> {
        let (untagged, ending) = self.exchange(command)?;
        if ending.starts_with("OK") {
            return Ok(untagged);
        }
        let command = String::from_utf8_lossy(&command[..command.len().min(200)]).into_owned();
        Err(Failure::new(format!("IMAP: {command}: {ending}")))
    }

    /// The untagged responses to a command, and the tagged one without its tag.
    fn exchange(&mut self, command: &[u8]) -> Result<(Vec<String>, String)> {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        let line = [tag.as_bytes(), command, b"\r\n"].concat();
        self.stream.get_mut().write_all(&line)?;
        let mut untagged = Vec::new();
        loop {
            let line = String::from_utf8_lossy(&self.line()?).into_owned();
            match line.strip_prefix(&tag) {
                Some(ending) => return Ok((untagged, ending.to_string())),
                None => untagged.push(line),
            }
        }
    }

    /// One response line with its literals, without the line end.
    fn line(&mut self) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            if self.stream.read_until(b'\n', &mut line)? == 0 {
                return Err(Failure::new("IMAP: the server closed the connection"));
            }
            let Some(length) = literal_length(&line) else { break };
            let start = line.len();
            line.resize(start + length, 0);
            self.stream.read_exact(&mut line[start..])?;
        }
        line.truncate(line.len().saturating_sub(2));
        Ok(line)
    }
}

/// The length of the literal that a line ends by announcing.
fn literal_length(line: &[u8]) -> Option<usize> {
    let announced = line.strip_suffix(b"}\r\n")?;
    let open = announced.iter().rposition(|&b| b == b'{')?;
    std::str::from_utf8(&announced[open + 1..]).ok()?.parse().ok()
}
