//! The fuzzer's bytes, as choices.

/// Gives a choice for each byte; at the end of the bytes, always the first one.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn of(bytes: &'a [u8]) -> Choices<'a> {
        Choices(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        u32::from(self.byte()) % bound
    }

    pub fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == bound - 1
    }

    pub fn one_of(&mut self, all: &[&'static str]) -> &'static str {
        all[self.byte() as usize % all.len()]
    }

    /// Those of them whose bit is set in one byte.
    pub fn some_of(&mut self, all: &[&'static str]) -> Vec<&'static str> {
        let bits = self.byte();
        all.iter().enumerate().filter(|(place, _)| bits >> (place % 8) & 1 == 1).map(|(_, word)| *word).collect()
    }
}
