//! Messages that are not what they were announced as, or come where none belongs.

use crate::{
    common::messages::guid,
    replica::{NEW, ONE},
    row::{Bad, CANNOT_PARSE_APPLY, CANNOT_PARSE_GET, bad, bad_parameters},
};

/// What an upload brings that is then refused is drained, and the session says why.
pub fn bad_uploads() -> Vec<Bad> {
    let zeros = "0".repeat(40);
    let other = guid(ONE);
    let size = NEW.len();
    let file = |partition: &str| {
        let head = format!("APPLY MESSAGE (%{{{partition} {} {size}}}\r\n", guid(NEW));
        [head.as_bytes(), NEW, b")"].concat()
    };
    let raw = |text: &str| text.as_bytes().to_vec();
    let mismatch = "NO IMAP_MESSAGE_CONTENT_MISMATCH Message does not match its GUID\r\n";
    let unknown_partition = "NO IMAP_PARTITION_UNKNOWN Unknown/invalid partition\r\n";
    vec![
        bad(
            "bytes of another GUID",
            [format!("APPLY MESSAGE (%{{default {other} {size}}}\r\n").as_bytes(), NEW, b")"].concat(),
            mismatch,
        ),
        bad("bytes of the GUID of zeros", raw(&format!("APPLY MESSAGE (%{{default {zeros} 3}}\r\nabc)")), mismatch),
        bad(
            "MESSAGE (NIL)",
            "APPLY MESSAGE (NIL)",
            bad_parameters("APPLY", "MESSAGE holds something that is not a file"),
        ),
        bad("MESSAGE (a)", "APPLY MESSAGE (a)", bad_parameters("APPLY", "MESSAGE holds something that is not a file")),
        bad(
            "MESSAGE (())",
            "APPLY MESSAGE (())",
            bad_parameters("APPLY", "MESSAGE holds something that is not a file"),
        ),
        bad("MESSAGE NIL", "APPLY MESSAGE NIL", bad_parameters("APPLY", "MESSAGE is not a list")),
        bad("MESSAGE %()", "APPLY MESSAGE %()", bad_parameters("APPLY", "MESSAGE is not a list")),
        bad("a partition with a separator", file("../../etc"), unknown_partition),
        bad("a partition of dots", file(".."), unknown_partition),
        bad("a partition without a name", file("\"\""), unknown_partition),
        bad("a partition with a space", file("\"a b\""), unknown_partition),
        bad("a partition with a NUL", file("{3+}\r\na\0b"), unknown_partition),
        bad("a partition of 65 bytes", file(&"p".repeat(65)), unknown_partition),
        bad(
            "a GUID too short",
            format!("APPLY MESSAGE (%{{default abc {size}}}\r\n{})", "x".repeat(size)),
            CANNOT_PARSE_APPLY,
        ),
        bad("a size that is no number", format!("APPLY MESSAGE (%{{default {other} x}}"), CANNOT_PARSE_APPLY),
        bad("a size below zero", format!("APPLY MESSAGE (%{{default {other} -1}}"), CANNOT_PARSE_APPLY),
        bad("a size of 2^32", format!("APPLY MESSAGE (%{{default {other} 4294967296}}"), CANNOT_PARSE_APPLY),
        bad(
            "a file where none belongs",
            format!("APPLY SUB %(USERID %{{default {other} 6}}\r\n)\r\nA\r\n)"),
            CANNOT_PARSE_APPLY,
        ),
        bad("a file in a GET", format!("GET USER %{{default {other} 6}}\r\n)\r\nA\r\n"), CANNOT_PARSE_GET),
        bad(
            "a file behind NOOP",
            format!("NOOP %{{default {other} 6}}\r\nEXIT\r\n"),
            "BAD Unexpected extra arguments to Noop\r\n",
        ),
    ]
}
