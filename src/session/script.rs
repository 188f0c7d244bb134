//! The conversation: the banner, then one command after the other.
//!
//! Source: `cmdloop` of `imap/sync_server.c`; texts of replies are those of release 3.12.

use super::{
    Config, SessionError, apply, get,
    io::Io,
    line::{Item, Lines, Order, Unreadable},
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
    trusted: bool,
}

impl State {
    /// Writes one line of the reply.
    pub(super) fn reply(&self, line: impl fmt::Display) {
        self.io.write(|output| output.put_slice(format!("{line}\r\n").as_bytes()));
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
    pub(super) fn answer(&self, command: fmt::Arguments<'_>, outcome: Result<(), Refusal>) {
        match outcome {
            Ok(()) => self.reply("OK success"),
            Err(refusal) => {
                self.report.refused(&command, refusal);
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

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Command,
    Close,
}

/// The whole conversation.
pub(super) async fn run(io: Io, config: Config) -> Result<(), SessionError> {
    let mut lines = Lines::new(io.clone(), &config.limits);
    let mut state = State {
        io,
        report: Report::new(config.observer.clone()),
        staged: Staged::new(config.limits.staged),
        force: false,
        disputed: None,
        sieve_mailbox: false,
        sieve_folder: config.sieve_folder.clone(),
        server_name: config.server_name.clone(),
        release: config.release,
        trusted: config.trusted_peer,
    };
    banner(&state, &config);
    let mut first = true;
    let result = loop {
        match lines.word().await {
            Ok(Some(word)) => match command(&mut state, &mut lines, &word, first).await {
                Ok(Next::Command) => first = false,
                Ok(Next::Close) => break Ok(()),
                Err(error) => break Err(error),
            },
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    // What a peer staged is of no use to the next one; a store that fails here has said so to its own log.
    let _ = state.io.perform(DiscardStaged).await;
    result
}

fn banner(state: &State, config: &Config) {
    if !state.trusted {
        state.reply("* SIEVE-MAILBOX");
    }
    state.reply(format_args!("* OK {} Cyrus sync server {}", config.server_name, config.version));
}

/// One line, whatever it says, is answered and read to its end.
async fn command(state: &mut State, lines: &mut Lines, word: &Bytes, first: bool) -> Result<Next, SessionError> {
    let name = word.to_ascii_uppercase();
    match name.as_slice() {
        b"" => {
            lines.skip().await?;
            state.reply("BAD Null command");
        }
        b"NOOP" if lines.end(state, "Noop").await? => state.reply("OK Noop completed"),
        b"EXIT" if lines.end(state, "Exit").await? => {
            state.reply("OK Finished");
            return Ok(Next::Close);
        }
        b"RESTART" if lines.end(state, "Restart").await? => restart(state).await,
        b"NOOP" | b"EXIT" | b"RESTART" => {}
        b"APPLY" | b"GET" | b"RESTORE" if !state.trusted => {
            lines.skip().await?;
            state.reply("NO Please authenticate first");
        }
        b"APPLY" => match lines.apply(state, Order::Ascending).await? {
            Ok(item) => apply::run(state, item).await,
            Err(problem) => unreadable(state, "APPLY", &problem),
        },
        b"RESTORE" => match lines.apply(state, Order::Any).await? {
            Ok(item) => restore::run(state, item).await,
            Err(problem) => unreadable(state, "RESTORE", &problem),
        },
        b"GET" => match lines.item().await? {
            Ok(Item { name, value }) => get::run(state, &name, &value).await,
            Err(problem) => unreadable(state, "GET", &problem),
        },
        b"AUTHENTICATE" if state.trusted => {
            lines.skip().await?;
            state.reply("BAD Already authenticated");
        }
        _ => return unknown(state, lines, &name, first).await,
    }
    Ok(Next::Command)
}

async fn restart(state: &mut State) {
    state.staged.clear();
    match state.io.perform(DiscardStaged).await {
        Ok(()) => state.reply("OK Restarting"),
        Err(refusal) => state.reply(format_args!("NO {refusal}")),
    }
}

/// A line whose syntax is wrong was thrown away; the next one is read as if it had not been there.
fn unreadable(state: &State, command: &str, problem: &Unreadable) {
    state.report.unreadable(command, problem);
    match problem {
        Unreadable::Syntax(_) => state.reply(format_args!("BAD IMAP_PROTOCOL_ERROR Failed to parse {command} line")),
        Unreadable::Refused(refusal) => state.reply(format_args!("NO {refusal}")),
        Unreadable::Field(field) => state.bad_field(command, *field),
    }
}

/// A word that is no command.
///
/// A client that tries IMAP first opens with `C01 CAPABILITY` and then reads until a line begins with its tag, for 10 seconds.
/// Closing at once tells it the same without the wait.
async fn unknown(state: &State, lines: &mut Lines, name: &[u8], first: bool) -> Result<Next, SessionError> {
    let argument = lines.skip().await?;
    state.reply("BAD IMAP_PROTOCOL_ERROR Unrecognized command");
    let probe = first && argument.is_some_and(|argument| argument.eq_ignore_ascii_case(b"CAPABILITY"));
    if probe {
        return Ok(Next::Close);
    }
    state.report.unknown_command(name);
    Ok(Next::Command)
}
