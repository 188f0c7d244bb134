//! Lines that are no commands, or whose values cannot be read.

use crate::row::{Bad, CANNOT_PARSE_APPLY, CANNOT_PARSE_GET, bad};

pub fn bad_syntax() -> Vec<Bad> {
    vec![
        bad("an empty line", "", "BAD Null command\r\n"),
        bad("a line of spaces", "  ", "BAD Null command\r\n"),
        bad("a word that is no command", "FROBNICATE a (b c)", "BAD IMAP_PROTOCOL_ERROR Unrecognized command\r\n"),
        bad("binary noise", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "BAD Null command\r\n"),
        bad("APPLY alone", "APPLY", CANNOT_PARSE_APPLY),
        bad("APPLY without a value", "APPLY MAILBOX", CANNOT_PARSE_APPLY),
        bad("GET alone", "GET", CANNOT_PARSE_GET),
        bad("GET without a value", "GET USER", CANNOT_PARSE_GET),
        bad("GET with two values", "GET USER a b", CANNOT_PARSE_GET),
        bad("a command behind APPLY that is none", "APPLY FOO %()", "NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        bad("a command behind GET that is none", "GET FOO bar", "NO IMAP_PROTOCOL_ERROR Protocol error\r\n"),
        bad("arguments to NOOP", "NOOP now", "BAD Unexpected extra arguments to Noop\r\n"),
        bad("arguments to RESTART", "RESTART now (", "BAD Unexpected extra arguments to Restart\r\n"),
        bad("arguments to EXIT", "EXIT \"now", "BAD Unexpected extra arguments to Exit\r\n"),
        bad("a list that is not closed", "APPLY SUB %(USERID u1", CANNOT_PARSE_APPLY),
        bad("a list that is closed twice", "GET MAILBOXES (a))", CANNOT_PARSE_GET),
        bad("a quote that is not closed", "GET USER \"u1", CANNOT_PARSE_GET),
        bad("a key without a value", "APPLY SUB %(USERID)", CANNOT_PARSE_APPLY),
        bad("a list as a key", "APPLY SUB %((a) b)", CANNOT_PARSE_APPLY),
        bad("a NUL in an atom", "GET USER u\u{0}1", CANNOT_PARSE_GET),
        bad(
            "a literal above the limit",
            format!("GET USER {{131073+}}\r\n{}", "\r\nEXIT\r\n)".repeat(14_563) + "abcdef"),
            CANNOT_PARSE_GET,
        ),
        bad("a literal without a size", "GET USER {+}", CANNOT_PARSE_GET),
        bad("a literal of 2^64 bytes", "GET USER {18446744073709551616+}", CANNOT_PARSE_GET),
        bad("an atom above the limit", format!("GET USER {}", "a".repeat(131_073)), CANNOT_PARSE_GET),
        bad("a quoted string above the limit", format!("GET USER \"{}\"", "a".repeat(131_073)), CANNOT_PARSE_GET),
        bad("a word above the limit", "a".repeat(131_073), "BAD Null command\r\n"),
        bad("200,000 open parentheses", format!("GET MAILBOXES {}", "(".repeat(200_000)), CANNOT_PARSE_GET),
        bad("200,000 lists of pairs", format!("APPLY SUB {}", "%(a ".repeat(200_000)), CANNOT_PARSE_APPLY),
        bad(
            "200,000 open parentheses in a record",
            format!("APPLY MAILBOX %(RECORD {}", "(".repeat(200_000)),
            CANNOT_PARSE_APPLY,
        ),
        bad("200,000 closing parentheses", format!("GET USER {}", ")".repeat(200_000)), CANNOT_PARSE_GET),
        bad("a carriage return alone", "GET USER a\rb", CANNOT_PARSE_GET),
    ]
}
