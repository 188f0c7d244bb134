//! The system log: `tracing` events become datagrams on `/dev/log`, in the form of the C library's `syslog`.
//!
//! The socket is written to without waiting: a log that is not read costs a line, not the connection. The form has no
//! time: it would have to be local time, and the log's own is as good.

use std::{
    env,
    fmt::{self, Write},
    os::unix::net::UnixDatagram,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use sync_server::config::{ImapdConf, options};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const SOCKET: &str = "/dev/log";
/// Longer messages are cut: a datagram has a limit, and peers' words are in them.
const LONGEST: usize = 2000;
/// `LOG_MAIL`, as the distributions build Cyrus; upstream's own default is `local6`.
const MAIL: u8 = 2;

/// The system log of this process.
pub struct Log(Arc<Shared>);

struct Shared {
    head: Mutex<Head>,
    socket: Mutex<Option<UnixDatagram>>,
    debug: Arc<AtomicBool>,
}

/// What is the same in all lines.
struct Head {
    facility: u8,
    ident: String,
}

impl Log {
    /// Begins to log, as `cyrus_init` does before it reads the configuration.
    pub fn start(service: &str) -> Log {
        let head = Head { facility: MAIL, ident: ident(service, None) };
        let shared =
            Shared { head: Mutex::new(head), socket: Mutex::new(None), debug: Arc::new(AtomicBool::new(false)) };
        let shared = Arc::new(shared);
        // It fails only if there is a subscriber already, and this is the only place that sets one.
        let _ = tracing::subscriber::set_global_default(Writer(Arc::clone(&shared)));
        Log(shared)
    }

    /// Takes `syslog_prefix`, `syslog_facility` and `debug` from the configuration.
    pub fn configure(&self, service: &str, conf: &ImapdConf) {
        let name = conf.value(&options::SYSLOG_FACILITY);
        let known = name.as_deref().map(facility);
        let head = Head {
            facility: known.flatten().unwrap_or(MAIL),
            ident: ident(service, conf.value(&options::SYSLOG_PREFIX)),
        };
        *self.0.head.lock().unwrap_or_else(PoisonError::into_inner) = head;
        self.0.debug.store(conf.value(&options::DEBUG), Ordering::Relaxed);
        if let (Some(name), Some(None)) = (name, known) {
            tracing::error!("syslog_facility '{name}' is not known; mail is used");
        }
    }

    /// Whether debug messages are logged; may be changed at any time.
    pub fn debug(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0.debug)
    }
}

/// The name in front of each line; the environment's prefix comes before the configured one.
fn ident(service: &str, configured: Option<String>) -> String {
    match env::var("CYRUS_SYSLOG_PREFIX").ok().or(configured) {
        Some(prefix) => format!("{prefix}/{service}"),
        None => service.to_owned(),
    }
}

/// `get_facility` of imap/global.c.
fn facility(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 12] = [
        ("USER", 1),
        ("MAIL", MAIL),
        ("DAEMON", 3),
        ("NEWS", 7),
        ("LOCAL0", 16),
        ("LOCAL1", 17),
        ("LOCAL2", 18),
        ("LOCAL3", 19),
        ("LOCAL4", 20),
        ("LOCAL5", 21),
        ("LOCAL6", 22),
        ("LOCAL7", 23),
    ];
    NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, number)| *number)
}

fn severity(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// The one subscriber. Spans are not kept: lines say all that they mean.
struct Writer(Arc<Shared>);

impl Subscriber for Writer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO || self.0.debug.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.write(severity(event.metadata().level()), &line.text());
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Shared {
    fn write(&self, severity: u8, text: &str) {
        let datagram = {
            let head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
            format!("<{}>{}[{}]: {text}", (head.facility << 3) | severity, head.ident, process::id())
        };
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = socket.as_ref().is_some_and(|socket| is_done(socket.send(datagram.as_bytes())));
        if !sent {
            // The first line, or the log was started anew.
            *socket = connect().ok();
            socket.as_ref().map(|socket| socket.send(datagram.as_bytes()));
        }
    }
}

fn connect() -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect(SOCKET)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Whether trying again on another socket is of no use.
fn is_done(sent: std::io::Result<usize>) -> bool {
    match sent {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
    }
}

/// An event as text: the message, then `name=<value>` as Cyrus's `xsyslog` writes them.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Line {
    /// One line, without control characters, cut to length.
    fn text(&self) -> String {
        let whole = self.message.chars().chain(self.fields.chars());
        let mut text = String::new();
        for character in whole {
            match character.is_control() {
                true => text.extend(character.escape_default()),
                false => text.push(character),
            }
            if text.len() >= LONGEST {
                text.push_str("...");
                break;
            }
        }
        text
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}=<{value:?}>"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
