//! Which Cyrus release's conventions are followed.

/// A Cyrus release, as far as its replies and files differ from those of others: the one that runs on the same spool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Release {
    /// 3.4 and 3.6, as 3.6.1 does
    V3_6,
    /// 3.8
    V3_8,
    /// 3.10
    V3_10,
    /// 3.12, as 3.12.3 does
    #[default]
    V3_12,
    /// 3.13
    V3_13,
}

impl Release {
    /// The minor version of `cyrus.index` that new mailboxes get.
    pub const fn index_version(self) -> u32 {
        match self {
            Release::V3_6 | Release::V3_8 => 17,
            Release::V3_10 | Release::V3_12 => 19,
            Release::V3_13 => 20,
        }
    }
}
