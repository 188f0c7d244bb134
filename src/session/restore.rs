//! `RESTORE`: a mailbox from a backup, added to the one that is there or made anew.

use super::{
    line::ApplyItem,
    script::{State, Verb},
};
use crate::{
    command::RestoreMailbox,
    ops::{
        Intent, Listed, MailboxChange, MailboxRef, MailboxState, OpenMailbox, ReadDefaults, ReadListed, Refusal, Target,
    },
    plan::{crc::FlagCrcs, flags::FlagPlaces, restore as plan},
    types::MailboxKind,
};

/// Carries out one `RESTORE` and answers it.
pub(super) async fn run(state: &State, line: ApplyItem) {
    let ApplyItem { item, records, flags } = line;
    let decoded = RestoreMailbox::decode(&item.name, &item.value, records, flags);
    let Some(update) = state.decoded("RESTORE", &item.name, decoded) else { return };
    let outcome = restore(state, update).await;
    state.answer(Verb::Restore, &item, outcome);
}

async fn restore(state: &State, update: RestoreMailbox) -> Result<(), Refusal> {
    if update.mailbox_type.kind == MailboxKind::Sieve && !state.sieve_mailbox {
        // As the reference does: to this peer such mailboxes do not exist.
        return Ok(());
    }
    let opened = state.io.perform(OpenMailbox { name: update.name.clone(), intent: Intent::Write }).await?;
    state.conclude(prepare(state, update, opened.as_ref()).await.map(Some)).await
}

async fn prepare(
    state: &State,
    mut update: RestoreMailbox,
    opened: Option<&MailboxState>,
) -> Result<MailboxChange, Refusal> {
    let defaults = state.io.perform(ReadDefaults { name: update.name.clone() }).await?;
    let (target, mut base) = match opened {
        Some(mailbox) if mailbox.mailbox_type.for_sync() != update.mailbox_type => return Err(Refusal::BadType),
        Some(mailbox) => (Target::Existing, plan::existing(mailbox)),
        None => {
            check_identity(state, &update).await?;
            plan::new(&update, &defaults, state.release)?
        }
    };
    let partition = match (&target, opened) {
        (Target::New { partition, .. }, _) => partition,
        (Target::Existing, Some(mailbox)) => &mailbox.partition,
        (Target::Existing, None) => return Err(Refusal::Nonexistent),
    };
    let user_flags = opened.map_or(&[][..], |mailbox| &mailbox.user_flags);
    let places = FlagPlaces::assign(user_flags, update.record_flags.names(), &[]).map_err(|exhausted| {
        state.report.user_flags_exhausted(&update.name, &exhausted.0);
        Refusal::UserFlagsExhausted
    })?;
    let flags = FlagCrcs::named(places.names());
    let context = (defaults.now, opened.map_or(state.release.index_version(), |mailbox| mailbox.index_version));
    let staged = |guid: &_| state.staged.contains(partition, guid);
    let records = std::mem::take(&mut update.records).into_iter();
    let records = records.map(|record| plan::append(&mut base, record, &places, &flags, context, staged));
    let records = records.collect::<Result<Vec<_>, _>>()?;
    Ok(MailboxChange {
        // The mailbox's own annotations are not those of the backup.
        annotations: if opened.is_some() { Vec::new() } else { update.annotations },
        target,
        header: Some(base.header),
        user_groups: None,
        new_user_flags: places.into_added(),
        records,
        crcs: base.crcs,
    })
}

/// A unique id names one mailbox: that of another name keeps it.
async fn check_identity(state: &State, update: &RestoreMailbox) -> Result<(), Refusal> {
    let Some(identity) = &update.identity else { return Ok(()) };
    let listed = state.io.perform(ReadListed(MailboxRef::UniqueId(identity.uniqueid.clone()))).await?;
    let used = listed.is_some_and(|listed| match listed {
        Listed::Mailbox(mailbox) => mailbox.name != update.name,
        Listed::Entry(entry) => !entry.mailbox_type.deleted && entry.name != update.name,
    });
    if used { Err(Refusal::Moved) } else { Ok(()) }
}
