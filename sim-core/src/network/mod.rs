//! Wires and what happens on them.

pub mod wire;
