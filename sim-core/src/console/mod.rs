//! The console: one command language for the terminal UI, scenario steps, `kubewalk sh` and lessons.
//!
//! In real life this is a terminal on a machine outside the cluster, with a shell, kubectl and the usual network tools, and
//! through `kubectl exec` and `ssh` the same inside pods and on nodes. We model the shell of the contract and those programs;
//! no program of the host is ever run. Left out: job control but for `&`, `jobs`, `wait` and `kill`; terminals, signals.
//!
//! A line goes `text -> shell::parse -> shell::eval -> process -> program`: [`session`] owns what lasts from line to line and
//! runs each line as a task of the [`crate::lab`], [`machine`] is what all programs share, [`process`] one running program,
//! [`catalogue`] says which programs there are and where.

pub mod catalogue;
pub mod files;
pub mod host;
pub mod kubectl;
pub mod machine;
pub mod meter;
pub mod names;
pub mod net;
pub mod process;
pub mod programs;
pub mod session;
pub mod shell;
pub mod simulator;
pub mod streams;
pub mod written;

#[cfg(test)]
mod tests;

use self::catalogue::Catalogue;

/// The ordinary programs, kubectl, the network's tools and the simulator's own commands.
pub fn all_programs() -> Catalogue {
    let kubectl: [(&'static str, host::Program); 2] =
        [("k", host::timed!(kubectl::kubectl)), ("kubectl", host::timed!(kubectl::kubectl))];
    Catalogue::default().with(&kubectl).with(&names::PROGRAMS).with(&net::PROGRAMS).with(&simulator::COMMANDS)
}
