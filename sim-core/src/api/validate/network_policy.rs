//! Validation of NetworkPolicies.
//!
//! The real thing: `pkg/apis/networking/validation/validation.go`, `ValidateNetworkPolicySpec`.

use serde_json::{Value, json};

use super::workload::label_selector;
use super::{invalid_go, names};
use crate::api::document::{is_unset, items, number, strings, text};
use crate::api::status::Cause;
use crate::objects::net::Net;

/// The directions a policy can speak of.
const TYPES: [&str; 2] = ["Ingress", "Egress"];

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];

/// The spec of a NetworkPolicy.
pub fn spec(doc: &Value) -> Vec<Cause> {
    let mut causes = label_selector(doc, "/spec/podSelector", "spec.podSelector");
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (i, rule) in items(doc, &format!("/spec/{direction}")).iter().enumerate() {
            let field = format!("spec.{direction}[{i}]");
            for (p, entry) in items(rule, "/ports").iter().enumerate() {
                causes.extend(port(entry, &format!("{field}.ports[{p}]")));
            }
            for (p, entry) in items(rule, &format!("/{peers}")).iter().enumerate() {
                causes.extend(peer(entry, &format!("{field}.{peers}[{p}]")));
            }
        }
    }
    let types = strings(doc, "/spec/policyTypes");
    if types.len() > TYPES.len() {
        let listed: Vec<String> = types.iter().map(|t| format!("{t:?}")).collect();
        let go = format!("[]networking.PolicyType{{{}}}", listed.join(", "));
        causes.push(invalid_go("spec.policyTypes", &go, "may not specify more than two policyTypes"));
        return causes;
    }
    for (i, known) in types.iter().enumerate().filter(|(_, t)| !TYPES.contains(t)) {
        causes.push(Cause::not_supported(format!("spec.policyTypes[{i}]"), &json!(known), &TYPES));
    }
    causes
}

/// One entry of `ports`: a number with an end, or a name without.
fn port(entry: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let protocol = text(entry, "/protocol");
    if !is_unset(entry, "/protocol") && !PROTOCOLS.contains(&protocol) {
        causes.push(Cause::not_supported(format!("{field}.protocol"), &json!(protocol), &PROTOCOLS));
    }
    let end = number(entry, "/endPort");
    let mut end_is = |wrong: &str| {
        causes.extend(end.map(|end| Cause::invalid(format!("{field}.endPort"), &json!(end), wrong)));
    };
    if is_unset(entry, "/port") {
        end_is("may not be specified when `port` is not specified");
        return causes;
    }
    let Some(first) = number(entry, "/port") else {
        end_is("may not be specified when `port` is non-numeric");
        let name = text(entry, "/port");
        causes.extend(names::port_name(name).iter().map(|wrong| Cause::invalid(format!("{field}.port"), &json!(name), wrong)));
        return causes;
    };
    let in_range = |value: i64, field: String| {
        names::port_number(value).into_iter().map(move |wrong| Cause::invalid(field.as_str(), &json!(value), &wrong))
    };
    causes.extend(in_range(first, format!("{field}.port")));
    if let Some(end) = end {
        if end < first {
            causes.push(Cause::invalid(format!("{field}.endPort"), &json!(end), "must be greater than or equal to `port`"));
        }
        causes.extend(in_range(end, format!("{field}.endPort")));
    }
    causes
}

/// One entry of `from` or `to`: pods, or addresses, not both.
fn peer(entry: &Value, field: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let there = |part: &str| !is_unset(entry, &format!("/{part}"));
    let selectors: Vec<&str> = ["podSelector", "namespaceSelector"].into_iter().filter(|part| there(part)).collect();
    for part in &selectors {
        causes.extend(label_selector(entry, &format!("/{part}"), &format!("{field}.{part}")));
    }
    if there("ipBlock") {
        causes.extend(block(entry, &format!("{field}.ipBlock")));
        if !selectors.is_empty() {
            causes.push(Cause::forbidden(field, "may not specify both ipBlock and another peer"));
        }
    } else if selectors.is_empty() {
        causes.push(Cause::required(field, "must specify a peer"));
    }
    causes
}

/// A range, and narrower ones within it that are taken out.
fn block(entry: &Value, field: &str) -> Vec<Cause> {
    let cidr = text(entry, "/ipBlock/cidr");
    if cidr.is_empty() {
        return vec![Cause::required(format!("{field}.cidr"), "")];
    }
    let readable = |text: &str, field: String| {
        names::cidr(text).into_iter().map(|wrong| Cause::invalid(field.as_str(), &json!(text), &wrong)).collect::<Vec<_>>()
    };
    let mut causes = readable(cidr, format!("{field}.cidr"));
    let Some(whole) = Net::parse(cidr).filter(|_| causes.is_empty()) else { return causes };
    for (i, part) in strings(entry, "/ipBlock/except").into_iter().enumerate() {
        let field = format!("{field}.except[{i}]");
        causes.extend(readable(part, field.clone()));
        let within = |part: Net| whole.contains(part.address) && whole.prefix < part.prefix;
        if Net::parse(part).is_some_and(|part| !within(part)) {
            causes.push(Cause::invalid(field, &json!(part), "must be a strict subset of `cidr`"));
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(policy: Value) -> String {
        spec(&json!({"spec": policy})).iter().map(Cause::text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn good_policies_pass() {
        for policy in [
            json!({"podSelector": {}}),
            json!({"podSelector": {"matchLabels": {"a": "b"}}, "ingress": [{}], "policyTypes": ["Ingress", "Egress"]}),
            json!({"podSelector": {}, "egress": [{"to": [{"namespaceSelector": {}, "podSelector": {}}, {"ipBlock": {"cidr": "::/0"}}],
                "ports": [{"port": 53, "protocol": "UDP"}, {"port": 1, "endPort": 65535}, {"port": "web"}, {"protocol": "SCTP"}]}]}),
            json!({"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}]}),
        ] {
            assert_eq!(told(policy.clone()), "", "{policy}");
        }
    }

    #[test]
    fn wrong_policies_are_told_all_that_is_wrong() {
        let ports = json!([{"port": 0, "endPort": 70000, "protocol": "ICMP"}, {"port": 80, "endPort": 79}, {"port": "-", "endPort": 9},
            {"endPort": 9}]);
        let peers = json!([{}, {"podSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}, "ipBlock": {"cidr": "10.0.0.0/8"}},
            {"ipBlock": {"cidr": ""}}, {"ipBlock": {"cidr": "10.0.0.0"}},
            {"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "10.0.0.0/8", "x"]}}]);
        let policy = json!({"podSelector": {}, "ingress": [{"ports": ports, "from": peers}], "policyTypes": ["ingress"]});
        insta::assert_snapshot!(told(policy), @r#"
        spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"
        spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive
        spec.ingress[0].ports[0].endPort: Invalid value: 70000: must be between 1 and 65535, inclusive
        spec.ingress[0].ports[1].endPort: Invalid value: 79: must be greater than or equal to `port`
        spec.ingress[0].ports[2].endPort: Invalid value: 9: may not be specified when `port` is non-numeric
        spec.ingress[0].ports[2].port: Invalid value: "-": must contain at least one letter (a-z)
        spec.ingress[0].ports[2].port: Invalid value: "-": must not begin or end with a hyphen
        spec.ingress[0].ports[3].endPort: Invalid value: 9: may not be specified when `port` is not specified
        spec.ingress[0].from[0]: Required value: must specify a peer
        spec.ingress[0].from[1].podSelector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator
        spec.ingress[0].from[1]: Forbidden: may not specify both ipBlock and another peer
        spec.ingress[0].from[2].ipBlock.cidr: Required value
        spec.ingress[0].from[3].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)
        spec.ingress[0].from[4].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`
        spec.ingress[0].from[4].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`
        spec.ingress[0].from[4].ipBlock.except[2]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)
        spec.policyTypes[0]: Unsupported value: "ingress": supported values: "Egress", "Ingress"
        "#);
        assert_eq!(
            told(json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress", "Ingress"]})),
            "spec.policyTypes: Invalid value: []networking.PolicyType{\"Ingress\", \"Egress\", \"Ingress\"}: may not specify more than two policyTypes"
        );
    }
}
