//! What differed between the two sides of a mailbox whose checksums did not agree.
//!
//! The sums say only that something differs. The master then compares all records and sends those that do: that is the
//! moment at which both sides of each are known, and it is told of here, up to a bound.

use super::super::report::Report;
use crate::{
    ops::{AnnotatedRecord, Record},
    plan::annotations,
    types::{FlagName, InternalFlags, MailboxName},
};

/// Records and annotations that are named for one mailbox: enough to see a pattern, too few to flood a log.
const NAMED: usize = 20;

/// Names what differs in one mailbox.
pub(super) struct Explanation<'a> {
    report: &'a Report,
    mailbox: &'a MailboxName,
    flags: &'a [Option<FlagName>],
    left: usize,
}

impl<'a> Explanation<'a> {
    /// `flags` are the mailbox's user flags by their places in records.
    pub(super) fn new(report: &'a Report, mailbox: &'a MailboxName, flags: &'a [Option<FlagName>]) -> Explanation<'a> {
        Explanation { report, mailbox, flags, left: NAMED }
    }

    /// Names a record that the master sends, if the replica's is another, with both sides' values; and each of its
    /// annotations that differs.
    pub(super) fn record(&mut self, master: &AnnotatedRecord, replica: &AnnotatedRecord) {
        let uid = master.record.uid;
        if replicated(&master.record) != replicated(&replica.record) && self.goes_on() {
            self.report.record_differed(self.mailbox, &master.record, &replica.record, self.flags);
        }
        for annotation in annotations::changes(replica.annotations(), master.annotations()) {
            if self.goes_on() {
                self.report.annotation_differed(self.mailbox, uid, &annotation);
            }
        }
    }

    /// Counts what is named; behind the last there is nothing more.
    fn goes_on(&mut self) -> bool {
        let goes_on = self.left > 0;
        self.left = self.left.saturating_sub(1);
        goes_on
    }
}

/// The record without what each side has for itself.
fn replicated(record: &Record) -> Record {
    let internal_flags = InternalFlags(record.internal_flags.0 & InternalFlags::EXPUNGED);
    Record { size: 0, internal_flags, ..record.clone() }
}
