//! Which bytes end a string.

/// Bytes that end a word, an atom or a flag (`getword`), and NUL, which none of them may hold.
pub(super) const ENDS_ATOM: [bool; 256] = table(b" \t\n\x0b\x0c\r()\"\0");

/// Bytes at which the reader of a quoted string has to look closer.
pub(super) const ENDS_QUOTED_RUN: [bool; 256] = table(b"\"\\\r\n\0");

/// Bytes between tokens (`isspace`) that do not belong to a line's end.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

/// Bytes that no tag holds besides control characters and those above ASCII (`imparse_istag` of `lib/imparse.c`).
const NOT_IN_TAGS: [bool; 256] = table(b" \"%()*:<>\\{}");

/// Whether this can be the tag of an IMAP command.
pub(crate) fn is_tag(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| matches!(byte, b'!'..=b'~') && !NOT_IN_TAGS[usize::from(*byte)])
}

const fn table(members: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < members.len() {
        table[members[at] as usize] = true;
        at += 1;
    }
    table
}
