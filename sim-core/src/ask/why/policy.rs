//! A NetworkPolicy: which pods it isolates, what its rules still allow, and which nodes do not enforce it yet.
//!
//! The verdict on a packet is `network::policy`'s. Here the rules are looked at without a packet.

use super::finding::{Detail, Found, PolicyFinding, Standing};
use super::{Judged, name_of, place};
use crate::ask::cause::{Because, Cause};
use crate::ask::moment::Moment;
use crate::cluster::faults::ActiveFault;
use crate::explain::Flow;
use crate::objects::network_policy::{NetworkPolicy, Rule};
use crate::objects::pod::Pod;
use crate::objects::{Name, Object};

/// Rules of one direction that are spelt out before the rest is only counted.
const RULES_MAX: usize = 8;

/// What a policy does.
pub(super) fn why(moment: &Moment<'_>, object: &Object, policy: &NetworkPolicy) -> Judged {
    let namespace = &policy.meta.namespace;
    let all = moment.view().pods.in_namespace(namespace).map(|p| &**p);
    let selected: Vec<&Pod> = all.filter(|p| policy.pods.matches(&p.meta.labels) && !p.finished()).collect();
    let (own, host): (Vec<&Pod>, Vec<&Pod>) = selected.into_iter().partition(|p| !p.spec.host_network);
    let names = |pods: &[&Pod]| pods.iter().map(|p| p.meta.name.clone()).collect::<Vec<Name>>();
    let about = name_of(object);
    let at = place(moment, &about, "spec.podSelector", "");
    let field = Some(Because::of(about, Cause::PodSelector(policy.pods.clone())).at(at));
    let first = match own.is_empty() {
        true => Found::new(PolicyFinding::SelectsNobody(policy.pods.clone(), namespace.clone())),
        false => {
            let others = moment.view().policies.in_namespace(namespace).filter(|p| p.meta.name != policy.meta.name);
            let same = others.filter(|p| own.iter().any(|pod| p.pods.matches(&pod.meta.labels)));
            let same = same.map(|p| Detail::AlsoSelects(p.meta.name.clone())).collect();
            Found::new(PolicyFinding::Isolates(names(&own))).with(same)
        }
    };
    let mut findings = vec![first.field(field)];
    for (flow, rules) in [(Flow::Ingress, &policy.ingress), (Flow::Egress, &policy.egress)] {
        findings.extend(rules.as_ref().map(|rules| direction(flow, rules)));
    }
    findings.extend((!host.is_empty()).then(|| Found::new(PolicyFinding::HostNetwork(names(&host)))));
    findings.extend(not_enforced(moment, policy, &own).map(Found::new));
    (Standing::Policy(own.len()), findings)
}

/// What the rules of a direction leave open.
fn direction(flow: Flow, rules: &[Rule]) -> Found {
    let open = rules.iter().any(|rule| rule.peers.is_empty() && rule.ports.is_empty());
    let mut details: Vec<Detail> = rules.iter().take(RULES_MAX).map(|rule| Detail::Rule(flow, rule.clone())).collect();
    details.extend(super::more(rules.len(), RULES_MAX, None));
    Found::new(PolicyFinding::Rules(flow, rules.len(), open)).with(details)
}

/// The nodes of selected pods whose agent has not programmed this version of the policy.
fn not_enforced(moment: &Moment<'_>, policy: &NetworkPolicy, pods: &[&Pod]) -> Option<PolicyFinding> {
    let mut nodes: Vec<Name> = pods.iter().filter_map(|p| p.node.clone()).collect();
    nodes.sort();
    nodes.dedup();
    let current = |node: &Name| {
        let enforced = moment.cluster.policies.enforced(node).map(|(view, _)| view);
        let programmed = enforced.and_then(|v| v.policies.get(&policy.meta.namespace, &policy.meta.name));
        programmed.is_some_and(|p| p.meta.revision == policy.meta.revision)
    };
    nodes.retain(|node| !current(node));
    let first = nodes.first()?;
    let fault = moment.cluster.troubles(first).into_iter().find(ActiveFault::silences_kubelet);
    Some(PolicyFinding::NotEnforced(nodes, fault))
}
