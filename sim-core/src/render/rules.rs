//! What a node's kube-proxy has programmed, as text and JSON.
//!
//! The first column names where the rule stands in a real table of that mode (`KUBE-SERVICES`, `service-ips`, a virtual server),
//! so that a learner finds it there; the form is ours.

use std::net::SocketAddr;

use serde_json::{Value, json as value};

use super::prose;
use super::trace::brief;
use crate::engine::time::Duration;
use crate::explain::answer::Endpoint;
use crate::explain::{AddressKind, Decision};
use crate::objects::Name;
use crate::objects::pod_spec::Protocol;
use crate::proxy::Mode;

/// The programmed table of one node.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The node.
    pub node: Name,
    /// The mode it is shown in.
    pub mode: Mode,
    /// How long ago it was programmed.
    pub age: Duration,
    /// The revision it shows,
    pub revision: u64,
    /// and that of the store.
    pub head: u64,
    /// The ports of Services.
    pub ports: Vec<Port>,
}

/// One port of a Service.
#[derive(Clone, Debug)]
pub struct Port {
    /// `default/web`.
    pub service: Name,
    /// Its name or number.
    pub name: Name,
    /// Its number.
    pub number: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Client-IP affinity, in seconds.
    pub affinity: Option<i64>,
    /// The addresses it is met by.
    pub addresses: Vec<Address>,
    /// What is behind it.
    pub endpoints: Vec<Endpoint>,
}

/// One address.
#[derive(Clone, Debug)]
pub struct Address {
    /// Its kind.
    pub kind: AddressKind,
    /// The address with the port.
    pub to: SocketAddr,
    /// What becomes of packets, by where they come from.
    pub seen: Vec<Seen>,
}

/// What becomes of a packet from somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// From where.
    pub who: &'static str,
    /// The decision.
    pub decision: Decision,
    /// The reason's code.
    pub code: &'static str,
    /// What may be picked, each as likely.
    pub candidates: Vec<SocketAddr>,
    /// For which the source is rewritten.
    pub masquerade_for: Vec<SocketAddr>,
}

/// The text form.
pub fn text(rules: &Rules) -> String {
    let behind = match rules.head.saturating_sub(rules.revision) {
        0 => "up to date".to_string(),
        n => format!("{n} behind"),
    };
    let mut lines = vec![format!(
        "{}  {} mode  programmed {} ago: revision {} of {}, {behind}",
        rules.node,
        mode(rules.mode),
        brief(rules.age),
        rules.revision,
        rules.head
    )];
    for port in &rules.ports {
        let affinity = port
            .affinity
            .map_or(String::new(), |s| format!("  affinity ClientIP {}", brief(Duration::from_secs(s.unsigned_abs()))));
        lines.push(String::new());
        lines.push(format!("{}:{}  {}/{}{affinity}", port.service, port.name, port.number, port.protocol.text()));
        for address in &port.addresses {
            let head = format!("  {:<17} {:<22}", table(rules.mode, address.kind), address.to.to_string());
            lines.push(format!("{head} {}", told(&address.seen)).trim_end().to_string());
        }
        lines.extend(port.endpoints.iter().map(|e| endpoint(rules.mode, e)));
        if port.endpoints.is_empty() {
            lines.push(format!("  {:<17} no endpoints", backends(rules.mode)));
        }
    }
    lines.join("\n") + "\n"
}

fn endpoint(mode: Mode, e: &Endpoint) -> String {
    let pod = e.pod.as_deref().unwrap_or("no pod");
    let node = e.node.as_ref().map_or(String::new(), |n| format!(", on {n}"));
    format!("  {:<17} {:<22} {pod}  {}{node}", backends(mode), e.address.to_string(), e.state.text())
}

/// What becomes of packets, those with one answer together.
fn told(seen: &[Seen]) -> String {
    let same = |a: &Seen, b: &Seen| {
        (a.decision, a.code, &a.candidates, &a.masquerade_for) == (b.decision, b.code, &b.candidates, &b.masquerade_for)
    };
    let mut groups: Vec<(Vec<&str>, &Seen)> = Vec::new();
    for one in seen {
        match groups.iter_mut().find(|(_, first)| same(first, one)) {
            Some((who, _)) => who.push(one.who),
            None => groups.push((vec![one.who], one)),
        }
    }
    if let [(_, only)] = &groups[..] {
        return decision(only);
    }
    groups.iter().map(|(who, one)| format!("{}: {}", who.join(" and "), decision(one))).collect::<Vec<_>>().join(" | ")
}

fn decision(seen: &Seen) -> String {
    match seen.decision {
        Decision::Reject => format!("REJECT ({})", seen.code),
        Decision::Drop => format!("DROP ({})", seen.code),
        Decision::Pass => format!("untouched ({})", seen.code),
        Decision::Dnat => {
            let share = match seen.candidates.len() {
                1 => seen.candidates[0].to_string(),
                n => format!("1/{n} to each of {}", list(&seen.candidates)),
            };
            let masquerade = match seen.masquerade_for.len() {
                0 => String::new(),
                n if n == seen.candidates.len() => ", masquerade".to_string(),
                _ => format!(", masquerade for {}", list(&seen.masquerade_for)),
            };
            format!("{share}{masquerade}")
        }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    crate::explain::because::some(&texts)
}

/// The name of a mode.
pub fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Iptables => "iptables",
        Mode::Nftables => "nftables",
        Mode::Ipvs => "ipvs",
    }
}

/// Where an address of that kind is matched.
fn table(mode: Mode, kind: AddressKind) -> &'static str {
    match (mode, kind) {
        (Mode::Iptables, AddressKind::NodePort) => "KUBE-NODEPORTS",
        (Mode::Iptables, _) => "KUBE-SERVICES",
        (Mode::Nftables, AddressKind::NodePort) => "service-nodeports",
        (Mode::Nftables, _) => "service-ips",
        (Mode::Ipvs, _) => "virtual server",
    }
}

/// Where an endpoint is written.
fn backends(mode: Mode) -> &'static str {
    match mode {
        Mode::Iptables => "  KUBE-SEP",
        Mode::Nftables => "  endpoint chain",
        Mode::Ipvs => "  real server",
    }
}

/// The JSON form.
pub fn json(rules: &Rules) -> Value {
    let seen = |s: &Seen| {
        value!({"from": s.who, "decision": s.decision.text(), "reason": s.code,
        "candidates": texts(&s.candidates), "share": format!("1/{}", s.candidates.len().max(1)), "masquerade_for": texts(&s.masquerade_for)})
    };
    let address = |a: &Address| value!({"kind": prose::address_kind(a.kind), "address": a.to.to_string(), "packets": a.seen.iter().map(seen).collect::<Vec<_>>()});
    let endpoint = |e: &Endpoint| value!({"endpoint": e.address.to_string(), "pod": e.pod.as_deref(), "node": e.node.as_deref(), "state": e.state.text()});
    let port = |p: &Port| {
        value!({"service": &*p.service, "port": p.number, "name": &*p.name, "protocol": p.protocol.text(), "affinity_seconds": p.affinity,
        "addresses": p.addresses.iter().map(address).collect::<Vec<_>>(), "endpoints": p.endpoints.iter().map(endpoint).collect::<Vec<_>>()})
    };
    value!({"node": &*rules.node, "mode": mode(rules.mode), "age_ns": rules.age.as_nanos(), "revision": rules.revision, "head": rules.head,
        "ports": rules.ports.iter().map(port).collect::<Vec<_>>()})
}

fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
