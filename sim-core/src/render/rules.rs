//! What a node's kube-proxy has programmed, as text and JSON.
//!
//! The first column names where the rule stands in a real table of that mode (`KUBE-SERVICES`, `service-ips`, a virtual server),
//! so that a learner finds it there; the form is ours.

use std::net::SocketAddr;

use serde_json::{Value, json as value};

use super::table::{TERMINAL, wrapped};
use super::words::{count, some_of};
use super::{fault, prose};
use crate::ask::rules::{Address, From, Port, Remark, Rules, Seen};
use crate::ask::trace::Endpoint;
use crate::cluster::faults::{ActiveFault, Fault, NodeFault};
use crate::engine::time::Duration;
use crate::explain::{AddressKind, Decision};
use crate::proxy::Mode;

/// How far the lines below a line are moved in.
const INDENT: usize = 6;

/// The text form.
pub fn text(rules: &Rules) -> String {
    let mut lines = head(rules);
    for port in &rules.ports {
        let affinity = port
            .affinity
            .map_or(String::new(), |s| format!("  affinity ClientIP {}", Duration::from_secs(s.unsigned_abs()).brief()));
        lines.push(String::new());
        let name = format!("{}:{}", port.service, port.name);
        lines.extend(wrapped("", &format!("{name}  {}/{}{affinity}", port.number, port.protocol.text()), INDENT));
        for address in &port.addresses {
            lines.extend(row(table(rules.mode, address.kind), &address.to.to_string(), &told(&address.seen)));
        }
        for e in &port.endpoints {
            let pod = e.pod.as_deref().unwrap_or("no pod");
            let node = e.node.as_ref().map_or(String::new(), |n| format!(", on {n}"));
            let text = format!("{pod}  {}{node}", prose::state(e.state));
            lines.extend(row(backends(rules.mode), &e.address.to_string(), &[text]));
        }
        if port.endpoints.is_empty() {
            lines.push(format!("  {:<17} no endpoints", backends(rules.mode)));
        }
    }
    lines.join("\n") + "\n"
}

/// Whose rules these are, how old they are, and what keeps them from getting younger.
fn head(rules: &Rules) -> Vec<String> {
    let node = format!("{}  ", rules.node);
    let below = node.chars().count();
    let off = rules.troubles.iter().find(|active| matches!(active.fault, Fault::Node(_, NodeFault::PowerOff)));
    if let Some(active) = off {
        let text = "has no power: no rule is left there, and no packet passes";
        return [wrapped(&node, text, below), vec![format!("{:below$}Way out  {}", "", fault::heal(active))]].concat();
    }
    let behind = match rules.behind {
        Some(0) => "up to date".to_string(),
        Some(n) => format!("{} behind", count(usize::try_from(n).unwrap_or(usize::MAX), "change")),
        None => "out of date".to_string(),
    };
    let (shown, own) = (rules.mode.text(), rules.own_mode.text());
    let age = format!("programmed {} ago (revision {}): {behind}", rules.age.brief(), rules.revision);
    let mut lines = match shown == own {
        true => wrapped(&node, &format!("{shown} mode  {age}"), below),
        false => {
            let supposed = format!("{node}{shown} mode, supposed: the node runs {own} mode");
            [vec![supposed], wrapped(&" ".repeat(below), &age, below)].concat()
        }
    };
    for active in &rules.troubles {
        let stays = "the rules stay as they are";
        lines.extend(wrapped(&" ".repeat(below), &format!("{}; {stays}", fault::of_node(active, &rules.node)), below));
        lines.push(format!("{:below$}Way out  {}", "", fault::heal(active)));
    }
    let told = rules.remark.as_ref().map(remark);
    let nothing = || rules.ports.is_empty().then(|| "it knows no Service that has an address".to_string());
    lines.extend(told.or_else(nothing).iter().flat_map(|text| wrapped(&" ".repeat(below), text, below)));
    lines
}

/// What there is to say of the one Service that was asked for.
fn remark(remark: &Remark) -> String {
    match remark {
        Remark::Headless(service) => {
            format!("Service {service} is headless, so kube-proxy has no rules for it: its name leads straight to its endpoints")
        }
        Remark::Alias(service, other) => {
            format!("Service {service} is an alias of {other}, so kube-proxy has no rules for it: it is DNS that leads there")
        }
        Remark::NotYet(service) => format!("Service {service} exists, and these rules do not know it yet"),
        Remark::Gone(service) => format!("Service {service} no longer exists, and these rules do not know that yet"),
    }
}

/// Where a packet comes from.
fn from(from: From) -> &'static str {
    match from {
        From::Pods => "pods",
        From::Node => "the node",
        From::Outside => "outside",
    }
}

/// Where, which address, and what about it; on lines below if it is much.
fn row(table: &str, address: &str, about: &[String]) -> Vec<String> {
    let head = format!("  {table:<17} {address:<22} ");
    match about {
        [only] if head.chars().count() + only.chars().count() <= TERMINAL => vec![format!("{head}{only}")],
        _ => {
            let below = about.iter().flat_map(|text| wrapped(&" ".repeat(INDENT), text, INDENT + 2));
            [head.trim_end().to_string()].into_iter().chain(below).collect()
        }
    }
}

/// What becomes of packets, those with one answer together.
fn told(seen: &[Seen]) -> Vec<String> {
    let same = |a: &Seen, b: &Seen| {
        (a.decision, a.code, &a.candidates, &a.masquerade_for) == (b.decision, b.code, &b.candidates, &b.masquerade_for)
    };
    let mut groups: Vec<(Vec<&str>, &Seen)> = Vec::new();
    for one in seen {
        match groups.iter_mut().find(|(_, first)| same(first, one)) {
            Some((who, _)) => who.push(from(one.from)),
            None => groups.push((vec![from(one.from)], one)),
        }
    }
    if let [(_, only)] = &groups[..] {
        return vec![decision(only)];
    }
    groups.iter().map(|(who, one)| format!("from {}: {}", who.join(" and "), decision(one))).collect()
}

fn decision(seen: &Seen) -> String {
    match seen.decision {
        Decision::Reject => format!("REJECT ({})", seen.code),
        Decision::Drop => format!("DROP ({})", seen.code),
        Decision::Pass => format!("untouched ({})", seen.code),
        Decision::Dnat => {
            let share = match seen.candidates.len() {
                1 => seen.candidates[0].to_string(),
                n => format!("1/{n} to each of {}", some_of(&seen.candidates)),
            };
            let masquerade = match seen.masquerade_for.len() {
                0 => String::new(),
                n if n == seen.candidates.len() => ", masquerade".to_string(),
                _ => format!(", masquerade for {}", some_of(&seen.masquerade_for)),
            };
            format!("{share}{masquerade}")
        }
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
        value!({"from": from(s.from), "decision": s.decision.text(), "reason": s.code,
        "candidates": texts(&s.candidates), "share": format!("1/{}", s.candidates.len().max(1)), "masquerade_for": texts(&s.masquerade_for)})
    };
    let address = |a: &Address| value!({"kind": prose::address_kind(a.kind), "address": a.to.to_string(), "packets": a.seen.iter().map(seen).collect::<Vec<_>>()});
    let endpoint = |e: &Endpoint| value!({"endpoint": e.address.to_string(), "pod": e.pod.as_deref(), "node": e.node.as_deref(), "state": prose::state(e.state)});
    let port = |p: &Port| {
        value!({"service": &*p.service, "port": p.number, "name": &*p.name, "protocol": p.protocol.text(), "affinity_seconds": p.affinity,
        "addresses": p.addresses.iter().map(address).collect::<Vec<_>>(), "endpoints": p.endpoints.iter().map(endpoint).collect::<Vec<_>>()})
    };
    let trouble = |t: &ActiveFault| value!({"text": fault::of_node(t, &rules.node), "heal": fault::heal(t)});
    value!({"node": &*rules.node, "mode": rules.mode.text(), "node_mode": rules.own_mode.text(),
        "age_ns": rules.age.as_nanos(), "revision": rules.revision, "head": rules.head, "behind": rules.behind,
        "troubles": rules.troubles.iter().map(trouble).collect::<Vec<_>>(), "remark": rules.remark.as_ref().map(remark),
        "ports": rules.ports.iter().map(port).collect::<Vec<_>>()})
}

fn texts(addresses: &[SocketAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}
