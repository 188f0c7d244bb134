//! Conversations that make sense: commands from a grammar, what they should do, and what a client then reads.

mod choices;
pub mod command;
mod grammar;
mod model;
pub mod world;

pub use grammar::{Said, conversation};
pub use model::{after, must_succeed};
