//! What the fuzz targets share.

pub mod conversation;
pub mod disk;
pub mod heap;

/// Numbers that follow from the input alone: where to cut it, which operation to refuse (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// Dice for this input.
    pub fn of(input: &[u8]) -> Dice {
        let hash = input
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Dice(hash | 1)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }
}
