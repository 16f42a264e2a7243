//! Generic discrete-event simulation.

pub mod time;
