//! `GET`: reads and tells. Long replies are handed out as they grow.
//!
//! Source: the `sync_get_…` functions of `imap/sync_support.c`.

use super::{
    line::Item,
    script::{State, Verb},
    sieve,
};
use crate::{
    command::{Fetch, Get, reply},
    dlist::{FileRef, Writer},
    ops::{
        CloseMailbox, Intent, ListUserMailboxes, Listed, MailboxRef, MailboxState, OpenMailbox, OpenMessage,
        ReadAnnotations, ReadListed, ReadMessage, ReadQuota, ReadRecords, ReadSeen, ReadSubscriptions, Refusal,
    },
    types::{MailboxKind, MailboxName, ScriptName, UserId},
    wire::LiteralForm,
};
use bytes::Bytes;
use std::collections::BTreeSet;

/// Seen entries and records that are asked for at once.
const PAGE: usize = 512;

/// Mailboxes that are asked for at once: they are held in memory, and their owner's lock while they are read.
const MAILBOXES: usize = 64;

/// Bytes of a message that are read at once.
const CHUNK: u32 = 64 * 1024;

/// Answers one `GET`.
pub(super) async fn run(state: &mut State, item: Item) {
    let decoded = Get::decode(&item.name, &item.value);
    let Some(command) = state.decoded("GET", &item.name, decoded) else { return };
    let outcome = answer(state, command).await;
    state.answer(Verb::Get, &item, outcome);
}

async fn answer(state: &State, command: Get) -> Result<(), Refusal> {
    match command {
        Get::User(user) => get_user(state, &user).await,
        Get::Meta(user) => meta(state, &user).await,
        Get::Mailboxes(names) => {
            // A mailbox that cannot be read is left out, as one that does not exist: the master then sends all of it.
            for name in names {
                let _ = listed(state, MailboxRef::Name(name), &mut Met::default()).await;
            }
            Ok(())
        }
        Get::UniqueIds(ids) => {
            for id in ids {
                let _ = listed(state, MailboxRef::UniqueId(id), &mut Met::default()).await;
            }
            Ok(())
        }
        Get::FullMailbox(name) => full_mailbox(state, name).await,
        Get::Quota(root) => quota(state, root).await,
        Get::Annotation(mailbox) => annotations(state, mailbox).await,
        Get::FetchSieve(user, name) => script(state, &user, &name.ok_or(Refusal::Nonexistent)?).await,
        Get::Fetch(fetch) => message(state, fetch).await,
    }
}

/// What was met while listing mailboxes.
#[derive(Default)]
struct Met {
    a_mailbox: bool,
    quota_roots: BTreeSet<MailboxName>,
    /// The same, in the order in which they were met.
    quota_roots_in_order: Vec<MailboxName>,
}

/// Prints what is listed under a name or unique id: a mailbox, an intermediate folder, or nothing.
async fn listed(state: &State, mailbox: MailboxRef, met: &mut Met) -> Result<(), Refusal> {
    if let Some(listed) = state.io.perform(ReadListed(mailbox)).await? {
        print(state, listed, met).await;
    }
    Ok(())
}

async fn print(state: &State, listed: Listed, met: &mut Met) {
    match listed {
        // To a peer that did not ask for them, mailboxes that hold scripts do not exist.
        Listed::Mailbox(mailbox) if mailbox.mailbox_type.kind == MailboxKind::Sieve && !state.sieve_mailbox => {}
        Listed::Mailbox(mailbox) => {
            met.a_mailbox = true;
            if let Some(root) = &mailbox.quota_root
                && met.quota_roots.insert(root.clone())
            {
                met.quota_roots_in_order.push(root.clone());
            }
            state.print(|out| reply::mailbox(out, &mailbox, state.release)).await;
        }
        Listed::Entry(entry) if entry.mailbox_type.intermediate && !entry.mailbox_type.deleted => {
            state.print(|out| reply::intermediate(out, &entry)).await;
        }
        Listed::Entry(_) => {}
    }
}

async fn get_user(state: &State, user: &UserId) -> Result<(), Refusal> {
    let mut met = Met::default();
    let mut after = None;
    loop {
        let page = ListUserMailboxes { user: user.clone(), after: after.take(), limit: MAILBOXES };
        let page = state.io.perform(page).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name().clone());
        for listed in page {
            print(state, listed, &mut met).await;
        }
    }
    for root in met.quota_roots_in_order {
        quota(state, root).await?;
    }
    if met.a_mailbox { meta(state, user).await } else { Ok(()) }
}

async fn meta(state: &State, user: &UserId) -> Result<(), Refusal> {
    let mut after = None;
    loop {
        let entries = state.io.perform(ReadSeen { user: user.clone(), after: after.take(), limit: PAGE }).await?;
        let Some(last) = entries.last() else { break };
        after = Some(last.uniqueid.clone());
        for entry in &entries {
            state.print(|out| reply::seen(out, entry)).await;
        }
    }
    let names = state.io.perform(ReadSubscriptions { user: user.clone() }).await?;
    state.print(|out| reply::subscriptions(out, &names)).await;
    if !state.sieve_mailbox {
        for stored in sieve::list(state, user).await? {
            let (script, date) = (&stored.script, stored.record.internal_date);
            state.print(|out| reply::script(out, &script.name, date, &script.guid, stored.is_active())).await;
        }
    }
    Ok(())
}

async fn full_mailbox(state: &State, name: MailboxName) -> Result<(), Refusal> {
    let opened = state.io.perform(OpenMailbox { name, intent: Intent::Read }).await?;
    let mailbox = opened.ok_or(Refusal::Nonexistent)?;
    let outcome = records(state, &mailbox).await;
    let closed = state.io.perform(CloseMailbox).await;
    outcome.and(closed)
}

/// Prints a mailbox with its records. The first page is read before anything is printed: what fails later has left half a
/// line behind, which is then ended so that the refusal stands on a line of its own.
async fn records(state: &State, mailbox: &MailboxState) -> Result<(), Refusal> {
    let mut page = state.io.perform(ReadRecords { after: None, limit: PAGE }).await?;
    let mut writer = Writer::new(LiteralForm::Plain);
    reply::begin_records(&mut writer, mailbox, state.release);
    let mut outcome = Ok(());
    while let Some(last) = page.last() {
        let after = Some(last.record.uid);
        for record in &page {
            reply::record(&mut writer, record, mailbox);
        }
        state.io.write(|output| output.extend_from_slice(&writer.take()));
        state.io.flush_if_long().await;
        page = match state.io.perform(ReadRecords { after, limit: PAGE }).await {
            Ok(page) => page,
            Err(refusal) => {
                outcome = Err(refusal);
                break;
            }
        };
    }
    reply::end_records(&mut writer);
    state.io.write(|output| output.extend_from_slice(&writer.take()));
    outcome
}

async fn quota(state: &State, root: MailboxName) -> Result<(), Refusal> {
    if let Some(quota) = state.io.perform(ReadQuota { root: root.clone() }).await? {
        state.print(|out| reply::quota(out, &root, &quota, state.release)).await;
    }
    Ok(())
}

async fn annotations(state: &State, mailbox: Option<MailboxName>) -> Result<(), Refusal> {
    let annotations = state.io.perform(ReadAnnotations { mailbox: mailbox.clone() }).await?;
    for annotation in &annotations {
        state.print(|out| reply::annotation(out, mailbox.as_ref(), annotation)).await;
    }
    Ok(())
}

async fn script(state: &State, user: &UserId, name: &ScriptName) -> Result<(), Refusal> {
    let content = sieve::content(state, user, name).await?;
    state.print(|out| reply::script_content(out, user, name, &content)).await;
    Ok(())
}

/// Sends a message; `NIL` where its bytes are not what its GUID says (`printfile` of `imap/dlist.c`).
async fn message(state: &State, fetch: Fetch) -> Result<(), Refusal> {
    let Fetch { mailbox, partition, uniqueid, guid, uid } = fetch;
    let open = OpenMessage { partition: partition.clone(), mailbox, uniqueid, uid };
    // On a partition that is not here no message is: the master knows no other name for that.
    let nowhere = |refusal| if refusal == Refusal::UnknownPartition { Refusal::Nonexistent } else { refusal };
    let found = state.io.perform(open).await.map_err(nowhere)?;
    if found.guid != guid {
        state.print(reply::no_message).await;
        return Ok(());
    }
    // The first piece is read before anything is said. From then on exactly `size` bytes must follow: where a later piece
    // cannot be read, zeros stand for it and the refusal behind them tells the master to throw the message away.
    let mut piece = read(state, 0, found.size).await?;
    let file = FileRef { partition: Bytes::copy_from_slice(partition.as_bytes()), guid, size: found.size };
    state.print(|out| reply::begin_message(out, &file)).await;
    let mut outcome = Ok(());
    let mut sent = 0;
    loop {
        sent += piece.len();
        state.io.write(|output| output.extend_from_slice(&piece));
        state.io.flush_if_long().await;
        let offset = u32::try_from(sent).unwrap_or(found.size);
        if offset >= found.size {
            break;
        }
        piece = read(state, offset, found.size).await.unwrap_or_else(|refusal| {
            outcome = Err(refusal);
            Bytes::from(vec![0; length(offset, found.size) as usize])
        });
    }
    state.io.write(|output| output.extend_from_slice(b"\r\n"));
    outcome
}

fn length(offset: u32, size: u32) -> u32 {
    size.saturating_sub(offset).min(CHUNK)
}

async fn read(state: &State, offset: u32, size: u32) -> Result<Bytes, Refusal> {
    let length = length(offset, size);
    if length == 0 {
        return Ok(Bytes::new());
    }
    let piece = state.io.perform(ReadMessage { offset, length }).await?;
    if piece.len() == length as usize { Ok(piece) } else { Err(Refusal::Io) }
}
