//! Moving time: `advance 40s`, `advance to converged`, `step`, `seek`, `rewind`, `settled`.

use super::super::host::{Host, Outcome, Stopped, World};
use super::{alone, simulation, until, usage};
use crate::cluster::event::KINDS;
use crate::engine::time::{Duration, Instant, Unread};
use crate::objects::time::Timestamp;
use crate::scenario::condition::Condition;
use crate::scenario::notation::Notation;

pub(super) const ADVANCE: &str = "advance DURATION (as in 40s, 1m30s), or advance to CONDITION [--timeout 5m]";
pub(super) const STEP: &str = "step [N], or step KIND (a kind as `timeline` shows it, as in api/write)";
pub(super) const SEEK: &str = "seek TIME (a duration since the start, as in 2m10s, or a date, as in 2026-01-01T12:02:10Z)";
pub(super) const REWIND: &str = "rewind DURATION (as in 10s)";
/// How long `advance to` waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

/// `advance DURATION`, `advance to CONDITION [--timeout DURATION]`.
pub fn advance(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let words: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    match words[..] {
        ["to", ref rest @ ..] if !rest.is_empty() => advance_to(host, rest),
        [text] => match Duration::read(text) {
            Ok(by) => finish(host.world().advance(by)),
            Err(Unread::TooLong) => usage("advance", &format!("`{text}` is too long; ten years are 87600h"), ADVANCE),
            Err(Unread::NotATime) => usage("advance", &format!("`{text}` is not a duration"), ADVANCE),
        },
        _ => usage("advance", "one duration or one condition is needed", ADVANCE),
    }
}

fn advance_to(host: &mut dyn Host, words: &[&str]) -> Outcome {
    let mut words = words.to_vec();
    let mut patience = PATIENCE;
    if let Some(at) = words.iter().position(|w| w.starts_with("--timeout")) {
        let flag = words.remove(at);
        let value = match flag.split_once('=') {
            Some((_, value)) => value,
            None if at < words.len() => words.remove(at),
            None => "",
        };
        match Duration::parse(value) {
            Some(limit) => patience = limit,
            None => return usage("advance", &format!("--timeout: `{value}` is not a duration"), ADVANCE),
        }
    }
    let condition = match Condition::parse(&words.join(" ")) {
        Ok(condition) => condition,
        Err(mistake) => return usage("advance", &mistake.message, &mistake.help),
    };
    let sim = match simulation(host, "advance") {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    match until::wait_for(sim, &condition, patience) {
        Ok(until::Waited::Held) => Outcome::default(),
        Ok(until::Waited::Not(why)) => Outcome::err(1, format!("kubewalk: advance: not within {patience}: {why}")),
        Err(until::Failed::Stopped(stopped)) => finish(Err(stopped)),
        Err(until::Failed::Condition(why)) => usage("advance", &why, ADVANCE),
    }
}

/// How far `step` goes.
enum Wanted<'a> {
    Events(u64),
    Kind(&'a str),
}

/// `step`: one event; `step N`: so many; `step KIND`: to the next of that kind.
pub fn step(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let words: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    let wanted = match words[..] {
        [] => Wanted::Events(1),
        [word] if KINDS.contains(&word) => Wanted::Kind(word),
        [word] if word.bytes().all(|b| b.is_ascii_digit()) => match word.parse() {
            Ok(n) => Wanted::Events(n),
            Err(_) => return usage("step", &format!("`{word}` is too many"), STEP),
        },
        [word] => {
            let wrong = format!("`{word}` is no number and no kind of event; there are {}", KINDS.join(", "));
            return usage("step", &wrong, STEP);
        }
        _ => return usage("step", "one number or one kind is enough", STEP),
    };
    let sim = match simulation(host, "step") {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    let result = match wanted {
        Wanted::Events(n) => sim.step(n).map(|_| true),
        Wanted::Kind(kind) => sim.step_to(kind),
    };
    match result {
        Ok(true) => Outcome::out(sim.journal_text(1)),
        Ok(false) => Outcome::err(1, "kubewalk: step: no such event is pending any more; `timeline` shows the kinds there are"),
        Err(stopped) => finish(Err(stopped)),
    }
}

/// `seek TIME`.
pub fn seek(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, text] = argv else { return usage("seek", "one time is needed", SEEK) };
    let sim = match simulation(host, "seek") {
        Ok(sim) => sim,
        Err(outcome) => return outcome,
    };
    let start = sim.cluster().config.start;
    let since_start = |t: Timestamp| u64::try_from(t.nanos_since(start)).ok().map(Duration::from_nanos);
    match Duration::parse(text).or_else(|| Timestamp::parse(text).and_then(since_start)) {
        Some(offset) => finish(sim.seek(Instant::START + offset)),
        None => usage("seek", &format!("`{text}` is not a time of this simulation"), SEEK),
    }
}

/// `rewind DURATION`.
pub fn rewind(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, text] = argv else { return usage("rewind", "one duration is needed", REWIND) };
    let Some(by) = Duration::parse(text) else { return usage("rewind", &format!("`{text}` is not a duration"), REWIND) };
    match simulation(host, "rewind") {
        Ok(sim) => {
            let age = sim.elapsed().since(Instant::START);
            if by > age {
                return usage("rewind", &format!("this simulation began {age} ago; `seek 0s` goes there"), REWIND);
            }
            finish(sim.seek(Instant::START + (age - by)))
        }
        Err(outcome) => outcome,
    }
}

/// `settled`: whether the cluster is at rest, and if not, what is still going on.
pub fn settled(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    if let Err(refusal) = alone("settled", argv) {
        return refusal;
    }
    match simulation(host, "settled") {
        Ok(sim) => match sim.cluster().unsettled() {
            None => Outcome::out("the cluster is at rest\n"),
            Some(why) => Outcome { stdout: format!("{why}\n"), stderr: String::new(), exit: 1 },
        },
        Err(outcome) => outcome,
    }
}

/// Silence, or the limit that ended the command.
fn finish(result: Result<(), Stopped>) -> Outcome {
    match result {
        Ok(()) => Outcome::default(),
        Err(stopped) => Outcome::err(124, format!("kubewalk: {}", stopped.why)),
    }
}
