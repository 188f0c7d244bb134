//! What a command is about, for those who read of it in a log.

use crate::dlist::Value;
use bytes::Bytes;

/// The name of the mailbox, quota root or user that an item's value is about: the first of those fields that it has, or the
/// value itself. `None` where it is about several, or about none.
pub fn subject(value: &Value) -> Option<&Bytes> {
    const FIELDS: [&[u8]; 4] = [b"MBOXNAME", b"OLDMBOXNAME", b"ROOT", b"USERID"];
    match value.kvlist() {
        Some(fields) => FIELDS.iter().find_map(|name| fields.get(name)?.map()),
        None => value.map(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlist::parse;

    #[test]
    fn a_command_is_about_a_mailbox_a_root_or_a_user() {
        for (value, about) in [
            ("user.u1", Some("user.u1")),
            ("%(USERID u1 MBOXNAME user.u1)", Some("user.u1")),
            ("%(NEWMBOXNAME user.b OLDMBOXNAME user.a)", Some("user.a")),
            ("%(ROOT user.u1 LIMIT 5)", Some("user.u1")),
            ("%(FILENAME a USERID u1)", Some("u1")),
            ("%(MBOXNAME (user.u1 user.u2) PARTITION p)", None),
            ("%()", None),
            ("(user.u1)", None),
            ("NIL", None),
        ] {
            let value = parse(value.as_bytes()).unwrap();
            assert_eq!(subject(&value).map(|name| &name[..]), about.map(str::as_bytes), "{value:?}");
        }
    }
}
