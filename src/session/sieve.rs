//! Sieve scripts by their own commands. Scripts are messages in the user's mailbox for them, so all that is asked of a store is
//! what other commands ask of it too.
//!
//! Source: `sync_sieve_upload` and those next to it in `imap/sync_support.c`, `imap/sieve_db.c`; the replica makes the messages,
//! with ids, dates and modseqs of its own. Differs: a script is not compiled here, so none is refused for what it says;
//! 3.12.3 gives the messages no modseq of their own.

use super::script::State;
use crate::{
    command::{FlagNames, RestoreMailbox, ScriptChange},
    ops::{
        AbortUpload, AnnotatedRecord, BeginUpload, CloseMailbox, Defaults, FinishUpload, Intent, Listed, MailboxChange,
        MailboxRef, MailboxState, OpenMailbox, OpenMessage, ReadDefaults, ReadListed, ReadMessage, ReadRecords, Record,
        Refusal, Target, UploadChunk,
    },
    plan::{
        crc::FlagCrcs,
        flags::FlagPlaces,
        restore::{self as plan, Base},
        sieve::{self, Maker, Script, Summary},
    },
    types::{
        Guid, InternalFlags, MailboxKind, MailboxName, MailboxOptions, MailboxType, ModSeq, Partition, ScriptName,
        SystemFlags, Uid, UserFlags, UserId,
    },
};
use bytes::{Bytes, BytesMut};
use std::collections::HashMap;

/// Records that are read at once.
const PAGE: usize = 512;

/// A script that is there.
pub(super) struct Stored {
    pub(super) script: Summary,
    pub(super) record: Record,
}

impl Stored {
    pub(super) fn is_active(&self) -> bool {
        self.record.system_flags.has(SystemFlags::FLAGGED)
    }
}

/// The user's scripts, in the order in which they were stored; a later one stands for an earlier one of the same name.
pub(super) async fn list(state: &State, user: &UserId) -> Result<Vec<Stored>, Refusal> {
    let opened = state.io.perform(OpenMailbox { name: mailbox_of(state, user)?, intent: Intent::Read }).await?;
    let Some(mailbox) = opened else { return Ok(Vec::new()) };
    let outcome = scripts(state, &mailbox).await;
    state.io.perform(CloseMailbox).await?;
    outcome
}

/// What a script says.
pub(super) async fn content(state: &State, user: &UserId, name: &ScriptName) -> Result<Bytes, Refusal> {
    let opened = state.io.perform(OpenMailbox { name: mailbox_of(state, user)?, intent: Intent::Read }).await?;
    let mailbox = opened.ok_or(Refusal::Nonexistent)?;
    let outcome = content_in(state, &mailbox, name).await;
    state.io.perform(CloseMailbox).await?;
    outcome
}

async fn content_in(state: &State, mailbox: &MailboxState, name: &ScriptName) -> Result<Bytes, Refusal> {
    let scripts = scripts(state, mailbox).await?;
    let stored = scripts.iter().find(|stored| stored.script.name == *name).ok_or(Refusal::Nonexistent)?;
    let message = read(state, mailbox, stored.record.uid).await?;
    sieve::parse(&message).map(|script| script.content).ok_or(Refusal::Nonexistent)
}

/// Carries out one of the commands that change scripts.
pub(super) async fn apply(state: &mut State, user: &UserId, change: ScriptChange) -> Result<(), Refusal> {
    if change == ScriptChange::Nothing {
        return Ok(());
    }
    let opened = state.io.perform(OpenMailbox { name: mailbox_of(state, user)?, intent: Intent::Write }).await?;
    let planned = prepare(state, user, opened.as_ref(), change).await;
    state.conclude(planned).await
}

fn mailbox_of(state: &State, user: &UserId) -> Result<MailboxName, Refusal> {
    let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
    MailboxName::parse(format!("{inbox}.{}", state.sieve_folder).as_bytes()).map_err(|_| Refusal::InvalidUser)
}

async fn scripts(state: &State, mailbox: &MailboxState) -> Result<Vec<Stored>, Refusal> {
    let (mut found, mut after) = (HashMap::new(), None);
    loop {
        let page = state.io.perform(ReadRecords { after, limit: PAGE }).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.record.uid);
        for record in page.into_iter().map(|record| record.record).filter(|record| !record.is_expunged()) {
            // One that cannot be read is as good as none: the master then sends it again.
            let message = match read(state, mailbox, record.uid).await {
                Err(Refusal::Nonexistent | Refusal::Limit) => {
                    state.report.unreadable_script(&mailbox.name, record.uid);
                    continue;
                }
                message => message?,
            };
            let Some(script) = sieve::parse(&message) else { continue };
            found.insert(script.name.clone(), Stored { script: script.into_summary(), record });
        }
    }
    let mut found: Vec<Stored> = found.into_values().collect();
    found.sort_by_key(|stored| stored.record.uid);
    Ok(found)
}

async fn read(state: &State, mailbox: &MailboxState, uid: Uid) -> Result<Bytes, Refusal> {
    let (name, partition, uniqueid) = (mailbox.name.clone(), mailbox.partition.clone(), mailbox.uniqueid.clone());
    let found = state.io.perform(OpenMessage { partition, mailbox: name, uniqueid, uid }).await?;
    if found.size > sieve::MAX_MESSAGE {
        return Err(Refusal::Limit);
    }
    let mut message = BytesMut::new();
    while message.len() < found.size as usize {
        let offset = u32::try_from(message.len()).map_err(|_| Refusal::Limit)?;
        let piece = state.io.perform(ReadMessage { offset, length: found.size - offset }).await?;
        if piece.is_empty() {
            return Err(Refusal::Io);
        }
        message.extend_from_slice(&piece);
    }
    Ok(message.freeze())
}

/// What the command does to the mailbox, which is open; `None`: nothing.
async fn prepare(
    state: &mut State,
    user: &UserId,
    opened: Option<&MailboxState>,
    change: ScriptChange,
) -> Result<Option<MailboxChange>, Refusal> {
    let scripts = match opened {
        Some(mailbox) => scripts(state, mailbox).await?,
        None => Vec::new(),
    };
    let named = |name: &ScriptName| scripts.iter().find(|stored| stored.script.name == *name);
    let mut edit = Edit::begin(state, user, opened).await?;
    match change {
        ScriptChange::Store(name, content) => {
            let old = named(&name);
            let id = match old {
                Some(old) => old.script.id.clone(),
                None => new_id(state, user).await?,
            };
            edit.append(state, user, Script { id, name, content }, old).await?;
            old.iter().for_each(|old| edit.expunge(old));
        }
        ScriptChange::Remove(name) => edit.expunge(named(&name).ok_or(Refusal::Nonexistent)?),
        ScriptChange::Activate(name) => {
            let chosen = named(&name).ok_or(Refusal::Nonexistent)?;
            if !chosen.is_active() {
                scripts.iter().filter(|stored| stored.is_active()).for_each(|stored| edit.flag(stored, false));
                edit.flag(chosen, true);
            }
        }
        ScriptChange::Deactivate => {
            scripts.iter().filter(|stored| stored.is_active()).for_each(|s| edit.flag(s, false))
        }
        ScriptChange::Nothing => {}
    }
    Ok(edit.finish())
}

/// An id that no script has. It is made as those of mailboxes are.
async fn new_id(state: &State, user: &UserId) -> Result<String, Refusal> {
    let defaults = state.io.perform(ReadDefaults { name: mailbox_of(state, user)? }).await?;
    Ok(defaults.uniqueid.to_string())
}

/// A change to the mailbox, as it grows.
struct Edit {
    target: Target,
    partition: Partition,
    base: Base,
    defaults: Defaults,
    flags: FlagCrcs,
    index_version: u32,
    records: Vec<AnnotatedRecord>,
}

impl Edit {
    async fn begin(state: &State, user: &UserId, opened: Option<&MailboxState>) -> Result<Edit, Refusal> {
        let name = mailbox_of(state, user)?;
        let defaults = state.io.perform(ReadDefaults { name: name.clone() }).await?;
        let (target, base) = match opened {
            Some(mailbox) => (Target::Existing, plan::existing(mailbox)),
            None => {
                check_user(state, user).await?;
                plan::new(&undescribed(name), &defaults, state.release)?
            }
        };
        let partition = match (&target, opened) {
            (Target::New { partition, .. }, _) => partition.clone(),
            (Target::Existing, mailbox) => mailbox.ok_or(Refusal::Nonexistent)?.partition.clone(),
        };
        let names = opened.map_or(&[][..], |mailbox| &mailbox.user_flags);
        let flags = FlagCrcs::named(names);
        let index_version = opened.map_or(state.release.index_version(), |mailbox| mailbox.index_version);
        Ok(Edit { target, partition, base, defaults, flags, index_version, records: Vec::new() })
    }

    fn expunge(&mut self, stored: &Stored) {
        let mut record = stored.record.clone();
        record.internal_flags.0 |= InternalFlags::EXPUNGED;
        self.rewrite(stored, record);
    }

    fn flag(&mut self, stored: &Stored, active: bool) {
        let mut record = stored.record.clone();
        match active {
            true => record.system_flags.0 |= SystemFlags::FLAGGED,
            false => record.system_flags.0 &= !SystemFlags::FLAGGED,
        }
        self.rewrite(stored, record);
    }

    fn rewrite(&mut self, stored: &Stored, record: Record) {
        let context = (self.defaults.now, self.index_version);
        self.records.push(plan::rewrite(&mut self.base, &stored.record, record, &self.flags, context));
    }

    /// Stages the script's message and adds its record, in place of `old`.
    async fn append(
        &mut self,
        state: &mut State,
        user: &UserId,
        script: Script,
        old: Option<&Stored>,
    ) -> Result<(), Refusal> {
        let maker = Maker { user: user.as_str(), server: &state.server_name, now: self.defaults.now };
        let (guid, size) = stage(state, &self.partition, sieve::message(&script, maker)).await?;
        let record = AnnotatedRecord::new(new_record(self.defaults.now, guid, size, old), Vec::new());
        let places = FlagPlaces::assign(&[], &[], &[]).map_err(|_| Refusal::UserFlagsExhausted)?;
        let context = (self.defaults.now, self.index_version);
        self.base.header.last_append_date = self.defaults.now;
        self.records.push(plan::append(&mut self.base, record, &places, &self.flags, context, |_| true)?);
        Ok(())
    }

    fn finish(mut self) -> Option<MailboxChange> {
        self.records.sort_by_key(|record| record.record.uid);
        (!self.records.is_empty()).then(|| MailboxChange {
            target: self.target,
            header: Some(self.base.header),
            user_groups: None,
            new_user_flags: Vec::new(),
            annotations: Vec::new(),
            records: self.records,
            crcs: self.base.crcs,
        })
    }
}

/// Stages a message that was made here; its GUID and size.
async fn stage(state: &mut State, partition: &Partition, message: Bytes) -> Result<(Guid, u32), Refusal> {
    let guid = Guid::of(&message);
    let size = u32::try_from(message.len()).map_err(|_| Refusal::Limit)?;
    state.staged.room_for(1)?;
    state.io.perform(BeginUpload { partition: partition.clone(), guid, size }).await?;
    if let Err(refusal) = state.io.perform(UploadChunk(message)).await {
        // That the store cannot even forget it changes nothing for the peer.
        let _ = state.io.perform(AbortUpload).await;
        return Err(refusal);
    }
    state.io.perform(FinishUpload).await?;
    state.staged.insert(partition, guid);
    Ok((guid, size))
}

/// Scripts are kept for users that have an INBOX.
async fn check_user(state: &State, user: &UserId) -> Result<(), Refusal> {
    let inbox = user.inbox().map_err(|_| Refusal::InvalidUser)?;
    let is_there = match state.io.perform(ReadListed(MailboxRef::Name(inbox))).await? {
        Some(Listed::Mailbox(_)) => true,
        // Of a mailbox that is not the open one, a store may know only the entry.
        Some(Listed::Entry(entry)) => !entry.mailbox_type.is_entry_only(),
        None => false,
    };
    if is_there { Ok(()) } else { Err(Refusal::InvalidUser) }
}

/// A mailbox for scripts, of which nothing else is known.
fn undescribed(name: MailboxName) -> RestoreMailbox {
    RestoreMailbox {
        name,
        mailbox_type: MailboxType { kind: MailboxKind::Sieve, ..MailboxType::EMAIL },
        partition: None,
        acl: None,
        options: MailboxOptions(MailboxOptions::POP3_NEW_UIDL),
        identity: None,
        created_modseq: ModSeq::default(),
        folder_modseq: ModSeq::default(),
        annotations: Vec::new(),
        records: Vec::new(),
        record_flags: FlagNames::default(),
    }
}

/// Uid, modseq and times of change are given when it is added.
fn new_record(now: i64, guid: Guid, size: u32, old: Option<&Stored>) -> Record {
    let active = old.is_some_and(Stored::is_active);
    Record {
        uid: Uid::MIN,
        modseq: ModSeq::default(),
        last_updated: now,
        internal_date: now,
        save_date: 0,
        created_modseq: old.map_or(ModSeq::default(), |old| old.record.created_modseq),
        cid: 0,
        size,
        guid,
        system_flags: SystemFlags(if active { SystemFlags::FLAGGED } else { 0 }),
        internal_flags: InternalFlags::default(),
        user_flags: UserFlags::default(),
    }
}
