//! Generic discrete-event simulation.

pub mod journal;
pub mod model;
pub mod queue;
pub mod random;
pub mod run;
pub mod time;
