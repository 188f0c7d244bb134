//! The framing within an IMAP connection: each command has a tag, and the line that ends its reply begins with it.
//!
//! Source: `cmdloop`, `cmd_syncapply`, `cmd_syncget`, `cmd_syncrestore` and `cmd_syncrestart` of `imap/imapd.c`, release 3.12;
//! `sync_send_apply` and its like of `imap/sync_support.c` for what a client sends. Unlike there, a bad line neither ends the
//! connection nor takes the next one with it, and messages in a line that is refused are never read as commands. A literal
//! without `+`, on which imapd ends, is read without an invitation, as [`wire`](crate::wire) says.
//!
//! What is staged, FORCE and `SIEVE-MAILBOX` last from command to command, until the end of the session.

use super::{
    SessionError,
    line::Lines,
    script::{State, Verb, carry_out},
};
use crate::wire::is_tag;
use bytes::Bytes;

/// One command after the other; behind each the host has the connection.
pub(super) async fn converse(state: &mut State, lines: &mut Lines) -> Result<(), SessionError> {
    while let Some(word) = lines.word().await? {
        command(state, lines, word).await?;
        state.tag = Bytes::new();
        state.io.give_back(lines.rest()).await;
    }
    Ok(())
}

/// One line, whatever it says, is answered and read to its end.
async fn command(state: &mut State, lines: &mut Lines, tag: Bytes) -> Result<(), SessionError> {
    let name = if is_tag(&tag) { lines.atom().await? } else { None };
    let Some(name) = name else {
        lines.skip().await?;
        state.reply("* BAD Invalid tag");
        return Ok(());
    };
    state.tag = tag;
    if let Some(verb) = Verb::of_imap(&name) {
        return carry_out(state, lines, verb).await;
    }
    lines.skip().await?;
    state.reply("BAD Unrecognized command");
    state.report.unknown_command(&name);
    Ok(())
}
