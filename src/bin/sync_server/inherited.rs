//! The two descriptors that Cyrus `master` hands to a service.

use std::{
    env,
    os::fd::{FromRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{SockaddrStorage, getsockname, getsockopt, sockopt::AcceptConn},
};

/// `STATUS_FD` and `LISTEN_FD` of master/service.h.
const STATUS: i32 = 3;
const LISTEN: i32 = 4;

/// What `master` gave.
pub struct Master {
    /// A pipe on which the service says whether it is free.
    pub status: OwnedFd,
    /// The listening socket.
    pub listener: OwnedFd,
}

/// Takes the descriptors if the environment and their kinds say that `master` started this process.
///
/// To be called once, before the process opens anything.
#[allow(unsafe_code, reason = "an inherited descriptor is a number; nothing safe makes an owner of it")]
pub fn take() -> Option<Master> {
    // On what is open but no socket, it fails in another way.
    let is_open = getsockname::<SockaddrStorage>(STATUS) != Err(Errno::EBADF);
    if env::var_os("CYRUS_SERVICE").is_none() || !is_open || getsockname::<SockaddrStorage>(LISTEN).is_err() {
        return None;
    }
    // SAFETY: both are open, as was just seen, and nothing else in this process has opened or owns a descriptor yet.
    let (status, listener) = unsafe { (OwnedFd::from_raw_fd(STATUS), OwnedFd::from_raw_fd(LISTEN)) };
    getsockopt(&listener, AcceptConn).is_ok_and(|listens| listens).then_some(Master { status, listener })
}
