//! The words that each record repeats. As constants they are not counted as parts of the input they came in: most of a
//! long list consists of them.

use bytes::Bytes;

/// This word as a constant, if it is one of those.
#[inline]
pub(super) fn known(word: &[u8]) -> Option<Bytes> {
    macro_rules! of {
        ($($word:literal)*) => {
            match word {
                $($word => Some(Bytes::from_static($word)),)*
                _ => None,
            }
        };
    }
    of!(
        b"UID" b"MODSEQ" b"LAST_UPDATED" b"FLAGS" b"INTERNALDATE" b"SIZE" b"GUID" b"ANNOTATIONS" b"ENTRY" b"USERID" b"VALUE"
        b"\\Seen" b"\\Answered" b"\\Flagged" b"\\Deleted" b"\\Draft" b"\\Expunged" b"0"
        b"/vendor/cmu/cyrus-imapd/savedate" b"/vendor/cmu/cyrus-imapd/createdmodseq" b"/vendor/cmu/cyrus-imapd/thrid"
    )
}
