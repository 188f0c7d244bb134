//! `APPLY EXPUNGE`: marks records as expunged, silently: the master, which asks for it, has them expunged already.

use super::super::script::State;
use crate::{
    ops::{AnnotatedRecord, FindRecords, Intent, MailboxChange, MailboxState, OpenMailbox, Refusal, Target},
    plan::{crc::FlagCrcs, records},
    types::{InternalFlags, MailboxName, SyncCrcs, Uid, UniqueId},
};

/// Carries out `APPLY EXPUNGE`. Uids without a record are passed over.
pub(super) async fn apply(state: &State, name: MailboxName, uniqueid: UniqueId, uids: Vec<Uid>) -> Result<(), Refusal> {
    let open = OpenMailbox { name, intent: Intent::Write };
    let opened = state.io.perform(open).await?;
    state.conclude(plan(state, opened.as_ref(), &uniqueid, &uids).await).await
}

async fn plan(
    state: &State,
    opened: Option<&MailboxState>,
    uniqueid: &UniqueId,
    uids: &[Uid],
) -> Result<Option<MailboxChange>, Refusal> {
    let mailbox = opened.ok_or(Refusal::Nonexistent)?;
    if mailbox.uniqueid != *uniqueid {
        state.report.expunge_moved(&mailbox.name, &mailbox.uniqueid, uniqueid);
        return Err(Refusal::Moved);
    }
    let flags = FlagCrcs::named(&mailbox.user_flags);
    let (mut crcs, mut changed): (SyncCrcs, Vec<AnnotatedRecord>) = (mailbox.crcs, Vec::new());
    for page in uids.chunks(FindRecords::PAGE) {
        let found = state.io.perform(FindRecords { uids: page.to_vec() }).await?;
        for found in found.into_iter().flatten().filter(|found| !found.record.is_expunged()) {
            crcs = crcs.toggled(records::checksums(&found, &flags, mailbox.index_version));
            let mut record = found.record;
            record.internal_flags.0 |= InternalFlags::EXPUNGED;
            changed.push(AnnotatedRecord { record, annotations: None });
        }
    }
    Ok((!changed.is_empty()).then(|| MailboxChange {
        target: Target::Existing,
        header: None,
        user_groups: None,
        new_user_flags: Vec::new(),
        annotations: Vec::new(),
        records: changed,
        crcs,
    }))
}
