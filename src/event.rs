//! What an administrator should know: said once, with the facts, for the host to log.
//!
//! The session and the stores do not log by themselves. They tell an [`Observer`], in the words that Cyrus uses in syslog, so
//! that what watches a Cyrus log keeps working.

use std::fmt;

/// How much it matters, as in syslog.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Something failed.
    Error,
    /// Something may need a look.
    Warning,
    /// Normal, but worth knowing.
    Notice,
    /// For those who look for something.
    Debug,
}

/// Something that happened. Displayed as Cyrus's `xsyslog` does: `SYNCERROR: guid mismatch: mailbox=<user.u1> uid=<7>`.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    /// How much it matters.
    pub severity: Severity,
    /// What happened; the same text for every such event.
    pub what: &'a str,
    /// With what: names and values.
    pub facts: &'a [(&'a str, &'a dyn fmt::Display)],
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)?;
        for (place, (name, value)) in self.facts.iter().enumerate() {
            let between = if place == 0 { ":" } else { "" };
            write!(f, "{between} {name}=<{value}>")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.severity)
    }
}

/// Who is told of events.
pub trait Observer: Send + Sync + fmt::Debug {
    /// Something happened.
    fn event(&self, event: &Event<'_>);
}

/// Nobody is told.
impl Observer for () {
    fn event(&self, _: &Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_read_as_in_a_cyrus_log() {
        let event = Event {
            severity: Severity::Error,
            what: "SYNCNOTICE: guid mismatch",
            facts: &[("mailbox", &"user.u1"), ("uid", &7)],
        };
        assert_eq!(event.to_string(), "SYNCNOTICE: guid mismatch: mailbox=<user.u1> uid=<7>");
    }
}
