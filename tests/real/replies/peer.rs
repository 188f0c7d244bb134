//! One conversation with one server: everything is said, then everything heard.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Answers, Conversation};
use crate::rig::instance::Instance;
use crate::rig::{Failure, Result};

pub fn hold(server: &Instance, conversation: &Conversation) -> Result<Answers> {
    let socket = server.release.outside(&server.csync_socket());
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    // A server that died takes no more; what it said before is there to be read.
    if stream.write_all(&conversation.said).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::ConnectionReset => {}
        Err(e) => {
            let log = server.log().split_off(server.log().len().saturating_sub(10)).join("\n");
            return Err(Failure::new(format!("{} with {}: {e}\n{log}", conversation.name, server.name)));
        }
    }
    Ok(Answers::of(&heard, conversation))
}
