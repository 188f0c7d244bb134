//! The conversation: what a session knows, and the commands that both framings have.

use super::{
    Config, Framing, SessionError, apply, csync, get, imap,
    io::Io,
    line::{Item, Lines, Order, Unreadable},
    login::Standing,
    report::Report,
    restore,
    staged::Staged,
};
use crate::{
    command::BadField,
    dlist::Writer,
    ops::{Change, CloseMailbox, Commit, DiscardStaged, MailboxChange, Refusal},
    types::{MailboxName, Release},
    wire::LiteralForm,
};
use bytes::{BufMut, Bytes};
use std::fmt;

/// What a session knows from one command to the next.
pub(super) struct State {
    pub(super) io: Io,
    pub(super) report: Report,
    pub(super) framing: Framing,
    /// What the line that ends the reply begins with; empty where nothing does.
    pub(super) tag: Bytes,
    /// What was staged and is there for records to refer to.
    pub(super) staged: Staged,
    /// The master said FORCE.
    pub(super) force: bool,
    /// The mailbox whose checksums did not agree when it was changed last.
    pub(super) disputed: Option<MailboxName>,
    /// The peer asked for `SIEVE-MAILBOX`: the mailboxes that hold scripts are mailboxes like others to it.
    pub(super) sieve_mailbox: bool,
    /// The folder of such a mailbox, below its owner's INBOX.
    pub(super) sieve_folder: String,
    pub(super) server_name: String,
    /// Whose replies ours look like.
    pub(super) release: Release,
    pub(super) peer: Peer,
    pub(super) channel: Standing,
}

/// Who the peer is known to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Unknown,
    /// Somebody who has logged in and may do nothing.
    User,
    Administrator,
}

impl State {
    /// Writes the line that ends a reply.
    pub(super) fn reply(&self, line: impl fmt::Display) {
        let space = if self.tag.is_empty() { "" } else { " " };
        self.io.write(|output| {
            output.put_slice(&self.tag);
            output.put_slice(format!("{space}{line}\r\n").as_bytes());
        });
    }

    /// Refuses a command for a field that is missing or wrong.
    pub(super) fn bad_field(&self, command: &str, field: BadField) {
        self.report.bad_field(command, field);
        self.reply(format_args!("NO IMAP_PROTOCOL_BAD_PARAMETERS {command} {field}"));
    }

    /// What an item was decoded to; one that is unknown or wrong is refused.
    pub(super) fn decoded<T>(&self, command: &str, item: &[u8], decoded: Result<Option<T>, BadField>) -> Option<T> {
        match decoded {
            Ok(Some(decoded)) => return Some(decoded),
            Ok(None) => {
                self.report.unknown_item(item);
                self.reply(format_args!("NO {}", Refusal::Protocol));
            }
            Err(field) => self.bad_field(command, field),
        }
        None
    }

    /// Answers a command that was carried out, or was not.
    pub(super) fn answer(&self, verb: Verb, item: &Item, outcome: Result<(), Refusal>) {
        match outcome {
            Ok(()) => self.reply("OK success"),
            Err(refusal) => {
                self.report.refused(verb, item, refusal);
                self.reply(format_args!("NO {refusal}"));
            }
        }
    }

    /// Prints to the reply.
    pub(super) async fn print(&self, print: impl FnOnce(&mut Writer)) {
        let mut writer = Writer::new(LiteralForm::Plain);
        print(&mut writer);
        self.io.write(|output| output.extend_from_slice(&writer.take()));
        self.io.flush_if_long().await;
    }

    /// Makes the change that was planned for the open mailbox; lets go of the mailbox where there is none. The peer is told of
    /// the first thing that went wrong, whatever comes of closing.
    pub(super) async fn conclude(&self, planned: Result<Option<MailboxChange>, Refusal>) -> Result<(), Refusal> {
        match planned {
            Ok(Some(change)) => self.io.perform(Commit(Change::Mailbox(Box::new(change)))).await,
            Ok(None) => self.io.perform(CloseMailbox).await,
            Err(refusal) => {
                let _ = self.io.perform(CloseMailbox).await;
                Err(refusal)
            }
        }
    }
}

/// The commands that both framings have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Apply,
    Get,
    Restart,
    Restore,
}

impl Verb {
    pub(super) const ALL: [Verb; 4] = [Verb::Apply, Verb::Get, Verb::Restart, Verb::Restore];

    /// The verb that a csync line begins with, in any case.
    pub(super) fn of_csync(name: &[u8]) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| name.eq_ignore_ascii_case(verb.name().as_bytes()))
    }

    /// The verb that follows the tag of an IMAP line, in any case.
    pub(super) fn of_imap(name: &[u8]) -> Option<Verb> {
        let (sync, verb) = name.split_at_checked(4)?;
        if sync.eq_ignore_ascii_case(b"SYNC") { Verb::of_csync(verb) } else { None }
    }

    /// What it is called where it is noted and in refusals, in either framing.
    pub(super) fn name(self) -> &'static str {
        match self {
            Verb::Apply => "APPLY",
            Verb::Get => "GET",
            Verb::Restart => "RESTART",
            Verb::Restore => "RESTORE",
        }
    }
}

/// The whole conversation.
pub(super) async fn run(io: Io, config: Config) -> Result<(), SessionError> {
    let mut lines = Lines::new(io.clone(), &config.limits);
    let mut state = State {
        io,
        report: Report::new(config.observer.clone()),
        framing: config.framing,
        tag: Bytes::new(),
        staged: Staged::new(config.limits.staged),
        force: false,
        disputed: None,
        sieve_mailbox: false,
        sieve_folder: config.sieve_folder.clone(),
        server_name: config.server_name.clone(),
        release: config.release,
        peer: if config.trusted_peer { Peer::Administrator } else { Peer::Unknown },
        channel: Standing::new(&config),
    };
    let result = match config.framing {
        Framing::Csync => csync::converse(&mut state, &mut lines, &config).await,
        Framing::Imap => imap::converse(&mut state, &mut lines).await,
    };
    // What a peer staged is of no use to the next one; a store that fails here has said so to its own log.
    let _ = state.io.perform(DiscardStaged).await;
    result
}

/// Reads the rest of a command's line, carries the command out and answers it.
pub(super) async fn carry_out(state: &mut State, lines: &mut Lines, verb: Verb) -> Result<(), SessionError> {
    if state.peer != Peer::Administrator
        && let Some(answer) = state.framing.forbidden(verb)
    {
        lines.skip().await?;
        state.reply(answer);
        return Ok(());
    }
    match verb {
        Verb::Apply => match lines.apply(state, Order::Ascending).await? {
            Ok(item) => apply::run(state, item).await,
            Err(problem) => unreadable(state, verb, &problem),
        },
        Verb::Restore => match lines.apply(state, Order::Any).await? {
            Ok(item) => restore::run(state, item).await,
            Err(problem) => unreadable(state, verb, &problem),
        },
        Verb::Get => match lines.item().await? {
            Ok(item) => get::run(state, item).await,
            Err(problem) => unreadable(state, verb, &problem),
        },
        Verb::Restart => {
            if lines.end(state, state.framing.name(verb)).await? {
                restart(state).await;
            }
        }
    }
    Ok(())
}

async fn restart(state: &mut State) {
    state.staged.clear();
    match state.io.perform(DiscardStaged).await {
        Ok(()) => state.reply("OK Restarting"),
        Err(refusal) => state.reply(format_args!("NO {refusal}")),
    }
}

/// A line whose syntax is wrong was thrown away; the next one is read as if it had not been there.
fn unreadable(state: &State, verb: Verb, problem: &Unreadable) {
    state.report.unreadable(verb.name(), problem);
    match problem {
        Unreadable::Syntax(_) => state.reply(state.framing.unparsed(verb)),
        Unreadable::Refused(refusal) => state.reply(format_args!("NO {refusal}")),
        Unreadable::Field(field) => state.bad_field(verb.name(), *field),
    }
}
