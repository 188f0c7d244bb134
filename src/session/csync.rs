//! The framing of a csync connection: a banner, then one command after the other until `EXIT`.
//!
//! Source: `cmdloop` of `imap/sync_server.c`; texts of replies are those of release 3.12.

use super::{
    Config, SessionError,
    line::Lines,
    script::{State, Verb, carry_out},
};
use bytes::Bytes;

/// Whether the conversation goes on.
#[derive(PartialEq, Eq)]
enum Next {
    Command,
    Close,
}

/// The whole conversation.
pub(super) async fn converse(state: &mut State, lines: &mut Lines, config: &Config) -> Result<(), SessionError> {
    banner(state, config);
    let mut first = true;
    while let Some(word) = lines.word().await? {
        if command(state, lines, &word, first).await? == Next::Close {
            break;
        }
        first = false;
    }
    Ok(())
}

fn banner(state: &State, config: &Config) {
    if !state.trusted {
        state.reply("* SIEVE-MAILBOX");
    }
    state.reply(format_args!("* OK {} Cyrus sync server {}", config.server_name, config.version));
}

/// One line, whatever it says, is answered and read to its end.
async fn command(state: &mut State, lines: &mut Lines, word: &Bytes, first: bool) -> Result<Next, SessionError> {
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
        b"AUTHENTICATE" if state.trusted => {
            lines.skip().await?;
            state.reply("BAD Already authenticated");
        }
        _ => return unknown(state, lines, &name, first).await,
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
