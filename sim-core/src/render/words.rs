//! Small parts of sentences: numbers with their nouns, shortened lists, selectors.

use crate::explain::Flow;
use crate::objects::labels::{Labels, Operator, Requirement, Selector};
use crate::objects::network_policy::{Peer, PolicyPort, Ports, Rule};
use crate::objects::pod_spec::Protocol;

/// Names that are listed before the rest is only counted.
pub const LISTED_MAX: usize = 3;

/// `1 pod`, `2 pods`.
pub fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The first of a list, and how many more there are.
pub fn some<T: AsRef<str>>(list: &[T]) -> String {
    let first: Vec<&str> = list.iter().take(LISTED_MAX).map(AsRef::as_ref).collect();
    let more = list.len().saturating_sub(LISTED_MAX);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

/// The same of anything that can be printed.
pub fn some_of<T: ToString>(list: &[T]) -> String {
    some(&list.iter().map(ToString::to_string).collect::<Vec<_>>())
}

/// `80/TCP, 53/UDP`.
pub fn ports(ports: &[(u16, Protocol)]) -> String {
    some(&ports.iter().map(|(port, protocol)| format!("{port}/{}", protocol.text())).collect::<Vec<_>>())
}

/// `app=web,tier=3`.
pub fn pairs(labels: &Labels) -> String {
    labels.0.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// A selector as kubectl takes it; the empty one takes all.
pub fn selector(selector: &Selector) -> String {
    let one = |r: &Requirement| match (r.operator, &r.values[..]) {
        (Operator::In, [value]) => format!("{}={value}", r.key),
        (Operator::Exists, _) => r.key.to_string(),
        (Operator::DoesNotExist, _) => format!("!{}", r.key),
        (Operator::NotIn, values) => format!("{} notin ({})", r.key, values.join(",")),
        (Operator::In | Operator::Gt | Operator::Lt, values) => format!("{} in ({})", r.key, values.join(",")),
    };
    match selector.requirements.is_empty() {
        true => "all".to_string(),
        false => selector.requirements.iter().map(one).collect::<Vec<_>>().join(","),
    }
}

/// `Ingress`, as in `policyTypes`.
pub fn direction(flow: Flow) -> &'static str {
    match flow {
        Flow::Ingress => "Ingress",
        Flow::Egress => "Egress",
    }
}

/// The rule of a policy: `from pods of its namespace (app=web): 80/TCP`.
pub fn rule(flow: Flow, rule: &Rule) -> String {
    let word = match flow {
        Flow::Ingress => "from",
        Flow::Egress => "to",
    };
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
        Peer::Pods { namespaces: None, pods } => format!("pods of its namespace ({})", selector(pods)),
        Peer::Pods { namespaces: Some(namespaces), pods } => {
            format!("pods ({}) of namespaces ({})", selector(pods), selector(namespaces))
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::objects::network_policy::NetworkPolicy;

    #[test]
    fn lists_are_shortened() {
        assert_eq!([count(0, "pod"), count(1, "pod"), count(2, "pod")], ["0 pods", "1 pod", "2 pods"]);
        assert_eq!(some::<&str>(&[]), "");
        assert_eq!(some(&["a", "b", "c"]), "a, b, c");
        assert_eq!(some(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
        assert_eq!(ports(&[(80, Protocol::Tcp), (53, Protocol::Udp)]), "80/TCP, 53/UDP");
    }

    #[test]
    fn rules_are_told() {
        let told = |spec: serde_json::Value| {
            let policy = NetworkPolicy::parse(&json!({"spec": spec}));
            let sides = [(Flow::Ingress, policy.ingress), (Flow::Egress, policy.egress)];
            sides
                .into_iter()
                .flat_map(|(flow, rules)| rules.unwrap_or_default().into_iter().map(move |r| rule(flow, &r)))
                .collect()
        };
        let cases: [(serde_json::Value, &[&str]); 4] = [
            (json!({"ingress": [{}]}), &["from everybody: every port"]),
            (
                json!({"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 80, "endPort": 90}]}]}),
                &["to addresses in 10.0.0.0/8 but in 10.1.0.0/16: 80-90/TCP"],
            ),
            (
                json!({"ingress": [{"from": [{"podSelector": {}}, {"namespaceSelector": {"matchExpressions": [
                    {"key": "team", "operator": "NotIn", "values": ["a", "b"]}, {"key": "x", "operator": "DoesNotExist"}]}}],
                    "ports": [{"protocol": "UDP"}, {"port": "web"}]}]}),
                &["from pods of its namespace (all), or pods (all) of namespaces (team notin (a,b),!x): every UDP port, web/TCP"],
            ),
            (json!({"ingress": [{"from": [{}]}]}), &["from nobody (an entry that names nothing): every port"]),
        ];
        for (spec, want) in cases {
            let told: Vec<String> = told(spec.clone());
            assert_eq!(told, want, "{spec}");
        }
    }
}
