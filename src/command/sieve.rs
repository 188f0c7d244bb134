//! Sieve scripts by their own commands: what masters send to peers that did not ask for `SIEVE-MAILBOX`.
//!
//! A script is `NAME.script` there, and what makes it the active one `NAME.bc`.

use super::fields::{BadField, Fields, Problem};
use crate::{
    dlist::Value,
    types::{ScriptName, UserId},
};
use bytes::Bytes;

/// Behind a script's name (`SCRIPT_SUFFIX`).
pub const SCRIPT_SUFFIX: &str = ".script";
/// Behind the name of its compiled form (`BYTECODE_SUFFIX`).
pub const BYTECODE_SUFFIX: &str = ".bc";

/// What becomes of a user's scripts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptChange {
    /// `SIEVE`: store a script, in place of the one of this name.
    Store(ScriptName, Bytes),
    /// `UNSIEVE`: remove a script.
    Remove(ScriptName),
    /// `ACTIVATE_SIEVE`: make a script the active one.
    Activate(ScriptName),
    /// `UNACTIVATE_SIEVE`: no script is active.
    Deactivate,
    /// `SIEVE` or `UNSIEVE` of a file that is no script, as old masters send: nothing is done.
    Nothing,
}

pub(super) fn store(value: &Value) -> Result<(UserId, ScriptChange), BadField> {
    let fields = Fields::of("SIEVE", value)?;
    fields.date("LAST_UPDATE")?;
    let (user, content) = (fields.user("USERID")?, Bytes::copy_from_slice(&fields.text("CONTENT")?));
    let change = name(fields, SCRIPT_SUFFIX)?.map(|name| ScriptChange::Store(name, content));
    Ok((user, change.unwrap_or(ScriptChange::Nothing)))
}

pub(super) fn remove(value: &Value) -> Result<(UserId, ScriptChange), BadField> {
    let fields = Fields::of("UNSIEVE", value)?;
    let change = name(fields, SCRIPT_SUFFIX)?.map(ScriptChange::Remove);
    Ok((fields.user("USERID")?, change.unwrap_or(ScriptChange::Nothing)))
}

pub(super) fn activate(value: &Value) -> Result<(UserId, ScriptChange), BadField> {
    let fields = Fields::of("ACTIVATE_SIEVE", value)?;
    let name = name(fields, BYTECODE_SUFFIX)?.ok_or(BadField::new("FILENAME", Problem::Unknown))?;
    Ok((fields.user("USERID")?, ScriptChange::Activate(name)))
}

pub(super) fn deactivate(value: &Value) -> Result<(UserId, ScriptChange), BadField> {
    let fields = Fields::of("UNACTIVATE_SIEVE", value)?;
    Ok((fields.user("USERID")?, ScriptChange::Deactivate))
}

/// `FETCH_SIEVE`
pub(super) fn fetch(value: &Value) -> Result<(UserId, Option<ScriptName>), BadField> {
    let fields = Fields::of("FETCH_SIEVE", value)?;
    Ok((fields.user("USERID")?, name(fields, SCRIPT_SUFFIX)?))
}

/// The script that the file name is about; `None` where it has another suffix.
fn name(fields: Fields<'_>, suffix: &str) -> Result<Option<ScriptName>, BadField> {
    let file = fields.text("FILENAME")?;
    let Some(name) = file.strip_suffix(suffix.as_bytes()) else { return Ok(None) };
    ScriptName::parse(name).map(Some).map_err(|why| BadField::new("FILENAME", Problem::NotAName(why)))
}
