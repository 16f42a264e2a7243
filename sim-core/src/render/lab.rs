//! What the laboratory answers, in words.

use std::fmt::Write;

use crate::engine::time::{Duration, Instant};
use crate::lab::branches::BranchSeen;
use crate::lab::command::{Output, Refusal};
use crate::render::words::some;

/// What is printed of an output; an error is why the command could not be carried out.
pub fn text(output: &Output) -> Result<String, String> {
    match output {
        Output::Done | Output::Stopped(_) | Output::Stepped(true) => Ok(String::new()),
        Output::Stepped(false) => Err("no such event is pending any more".to_string()),
        Output::Branches(all) => Ok(branches(all)),
        Output::Standing(name, at) => Ok(format!("on branch {name}, {} after the start\n", age(*at))),
        Output::Answer(answer) => Ok(super::answer::text(answer)),
        Output::Unanswerable(why) => Err(super::unanswerable::text(why)),
        Output::StoppedLoads(names) if names.is_empty() => Ok("nothing runs\n".to_string()),
        Output::StoppedLoads(names) => Ok(format!("stopped: {}\n", some(names))),
        Output::Refused(refusal) => Err(refused(refusal)),
    }
}

fn age(at: Instant) -> Duration {
    at.since(Instant::START)
}

/// One line a branch, the oldest first; the current one is marked.
fn branches(all: &[BranchSeen]) -> String {
    let width = all.iter().map(|branch| branch.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for branch in all {
        let mark = if branch.is_current { '*' } else { ' ' };
        let known = if branch.end > branch.at { format!(", known to {}", age(branch.end)) } else { String::new() };
        let left = branch.left.as_ref().map_or(String::new(), |(from, at)| format!(", left {from} at {}", age(*at)));
        let _ = writeln!(text, "{mark} {:<width$}  at {}{known}{left}", branch.name, age(branch.at));
    }
    text
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoSimulation => "there is no simulation behind this console".to_string(),
        Refusal::NotWithin { patience, missing } => format!("not within {patience}: {missing}"),
        Refusal::Condition(why) => why.clone(),
        Refusal::BeforeTheStart { age } => format!("this simulation began {age} ago; `seek 0s` goes there"),
        Refusal::Branch(why) => why.to_string(),
        Refusal::NoSuchTarget(fault) => format!("there is no {}", fault.target()),
        Refusal::LoadRuns(name) => format!("the load `{name}` still runs; choose another name, or `traffic stop {name}` first"),
        Refusal::TooManyLoads(most) => format!("there are {most} loads already; give this one the name of one that is over"),
        Refusal::LogFull => log_full(),
    }
}

fn log_full() -> String {
    "the log of this session is full: it keeps no more inputs; start a new one".to_string()
}
