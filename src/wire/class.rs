//! Which bytes end a string.

/// Bytes that end a word, an atom or a flag (`getword`), and NUL, which none of them may hold.
pub(super) const ENDS_ATOM: [bool; 256] = table(b" \t\n\x0b\x0c\r()\"\0");

/// Bytes at which the reader of a quoted string has to look closer.
pub(super) const ENDS_QUOTED_RUN: [bool; 256] = table(b"\"\\\r\n\0");

/// Bytes between tokens (`isspace`) that do not belong to a line's end.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
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
