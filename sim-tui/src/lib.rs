//! `sim-tui`: the command line and the terminal interface of Kubewalk, as a library that is testable without a terminal.
//!
//! [`draw`] turns core values into coloured text; [`app`] is the terminal interface as a value and [`view`] draws it; `cli` holds the subcommands; what touches a terminal sits behind the feature
//! `terminal`, so that the drawing half also compiles for a browser.

pub mod app;
pub mod builtin;
#[cfg(feature = "terminal")]
pub mod cli;
pub mod draw;
pub mod view;
