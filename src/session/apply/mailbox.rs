//! `APPLY MAILBOX`: the mailbox becomes what the master says.
//!
//! Reads what the plan needs, page by page; then one commit. The update's own list of records is turned into the list of
//! changes in place, so that the command never holds two of them.

use super::{super::script::State, explain::Explanation};
use crate::{
    command::MailboxUpdate,
    ops::{
        AnnotatedRecord, FindRecords, Intent, Listed, MailboxChange, MailboxRef, MailboxState, OpenMailbox, ReadListed,
        Refusal, ScanCrcs, Target,
    },
    plan::{
        annotations,
        crc::FlagCrcs,
        flags::FlagPlaces,
        mailbox::{self as plan, Conflict},
        records::{self, Decision, Mismatch},
    },
    types::{FlagName, Partition, SyncCrcs, Uid},
};

/// Carries out `APPLY MAILBOX`.
///
/// Where the checksums still differ after the change, the change is kept and the master told: it then compares all records.
pub(super) async fn apply(state: &mut State, mut update: MailboxUpdate) -> Result<(), Refusal> {
    let outcome = apply_update(state, &mut update).await;
    match outcome {
        Err(Refusal::Checksum) => state.disputed = Some(update.name),
        Ok(()) if state.disputed.as_ref() == Some(&update.name) => state.disputed = None,
        _ => {}
    }
    outcome.map_err(|refusal| update.dialect.word_for(refusal))
}

async fn apply_update(state: &State, update: &mut MailboxUpdate) -> Result<(), Refusal> {
    let open = OpenMailbox { name: update.name.clone(), intent: Intent::Write };
    let opened = state.io.perform(open).await?;
    let planned = prepare(state, update, opened.as_ref()).await;
    let crcs = planned.as_ref().map_or(update.crcs, |change| change.crcs);
    state.conclude(planned.map(Some)).await?;
    if update.dialect.agree(update.crcs, crcs) {
        return Ok(());
    }
    state.report.crc_error(update, crcs);
    Err(Refusal::Checksum)
}

/// What the replica has, as far as the change starts from it: nothing, if the mailbox is new or replaced.
struct Base<'a> {
    state: Option<&'a MailboxState>,
    last_uid: u32,
    user_flags: &'a [Option<FlagName>],
    crcs: SyncCrcs,
    index_version: u32,
    /// Where messages must be staged.
    partition: &'a Partition,
}

impl<'a> Base<'a> {
    fn of(state: Option<&'a MailboxState>, update: &'a Partition, target: &Target) -> Base<'a> {
        Base {
            state,
            last_uid: state.map_or(0, |state| state.header.last_uid),
            user_flags: state.map_or(&[], |state| &state.user_flags),
            crcs: state.map_or(SyncCrcs::EMPTY, |state| state.crcs),
            index_version: match target {
                Target::New { index_version, .. } => *index_version,
                Target::Existing => state.map_or(0, |state| state.index_version),
            },
            partition: state.map_or(update, |state| &state.partition),
        }
    }
}

async fn prepare(
    state: &State,
    update: &mut MailboxUpdate,
    opened: Option<&MailboxState>,
) -> Result<MailboxChange, Refusal> {
    let target = target(state, update, opened).await?;
    let partition = update.partition.clone();
    let base = Base::of(opened.filter(|_| matches!(target, Target::Existing)), &partition, &target);
    let overruled = |conflict: &Conflict| state.report.conflict(update, opened, conflict, true);
    plan::check(update, base.state, state.force, overruled).map_err(|conflict| {
        state.report.conflict(update, opened, &conflict, false);
        conflict.refusal()
    })?;
    let places = FlagPlaces::assign(base.user_flags, update.record_flags.names(), &update.user_flags);
    let places = places.map_err(|exhausted| {
        state.report.user_flags_exhausted(&update.name, &exhausted.0);
        Refusal::UserFlagsExhausted
    })?;
    let difference = plan_records(state, update, &base, &places).await?;
    let mut crcs = base.crcs.toggled(difference);
    if !update.dialect.agree(update.crcs, crcs) && base.state.is_some() {
        let counted = state.io.perform(ScanCrcs).await?;
        if counted != base.crcs {
            state.report.stored_crcs_wrong(&update.name, base.crcs, counted);
        }
        crcs = counted.toggled(difference);
    }
    Ok(MailboxChange {
        target,
        header: Some(plan::header(update, base.last_uid)),
        user_groups: update.user_groups.take(),
        new_user_flags: places.into_added(),
        annotations: annotations::changes(base.state.map_or(&[], |state| &state.annotations), &update.annotations),
        records: std::mem::take(&mut update.records),
        crcs,
    })
}

async fn target(state: &State, update: &MailboxUpdate, opened: Option<&MailboxState>) -> Result<Target, Refusal> {
    let listed = match opened {
        Some(open) if open.uniqueid == update.uniqueid => None,
        _ => state.io.perform(ReadListed(MailboxRef::UniqueId(update.uniqueid.clone()))).await?,
    };
    let listed_as = listed.as_ref().and_then(|listed| match listed {
        Listed::Mailbox(mailbox) => Some(&mailbox.name),
        Listed::Entry(entry) if entry.mailbox_type.deleted => None,
        Listed::Entry(entry) => Some(&entry.name),
    });
    let target = plan::target(update, opened, listed_as, state.force, state.release).map_err(|conflict| {
        state.report.conflict(update, opened, &conflict, false);
        conflict.refusal()
    })?;
    if let (Target::New { replace: true, .. }, Some(mailbox)) = (&target, opened) {
        state.report.replaced(update, mailbox);
    }
    Ok(target)
}

/// Turns the update's records into the records to write. Returns what that does to the checksums.
async fn plan_records(
    state: &State,
    update: &mut MailboxUpdate,
    base: &Base<'_>,
    places: &FlagPlaces,
) -> Result<SyncCrcs, Refusal> {
    let mut difference = Difference::new(FlagCrcs::named(places.names()), base.index_version);
    let disputed = state.disputed.as_ref().filter(|name| **name == update.name);
    let mut explanation = disputed.map(|name| Explanation::new(&state.report, name, places.names()));
    let (mut kept, mut from) = (0, 0);
    while from < update.records.len() {
        let to = update.records.len().min(from + FindRecords::PAGE);
        let found = find(state, update.records.get(from..to).unwrap_or_default(), base).await?;
        for (at, replica) in (from..to).zip(found) {
            let Some(mut master) = update.records.get(at).cloned() else { break };
            master.record.user_flags = places.translate(master.record.user_flags);
            if let (Some(explanation), Some(replica)) = (&mut explanation, &replica) {
                explanation.record(&master, replica);
            }
            let Some(write) = plan_record(state, update, base, &mut difference, master, replica)? else { continue };
            if let Some(place) = update.records.get_mut(kept) {
                *place = write;
            }
            kept += 1;
        }
        from = to;
    }
    update.records.truncate(kept);
    Ok(difference.sum)
}

/// The replica's records with these uids. Those above the highest uid it has given are not asked for: they are new.
async fn find(
    state: &State,
    records: &[AnnotatedRecord],
    base: &Base<'_>,
) -> Result<Vec<Option<AnnotatedRecord>>, Refusal> {
    let known = records.partition_point(|record| record.record.uid.get() <= base.last_uid);
    let uids: Vec<Uid> = records.iter().take(known).map(|record| record.record.uid).collect();
    let mut found = if uids.is_empty() { Vec::new() } else { state.io.perform(FindRecords { uids }).await? };
    found.resize(records.len(), None);
    Ok(found)
}

/// What the change does to the checksums.
struct Difference {
    sum: SyncCrcs,
    flags: FlagCrcs,
    index_version: u32,
}

impl Difference {
    fn new(flags: FlagCrcs, index_version: u32) -> Difference {
        Difference { sum: SyncCrcs { basic: 0, annot: 0 }, flags, index_version }
    }

    /// Adds a record with all of its annotations, or takes it away.
    fn toggle(&mut self, record: &AnnotatedRecord) {
        self.sum = self.sum.toggled(records::checksums(record, &self.flags, self.index_version));
    }
}

/// The record to write for one of the master's, if any.
fn plan_record(
    state: &State,
    update: &MailboxUpdate,
    base: &Base<'_>,
    difference: &mut Difference,
    master: AnnotatedRecord,
    replica: Option<AnnotatedRecord>,
) -> Result<Option<AnnotatedRecord>, Refusal> {
    let uid = master.record.uid;
    let mismatch = |mismatch: Mismatch| {
        state.report.mismatch(&update.name, uid, mismatch);
        mismatch.refusal()
    };
    let decision = records::decide(&master, replica.as_ref(), base.last_uid, state.force).map_err(mismatch)?;
    match (decision, replica) {
        (Decision::Update, Some(replica)) => {
            difference.toggle(&replica);
            difference.toggle(&master);
            Ok(Some(records::updated(master, &replica)))
        }
        (Decision::Append, _) => {
            let staged = state.staged.contains(base.partition, &master.record.guid);
            difference.toggle(&master);
            records::appended(master, staged).map(Some).map_err(mismatch)
        }
        (Decision::Skip, _) | (Decision::Update, None) => Ok(None),
    }
}
