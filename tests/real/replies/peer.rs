//! One conversation with one server: everything is said, then everything heard.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use super::{Answers, Conversation};
use crate::rig::instance::Instance;
use crate::rig::{Failure, Result};

pub fn hold(server: &Instance, conversation: &Conversation) -> Result<Answers> {
    // `master` may close a socket that has a connection waiting; such a one hears not even the greeting.
    for _ in 0..5 {
        let heard = hear(server, conversation)?;
        if !heard.is_empty() {
            return Ok(Answers::of(&heard, conversation));
        }
    }
    Err(Failure::new(format!("{} does not greet: {}", server.name, conversation.name)))
}

fn hear(server: &Instance, conversation: &Conversation) -> Result<Vec<u8>> {
    let mut stream = server.connect()?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    // A server that died takes no more; what it said before is there to be read.
    if stream.write_all(&conversation.said).is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut heard = Vec::new();
    match stream.read_to_end(&mut heard) {
        Err(e) if e.kind() != ErrorKind::ConnectionReset => {
            let log = server.log().split_off(server.log().len().saturating_sub(10)).join("\n");
            Err(Failure::new(format!("{} with {}: {e}\n{log}", conversation.name, server.name)))
        }
        _ => Ok(heard),
    }
}
