//! objects.

pub mod time;
