//! System calls, as strace counts them.

/// System calls, and those of them that wait for the disk.
#[derive(Clone, Copy, Default, Debug)]
pub struct Calls {
    pub all: u64,
    pub flushes: u64,
}

impl Calls {
    /// The sums of a table of numbers and names: `strace -c -U calls,name`.
    pub fn summed(table: &str) -> Calls {
        const FLUSHES: [&str; 6] = ["fsync", "fdatasync", "syncfs", "sync_file_range", "msync", "sync"];
        let mut calls = Calls::default();
        for line in table.lines() {
            let mut words = line.split_whitespace();
            let (Some(Ok(number)), Some(name)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
            if name == "total" {
                continue;
            }
            calls.all += number;
            calls.flushes += if FLUSHES.contains(&name) { number } else { 0 };
        }
        calls
    }
}
