//! The scenario file: what a user hands in, read into types or refused with places.
//!
//! In a real cluster there is no such box; here it stands for the hands of the person who builds a cluster and types commands.
//! A file is text, then a tree with places ([`crate::yaml`]), then judged against the schema ([`check`]), then types
//! ([`mod@format`]), then judged as a whole ([`meaning`]). Plain manifests take the same road and become a scenario that applies
//! them. Left out here: playing the steps.

pub mod build;
pub mod check;
pub mod condition;
pub mod diagnostic;
pub mod expect;
pub mod finding;
pub mod format;
pub mod inline;
pub mod load;
pub mod machines;
pub mod manifests;
pub mod meaning;
pub mod notation;
pub mod play;
pub mod refused;
pub mod report;
pub mod save;
pub mod schema;
pub mod set;
pub mod settings;
pub mod taken;
pub mod target;
pub mod ties;
pub mod traffic;

pub use diagnostic::{Diagnostic, Severity, Sources};
pub use format::{Action, Scenario, Step};
pub use load::{File, Input, Options, Refused, load, load_folder};
pub use manifests::Manifest;
pub use report::Report;

#[cfg(test)]
mod tests;
