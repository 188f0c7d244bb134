//! `APPLY EXPUNGE`: marks records as expunged, silently: the master, which asks for it, has them expunged already.

use super::super::script::State;
use crate::{
    ops::{
        AnnotatedRecord, Change, CloseMailbox, Commit, FindRecords, Intent, MailboxChange, MailboxState, OpenMailbox,
        Refusal, Target,
    },
    plan::{crc::FlagCrcs, records},
    types::{InternalFlags, MailboxName, SyncCrcs, Uid, UniqueId},
};

/// Carries out `APPLY EXPUNGE`. Uids without a record are passed over.
pub(super) async fn apply(state: &State, name: MailboxName, uniqueid: UniqueId, uids: Vec<Uid>) -> Result<(), Refusal> {
    let open = OpenMailbox { name, intent: Intent::Write };
    let Some(mailbox) = state.io.perform(open).await? else {
        state.io.perform(CloseMailbox).await?;
        return Err(Refusal::Nonexistent);
    };
    if mailbox.uniqueid != uniqueid {
        state.report.expunge_moved(&mailbox.name, &mailbox.uniqueid, &uniqueid);
        state.io.perform(CloseMailbox).await?;
        return Err(Refusal::Moved);
    }
    match plan(state, &mailbox, &uids).await {
        Ok(change) if !change.records.is_empty() => state.io.perform(Commit(Change::Mailbox(Box::new(change)))).await,
        Ok(_) => state.io.perform(CloseMailbox).await,
        Err(refusal) => {
            // The peer is told of the first thing that went wrong, whatever comes of closing.
            let _ = state.io.perform(CloseMailbox).await;
            Err(refusal)
        }
    }
}

async fn plan(state: &State, mailbox: &MailboxState, uids: &[Uid]) -> Result<MailboxChange, Refusal> {
    let flags = FlagCrcs::new(mailbox.user_flags.iter().map(|name| name.as_ref().map(|name| name.as_str().as_bytes())));
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
    Ok(MailboxChange {
        target: Target::Existing,
        header: None,
        user_groups: None,
        new_user_flags: Vec::new(),
        annotations: Vec::new(),
        records: changed,
        crcs,
    })
}
