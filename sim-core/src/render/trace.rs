//! A trace as text for people, and as the JSON of the contract, from one value.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::prose;
use crate::explain::{Hop, Outcome, Reason, Trace};

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

/// The text form.
pub fn text(trace: &Trace, client: &Client) -> String {
    let mut lines = vec![headline(trace)];
    if let Some(first) = trace.hops.first() {
        lines.push(format!("    client   {} -> {}", first.before.0.ip(), first.before.1));
    }
    for (number, hop) in trace.hops.iter().enumerate() {
        let age = hop.view_age.map_or(String::new(), |age| format!(" (view {age} old)"));
        let number = number + 1;
        lines.push(format!("{number:>2}  {}  {}: {}{age}", hop.place.text(), hop.component.text(), prose::reason(&hop.reason)));
        if hop.before != hop.after {
            lines.push(format!("        rewritten to {} -> {}", hop.after.0.ip(), hop.after.1));
        }
        for (endpoint, why) in &hop.not_eligible {
            lines.push(format!("        {endpoint}  not eligible: {}", prose::not_eligible(*why)));
        }
    }
    if trace.branches.len() > 1 {
        let ends = trace.branches.iter().map(|b| format!("{} {}", backend(b.backend), b.outcome.text()));
        lines.push(format!("    each of {} equally likely: {}", trace.branches.len(), ends.collect::<Vec<_>>().join(", ")));
    }
    if !client.text.is_empty() {
        lines.push(format!("    client   {}", client.text));
    }
    lines.join("\n") + "\n"
}

fn headline(trace: &Trace) -> String {
    let word = match trace.outcome {
        Outcome::Delivered => "DELIVERED",
        Outcome::Refused => "REFUSED",
        Outcome::TimedOut => "TIMED OUT",
        Outcome::Unreachable => "UNREACHABLE",
        Outcome::Reset => "RESET",
        Outcome::Unresolved => "NOT RESOLVED",
        Outcome::Unknown => "UNKNOWN",
    };
    match trace.chosen {
        Some(chosen) => format!("{word} by way of {chosen}"),
        None => word.to_string(),
    }
}

fn backend(backend: Option<SocketAddr>) -> String {
    backend.map_or_else(|| "none".to_string(), |b| b.to_string())
}

/// The JSON form.
pub fn json(trace: &Trace, client: &Client) -> Value {
    let addresses = |list: &[SocketAddr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let branch = |b: &crate::explain::Branch| json!({"share": format!("{}/{}", b.share.0, b.share.1), "backend": b.backend.map(|b| b.to_string()), "outcome": b.outcome.text()});
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
        "return_hops": [],
    })
}

fn hop_json(hop: &Hop) -> Value {
    let pair = |(src, dst): (SocketAddr, SocketAddr)| json!({"src": src.to_string(), "dst": dst.to_string()});
    let left_out = hop.not_eligible.iter().map(|(a, why)| json!({"endpoint": a.to_string(), "code": why.code()}));
    let basis =
        if matches!(hop.reason, Reason::AssumedOutside { .. } | Reason::NotModelled { .. }) { "assumed" } else { "source" };
    json!({"where": hop.place.text(), "component": hop.component.text(), "step": hop.step.text(),
        "reason": {"code": hop.reason.code(), "text": prose::reason(&hop.reason), "cause": hop.reason.cause()}, "basis": basis,
        "before": pair(hop.before), "after": pair(hop.after), "not_eligible": left_out.collect::<Vec<_>>(),
        "view_age_ns": hop.view_age.map(|age| age.as_nanos())})
}
