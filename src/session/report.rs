//! What the session tells the administrator: in the reference's words where it has words.

use super::{
    line::{Item, Unreadable},
    script::Verb,
};
use crate::{
    command::{self, BadField, MailboxUpdate},
    event::{Event, Observer, Severity},
    ops::{Annotation, MailboxState, Record, Refusal},
    plan::{mailbox::Conflict, records::Mismatch},
    types::{FlagName, MailboxName, SyncCrcs, Uid},
};
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// Tells an [`Observer`].
pub(super) struct Report(Arc<dyn Observer>);

impl Report {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Report {
        Report(observer)
    }

    fn tell(&self, severity: Severity, what: &str, facts: &[(&str, &dyn Display)]) {
        self.0.event(&Event { severity, what, facts });
    }

    pub(super) fn unknown_command(&self, name: &[u8]) {
        let name = name.escape_ascii();
        self.tell(Severity::Error, "IOERROR: received bad command", &[("command", &name)]);
    }

    pub(super) fn unreadable(&self, command: &str, problem: &Unreadable) {
        let error: &dyn Display = match problem {
            Unreadable::Syntax(error) => error,
            Unreadable::Refused(refusal) => refusal,
            // Reported with its command's name when it is answered.
            Unreadable::Field(_) => return,
        };
        self.tell(Severity::Error, "IOERROR: received bad command", &[("command", &command), ("error", error)]);
    }

    pub(super) fn bad_field(&self, command: &str, field: BadField) {
        self.tell(Severity::Error, "SYNCERROR: bad parameters", &[("command", &command), ("error", &field)]);
    }

    pub(super) fn unknown_item(&self, name: &[u8]) {
        let name = name.escape_ascii();
        self.tell(Severity::Error, "SYNCERROR: unknown command", &[("command", &name)]);
    }

    pub(super) fn refused(&self, verb: Verb, item: &Item, refusal: Refusal) {
        let command = format_args!("{} {}", verb.name(), item.name.escape_ascii()).to_string();
        let about = command::subject(&item.value).map(|name| name.escape_ascii().to_string());
        let mut facts: Vec<(&str, &dyn Display)> = vec![("command", &command)];
        facts.extend(about.as_ref().map(|name| ("about", name as &dyn Display)));
        facts.push(("error", &refusal));
        self.tell(Severity::Error, "SYNCERROR: command refused", &facts);
    }

    pub(super) fn force(&self, already: bool) {
        let what = if already { "SYNCNOTICE: force already enabled" } else { "SYNCNOTICE: enabling force mode" };
        self.tell(Severity::Notice, what, &[]);
    }

    pub(super) fn nobody_removed(&self) {
        self.tell(Severity::Warning, "ignoring attempt to sync_apply_unuser() without userid", &[]);
    }

    pub(super) fn replaced(&self, update: &MailboxUpdate, state: &MailboxState) {
        self.tell(
            Severity::Notice,
            "SYNCNOTICE: mailbox uniqueid changed - replacing",
            &[("mailbox", &update.name), ("origuniqueid", &state.uniqueid), ("newuniqueid", &update.uniqueid)],
        );
    }

    pub(super) fn expunge_moved(&self, mailbox: &MailboxName, ours: &dyn Display, theirs: &dyn Display) {
        self.tell(
            Severity::Error,
            "SYNCERROR: mailbox uniqueid changed - retry",
            &[("mailbox", mailbox), ("origuniqueid", ours), ("newuniqueid", theirs)],
        );
    }

    /// The mailbox's header does not fit the update, or does not but for force.
    pub(super) fn conflict(
        &self,
        update: &MailboxUpdate,
        state: Option<&MailboxState>,
        conflict: &Conflict,
        forced: bool,
    ) {
        let (what, values): (&str, Vec<(&str, &dyn Display)>) = match conflict {
            Conflict::UniqueIdInUse { by } => {
                ("SYNCNOTICE: mailbox uniqueid already in use", vec![("uniqueid", &update.uniqueid), ("usedby", by)])
            }
            Conflict::OtherUniqueId => {
                ("SYNCERROR: mailbox uniqueid changed - retry", vec![("newuniqueid", &update.uniqueid)])
            }
            Conflict::ChangedSince => ("SYNCNOTICE: mailbox sync mismatch", Vec::new()),
            Conflict::OtherType => ("SYNCERROR: invalid mailbox type", vec![("master", &update.mailbox_type)]),
            Conflict::HigherModseq { master, replica } => {
                ("SYNCNOTICE: higher modseq on replica", vec![("master", master), ("replica", replica)])
            }
            Conflict::HigherUidValidity { master, replica } => {
                ("SYNCNOTICE: higher uidvalidity on replica", vec![("master", master), ("replica", replica)])
            }
            Conflict::HigherLastUid { master, replica } => {
                ("SYNCNOTICE: higher last_uid on replica", vec![("master", master), ("replica", replica)])
            }
        };
        let mut facts: Vec<(&str, &dyn Display)> = vec![("mailbox", &update.name)];
        facts.extend(values);
        let here = state.map(|state| (state.header.highest_modseq, Crcs(state.crcs), &state.uniqueid));
        let since = update.since.map(|(modseq, crcs)| (modseq, Crcs(crcs)));
        if let (Conflict::ChangedSince, Some((modseq, crcs)), Some((our_modseq, our_crcs, _))) =
            (conflict, &since, &here)
        {
            facts.extend::<[(&str, &dyn Display); 4]>([
                ("hms_master", modseq),
                ("hms_replica", our_modseq),
                ("crcs_master", crcs),
                ("crcs_replica", our_crcs),
            ]);
        }
        if let (Conflict::OtherUniqueId, Some((_, _, uniqueid))) = (conflict, &here) {
            facts.push(("origuniqueid", uniqueid));
        }
        if forced {
            facts.push(("forced", &"yes"));
        }
        self.tell(if forced { Severity::Notice } else { Severity::Error }, what, &facts);
    }

    /// A record of the update does not fit the replica's.
    pub(super) fn mismatch(&self, mailbox: &MailboxName, uid: Uid, mismatch: Mismatch) {
        let (what, values): (&str, Vec<(&str, &dyn Display)>) = match &mismatch {
            Mismatch::Guid => ("SYNCNOTICE: guid mismatch", Vec::new()),
            Mismatch::HigherModseq { master, replica } => {
                ("SYNCNOTICE: higher modseq on replica", vec![("replicamodseq", replica), ("mastermodseq", master)])
            }
            Mismatch::ExpungedHere => ("SYNCNOTICE: expunged on replica", Vec::new()),
            Mismatch::Unknown => ("SYNCNOTICE: record missing on replica", Vec::new()),
            Mismatch::NotStaged => ("IOERROR: message was not uploaded", Vec::new()),
            Mismatch::Impossible => ("SYNCERROR: record without size or guid", Vec::new()),
        };
        let mut facts: Vec<(&str, &dyn Display)> = vec![("mailbox", mailbox), ("uid", &uid)];
        facts.extend(values);
        self.tell(Severity::Error, what, &facts);
    }

    pub(super) fn unreadable_script(&self, mailbox: &MailboxName, uid: Uid) {
        self.tell(Severity::Error, "IOERROR: fetching sieve script failed", &[("mailbox", mailbox), ("uid", &uid)]);
    }

    pub(super) fn user_flags_exhausted(&self, mailbox: &MailboxName, flag: &FlagName) {
        self.tell(Severity::Error, "IOERROR: out of flags", &[("mailbox", mailbox), ("flag", flag)]);
    }

    pub(super) fn crc_error(&self, update: &MailboxUpdate, replica: SyncCrcs) {
        self.tell(
            Severity::Notice,
            "SYNCNOTICE: CRC error after apply",
            &[("mailbox", &update.name), ("crcs_master", &Crcs(update.crcs)), ("crcs_replica", &Crcs(replica))],
        );
    }

    /// The index's header said something else than its records.
    pub(super) fn stored_crcs_wrong(&self, mailbox: &MailboxName, stored: SyncCrcs, counted: SyncCrcs) {
        self.tell(
            Severity::Notice,
            "SYNCNOTICE: stored CRC was wrong",
            &[("mailbox", mailbox), ("crcs_stored", &Crcs(stored)), ("crcs_counted", &Crcs(counted))],
        );
    }

    /// A record of a mailbox whose checksums did not agree.
    pub(super) fn record_differed(
        &self,
        mailbox: &MailboxName,
        master: &Record,
        replica: &Record,
        flags: &[Option<FlagName>],
    ) {
        self.tell(
            Severity::Notice,
            "SYNCNOTICE: record differed",
            &[
                ("mailbox", mailbox),
                ("uid", &master.uid),
                ("master", &RecordText(master, flags)),
                ("replica", &RecordText(replica, flags)),
            ],
        );
    }

    /// An annotation of such a record; `change` is what the replica's becomes.
    pub(super) fn annotation_differed(&self, mailbox: &MailboxName, uid: Uid, change: &Annotation) {
        let what = match change.value.is_empty() {
            true => "SYNCNOTICE: annotation only on replica",
            false => "SYNCNOTICE: annotation differed",
        };
        let (entry, user) = (change.entry.escape_ascii(), change.user.escape_ascii());
        self.tell(Severity::Notice, what, &[("mailbox", mailbox), ("uid", &uid), ("entry", &entry), ("userid", &user)]);
    }
}

/// What of a record goes into checksums, in the order in which it does.
struct RecordText<'a>(&'a Record, &'a [Option<FlagName>]);

impl Display for RecordText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordText(record, flags) = self;
        write!(f, "{} {} (", record.modseq, record.last_updated)?;
        let mut separator = "";
        for flag in record.flag_names(flags) {
            write!(f, "{separator}{flag}")?;
            separator = " ";
        }
        write!(f, ") {} {}", record.internal_date, record.guid)?;
        write!(f, " savedate {} createdmodseq {} thrid {:x}", record.save_date, record.created_modseq, record.cid)
    }
}

/// Checksums as the reference prints them.
struct Crcs(SyncCrcs);

impl Display for Crcs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.basic, self.0.annot)
    }
}
