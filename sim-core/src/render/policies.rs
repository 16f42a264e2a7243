//! Which policies select a pod and whom they leave it, and which pods a policy selects and what it changes for them: as text and
//! as JSON.

use serde_json::{Value, json as value};

use super::table::wrapped;
use super::words::{count, direction, rule, selector, some};
use crate::ask::policies::{Change, Left, PodPolicies, PoliciesAnswer, PolicyPods, Selected, Selecting};
use crate::explain::Flow;
use crate::objects::Name;

/// Pods of a policy that are listed before the rest is only counted.
const PODS_MAX: usize = 20;

/// The text form.
pub fn text(answer: &PoliciesAnswer) -> String {
    let lines = match answer {
        PoliciesAnswer::Pod(answer) => of_pod(answer),
        PoliciesAnswer::Policy(answer) => of_policy(answer),
    };
    lines.join("\n") + "\n"
}

fn of_pod(answer: &PodPolicies) -> Vec<String> {
    if answer.host_network {
        let text = "is on the network of its node, which no policy binds";
        return vec![format!("{} {text}", answer.pod)];
    }
    let sides = [(Flow::Ingress, &answer.ingress), (Flow::Egress, &answer.egress)];
    let closed: Vec<&str> = sides.iter().filter(|(_, s)| !s.is_empty()).map(|(flow, _)| direction(*flow)).collect();
    let isolated = match closed.is_empty() {
        true => "is selected by no policy: everything passes".to_string(),
        false => format!("is isolated for {}", closed.join(" and ")),
    };
    let mut lines = vec![format!("{} {isolated}", answer.pod)];
    for (flow, policies) in sides {
        lines.extend(side(flow, policies, answer.node.as_deref()));
    }
    if !closed.is_empty() {
        lines.push("Always   the pod itself, and the node that it runs on".to_string());
    }
    lines
}

/// One direction of a pod.
fn side(flow: Flow, policies: &[Selecting], node: Option<&str>) -> Vec<String> {
    let head = |text: &str| format!("{:<9}{text}", direction(flow));
    if policies.is_empty() {
        return vec![head(match flow {
            Flow::Ingress => "no policy: everybody may reach it",
            Flow::Egress => "no policy: it may reach everybody",
        })];
    }
    let rules: usize = policies.iter().map(|policy| policy.rules.len()).sum();
    let leaves = match (flow, rules) {
        (Flow::Ingress, 0) => "nobody may reach it",
        (Flow::Ingress, _) => "only these may reach it",
        (Flow::Egress, 0) => "it may reach nobody",
        (Flow::Egress, _) => "it may reach only these",
    };
    let by = match policies {
        [_] => "1 policy".to_string(),
        all => format!("{} policies", all.len()),
    };
    let mut lines = vec![head(&format!("{by}: {leaves}"))];
    for policy in policies {
        let late = match (policy.enforced, node) {
            (true, _) => String::new(),
            (false, Some(node)) => format!(" (not enforced by {node} yet)"),
            (false, None) => " (not enforced yet: the pod has no node)".to_string(),
        };
        let none = if policy.rules.is_empty() { ": no rule" } else { "" };
        lines.push(format!("  NetworkPolicy {}{late}{none}", policy.policy));
        lines.extend(policy.rules.iter().flat_map(|left| self::left(flow, left)));
    }
    lines
}

/// A rule, and who fits it now.
fn left(flow: Flow, left: &Left) -> Vec<String> {
    let now = match (left.rule.peers.is_empty(), left.fitting) {
        (true, _) => String::new(),
        (false, 0) => "; no pod fits now".to_string(),
        (false, n) if n > left.named.len() => format!("; now {} and {} more", left.named.join(", "), n - left.named.len()),
        (false, _) => format!("; now {}", left.named.join(", ")),
    };
    wrapped("    ", &format!("{}{now}", rule(flow, &left.rule)), 6)
}

fn of_policy(answer: &PolicyPods) -> Vec<String> {
    let pods = match answer.pods.len() {
        0 => "no pod".to_string(),
        n => count(n, "pod"),
    };
    let mut lines = vec![format!("{} selects {pods} ({})", answer.policy, selector(&answer.selector))];
    for (flow, rules) in &answer.sides {
        let nobody = match flow {
            Flow::Ingress => "no rule: nobody may reach them",
            Flow::Egress => "no rule: they may reach nobody",
        };
        let head = direction(*flow);
        let told = if rules.is_empty() { nobody } else { "its rules let pass" };
        lines.push(format!("{head:<9}{told}"));
        lines.extend(rules.iter().flat_map(|left| self::left(*flow, left)));
    }
    let width = answer.pods.iter().take(PODS_MAX).map(|pod| pod.pod.chars().count()).max().unwrap_or_default();
    for pod in answer.pods.iter().take(PODS_MAX) {
        lines.extend(wrapped(&format!("  {:<width$}  ", pod.pod), &changes(pod), width + 4));
    }
    if answer.pods.len() > PODS_MAX {
        lines.push(format!("  and {} more", answer.pods.len() - PODS_MAX));
    }
    if !answer.host_network.is_empty() {
        let text = format!("{} matched, and on the network of the node, which policies do not bind", some(&answer.host_network));
        lines.extend(wrapped("", &text, 2));
    }
    lines
}

/// What the policy changes for a pod.
fn changes(pod: &Selected) -> String {
    let parts = pod.changes.iter().map(|(flow, change)| format!("{}: {}", direction(*flow), self::change(*flow, *change)));
    let text = parts.collect::<Vec<_>>().join("; ");
    match (pod.enforced, &pod.node) {
        (true, _) => text,
        (false, Some(node)) => format!("{text} (not enforced by {node} yet)"),
        (false, None) => format!("{text} (not enforced yet: the pod has no node)"),
    }
}

/// What a policy changes in a direction.
pub fn change(flow: Flow, change: Change) -> &'static str {
    match (change, flow) {
        (Change::Closes, Flow::Ingress) => "closes it, but for these; without it everybody could reach the pod",
        (Change::Closes, Flow::Egress) => "closes it, but for these; without it the pod could reach everybody",
        (Change::LeavesOpen, _) => "nothing: it is the only policy, and a rule lets everything pass",
        (Change::Adds, _) => "adds these to what other policies let pass",
        (Change::NothingWithoutRule, _) => "nothing: other policies close it, and this one has no rule",
        (Change::NothingOpenAnyway, _) => "nothing: a rule of another policy lets everything pass",
    }
}

/// A stable code for scripts.
fn code(change: Change) -> &'static str {
    match change {
        Change::Closes => "closes",
        Change::LeavesOpen => "leaves-open",
        Change::Adds => "adds",
        Change::NothingWithoutRule => "nothing-without-rule",
        Change::NothingOpenAnyway => "nothing-open-anyway",
    }
}

fn names(names: &[Name]) -> Vec<&str> {
    names.iter().map(|name| &**name).collect()
}

/// The JSON form.
pub fn json(answer: &PoliciesAnswer) -> Value {
    let rules = |flow: Flow, rules: &[Left]| -> Vec<Value> {
        let one = |left: &Left| {
            let everybody = left.rule.peers.is_empty();
            value!({"text": rule(flow, &left.rule), "everybody": everybody, "pods": names(&left.named), "fitting": left.fitting})
        };
        rules.iter().map(one).collect()
    };
    match answer {
        PoliciesAnswer::Pod(answer) => {
            let side = |flow: Flow, policies: &[Selecting]| -> Vec<Value> {
                let one = |p: &Selecting| value!({"policy": &*p.policy, "enforced": p.enforced, "rules": rules(flow, &p.rules)});
                policies.iter().map(one).collect()
            };
            value!({"object": answer.pod.to_string(), "node": answer.node.as_deref(), "host_network": answer.host_network,
                "ingress": side(Flow::Ingress, &answer.ingress), "egress": side(Flow::Egress, &answer.egress)})
        }
        PoliciesAnswer::Policy(answer) => {
            let sides =
                answer.sides.iter().map(|(flow, left)| value!({"direction": direction(*flow), "rules": rules(*flow, left)}));
            let changes = |pod: &Selected| -> Vec<Value> {
                let one = |(flow, of): &(Flow, Change)| value!({"direction": direction(*flow), "change": code(*of), "text": change(*flow, *of)});
                pod.changes.iter().map(one).collect()
            };
            let pod =
                |p: &Selected| value!({"pod": &*p.pod, "node": p.node.as_deref(), "enforced": p.enforced, "changes": changes(p)});
            value!({"object": answer.policy.to_string(), "selector": selector(&answer.selector), "sides": sides.collect::<Vec<_>>(),
                "pods": answer.pods.iter().map(pod).collect::<Vec<_>>(), "host_network": names(&answer.host_network)})
        }
    }
}
