//! Generated load: messages, and what a master says to replicate them. The same every time; nothing of it is stored.

pub mod calls;
pub mod lines;
pub mod mail;
