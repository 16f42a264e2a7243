//! The simulator's own commands: bare words that move time, break things and ask questions.
//!
//! No real cluster has them. They exist on the user's machine only, and what they print is ours, not Kubernetes'.

mod answer;
mod clock;
mod faults;
mod history;
mod names;
mod question;
mod reach;
mod rules;
mod trace;
pub mod traffic;
pub mod until;
mod why;
mod words;

pub use self::faults::parse as parse_fault;
use super::host::{Host, Outcome, Program};
use super::simulation::Simulation;

/// A command: its name, what runs it, how it is written, and what it does; an older name of another one does nothing of its own.
type Row = (&'static str, Program, &'static str, &'static str);

const TABLE: [Row; 21] = [
    ("advance", clock::advance, clock::ADVANCE, "lets time pass: an amount, or until something holds"),
    ("wait", clock::advance, clock::ADVANCE, ""),
    ("step", clock::step, clock::STEP, "takes events one by one, or up to the next of a kind"),
    ("settled", clock::settled, "settled", "tells whether the cluster is at rest, and if not, why"),
    ("seek", clock::seek, clock::SEEK, "goes to a moment"),
    ("rewind", clock::rewind, clock::REWIND, "goes back by an amount"),
    ("timeline", history::timeline, "timeline [N]", "the last events"),
    ("timers", history::timers, "timers [N]", "what is armed, and when it fires"),
    ("pending", history::timers, "pending [N]", ""),
    ("digest", history::digest, "digest", "the fingerprints of state and history"),
    ("hash", history::digest, "hash", ""),
    ("fail", faults::fail, faults::TARGETS, "breaks a part of the cluster"),
    ("heal", faults::heal, faults::TARGETS, "mends it"),
    ("wires", faults::wires, "wires", "draws machines and links for Graphviz"),
    ("trace", trace::trace, trace::USAGE, "explains one new connection"),
    ("rules", rules::rules, rules::USAGE, "what kube-proxy has programmed on a node"),
    ("reach", reach::reach, reach::USAGE, "who reaches what, all pairs"),
    ("why", why::why, why::USAGE, "why an object is as it is"),
    ("traffic", traffic::traffic, traffic::USAGE, "load that runs beside everything else"),
    ("assumptions", history::assumptions, "assumptions", "what the simulator had to guess"),
    ("help", help, "help", "this list"),
];

/// The commands, with their older names.
pub const COMMANDS: [(&str, Program); TABLE.len()] = {
    let mut all = [("", run as Program); TABLE.len()];
    let mut number = 0;
    while number < all.len() {
        all[number].0 = TABLE[number].0;
        number += 1;
    }
    all
};

/// Runs a command, or tells how it is written.
fn run(host: &mut dyn Host, argv: &[String], input: &str) -> Outcome {
    let name = argv.first().map_or("", String::as_str);
    let Some((_, program, usage, _)) = TABLE.iter().find(|(known, ..)| *known == name) else { return Outcome::default() };
    match argv.get(1).map(String::as_str) {
        Some("--help" | "-h") => Outcome::out(format!("usage: {usage}\n")),
        _ => program(host, argv, input),
    }
}

/// `help`: the commands of the simulator.
fn help(_: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if let Err(refusal) = alone("help", argv) {
        return refusal;
    }
    let rows = TABLE.iter().filter(|(.., does)| !does.is_empty()).map(|(name, .., does)| (*name, *does));
    let rows = rows.chain([("resolve", "explains one DNS question")]);
    let lines: String = rows.map(|(name, does)| format!("{name:<13}{does}\n")).collect();
    Outcome::out(format!("Commands of the simulator; COMMAND --help shows how each is written.\n{lines}"))
}

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

/// Refuses the arguments of a command that takes none.
fn alone(name: &str, argv: &[String]) -> Result<(), Outcome> {
    argv.get(1).map_or(Ok(()), |word| Err(usage(name, &format!("`{word}` is too much: it takes no arguments"), name)))
}
