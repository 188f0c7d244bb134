//! Which header fields the HEADERS item holds.
//!
//! Source: `is_cached_header` and `mailbox_cached_header_inline`, `imap/mailbox.c`; `imap/mailbox_header_cache.gperf` (the same in
//! 3.6 and 3.12): everything but the fields that the ENVELOPE item or the mail's transport account for, and of the `X-` fields
//! only those that some client asks for.

/// Longer names are never cached. Source: `MAX_CACHED_HEADER_SIZE`, `imap/mailbox.h`.
const MAX_NAME: usize = 31;

/// The fields that are not cached, in lower case.
const NOT_CACHED: [&[u8]; 25] = [
    b"arc-authentication-results",
    b"arc-message-signature",
    b"arc-seal",
    b"archived-at",
    b"authentication-results",
    b"bcc",
    b"cc",
    b"date",
    b"delivery-date",
    b"dkim-signature",
    b"domainkey-signature",
    b"domainkey-x509",
    b"envelope-to",
    b"from",
    b"in-reply-to",
    b"listbox-message-date",
    b"message-id",
    b"mime-version",
    b"received",
    b"received-spf",
    b"return-path",
    b"subject",
    b"to",
    b"topicbox-message-uuid",
    b"topicbox-policy-reasoning",
];

/// The `X-` fields that are cached, in lower case.
const CACHED_X: [&[u8]; 16] = [
    b"x-apple-base-url",
    b"x-apple-mail-remote-attachments",
    b"x-cyrus-session-id",
    b"x-delivered-to",
    b"x-mail-from",
    b"x-mailer",
    b"x-me-message-id",
    b"x-msmail-priority",
    b"x-msoesrec",
    b"x-priority",
    b"x-ref",
    b"x-resolved-to",
    b"x-spam-score",
    b"x-trace",
    b"x-truedomain-domain",
    b"x-uniform-type-identifier",
];

/// One more, of the greatest length a name may have.
const CACHED_X_LONGEST: &[u8] = b"x-universally-unique-identifier";

/// Whether a field of this name, of either case, is cached.
pub(super) fn is_cached(name: &[u8]) -> bool {
    let mut lower = [0; MAX_NAME];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let lower = &*lower;
    if lower.starts_with(b"x-") {
        CACHED_X.binary_search(&lower).is_ok() || lower == CACHED_X_LONGEST
    } else {
        NOT_CACHED.binary_search(&lower).is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_envelope_and_unknown_x_fields_is_cached() {
        for name in ["References", "list-id", "", "X-Mailer", "x-universally-unique-identifier", "Reply-To", "a b"] {
            assert!(is_cached(name.as_bytes()), "{name}");
        }
        for name in ["FROM", "Received", "X-Foo", "abcdefghijklmnopqrstuvwxyz-abcdef"] {
            assert!(!is_cached(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(NOT_CACHED.is_sorted() && CACHED_X.is_sorted());
    }
}
