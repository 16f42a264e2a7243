//! A node: whether it is heard of, and what keeps pods away from it.

use super::{Finding, Found, Ground};
use crate::objects::condition;
use crate::objects::node::Node;

/// Why a node is as it is.
pub(super) fn why(ground: &Ground<'_>, node: &Node) -> Found {
    let name = &node.meta.name;
    let mut findings = Vec::new();
    let power = (ground.has_power)(name);
    match condition::find(&node.conditions, "Ready") {
        Some(ready) if ready.is_true() && power => {}
        Some(ready) if ready.is_true() => {
            let text =
                "it has no power, and nobody has noticed yet: its lease is younger than the 50 s of grace (40 s before 1.32)";
            findings.push(Finding::new("not-noticed", text, format!("let time pass, or heal node/{name}")));
        }
        Some(ready) => {
            let text = format!("Ready={}: {}", ready.status, ready.message);
            let way_out = if power { "its kubelet does not report: heal it" } else { "it has no power: heal it" };
            findings.push(Finding::new("not-ready", text, format!("{way_out}: heal node/{name}")));
        }
        None => findings.push(Finding::new("no-status", "its kubelet has never reported", "a cluster with kubelets, and time")),
    }
    if node.unschedulable {
        findings.push(Finding::new(
            "cordoned",
            "spec.unschedulable: no new pod is placed on it",
            format!("kubectl uncordon {name}"),
        ));
    }
    for taint in &node.taints {
        let (key, effect) = (&taint.key, &taint.effect);
        let value = if taint.value.is_empty() { String::new() } else { format!("={}", taint.value) };
        let way_out = match key.starts_with("node.kubernetes.io/") {
            true => "the control plane sets and removes it; pods tolerate it for tolerationSeconds".to_string(),
            false => format!("kubectl taint nodes {name} {key}:{effect}-"),
        };
        findings.push(Finding::new("taint", format!("taint {key}{value}:{effect}"), way_out));
    }
    let verdict = match (node.ready(), power) {
        (true, true) => "Ready",
        (true, false) => "called Ready, but down",
        (false, _) => "NotReady",
    };
    (verdict.to_string(), findings)
}
