//! The terminal interface as a value: what is open, what a key means, what it changes. Nothing here draws or touches a terminal.
//!
//! The cycle is `keys` (a key is a [`message::Message`]), `update` (a message changes the [`state::State`]), `scene` (the state as
//! texts and lists); [`crate::view`] draws the scene. So that everything can be tested by values, and a browser can drive it.

pub mod keys;
pub mod message;
pub mod scene;
pub mod state;
pub mod update;
pub mod walk;

#[cfg(test)]
mod tests;
