//! Which Cyrus release's conventions are followed.

/// A Cyrus release, as far as its replies and files differ from those of others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Release {
    /// 3.6 and 3.8.
    V3_6,
    /// 3.10 and 3.12.
    #[default]
    V3_10,
}
