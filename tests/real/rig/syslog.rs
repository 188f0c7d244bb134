//! A syslog sink: Cyrus says what it thinks only to syslog, and a bare machine has none.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Result;
use super::release::Release;

/// Collects what the programs of one installation log, while somebody holds it.
pub struct Sink {
    lines: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    path: PathBuf,
}

impl Sink {
    /// The installation's sink, or `None` when the machine has a syslog daemon of its own.
    pub fn of(release: Release) -> Result<Option<Arc<Sink>>> {
        static SINKS: [Mutex<Weak<Sink>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
        let mut held = SINKS[release as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = held.upgrade() {
            return Ok(Some(sink));
        }
        let sink = Sink::open(release.outside("/dev/log"))?.map(Arc::new);
        *held = sink.as_ref().map_or_else(Weak::new, Arc::downgrade);
        Ok(sink)
    }

    /// The messages logged under a `syslog_prefix`, as `program[pid]: text`.
    pub fn lines(&self, prefix: &str) -> Vec<String> {
        // Behind the priority Cyrus has the time; ours leaves it to the daemon.
        let (bare, timed) = (format!("{prefix}/"), format!(" {prefix}/"));
        let message = |line: &String| {
            let (_, text) = line.split_once('>')?;
            let message = text.strip_prefix(&bare).or_else(|| text.split_once(&timed).map(|(_, message)| message));
            message.map(str::to_string)
        };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().filter_map(message).collect()
    }

    fn open(path: PathBuf) -> Result<Option<Sink>> {
        if path.exists() {
            if UnixDatagram::unbound()?.connect(&path).is_ok() {
                return Ok(None);
            }
            std::fs::remove_file(&path)?;
        }
        let socket = UnixDatagram::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666))?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let (lines, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let reader = {
            let (lines, stop) = (lines.clone(), stop.clone());
            std::thread::spawn(move || read(&socket, &lines, &stop))
        };
        Ok(Some(Sink { lines, stop, reader: Some(reader), path }))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn read(socket: &UnixDatagram, lines: &Mutex<Vec<String>>, stop: &AtomicBool) {
    let mut datagram = vec![0; 65536];
    while !stop.load(Ordering::Relaxed) {
        match socket.recv(&mut datagram) {
            Ok(length) => {
                let line = String::from_utf8_lossy(&datagram[..length]).trim_end_matches(['\n', '\0']).to_string();
                lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => return,
        }
    }
}
