//! The transcript of a scenario: each step as text for people, or as one JSON object.

use serde_json::{Value, json};

use crate::engine::time::Instant;
use crate::scenario::play::Played;
use crate::scenario::ties::TieFinding;

/// The step as text. Said things are prose, typed things look as on a terminal, what failed is marked.
pub fn step(played: &Played) -> String {
    let mut text = String::new();
    match played.verb {
        "say" => {
            text.push('\n');
            played.title.lines().for_each(|line| text.push_str(&format!("# {line}\n")));
        }
        "until" | "wait" | "expect" => {
            let clock = played.elapsed.since(Instant::START);
            let how = if played.failures.is_empty() { "done" } else { "failed" };
            text.push_str(&format!("[{} {}: {how} at {clock}]\n", played.verb, played.title));
        }
        _ => {
            let mut lines = played.title.lines();
            text.push_str(&format!("$ {}\n", lines.next().unwrap_or_default()));
            lines.for_each(|line| text.push_str(&format!("> {line}\n")));
            push_output(&mut text, &played.outcome.stdout);
            push_output(&mut text, &played.outcome.stderr);
        }
    }
    let place = played.place.as_ref().map_or(String::new(), |(file, line)| format!(" ({file}:{line})"));
    for failure in &played.failures {
        text.push_str(&format!("!! step {}{place}: {failure}\n", played.number));
    }
    text
}

/// A program's output, ended by a newline if it is not.
fn push_output(text: &mut String, output: &str) {
    text.push_str(output);
    if !output.is_empty() && !output.ends_with('\n') {
        text.push('\n');
    }
}

/// The step as JSON.
pub fn step_json(played: &Played) -> Value {
    json!({"step": played.number, "file": played.place.as_ref().map(|(file, _)| file), "line": played.place.as_ref().map(|(_, line)| line), "verb": played.verb, "title": played.title, "at": played.at.rfc3339(),
        "elapsed_ns": played.elapsed.as_nanos(), "exit": played.outcome.exit, "stdout": played.outcome.stdout,
        "stderr": played.outcome.stderr, "ok": played.failures.is_empty(), "failures": played.failures})
}

/// The last line: how many steps held.
pub fn summary(steps: usize, failed: usize, elapsed: Instant) -> String {
    let verdict = if failed == 0 { "all expectations held".to_string() } else { format!("{failed} did not hold") };
    format!("\n{steps} steps in {} of simulated time: {verdict}\n", elapsed.since(Instant::START))
}

/// An expectation that depends on the order of events of one instant: which, and in which order it does not hold.
pub fn finding(finding: &TieFinding) -> String {
    let TieFinding { failed, shuffle_ties, fails_shuffled } = finding;
    let (holds, fails) = match fails_shuffled {
        true => ("as scheduled".to_string(), format!("with --shuffle-ties {shuffle_ties}")),
        false => (format!("with --shuffle-ties {shuffle_ties}"), "as scheduled".to_string()),
    };
    let mut text =
        format!("?? step {}: holds {holds}, not {fails}: it depends on the order of events of one instant\n", failed.step);
    text.push_str(&format!("??   {} {}\n", failed.verb, failed.title.lines().next().unwrap_or_default()));
    failed.failures.iter().for_each(|failure| text.push_str(&format!("??   {failure}\n")));
    text
}

/// The same as JSON.
pub fn finding_json(finding: &TieFinding) -> Value {
    let TieFinding { failed, shuffle_ties, fails_shuffled } = finding;
    json!({"step": failed.step, "verb": failed.verb, "title": failed.title, "failures": failed.failures,
        "shuffle_ties": shuffle_ties, "fails": if *fails_shuffled { "shuffled" } else { "scheduled" }})
}

/// The summary as JSON.
pub fn summary_json(steps: usize, failed: usize, elapsed: Instant, assumptions: &[String], findings: &[TieFinding]) -> Value {
    let findings: Vec<Value> = findings.iter().map(finding_json).collect();
    json!({"steps": steps, "failed": failed, "ok": failed == 0 && findings.is_empty(), "elapsed_ns": elapsed.as_nanos(),
        "assumptions": assumptions, "findings": findings})
}
