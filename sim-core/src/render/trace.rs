//! A trace as text for people, and as the JSON of the contract, from one value.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::prose;
use crate::engine::time::Duration;
use crate::explain::{Branch, Component, Hop, Outcome, Trace};
use crate::objects::pod_spec::Protocol;

/// What the client of a connection says and when: text, exit status of curl, time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// The line a user would read; empty if all went well.
    pub text: String,
    /// Exit status.
    pub exit: i32,
    /// After this time, in nanoseconds.
    pub after_ns: u64,
}

/// Width of the text between a station's number and what it did.
const WIDTH: usize = 84;
/// Of more ways than this only the numbers are told.
const WAYS_LISTED: usize = 8;

/// The text form.
pub fn text(trace: &Trace, client: &Client) -> String {
    let (from, to) = trace.asked;
    let mut lines = vec![headline(trace, client)];
    lines.push(format!("    client   {} -> {to}/{}", from.ip(), trace.protocol.text()));
    for (number, hop) in trace.hops.iter().enumerate() {
        station(&mut lines, number + 1, hop);
    }
    for hop in &trace.return_hops {
        let (source, destination) = (hop.after.0, hop.after.1.ip());
        lines.push(row(
            "  ",
            &prose::place(&hop.place),
            &format!("answer {} shown as {source} to {destination}", hop.before.0),
            hop,
        ));
    }
    if trace.outcome == Outcome::TimedOut && trace.protocol == Protocol::Tcp {
        lines.push("    client   SYN at 0 1 3 7 15 31 63 s, no answer".to_string());
    }
    if !client.text.is_empty() {
        lines.push(format!("    client   {}", client.text));
    }
    let causes = trace.hops.iter().flat_map(|h| h.reason.cause()).fold(Vec::new(), |mut list: Vec<String>, cause| {
        if !list.contains(&cause) {
            list.push(cause);
        }
        list
    });
    if !causes.is_empty() {
        lines.push(format!("Because      {}", causes.join(", ")));
    }
    if trace.branches.len() > 1 {
        lines.push(format!("All ways     {}", ways(&trace.branches)));
    }
    lines.extend(prose::not_this(trace.outcome).map(|other| format!("Not this     {other}")));
    lines.join("\n") + "\n"
}

fn headline(trace: &Trace, client: &Client) -> String {
    let word = match trace.outcome {
        Outcome::Delivered => "DELIVERED",
        Outcome::Refused => "REFUSED",
        Outcome::TimedOut => "TIMED OUT",
        Outcome::Unreachable => "UNREACHABLE",
        Outcome::Reset => "RESET",
        Outcome::Unresolved => "NOT RESOLVED",
        Outcome::Unknown => "UNKNOWN",
    };
    let after = Duration::from_nanos(client.after_ns);
    let end = trace.hops.last().map(|last| prose::ending(trace.outcome, last)).unwrap_or_default();
    format!("{word} after {after}. {end}").trim_end().to_string()
}

/// The lines of one station: what it is, what it rewrote, what it left out.
fn station(lines: &mut Vec<String>, number: usize, hop: &Hop) {
    let age = hop.view_age.map_or(String::new(), |age| format!(" (view {age})"));
    let component = if hop.component == Component::Network { String::new() } else { format!("{}: ", hop.component.text()) };
    let what = format!("{component}{}{age}", prose::reason(&hop.reason));
    lines.push(row(&format!("{number:>2}"), &prose::place(&hop.place), &what, hop));
    let (before, after) = (hop.before, hop.after);
    if before.1 != after.1 {
        lines.push(format!("                destination {} becomes {}", before.1, after.1));
    }
    if before.0 != after.0 {
        lines.push(format!("                source {} becomes {} (masquerade)", before.0.ip(), after.0.ip()));
    }
    for (endpoint, why) in &hop.not_eligible {
        lines.push(format!("                {endpoint}  not eligible: {}", prose::not_eligible(*why)));
    }
}

fn row(number: &str, place: &str, what: &str, hop: &Hop) -> String {
    let left = format!("{number}  {place:<8} {what}");
    format!("{left:<WIDTH$} {}", prose::step(hop.step))
}

/// The branches in a line: each with its share, or, if there are many, how large a part ends how.
fn ways(branches: &[Branch]) -> String {
    let one = |b: &Branch| {
        let node = b.node.as_ref().map_or(String::new(), |n| format!("{n} "));
        let backend = b.backend.map_or_else(String::new, |b| format!("{b} "));
        format!("{}/{} {node}{backend}{}", b.share.0, b.share.1, b.outcome.text())
    };
    if branches.len() <= WAYS_LISTED {
        return branches.iter().map(one).collect::<Vec<_>>().join(" | ");
    }
    let mut counts: Vec<(Outcome, usize)> = Vec::new();
    for branch in branches {
        match counts.iter_mut().find(|(outcome, _)| *outcome == branch.outcome) {
            Some((_, count)) => *count += 1,
            None => counts.push((branch.outcome, 1)),
        }
    }
    let counts = counts.iter().map(|(outcome, count)| format!("{count} {}", outcome.text()));
    format!("of {}: {}", branches.len(), counts.collect::<Vec<_>>().join(", "))
}

/// The JSON form.
pub fn json(trace: &Trace, client: &Client) -> Value {
    let addresses = |list: &[SocketAddr]| {
        let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    let branch = |b: &Branch| json!({"share": format!("{}/{}", b.share.0, b.share.1), "node": b.node.as_deref(), "backend": b.backend.map(|b| b.to_string()), "outcome": b.outcome.text()});
    json!({
        "decision": trace.decision.text(),
        "candidates": addresses(&trace.candidates),
        "chosen": trace.chosen.map(|c| c.to_string()),
        "masquerade": trace.masquerade,
        "masquerade_for": addresses(&trace.masquerade_for),
        "outcome": trace.outcome.text(),
        "client": {"text": client.text, "exit": client.exit, "after_ns": client.after_ns},
        "branches": trace.branches.iter().map(branch).collect::<Vec<_>>(),
        "hops": trace.hops.iter().map(hop_json).collect::<Vec<_>>(),
        "return_hops": trace.return_hops.iter().map(hop_json).collect::<Vec<_>>(),
    })
}

fn hop_json(hop: &Hop) -> Value {
    let pair = |(src, dst): (SocketAddr, SocketAddr)| json!({"src": src.to_string(), "dst": dst.to_string()});
    let left_out = hop.not_eligible.iter().map(|(a, why)| json!({"endpoint": a.to_string(), "code": why.code()}));
    json!({"where": hop.place.text(), "component": hop.component.text(), "step": hop.step.text(),
        "reason": {"code": hop.reason.code(), "text": prose::reason(&hop.reason), "cause": hop.reason.cause()}, "basis": hop.reason.basis().text(),
        "before": pair(hop.before), "after": pair(hop.after), "not_eligible": left_out.collect::<Vec<_>>(),
        "view_age_ns": hop.view_age.map(|age| age.as_nanos())})
}
