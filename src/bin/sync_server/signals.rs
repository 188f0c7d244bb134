//! Signals, and waiting for them together with a descriptor.
//!
//! A handler sets a flag and writes into a pipe; `poll` watches the pipe. So no signal is lost between a look at the
//! flag and the wait, which the reference gets from `pselect` (`signals_select` of lib/signals.c).

use std::{
    io::{self, ErrorKind, Read},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2},
    flag,
    low_level::pipe,
};

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// `SIGTERM`, `SIGINT`, `SIGQUIT`: end now.
    Shutdown,
    /// `SIGHUP`: end where nobody is being served.
    Hangup,
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Woken {
    Ready,
    TimedOut,
    Signal(Signal),
}

/// Which signals end a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Heed {
    All,
    Shutdown,
}

/// The signals of this process, from [`Signals::install`] on.
pub struct Signals {
    wake: UnixStream,
    shutdown: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
    toggle: Arc<AtomicBool>,
    debug: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handlers of `signals_add_handlers`: a second `SIGTERM` or the like kills, `SIGUSR1` switches
    /// debug messages on or off, `SIGUSR2` does nothing.
    pub fn install(debug: Arc<AtomicBool>) -> io::Result<Signals> {
        let (wake, sender) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let signals = Signals { wake, shutdown: Arc::default(), hangup: Arc::default(), toggle: Arc::default(), debug };
        for signal in [SIGTERM, SIGINT, SIGQUIT] {
            flag::register_conditional_default(signal, Arc::clone(&signals.shutdown))?;
            flag::register(signal, Arc::clone(&signals.shutdown))?;
        }
        flag::register(SIGHUP, Arc::clone(&signals.hangup))?;
        flag::register(SIGUSR1, Arc::clone(&signals.toggle))?;
        flag::register(SIGUSR2, Arc::default())?;
        for signal in [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1] {
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(signals)
    }

    /// The signal that has come and is not yet obeyed.
    pub fn pending(&self, heed: Heed) -> Option<Signal> {
        if self.toggle.swap(false, Ordering::Relaxed) {
            let was = self.debug.fetch_xor(true, Ordering::Relaxed);
            tracing::info!("debug logging turned {}", if was { "off" } else { "on" });
        }
        if self.shutdown.load(Ordering::Relaxed) {
            return Some(Signal::Shutdown);
        }
        (heed == Heed::All && self.hangup.load(Ordering::Relaxed)).then_some(Signal::Hangup)
    }

    /// Waits until the descriptor can be used, a signal comes, or the time is over; without a limit for ever.
    pub fn wait(
        &self,
        fd: BorrowedFd<'_>,
        events: PollFlags,
        limit: Option<Duration>,
        heed: Heed,
    ) -> io::Result<Woken> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if let Some(signal) = self.pending(heed) {
                return Ok(Woken::Signal(signal));
            }
            let mut watched = [PollFd::new(fd, events), PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
            match poll(&mut watched, timeout(deadline)) {
                Ok(0) => return Ok(Woken::TimedOut),
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let [used, wake] = watched.map(|watched| watched.any().unwrap_or_default());
            if wake {
                self.drain();
            } else if used {
                return Ok(Woken::Ready);
            }
        }
    }

    fn drain(&self) {
        let mut bytes = [0; 64];
        while !matches!((&self.wake).read(&mut bytes), Err(error) if error.kind() == ErrorKind::WouldBlock) {}
    }
}

fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    // poll counts milliseconds: a rest of one is waited for, not spun through.
    let left = deadline.saturating_duration_since(Instant::now()).as_millis();
    let left = if left == 0 && deadline > Instant::now() { 1 } else { left };
    PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
}
