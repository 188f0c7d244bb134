//! The framing of a csync connection: a banner, then one command after the other until `EXIT`.
//!
//! Source: `cmdloop` of `imap/sync_server.c`; texts of replies are those of release 3.12.

use super::{
    Config, SessionError,
    line::Lines,
    login,
    script::{Peer, State, Verb, carry_out},
};
use bytes::Bytes;

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Next {
    Command,
    Close,
}

/// The whole conversation.
pub(super) async fn converse(state: &mut State, lines: &mut Lines, config: &Config) -> Result<(), SessionError> {
    login::greet(state, config).await;
    let mut first = true;
    while let Some(word) = lines.word().await? {
        if command(state, lines, config, &word, first).await? == Next::Close {
            break;
        }
        first = false;
    }
    Ok(())
}

/// One line, whatever it says, is answered and read to its end.
async fn command(
    state: &mut State,
    lines: &mut Lines,
    config: &Config,
    word: &Bytes,
    first: bool,
) -> Result<Next, SessionError> {
    if state.peer == Peer::User && !word.is_empty() {
        lines.skip().await?;
        state.reply("NO Permission denied");
        return Ok(Next::Command);
    }
    if let Some(verb) = Verb::of_csync(word) {
        carry_out(state, lines, verb).await?;
        return Ok(Next::Command);
    }
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
        b"NOOP" | b"EXIT" => {}
        name => match login::command(state, lines, config, name).await? {
            Some(next) => return Ok(next),
            None => return unknown(state, lines, name, first).await,
        },
    }
    Ok(Next::Command)
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
