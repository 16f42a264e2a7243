//! Questions to a cluster at a moment: pure functions from a cluster to typed answers. Sentences are made in [`crate::render`].

pub mod story;
pub mod timers;
