//! A NetworkPolicy: which pods it isolates, what its rules still allow, and which nodes do not enforce it yet.
//!
//! The verdict on a packet is `network::policy`'s. Here the rules are put in words, without a packet.

use super::{Finding, Found, Ground, Verdict};
use crate::explain::because::{count, some};
use crate::objects::Name;
use crate::objects::labels::{Operator, Requirement, Selector};
use crate::objects::network_policy::{NetworkPolicy, Peer, PolicyPort, Ports, Rule};
use crate::objects::pod::Pod;

/// Rules of one direction that are spelt out before the rest is only counted.
const RULES_MAX: usize = 8;

/// What a policy does.
pub(super) fn why(ground: &Ground<'_>, policy: &NetworkPolicy) -> Found {
    let namespace = &policy.meta.namespace;
    let all = ground.view.pods.in_namespace(namespace).map(|p| &**p);
    let selected: Vec<&Pod> = all.filter(|p| policy.pods.matches(&p.meta.labels) && !p.finished()).collect();
    let (own, host): (Vec<&Pod>, Vec<&Pod>) = selected.into_iter().partition(|p| !p.spec.host_network);
    let mut findings = Vec::new();
    let owner = (&**namespace, &*policy.meta.name);
    let field = ground.cause("NetworkPolicy", owner, "spec.podSelector", "", format!("podSelector {}", pairs(&policy.pods)));
    if own.is_empty() {
        let text = format!(
            "the podSelector ({}) matches no pod of namespace {namespace} that has an address of its own",
            pairs(&policy.pods)
        );
        let way_out = "let the podSelector and the labels of the pods say the same: kubectl get pods --show-labels";
        findings.push(Finding::new("selects-nobody", text, way_out).field(Some(field)));
    } else {
        let names: Vec<&Name> = own.iter().map(|p| &p.meta.name).collect();
        let text = format!("it isolates {}", some(&names));
        let way_out = "policies only add up: another one that selects the same pods may allow more, and none can forbid";
        let others = ground.view.policies.in_namespace(namespace).filter(|p| p.meta.name != policy.meta.name);
        let same = others.filter(|p| own.iter().any(|pod| p.pods.matches(&pod.meta.labels)));
        let same: Vec<String> = same.map(|p| format!("NetworkPolicy {} selects some of them, too", p.meta.name)).collect();
        findings.push(Finding::new("isolates", text, way_out).with(same).field(Some(field)));
    }
    let sides = [("Ingress", "from", "reach them", &policy.ingress), ("Egress", "to", "be reached by them", &policy.egress)];
    for (side, word, verb, rules) in sides {
        findings.extend(rules.as_ref().map(|rules| direction(side, word, verb, rules)));
    }
    if !host.is_empty() {
        let names: Vec<&Name> = host.iter().map(|p| &p.meta.name).collect();
        let text = format!("{} matched, and on the network of the node, which policies do not bind", some(&names));
        findings.push(Finding::new("host-network", text, "none: to the network these pods are their node"));
    }
    findings.extend(not_enforced(ground, policy, &own));
    let verdict = match own.len() {
        0 => Verdict::has("no pod to act on"),
        n => Verdict::is(format!("in force for {}", count(n, "pod"))),
    };
    (verdict, findings)
}

/// What the rules of a direction leave open.
fn direction(side: &str, word: &str, verb: &str, rules: &[Rule]) -> Finding {
    let open = rules.iter().any(|rule| rule.peers.is_empty() && rule.ports.is_empty());
    let text = match rules.len() {
        _ if open => format!("{side}: everybody may {verb}, for a rule names neither peers nor ports"),
        0 => format!("{side}: nobody may {verb}, for there is no rule"),
        n => format!(
            "{side}: only who fits {} may {verb}",
            if n == 1 { "its rule".to_string() } else { format!("one of its {n} rules") }
        ),
    };
    let mut details: Vec<String> = rules.iter().take(RULES_MAX).map(|rule| self::rule(word, rule)).collect();
    details.extend(super::more(rules.len(), RULES_MAX));
    let way_out = match open {
        true => format!("to close it, take that rule out of spec.{}", side.to_lowercase()),
        false => format!(
            "a rule under spec.{} for whoever is meant; others are dropped in silence. A pod always reaches itself, and its node it",
            side.to_lowercase()
        ),
    };
    Finding::new("rules", text, way_out).with(details)
}

fn rule(word: &str, rule: &Rule) -> String {
    let peers: Vec<String> = rule.peers.iter().map(peer).collect();
    let ports: Vec<String> = rule.ports.iter().map(port).collect();
    let peers = if peers.is_empty() { "everybody".to_string() } else { peers.join(", or ") };
    let ports = if ports.is_empty() { "every port".to_string() } else { ports.join(", ") };
    format!("{word} {peers}: {ports}")
}

fn peer(peer: &Peer) -> String {
    match peer {
        Peer::Nobody => "nobody (an entry that names nothing)".to_string(),
        Peer::Block { cidr, except } if except.is_empty() => format!("addresses in {}", net(cidr)),
        Peer::Block { cidr, except } => {
            format!("addresses in {} but in {}", net(cidr), except.iter().map(net).collect::<Vec<_>>().join(", "))
        }
        Peer::Pods { namespaces: None, pods } => format!("pods of its namespace ({})", pairs(pods)),
        Peer::Pods { namespaces: Some(namespaces), pods } => {
            format!("pods ({}) of namespaces ({})", pairs(pods), pairs(namespaces))
        }
    }
}

fn net(net: &crate::objects::net::Net) -> String {
    format!("{}/{}", net.address, net.prefix)
}

fn port(port: &PolicyPort) -> String {
    let protocol = port.protocol.text();
    match &port.ports {
        Ports::All => format!("every {protocol} port"),
        Ports::Range(first, last) if first == last => format!("{first}/{protocol}"),
        Ports::Range(first, last) => format!("{first}-{last}/{protocol}"),
        Ports::Named(name) => format!("{name}/{protocol}"),
    }
}

/// A selector as kubectl takes it; the empty one takes all.
fn pairs(selector: &Selector) -> String {
    let one = |r: &Requirement| match (r.operator, &r.values[..]) {
        (Operator::In, [value]) => format!("{}={value}", r.key),
        (Operator::Exists, _) => r.key.to_string(),
        (Operator::DoesNotExist, _) => format!("!{}", r.key),
        (Operator::NotIn, values) => format!("{} notin ({})", r.key, values.join(",")),
        (Operator::In | Operator::Gt | Operator::Lt, values) => format!("{} in ({})", r.key, values.join(",")),
    };
    if selector.requirements.is_empty() {
        "all".to_string()
    } else {
        selector.requirements.iter().map(one).collect::<Vec<_>>().join(",")
    }
}

/// The nodes of selected pods whose agent has not programmed this version of the policy.
fn not_enforced(ground: &Ground<'_>, policy: &NetworkPolicy, pods: &[&Pod]) -> Option<Finding> {
    let mut nodes: Vec<&Name> = pods.iter().filter_map(|p| p.node.as_ref()).collect();
    nodes.sort();
    nodes.dedup();
    let current = |node: &&Name| {
        let view = (ground.enforced)(node);
        let programmed = view.as_ref().and_then(|v| v.policies.get(&policy.meta.namespace, &policy.meta.name));
        programmed.is_some_and(|p| p.meta.revision == policy.meta.revision)
    };
    nodes.retain(|node| !current(node));
    let first = nodes.first()?;
    let text = format!(
        "{} not enforce it as it is now yet",
        if nodes.len() == 1 { format!("{first} does") } else { format!("{} do", some(&nodes)) }
    );
    let trouble = (ground.troubles)(first).into_iter().find(crate::explain::trouble::Trouble::silences_kubelet);
    let way_out = trouble.map_or_else(|| "let time pass: `advance 1s`".to_string(), |t| format!("{}: {}", t.text(first), t.heal));
    Some(Finding::new("not-enforced", text, way_out))
}
