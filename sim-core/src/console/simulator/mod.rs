//! The simulator's own commands: bare words that move time, break things and ask questions.
//!
//! No real cluster has them. They exist on the user's machine only, and what they print is ours, not Kubernetes'.

mod answer;
mod clock;
mod faults;
mod history;
mod question;
mod reach;
mod rules;
mod trace;
pub mod traffic;
pub mod until;
mod why;
mod words;

use super::host::{Host, Outcome, Program};
use super::simulation::Simulation;

/// The commands, with their older names.
pub const COMMANDS: [(&str, Program); 20] = [
    ("advance", clock::advance),
    ("wait", clock::advance),
    ("step", clock::step),
    ("fail", faults::fail),
    ("heal", faults::heal),
    ("wires", faults::wires),
    ("trace", trace::trace),
    ("traffic", traffic::traffic),
    ("seek", clock::seek),
    ("rewind", clock::rewind),
    ("timeline", history::timeline),
    ("timers", history::timers),
    ("pending", history::timers),
    ("digest", history::digest),
    ("hash", history::digest),
    ("rules", rules::rules),
    ("reach", reach::reach),
    ("why", why::why),
    ("assumptions", history::assumptions),
    ("settled", clock::settled),
];

/// The simulation behind the console, or the refusal where there is none.
fn simulation<'a>(host: &'a mut dyn Host, name: &str) -> Result<&'a mut Simulation, Outcome> {
    let none = || Outcome::err(1, format!("kubewalk: {name}: there is no simulation behind this console"));
    host.world().simulation().ok_or_else(none)
}

/// The outcome of a question: its answer, or the refusal that ended it early.
fn told(asked: Result<String, Outcome>) -> Outcome {
    asked.map_or_else(|refusal| refusal, Outcome::out)
}

/// A refusal of a command's arguments, with the way out.
fn usage(name: &str, wrong: &str, right: &str) -> Outcome {
    Outcome::err(2, format!("kubewalk: {name}: {wrong}\nusage: {right}"))
}
