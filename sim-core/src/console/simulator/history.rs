//! Looking at time: `timeline`, `timers`, `digest`, and what had to be assumed: `assumptions`.

use super::super::host::{Host, Outcome};
use super::{simulation, usage};

/// How many lines `timeline` and `timers` show unless told otherwise.
const LINES: usize = 20;

/// `timeline [N]`: the last entries of the journal.
pub fn timeline(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    lines(host, argv, "timeline", |sim, n| sim.journal_text(n))
}

/// `timers [N]`: what is pending, next first.
pub fn timers(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    lines(host, argv, "timers", |sim, n| sim.timers_text(n))
}

fn lines(
    host: &mut dyn Host,
    argv: &[String],
    name: &str,
    show: impl Fn(&super::super::simulation::Simulation, usize) -> String,
) -> Outcome {
    let wanted = argv.get(1).map_or(Ok(LINES), |text| text.parse());
    match (wanted, simulation(host, name)) {
        (Ok(n), Ok(sim)) => Outcome::out(show(sim, n)),
        (Err(_), _) => usage(name, "the number of lines is not a number", &format!("{name} [N]")),
        (_, Err(outcome)) => outcome,
    }
}

/// `digest`: both digests. Equal digests, equal histories.
pub fn digest(host: &mut dyn Host, _: &[String], _: &str) -> Outcome {
    match simulation(host, "digest") {
        Ok(sim) => Outcome::out(format!("{}\n", sim.digests())),
        Err(outcome) => outcome,
    }
}

/// `assumptions`: what the simulator had to guess, one line each.
pub fn assumptions(host: &mut dyn Host, _: &[String], _: &str) -> Outcome {
    match simulation(host, "assumptions") {
        Ok(sim) => Outcome::out(sim.assumptions().iter().map(|a| format!("{a}\n")).collect::<String>()),
        Err(outcome) => outcome,
    }
}
