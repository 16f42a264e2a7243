//! Moving time: `advance 40s`, `advance to converged`, `step`, `seek`, `rewind`, `settled`; and its branches: `branch`, `switch`,
//! `branches`.

use super::super::host::{Host, Outcome};
use super::super::net::stopped;
use super::{alone, simulation, usage};
use crate::cluster::event::KINDS;
use crate::engine::time::{Duration, Instant, Unread};
use crate::lab::command::{self, Command, Output, Refusal};
use crate::objects::time::Timestamp;
use crate::render;
use crate::scenario::condition::Condition;
use crate::scenario::notation::Notation;

pub(super) const ADVANCE: &str = "advance DURATION (as in 40s, 1m30s), or advance to CONDITION [--timeout 5m]";
pub(super) const STEP: &str = "step [N], or step KIND (a kind as `step` shows it, as in api/write)";
pub(super) const SEEK: &str = "seek TIME (a duration since the start, as in 2m10s, or a date, as in 2026-01-01T12:02:10Z)";
pub(super) const REWIND: &str = "rewind DURATION (as in 10s)";
pub(super) const BRANCH: &str = "branch NAME";
pub(super) const SWITCH: &str = "switch NAME";
/// How long `advance to` waits unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

/// `advance DURATION`, `advance to CONDITION [--timeout DURATION]`.
pub async fn advance(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    carry_out(host, "advance", ADVANCE, read_advance(argv)).await
}

fn read_advance(argv: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    match words[..] {
        ["to", ref rest @ ..] if !rest.is_empty() => read_advance_to(rest),
        [text] => match Duration::read(text) {
            Ok(by) => Ok(Command::Advance(by)),
            Err(Unread::TooLong) => Err(format!("`{text}` is too long; ten years are 87600h")),
            Err(Unread::NotATime) => Err(format!("`{text}` is not a duration")),
        },
        _ => Err("one duration or one condition is needed".to_string()),
    }
}

fn read_advance_to(words: &[&str]) -> Result<Command, String> {
    let mut words = words.to_vec();
    let mut patience = PATIENCE;
    if let Some(at) = words.iter().position(|w| w.starts_with("--timeout")) {
        let flag = words.remove(at);
        let value = match flag.split_once('=') {
            Some((_, value)) => value,
            None if at < words.len() => words.remove(at),
            None => "",
        };
        patience = Duration::parse(value).ok_or_else(|| format!("--timeout: `{value}` is not a duration"))?;
    }
    let condition =
        Condition::parse(&words.join(" ")).map_err(|mistake| format!("{}\nusage: {}", mistake.message, mistake.help))?;
    Ok(Command::AdvanceTo(condition, patience))
}

/// `step`: one event; `step N`: so many; `step KIND`: to the next of that kind.
pub async fn step(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let outcome = carry_out(host, "step", STEP, read_step(argv)).await;
    match simulation(host, "step") {
        Ok(sim) if outcome.exit == 0 => Outcome::out(sim.last_step_text()),
        _ => outcome,
    }
}

fn read_step(argv: &[String]) -> Result<Command, String> {
    let words: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Command::Step(1)),
        [word] if KINDS.contains(&word) => Ok(Command::StepTo(word.to_string())),
        [word] if word.bytes().all(|b| b.is_ascii_digit()) => {
            word.parse().map(Command::Step).map_err(|_| format!("`{word}` is too many"))
        }
        [word] => Err(format!("`{word}` is no number and no kind of event; there are {}", KINDS.join(", "))),
        _ => Err("one number or one kind is enough".to_string()),
    }
}

/// `seek TIME`.
pub async fn seek(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, text] = argv else { return usage("seek", "one time is needed", SEEK) };
    let start = match simulation(host, "seek") {
        Ok(sim) => sim.cluster().config.start,
        Err(outcome) => return outcome,
    };
    let since_start = |t: Timestamp| u64::try_from(t.nanos_since(start)).ok().map(Duration::from_nanos);
    let offset = Duration::parse(text).or_else(|| Timestamp::parse(text).and_then(since_start));
    let read = offset.map(|offset| Command::Seek(Instant::START + offset));
    carry_out(host, "seek", SEEK, read.ok_or_else(|| format!("`{text}` is not a time of this simulation"))).await
}

/// `rewind DURATION`.
pub async fn rewind(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, text] = argv else { return usage("rewind", "one duration is needed", REWIND) };
    let read = Duration::parse(text).map(Command::Rewind).ok_or_else(|| format!("`{text}` is not a duration"));
    carry_out(host, "rewind", REWIND, read).await
}

/// `branch NAME`: starts another history here.
pub async fn branch(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, name] = argv else { return usage("branch", "one name is needed", BRANCH) };
    carry_out(host, "branch", BRANCH, Ok(Command::Branch(name.clone()))).await
}

/// `switch NAME`: goes to another history.
pub async fn switch(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    let [_, name] = argv else { return usage("switch", "one name is needed", SWITCH) };
    carry_out(host, "switch", SWITCH, Ok(Command::Switch(name.clone()))).await
}

/// `branches`: the histories, and where each stands.
pub async fn branches(host: &mut dyn Host, argv: &[String], _: &str) -> Outcome {
    match alone("branches", argv) {
        Ok(()) => carry_out(host, "branches", "branches", Ok(Command::Branches)).await,
        Err(refusal) => refusal,
    }
}

/// Carries out what was read, and prints what came of it.
async fn carry_out(host: &mut dyn Host, name: &str, right: &str, read: Result<Command, String>) -> Outcome {
    let command = match read {
        Ok(command) => command,
        Err(wrong) if wrong.contains("\nusage: ") => return Outcome::err(2, format!("kubewalk: {name}: {wrong}")),
        Err(wrong) => return usage(name, &wrong, right),
    };
    let output = match host.clock() {
        Some(clock) => command::execute(&clock, command).await,
        None => Output::Refused(Refusal::NoSimulation),
    };
    if let Output::Stopped(why) = &output {
        return stopped(why);
    }
    match (render::lab::text(&output), &output) {
        (Ok(text), _) => Outcome::out(text),
        (Err(why), Output::Refused(Refusal::NotWithin { .. } | Refusal::NoSimulation) | Output::Stepped(_)) => {
            Outcome::err(1, format!("kubewalk: {name}: {why}"))
        }
        (Err(why), _) => usage(name, &why, right),
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
