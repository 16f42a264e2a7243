//! Filters: may the pod run there at all? And the message when it may nowhere.
//!
//! The texts are upstream's (`pkg/scheduler/framework/plugins`, `framework/types.go` FitError).

use std::collections::BTreeMap;

use super::Scheduler;
use super::score::{Placed, Spreading};
use super::snapshot::Candidate;
use crate::objects::Name;
use crate::objects::node::Node;
use crate::objects::pod::Pod;

/// Why a node refuses a pod; a node short of two resources gives two reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Vec<String>);

impl Scheduler {
    /// What each node says against a pod; nothing from those that would take it. Looks only.
    pub fn refusals(&self, pod: &Pod) -> Vec<(Name, Vec<String>)> {
        let placed = Placed { nodes: &self.placed, crowds: &self.crowds };
        let spread = Spreading::of(pod, &self.seen, &placed, &self.snapshot);
        let one = |(number, candidate): (usize, &Candidate)| {
            let against = check(pod, candidate, &spread.check(number)).err().map(|refusal| refusal.0);
            (candidate.node.meta.name.clone(), against.unwrap_or_default())
        };
        self.snapshot.nodes.iter().enumerate().map(one).collect()
    }
}

/// Runs the filters in the order of the default profile; the first that refuses decides. `apart` is what the last of them,
/// topology spread, says.
pub fn check(pod: &Pod, candidate: &Candidate, apart: &Result<(), &'static str>) -> Result<(), Refusal> {
    let refuse = |text: &str| Err(Refusal(vec![text.to_string()]));
    if !candidate.open {
        kept_away(pod, &candidate.node)?;
    }
    if !selected(pod, candidate) {
        return refuse("node(s) didn't match Pod's node affinity/selector");
    }
    let short = shortages(pod, candidate);
    if !short.is_empty() {
        return Err(Refusal(short));
    }
    apart.or_else(refuse)
}

/// By a cordon, or by a taint that the pod does not tolerate.
fn kept_away(pod: &Pod, node: &Node) -> Result<(), Refusal> {
    let tolerates = |key: &str, value: &str, effect: &str| pod.spec.tolerations.iter().any(|t| t.covers(key, value, effect));
    if node.unschedulable && !tolerates("node.kubernetes.io/unschedulable", "", "NoSchedule") {
        return Err(Refusal(vec!["node(s) were unschedulable".to_string()]));
    }
    let bars = |t: &&crate::objects::node::Taint| {
        matches!(&*t.effect, "NoSchedule" | "NoExecute") && !tolerates(&t.key, &t.value, &t.effect)
    };
    match node.taints.iter().find(bars) {
        Some(taint) => Err(Refusal(vec![format!("node(s) had untolerated taint {{{}: {}}}", taint.key, taint.value)])),
        None => Ok(()),
    }
}

/// Whether the pod's selector and affinity allow the node.
pub(super) fn selected(pod: &Pod, candidate: &Candidate) -> bool {
    let (selector, affinity) = (&pod.spec.node_selector, &pod.spec.node_affinity);
    if selector.is_empty() && affinity.is_none() {
        return true;
    }
    let labels = &candidate.node.meta.labels;
    let by_affinity = affinity.as_ref().is_none_or(|terms| {
        // A term without requirements matches nothing.
        terms.iter().any(|term| !term.is_empty() && term.iter().all(|r| r.matches(labels)))
    });
    selector.contained_in(labels) && by_affinity
}

pub(super) fn shortages(pod: &Pod, candidate: &Candidate) -> Vec<String> {
    let used = &candidate.used;
    let mut short = Vec::new();
    if used.pods + 1 > candidate.pods {
        short.push("Too many pods".to_string());
    }
    if pod.spec.cpu > 0 && pod.spec.cpu > candidate.cpu - used.cpu {
        short.push("Insufficient cpu".to_string());
    }
    if pod.spec.memory > 0 && pod.spec.memory > candidate.memory - used.memory {
        short.push("Insufficient memory".to_string());
    }
    for (name, wanted) in pod.spec.extended.iter().filter(|(_, wanted)| **wanted > 0) {
        let taken = used.extended.get(name).copied().unwrap_or(0);
        if *wanted > candidate.node.extended.get(name).copied().unwrap_or(0) - taken {
            short.push(format!("Insufficient {name}"));
        }
    }
    short
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.`: reasons with their counts, sorted as text, and
/// what comes after the filters.
pub fn unfit(nodes: usize, refusals: &[Refusal], after: &str) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_string();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    refusals.iter().flat_map(|r| &r.0).for_each(|r| *counts.entry(r).or_default() += 1);
    let mut parts: Vec<String> = counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    parts.sort();
    let after = if after.is_empty() { String::new() } else { format!(" {after}") };
    format!("0/{nodes} nodes are available: {}.{after}", parts.join(", "))
}

/// The message, with what preemption says about it.
pub fn message(nodes: usize, refusals: &[Refusal]) -> String {
    // Preemption may help where room is short; not where the node itself says no.
    let room = refusals.iter().filter(|r| r.0.iter().any(|t| t.starts_with("Insufficient") || t == "Too many pods")).count();
    let mut hopes = Vec::new();
    if room > 0 {
        hopes.push(format!("{room} No preemption victims found for incoming pod"));
    }
    if refusals.len() > room {
        hopes.push(format!("{} Preemption is not helpful for scheduling", refusals.len() - room));
    }
    hopes.sort();
    let hopes = hopes.join(", ");
    unfit(nodes, refusals, &format!("preemption: 0/{nodes} nodes are available: {hopes}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Object;
    use crate::scheduler::Used;
    use serde_json::json;

    fn parsed(doc: serde_json::Value) -> Object {
        Object::parse(&doc)
    }

    #[test]
    fn messages_are_sorted_as_text() {
        let refusal = |t: &[&str]| Refusal(t.iter().map(|t| (*t).to_string()).collect());
        let all = [
            refusal(&["node(s) were unschedulable"]),
            refusal(&["Insufficient cpu", "Insufficient memory"]),
            refusal(&["node(s) were unschedulable"]),
        ];
        assert_eq!(
            message(3, &all),
            "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 2 node(s) were unschedulable. \
             preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
        );
    }

    #[test]
    fn a_node_says_why_not() {
        let Object::Node(node) = parsed(
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"disk": "ssd"}},
            "spec": {"taints": [{"key": "k", "value": "v", "effect": "NoSchedule"}]}, "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "2"}}}),
        ) else {
            panic!()
        };
        let case = |spec: serde_json::Value, used: Used| {
            let Object::Pod(pod) =
                parsed(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "d"}, "spec": spec}))
            else {
                panic!()
            };
            check(&pod, &Candidate::new(node.clone(), used), &Ok(())).map_err(|r| r.0.join("; "))
        };
        let tolerant = json!([{"key": "k", "operator": "Equal", "value": "v", "effect": "NoSchedule"}]);
        assert_eq!(case(json!({}), Used::default()).unwrap_err(), "node(s) had untolerated taint {k: v}");
        assert_eq!(case(json!({"tolerations": tolerant}), Used::default()), Ok(()));
        assert_eq!(
            case(json!({"tolerations": tolerant, "nodeSelector": {"disk": "hdd"}}), Used::default()).unwrap_err(),
            "node(s) didn't match Pod's node affinity/selector"
        );
        let big = json!({"tolerations": tolerant, "containers": [{"resources": {"requests": {"cpu": "800m"}}}]});
        assert_eq!(case(big.clone(), Used { cpu: 200, ..Used::default() }), Ok(()), "equal fits");
        assert_eq!(case(big, Used { cpu: 300, pods: 2, ..Used::default() }).unwrap_err(), "Too many pods; Insufficient cpu");
    }
}
