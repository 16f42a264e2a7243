//! NetworkPolicies, in words.

use serde_json::Value;

use super::writer::Page;
use crate::api::table::document::{at, format_selector, has, list, name, namespace, number, or_none, plain, text, texts, time};

pub(super) fn describe(policy: &Value) -> String {
    let mut page = Page::default();
    page.field(0, "Name", name(policy));
    page.field(0, "Namespace", namespace(policy));
    // The one page that prints a time with Go's own format.
    let created = time(policy, "metadata.creationTimestamp").map_or("0001-01-01 00:00:00 +0000 UTC".into(), |time| {
        format!("{} +0000 UTC", time.rfc3339().trim_end_matches('Z').replace('T', " "))
    });
    page.field(0, "Created on", created);
    page.metadata(policy);
    page.line(0, "Spec:");
    let selector = match format_selector(at(policy, "spec.podSelector")).as_str() {
        "<none>" => "<none> (Allowing the specific traffic to all pods in this namespace)".to_string(),
        selector => selector.into(),
    };
    // Upstream writes this line in two parts, each with its own indent.
    page.line(1, format!("PodSelector:     {selector}"));
    let types = texts(policy, "spec.policyTypes");
    for (direction, field) in [("ingress", "spec.ingress"), ("egress", "spec.egress")] {
        let affected = types.iter().any(|kind| kind.eq_ignore_ascii_case(direction));
        if affected {
            page.line(1, format!("Allowing {direction} traffic:"));
            rules(&mut page, list(policy, field), direction);
        } else {
            page.line(1, format!("Not affecting {direction} traffic"));
        }
    }
    page.line(1, format!("Policy Types: {}", or_none(types.join(", "))));
    page.finish()
}

fn rules(page: &mut Page, rules: &[Value], direction: &str) {
    const INDENT: &str = "    ";
    if rules.is_empty() {
        page.line(0, format!("{INDENT}<none> (Selected pods are isolated for {direction} connectivity)"));
        return;
    }
    let (side, peers, what) = if direction == "ingress" { ("From", "from", "source") } else { ("To", "to", "destination") };
    for (index, rule) in rules.iter().enumerate() {
        let ports = list(rule, "ports");
        if ports.is_empty() {
            page.line(0, format!("{INDENT}To Port: <any> (traffic allowed to all ports)"));
        }
        for port in ports {
            let protocol = if has(port, "protocol") { text(port, "protocol") } else { "TCP" };
            let first = if has(port, "port") { plain(at(port, "port")) } else { "<nil>".into() };
            if has(port, "endPort") {
                let last = number(port, "endPort");
                page.line(0, format!("{INDENT}To Port Range: {first}-{last}/{protocol}"));
            } else {
                page.line(0, format!("{INDENT}To Port: {first}/{protocol}"));
            }
        }
        let all = list(rule, peers);
        if all.is_empty() {
            page.line(0, format!("{INDENT}{side}: <any> (traffic not restricted by {what})"));
        }
        for peer in all {
            page.line(0, format!("{INDENT}{side}:"));
            for (title, field) in [("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")] {
                if has(peer, field) {
                    page.line(1, format!("{INDENT}{title}: {}", format_selector(at(peer, field))));
                }
            }
            if has(peer, "ipBlock") && !has(peer, "podSelector") && !has(peer, "namespaceSelector") {
                page.line(1, format!("{INDENT}IPBlock:"));
                page.line(2, format!("{INDENT}CIDR: {}", text(peer, "ipBlock.cidr")));
                page.line(2, format!("{INDENT}Except: {}", texts(peer, "ipBlock.except").join(", ")));
            }
        }
        if index + 1 < rules.len() {
            page.line(0, format!("{INDENT}----------"));
        }
    }
}
