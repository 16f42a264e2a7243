//! Everything testable without a terminal.

pub mod draw;
