//! Looking at time: `timeline`, `timers`, `digest`, and what had to be assumed: `assumptions`.

use super::super::host::{Host, Outcome};
use super::{alone, simulation, told, usage};

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
    show: impl Fn(&crate::lab::simulation::Simulation, usize) -> String,
) -> Outcome {
    let wanted = match &argv[1..] {
        [] => Ok(LINES),
        [text] => text.parse().map_err(|_| format!("`{text}` is not a number of lines")),
        [_, word, ..] => Err(format!("`{word}` is too much: one number is enough")),
    };
    match (wanted, simulation(host, name)) {
        (Ok(n), Ok(sim)) => Outcome::out(show(&sim, n)),
        (Err(wrong), _) => usage(name, &wrong, &format!("{name} [N]")),
        (_, Err(outcome)) => outcome,
    }
}

/// `digest`: both digests. Equal digests, equal histories.
pub fn digest(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    told(alone("digest", argv).and_then(|()| simulation(host, "digest")).map(|sim| format!("{}\n", sim.digests())))
}

/// `assumptions`: what the simulator had to guess, one line each.
pub fn assumptions(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let sim = alone("assumptions", argv).and_then(|()| simulation(host, "assumptions"));
    told(sim.map(|sim| sim.assumptions().iter().map(|a| format!("{a}\n")).collect()))
}
