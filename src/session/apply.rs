//! `APPLY`: changes, each handed to the store as one commit.
//!
//! Source: the `sync_apply_…` functions of `imap/sync_support.c`.

mod explain;
mod expunge;
mod mailbox;

use super::{
    line::ApplyItem,
    script::{State, Verb},
    sieve,
};
use crate::{
    command::{Apply, Rename, reply},
    ops::{Change, Commit, Refusal, Reserve},
    types::{Guid, MailboxName, Partition},
};
use std::collections::HashSet;

/// Carries out one `APPLY` and answers it.
pub(super) async fn run(state: &mut State, line: ApplyItem) {
    let ApplyItem { item, records, flags } = line;
    let decoded = Apply::decode(&item.name, &item.value, records, flags);
    let Some(command) = state.decoded("APPLY", &item.name, decoded) else { return };
    if !state.sieve_mailbox
        && let Some(field) = command.bad_without_sieve_mailbox()
    {
        return state.bad_field("APPLY", field);
    }
    let outcome = apply(state, command).await;
    state.answer(Verb::Apply, &item, outcome);
}

async fn apply(state: &mut State, command: Apply) -> Result<(), Refusal> {
    let change = match command {
        Apply::Message => return Ok(()),
        Apply::Reserve { partition, mailboxes, guids } => return reserve(state, partition, mailboxes, guids).await,
        Apply::Mailbox(update) => return mailbox::apply(state, *update).await,
        Apply::Expunge { mailbox, uniqueid, uids } => return expunge::apply(state, mailbox, uniqueid, uids).await,
        Apply::Sieve { user, change } => return sieve::apply(state, &user, change).await,
        Apply::Capabilities { mut names } => {
            names.retain(|name| name.eq_ignore_ascii_case(b"SIEVE-MAILBOX"));
            state.sieve_mailbox |= !names.is_empty();
            state.print(|out| reply::enabled(out, &names)).await;
            return Ok(());
        }
        Apply::Force => {
            state.report.force(state.force);
            state.force = true;
            return Ok(());
        }
        Apply::MailboxEntry(entry) => Change::ListEntry {
            name: entry.name,
            uniqueid: entry.uniqueid,
            mailbox_type: entry.mailbox_type,
            created_modseq: entry.created_modseq,
            folder_modseq: entry.folder_modseq,
        },
        Apply::Unmailbox { mailbox, meant } => Change::DeleteMailbox { name: mailbox, meant },
        Apply::Unuser { user: Some(user) } => Change::RemoveUser { user },
        Apply::Unuser { user: None } => {
            state.report.nobody_removed();
            return Ok(());
        }
        Apply::Rename(Rename { old, new, partition, uidvalidity }) => {
            Change::RenameMailbox { old, new, partition, uidvalidity }
        }
        Apply::Subscription { user, mailbox, subscribed } => Change::Subscription { user, mailbox, subscribed },
        Apply::Seen { user, uniqueid, seen } => Change::Seen { user, uniqueid, seen },
        Apply::Quota { root, limits, modseq } => Change::Quota { root, limits, modseq },
        Apply::Unquota { root } => Change::RemoveQuota { root },
        Apply::Annotation { mailbox, entry, user, value } => Change::Annotation { mailbox, entry, user, value },
    };
    state.io.perform(Commit(change)).await
}

/// Stages what is here already and lists what is not. What was staged before counts as here.
async fn reserve(
    state: &mut State,
    partition: Partition,
    mailboxes: Vec<MailboxName>,
    guids: Vec<Guid>,
) -> Result<(), Refusal> {
    let mut asked = HashSet::new();
    let wanted: Vec<Guid> =
        guids.iter().filter(|guid| !state.staged.contains(&partition, guid) && asked.insert(**guid)).copied().collect();
    state.staged.room_for(wanted.len())?;
    if !wanted.is_empty() {
        let search = Reserve { partition: partition.clone(), mailboxes, guids: wanted.clone() };
        let missing: HashSet<Guid> = state.io.perform(search).await?.into_iter().collect();
        for guid in wanted.into_iter().filter(|guid| !missing.contains(guid)) {
            state.staged.insert(&partition, guid);
        }
    }
    let missing: Vec<Guid> = guids.into_iter().filter(|guid| !state.staged.contains(&partition, guid)).collect();
    state.print(|out| reply::missing(out, &missing)).await;
    Ok(())
}
