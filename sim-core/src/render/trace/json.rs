//! The JSON form: the fields of the contract, and more from the same value.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{client, difference, vantage};
use crate::ask::trace::{Elsewhere, Endpoint, LocalPolicy, Match, TraceAnswer};
use crate::explain::{Branch, Hop, ObjectName};
use crate::render::{cause, hint, prose};

/// The whole answer.
pub fn json(answer: &TraceAnswer) -> Value {
    let trace = &answer.trace;
    let hop = |(i, hop): (usize, &Hop)| hop_json(hop, answer, answer.matches.get(i).and_then(Option::as_ref));
    let client = &answer.client;
    json!({
        "decision": trace.decision.text(),
        "candidates": addresses(&trace.candidates),
        "chosen": trace.chosen.map(|c| c.to_string()),
        "masquerade": trace.masquerade,
        "masquerade_for": addresses(&trace.masquerade_for),
        "outcome": trace.outcome.text(),
        "client": {"text": client::text(client), "exit": client::exit(client), "after_ns": client.after().as_nanos()},
        "branches": trace.branches.iter().map(branch).collect::<Vec<_>>(),
        "hops": trace.hops.iter().enumerate().map(hop).collect::<Vec<_>>(),
        "return_hops": trace.return_hops.iter().map(|h| hop_json(h, answer, None)).collect::<Vec<_>>(),
        "seen_source": trace.seen_source.map(|s| s.to_string()),
        "because": answer.because.iter().map(cause::json).collect::<Vec<_>>(),
        "did_you_mean": answer.did_you_mean.iter().map(hint::text).collect::<Vec<_>>(),
        "nodes": answer.nodes.iter().map(elsewhere).collect::<Vec<_>>(),
        "not_seen_by": answer.not_seen_by.as_ref().map(elsewhere),
        "not_this": trace.hops.last().and_then(|last| prose::not_this(trace.outcome, &last.reason)),
    })
}

fn addresses(list: &[SocketAddr]) -> Vec<String> {
    let mut texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    texts.sort();
    texts
}

fn branch(b: &Branch) -> Value {
    json!({"share": format!("{}/{}", b.share.0, b.share.1), "node": b.node.as_deref(), "backend": b.backend.map(|b| b.to_string()),
        "outcome": b.outcome.text()})
}

/// One end of a packet; that of a name without address is named.
pub(super) fn end(at: SocketAddr, answer: &TraceAnswer) -> String {
    match &answer.name {
        Some(name) if at.ip().is_unspecified() => format!("{name}:{}", at.port()),
        _ => at.to_string(),
    }
}

fn hop_json(hop: &Hop, answer: &TraceAnswer, matched: Option<&Match>) -> Value {
    let pair = |(src, dst): (SocketAddr, SocketAddr)| json!({"src": src.to_string(), "dst": end(dst, answer)});
    let causes: Vec<String> = hop.reason.objects().iter().map(ObjectName::to_string).collect();
    let left_out = hop.not_eligible.iter().map(|(a, why)| json!({"endpoint": a.to_string(), "code": why.code()}));
    json!({"where": hop.place.text(), "component": hop.component.text(), "step": hop.step.text(),
        "reason": {"code": hop.reason.code(), "text": prose::hop(hop), "cause": causes, "book": hop.reason.book()},
        "basis": hop.basis().text(), "before": pair(hop.before), "after": pair(hop.after),
        "not_eligible": left_out.collect::<Vec<_>>(), "view_age_ns": hop.view_age.map(|age| age.as_nanos()),
        "service": matched.map(service)})
}

fn service(matched: &Match) -> Value {
    let endpoint = |e: &Endpoint| {
        json!({"endpoint": e.address.to_string(), "pod": e.pod.as_deref(), "node": e.node.as_deref(),
        "state": prose::state(e.state), "eligible": e.why_not.is_none(), "picked": e.picked})
    };
    json!({"name": &*matched.service, "port": &*matched.port, "address_kind": prose::address_kind(matched.kind),
        "local_policy": matched.local.map(LocalPolicy::field), "pick": matched.pick.code(), "endpoints": matched.endpoints.iter().map(endpoint).collect::<Vec<_>>()})
}

fn elsewhere(other: &Elsewhere) -> Value {
    json!({"who": vantage(&other.vantage), "delivered": other.delivered, "ways": other.ways, "outcome": other.outcome.text(),
        "dropped": other.dropped, "source_kept": other.source_kept, "why": other.why.map_or("", difference)})
}
