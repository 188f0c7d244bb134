//! Pure decisions: what a snapshot and a command lead to. No I/O.

pub mod crc;
