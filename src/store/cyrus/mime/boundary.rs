//! The boundaries of the multiparts that are open, outermost first.

use super::text::is_space;

/// The boundaries that a line may be. Source: the `boundaries` of `imap/message.c`.
pub(super) struct Boundaries {
    open: Vec<Vec<u8>>,
    /// A line that a boundary is only the beginning of is that boundary (`rfc2046_strict`).
    prefixes_match: bool,
}

impl Boundaries {
    pub(super) fn new(prefixes_match: bool) -> Boundaries {
        Boundaries { open: Vec::new(), prefixes_match }
    }

    /// How many multiparts are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Opens a multipart. The boundary counts up to its first NUL.
    pub(super) fn open(&mut self, boundary: Vec<u8>) {
        self.open.push(boundary);
    }

    /// Ends all multiparts, as the end of the message does.
    pub(super) fn close_all(&mut self) {
        self.open.clear();
    }

    /// Whether `line`, which starts with `--`, is a boundary; a final one closes its multipart and those within it.
    ///
    /// Source: `message_pendingboundary`, `imap/message.c`.
    pub(super) fn ends_at(&mut self, line: &[u8]) -> bool {
        let Some(line) = line.strip_prefix(b"--") else { return false };
        for (level, boundary) in self.open.iter().enumerate() {
            let Some(rest) = line.strip_prefix(boundary.as_slice()) else { continue };
            match rest {
                [b'-', b'-', ..] => self.open.truncate(level),
                // Another boundary may begin with this one.
                [next, _, ..] if !self.prefixes_match && *next != 0 && !is_space(*next) => continue,
                _ => {}
            }
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(prefixes_match: bool) -> Boundaries {
        let mut boundaries = Boundaries::new(prefixes_match);
        boundaries.open(b"a".to_vec());
        boundaries.open(b"ab".to_vec());
        boundaries
    }

    #[test]
    fn a_boundary_may_begin_with_another_unless_strict() {
        let mut boundaries = opened(false);
        assert!(boundaries.ends_at(b"--ab--\r\n"));
        assert_eq!(boundaries.depth(), 1);
        let mut boundaries = opened(true);
        assert!(boundaries.ends_at(b"--ab--\r\n"));
        assert_eq!(boundaries.depth(), 2);
    }

    #[test]
    fn a_final_boundary_closes_what_is_within() {
        let mut boundaries = opened(false);
        assert!(boundaries.ends_at(b"--a \r\n"));
        assert!(!boundaries.ends_at(b"--b\r\n"));
        assert!(boundaries.ends_at(b"--a--"));
        assert_eq!(boundaries.depth(), 0);
    }
}
