//! The levels of new records: 1, and one more for each coin that shows heads.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::format::MAX_LEVEL;

/// Where the levels of new records come from.
#[derive(Debug)]
pub enum Levels {
    /// From a random number: level n has the probability 1 / 2^n (`randlvl`).
    Random(u64),
    /// From a list, and 1 behind it.
    #[cfg(test)]
    Given(std::collections::VecDeque<u8>),
}

impl Levels {
    /// A source that differs in every process.
    pub fn random() -> Levels {
        // The keys of the hasher are the standard library's random numbers.
        Levels::Random(RandomState::new().build_hasher().finish() | 1)
    }

    /// The next level, 1 to 31.
    pub fn next(&mut self) -> u8 {
        match self {
            Levels::Random(state) => {
                // xorshift64*, of which the upper bits are good.
                *state ^= *state >> 12;
                *state ^= *state << 25;
                *state ^= *state >> 27;
                let coins = state.wrapping_mul(0x2545_f491_4f6c_dd1d).leading_ones() as u8;
                (1 + coins).min(MAX_LEVEL as u8)
            }
            #[cfg(test)]
            Levels::Given(levels) => levels.pop_front().unwrap_or(1),
        }
    }
}
