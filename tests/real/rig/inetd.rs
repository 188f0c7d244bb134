//! A csync server without a Cyrus `master`: it is started for one connection, as inetd does it.

use std::fs::{self, File, Permissions};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::thread;

use super::Result;
use super::instance::Instance;
use super::release::{User, run};
use super::sync_client::Conversation;

impl Instance {
    /// Runs `sync_client` from this master to a replica that no `master` runs, and waits until its server has ended.
    pub fn sync_once(&self, replica: &Instance, arguments: &[&str]) -> Result<Conversation> {
        // Named by its directory, because the name of a socket must be short.
        let directory = File::open(replica.base().join("conf/socket"))?;
        let socket = format!("/proc/self/fd/{}/csync", directory.as_raw_fd());
        let _ = fs::remove_file(&socket);
        let listener = UnixListener::bind(&socket)?;
        fs::set_permissions(&socket, Permissions::from_mode(0o777))?;
        thread::scope(|scope| {
            let server = scope.spawn(|| replica.serve_one(&listener));
            let conversation = self.sync(replica, arguments);
            // Ends the wait for a client that gave up before it connected.
            drop(UnixStream::connect(&socket)?);
            server.join().unwrap()?;
            conversation
        })
    }

    fn serve_one(&self, listener: &UnixListener) -> Result<()> {
        let (peer, _) = listener.accept()?;
        let mut server = self.release.command(User::Cyrus, &format!("{}/bin/sync_server", self.directory));
        server.arg("-C").arg(format!("{}/imapd.conf", self.directory));
        server.stdin(OwnedFd::from(peer.try_clone()?)).stdout(OwnedFd::from(peer)).stderr(Stdio::null());
        run(server).map(drop)
    }
}
