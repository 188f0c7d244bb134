//! A server process that serves the one connection on its standard input and output.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::area::{Area, INSIDE, command};
use super::measure::Used;
use super::{Failure, Result};

/// Whose server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    Reference,
    Ours,
}

impl Whose {
    /// The program as it is found in the tree; ours is copied into the area.
    pub fn program(self, area: &Area) -> Result<String> {
        if self == Whose::Reference {
            return Ok("/usr/lib/cyrus/bin/sync_server".to_string());
        }
        let copy = area.path().join("sync_server");
        if !copy.exists() {
            let built = std::env::var("SYNC_SERVER").unwrap_or(env!("CARGO_BIN_EXE_sync_server").to_string());
            fs::copy(built, &copy)?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
        }
        Ok(format!("{INSIDE}/sync_server"))
    }
}

/// A server that is being talked to.
pub struct Server {
    child: Child,
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl Server {
    /// Starts it and reads its greeting.
    pub fn start(whose: Whose, area: &Area) -> Result<Server> {
        let (to, theirs) = UnixStream::pair()?;
        // Under strace the reference takes minutes for a large change.
        to.set_read_timeout(Some(Duration::from_secs(900)))?;
        let (input, output): (OwnedFd, OwnedFd) = (theirs.try_clone()?.into(), theirs.into());
        let mut command = command(area, &whose.program(area)?, "cyrus:mail");
        command.args(["-X", "-C", &format!("{INSIDE}/imapd.conf")]);
        // Without these the reference takes itself to be started wrongly, `-X` or not.
        command.env("CYRUS_SERVICE", "syncserver").env("CYRUS_ID", "1");
        let child = command.stdin(input).stdout(output).stderr(Stdio::null()).spawn()?;
        // It holds the server's end of the socket, which would then outlive the server.
        drop(command);
        let from = BufReader::with_capacity(1 << 16, to.try_clone()?);
        let mut server = Server { child, to, from };
        server.reply()?;
        Ok(server)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says a line and waits for what ends the reply to it; all of it must succeed.
    pub fn say(&mut self, line: &[u8]) -> Result<()> {
        self.to.write_all(line)?;
        let ending = self.reply()?;
        if ending.starts_with("OK ") {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&line[..line.len().min(300)]).into_owned();
        Err(Failure(format!("{said}\n{ending}")))
    }

    /// Says goodbye and waits for its end; what it cost from its start on.
    pub fn end(mut self) -> Result<Used> {
        self.say(b"EXIT\r\n")?;
        Used::by(|| {
            self.child.wait()?;
            Ok(())
        })
    }

    /// Reads up to the last line of a reply.
    fn reply(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if self.from.read_until(b'\n', &mut line)? == 0 {
                return Err(Failure("the server closed the connection".to_string()));
            }
            let is_last = [&b"OK "[..], b"NO ", b"BAD ", b"* OK "].iter().any(|word| line.starts_with(word));
            if is_last {
                return Ok(String::from_utf8_lossy(&line).trim_end().to_string());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
