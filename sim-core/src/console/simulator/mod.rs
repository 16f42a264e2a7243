//! The simulator's own commands: bare words that move time, break things and ask questions.
//!
//! No real cluster has them. They exist on the user's machine only, and what they print is ours, not Kubernetes'.

mod asking;
mod clock;
mod faults;
mod history;
mod policies;
mod reach;
mod resolve;
mod rules;
mod trace;
pub mod traffic;
mod why;
mod words;

pub use self::faults::parse as parse_fault;
use super::host::{self, Doing, Host, Lent, Outcome, Program, timed};
use crate::lab::simulation::Simulation;

/// A command: its name, what runs it, how it is written, and what it does; an older name of another one does nothing of its own.
type Row = (&'static str, Program, &'static str, &'static str);

const TABLE: [Row; 27] = [
    ("advance", timed!(clock::advance), clock::ADVANCE, "lets time pass: an amount, or until something holds"),
    ("wait", timed!(clock::advance), clock::ADVANCE, ""),
    ("step", timed!(clock::step), clock::STEP, "takes events one by one, or up to the next of a kind"),
    ("settled", Program::Now(clock::settled), "settled", "tells whether the cluster is at rest, and if not, why"),
    ("seek", timed!(clock::seek), clock::SEEK, "goes to a moment"),
    ("rewind", timed!(clock::rewind), clock::REWIND, "goes back by an amount"),
    ("branch", timed!(clock::branch), clock::BRANCH, "starts another history here, and goes on on it"),
    ("fork", timed!(clock::branch), clock::BRANCH, ""),
    ("switch", timed!(clock::switch), clock::SWITCH, "goes to another history, where it stands"),
    ("branches", timed!(clock::branches), "branches", "the histories, and where each stands"),
    ("timeline", Program::Now(history::timeline), history::TIMELINE, "what happened, and because of what"),
    ("timers", Program::Now(history::timers), history::TIMERS, "what will happen by itself, and when"),
    ("pending", Program::Now(history::timers), history::TIMERS, ""),
    ("digest", Program::Now(history::digest), "digest", "the fingerprints of state and history"),
    ("hash", Program::Now(history::digest), "hash", ""),
    ("fail", Program::Now(faults::fail), faults::TARGETS, "breaks a part of the cluster"),
    ("heal", Program::Now(faults::heal), faults::TARGETS, "mends it"),
    ("wires", Program::Now(faults::wires), "wires", "draws machines and links for Graphviz"),
    ("trace", Program::Now(trace::trace), trace::USAGE, "explains one new connection"),
    ("rules", Program::Now(rules::rules), rules::USAGE, "what kube-proxy has programmed on a node"),
    ("reach", Program::Now(reach::reach), reach::USAGE, "who reaches what, all pairs"),
    ("why", Program::Now(why::why), why::USAGE, "why an object is as it is"),
    ("policies", Program::Now(policies::policies), policies::USAGE, "which policies select a pod, and which pods a policy"),
    ("resolve", Program::Now(resolve::resolve), resolve::USAGE, "explains one DNS question"),
    ("traffic", Program::Now(traffic::traffic), traffic::USAGE, "load that runs beside everything else"),
    ("assumptions", Program::Now(history::assumptions), "assumptions", "what the simulator had to guess"),
    ("help", Program::Now(help), "help", "this list"),
];

/// The commands, with their older names.
pub const COMMANDS: [(&str, Program); TABLE.len()] = {
    let mut all = [("", Program::Timed(run)); TABLE.len()];
    let mut number = 0;
    while number < all.len() {
        all[number].0 = TABLE[number].0;
        number += 1;
    }
    all
};

/// Runs a command, or tells how it is written.
fn run<'h>(host: &'h mut dyn Host, argv: &'h [String], input: &'h str) -> Doing<'h, Outcome> {
    Box::pin(async move {
        let name = argv.first().map_or("", String::as_str);
        let Some((_, program, usage, _)) = TABLE.iter().find(|(known, ..)| *known == name) else { return Outcome::default() };
        match argv.get(1).map(String::as_str) {
            Some("--help" | "-h") => Outcome::out(format!("usage: {usage}\n")),
            _ => program.run(host, argv, input).await,
        }
    })
}

/// `help`: the commands of the simulator.
fn help(_: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if let Err(refusal) = alone("help", argv) {
        return refusal;
    }
    let rows = TABLE.iter().filter(|(.., does)| !does.is_empty()).map(|(name, .., does)| (*name, *does));
    let lines: String = rows.map(|(name, does)| format!("{name:<13}{does}\n")).collect();
    Outcome::out(format!("Commands of the simulator; COMMAND --help shows how each is written.\n{lines}"))
}

/// The simulation behind the console, or the refusal where there is none.
fn simulation<'a>(host: &'a mut dyn Host, name: &str) -> Result<Lent<'a, Simulation>, Outcome> {
    let none = || Outcome::err(1, format!("kubewalk: {name}: there is no simulation behind this console"));
    host::simulation(host).ok_or_else(none)
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
