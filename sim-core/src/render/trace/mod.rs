//! A `trace` as text for people ([`text`]) and as the JSON of the contract ([`json`]), from one value.
//!
//! The text is dense on purpose: first how it ended, then the stations in three columns (where, what, decision), what the client
//! sees, and then why, seen from where else, and what the same symptom does not mean. Words live in [`super::prose`].

mod client;
mod json;
mod stations;

use std::collections::BTreeMap;

pub use self::json::json;
use self::stations::{Row, rows};
use super::{cause, hint, prose};
use crate::ask::trace::{Difference, Elsewhere, Said, TraceAnswer, Vantage};
use crate::engine::time::Duration;
use crate::explain::{Branch, Outcome, Place, Reason};
use crate::objects::pod_spec::Protocol;

/// Width of number, place and text together; the decision stands behind.
const WIDTH: usize = 80;
/// Width of a whole line below the stations: that of the table with its decisions.
const WIDE: usize = 104;
/// Width of the heads of the lines below the stations.
const HEAD: usize = 13;
/// The narrowest and widest column of places.
const PLACES: (usize, usize) = (8, 16);
/// Of more ways than this only the numbers are told.
const WAYS_LISTED: usize = 8;

/// The text form.
pub fn text(answer: &TraceAnswer) -> String {
    let rows = rows(answer);
    let longest = rows.iter().map(|r| r.place.chars().count()).max().unwrap_or_default();
    let places = longest.clamp(PLACES.0, PLACES.1);
    let mut lines = vec![headline(answer)];
    let (from, to) = answer.trace.asked;
    let name = answer.name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    let to = if to.ip().is_unspecified() { self::json::end(to, answer) } else { format!("{to}{name}") };
    let client = |text: &str| format!("    {:<places$} {text}", "client");
    lines.push(client(&format!("{} -> {to}/{}", from.ip(), answer.trace.protocol.text())));
    rows.iter().for_each(|row| print(&mut lines, row, places));
    let dead = answer.trace.hops.last().is_some_and(|hop| hop.place == Place::Client);
    if answer.trace.outcome == Outcome::TimedOut && !dead {
        let by_chance = answer.trace.hops.last().is_some_and(|hop| matches!(hop.reason, Reason::PacketLost { .. }));
        lines.push(client(match answer.trace.protocol {
            Protocol::Tcp if by_chance => "SYN at 0, and again at 1 3 7 15 31 63 s while there is no answer",
            Protocol::Tcp => "SYN at 0 1 3 7 15 31 63 s, no answer",
            Protocol::Udp => "one datagram, no answer; how long to wait, and whether to try again, the program decides",
            Protocol::Sctp => "INIT, no answer",
        }));
    }
    let said = self::client::text(&answer.client);
    if !said.is_empty() {
        lines.push(client(&said));
    }
    below(&mut lines, answer);
    lines.join("\n") + "\n"
}

/// One row: wrapped before the column of decisions.
fn print(lines: &mut Vec<String>, row: &Row, places: usize) {
    let number = row.number.map_or(String::new(), |n| n.to_string());
    let indent = places + 5 + row.indent;
    let parts = wrap(&row.text, WIDTH.saturating_sub(indent).max(24), "  ");
    let last = parts.len().saturating_sub(1);
    for (i, part) in parts.iter().enumerate() {
        let head = if i == 0 { format!("{number:>2}  {:<places$} ", row.place) } else { String::new() };
        let left = format!("{head:<indent$}{part}");
        let decision = if i == last { row.decision.as_str() } else { "" };
        lines.push(format!("{left:<WIDTH$} {decision}").trim_end().to_string());
    }
}

/// A text in lines of at most `width` characters, broken at blanks, the later ones behind `hang`; columns of blanks are kept.
fn wrap(text: &str, width: usize, hang: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(format!("{hang}{word}"));
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

fn headline(answer: &TraceAnswer) -> String {
    let word = match answer.trace.outcome {
        Outcome::Delivered => "DELIVERED",
        Outcome::Refused => "REFUSED",
        Outcome::TimedOut => "TIMED OUT",
        Outcome::Unreachable => "UNREACHABLE",
        Outcome::Reset => "RESET",
        Outcome::Unresolved => "NOT RESOLVED",
        Outcome::Unknown => "UNKNOWN",
    };
    let end = prose::ending(&answer.trace);
    let after = match answer.client.after() {
        // How long it takes to give up is known of TCP only, and of clients that live.
        _ if answer.client.said == Said::Unknown && answer.trace.outcome != Outcome::Refused => String::new(),
        Duration::ZERO => " at once".to_string(),
        after => format!(" after {}", after.brief()),
    };
    format!("{word}{after}. {end}").trim_end().to_string()
}

/// What stands below the stations.
fn below(lines: &mut Vec<String>, answer: &TraceAnswer) {
    let mut line = |head: &str, text: &str| lines.push(format!("{head:<HEAD$}{text}"));
    if !answer.because.is_empty() {
        line("Because", &answer.because.iter().map(cause::text).collect::<Vec<_>>().join("; "));
    }
    for hint in &answer.did_you_mean {
        line("Did you mean", &hint::text(hint));
    }
    if answer.trace.branches.len() > 1 {
        line("All ways", &ways(&answer.trace.branches));
    }
    if !answer.nodes.is_empty() {
        lines.extend(nodes(&answer.nodes));
    }
    let mut line = |head: &str, text: &str| lines.push(format!("{head:<HEAD$}{text}"));
    if let Some(other) = &answer.not_seen_by {
        let why = other.why.map_or(String::new(), |why| format!(" ({})", difference(why)));
        line("Not seen by", &format!("{}: {}{why}", vantage(&other.vantage), end(other)));
    }
    let last = answer.trace.hops.last();
    if let Some(other) = last.and_then(|last| prose::not_this(answer.trace.outcome, &last.reason)) {
        lines.extend(headed("Not this", other, WIDE - HEAD));
    }
}

/// A text under a head at its left, in lines of at most so many characters beside it.
fn headed(head: &str, text: &str, width: usize) -> Vec<String> {
    let head = |i: usize| if i == 0 { head } else { "" };
    wrap(text, width, "").iter().enumerate().map(|(i, part)| format!("{:<HEAD$}{part}", head(i))).collect()
}

/// Where else it was asked.
fn vantage(vantage: &Vantage) -> String {
    match vantage {
        Vantage::Node(node) => node.to_string(),
        Vantage::PodOn(node) => format!("a test from a pod on {node}"),
        Vantage::Pod => "a test from a pod".to_string(),
        Vantage::Outside => "a test from outside".to_string(),
    }
}

/// Why it ends differently there.
fn difference(difference: Difference) -> &'static str {
    match difference {
        Difference::LocalSkipped => "in-cluster traffic skips Local",
        Difference::InsideOnly => "the address works inside only",
        Difference::SourceRanges => "the source ranges are checked on the way in",
        Difference::ClusterDns => "pods ask cluster DNS",
    }
}

/// The branches in a line: each with its share, or, if there are many, how large a part ends how.
fn ways(branches: &[Branch]) -> String {
    let one = |b: &Branch| {
        let node = b.node.as_ref().map_or(String::new(), |n| format!("{n} "));
        let backend = b.backend.map_or_else(String::new, |b| format!("{b} "));
        format!("{}/{} {node}{backend}{}", b.share.0, b.share.1, b.outcome.text())
    };
    if branches.len() <= WAYS_LISTED {
        let list: Vec<String> = branches.iter().map(one).collect();
        return format!("of {} ways: {}", branches.len(), list.join(" | "));
    }
    let mut counts: Vec<(Outcome, usize)> = Vec::new();
    for branch in branches {
        match counts.iter_mut().find(|(outcome, _)| *outcome == branch.outcome) {
            Some((_, count)) => *count += 1,
            None => counts.push((branch.outcome, 1)),
        }
    }
    let counts = counts.iter().map(|(outcome, count)| format!("{count} {}", outcome.text()));
    format!("of {} ways: {}", branches.len(), counts.collect::<Vec<_>>().join(", "))
}

/// How the same ends elsewhere: `delivered 2/2, source kept`.
fn end(other: &Elsewhere) -> String {
    let outcome = if other.dropped { "dropped" } else { other.outcome.text() };
    match (other.delivered, other.ways) {
        (0, _) => outcome.to_string(),
        (n, ways) if n == ways => {
            let source = if other.source_kept { "source kept" } else { "source is the node" };
            format!("delivered {n}/{ways}, {source}")
        }
        (n, ways) => format!("delivered {n}/{ways}, else {outcome}"),
    }
}

/// The nodes with one end share a part of the line; at the right, how many answer.
fn nodes(nodes: &[Elsewhere]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    let mut by_end: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in nodes {
        let end = end(node);
        if !by_end.contains_key(&end) {
            order.push(end.clone());
        }
        by_end.entry(end).or_default().push(vantage(&node.vantage));
    }
    let parts: Vec<String> = order.iter().map(|end| format!("{} {end}", by_end[end].join(", "))).collect();
    let answering = nodes.iter().filter(|n| n.delivered > 0).count();
    let verb = if answering == 1 { "answers" } else { "answer" };
    let mut lines = headed("All nodes", &parts.join(" | "), WIDTH - HEAD);
    if let Some(last) = lines.last_mut() {
        *last = format!("{last:<WIDTH$} {answering} of {} nodes {verb}", nodes.len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_before_the_decisions() {
        assert_eq!(wrap("a word or two", 8, "  "), ["a word", "  or two"]);
        assert_eq!(wrap("pod 10.0.0.1:80  Ready", 40, "  "), ["pod 10.0.0.1:80  Ready"], "blanks are kept");
    }
}
