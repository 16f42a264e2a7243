//! `policies`: which NetworkPolicies select a pod and whom they leave it; and the reverse, which pods a policy selects and what
//! it changes for them.
//!
//! In a real cluster one compares selectors by eye. The policies are those that the API has; whether the pod's node enforces
//! them already is told beside each. The verdict on one packet is `network::policy`'s: `trace` shows it. Left out: policies of the
//! network plugins' own kinds.

use std::sync::Arc;

use super::find::{Unanswerable, no_object, no_pod};
use super::moment::Moment;
use crate::explain::{Flow, ObjectName};
use crate::network::policy::fits_peer;
use crate::objects::labels::Selector;
use crate::objects::network_policy::{NetworkPolicy, Rule};
use crate::objects::pod::Pod;
use crate::objects::{KindName, Name};
use crate::store::View;

/// Pods that fit a rule and are named; the rest is counted.
const NAMED_MAX: usize = 3;

/// Which policies, or which pods?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoliciesQuestion {
    /// Which policies select this pod, by namespace and name?
    Pod(Name, Name),
    /// Which pods does this policy select, by namespace and name?
    Policy(Name, Name),
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoliciesAnswer {
    /// The policies of a pod.
    Pod(PodPolicies),
    /// The pods of a policy.
    Policy(PolicyPods),
}

/// The policies of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodPolicies {
    /// The pod.
    pub pod: ObjectName,
    /// Its node.
    pub node: Option<Name>,
    /// It is on the network of its node, which no policy binds.
    pub host_network: bool,
    /// What may reach it,
    pub ingress: Vec<Selecting>,
    /// and what it may reach; without a policy everything.
    pub egress: Vec<Selecting>,
}

/// A policy that selects a pod in a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selecting {
    /// Its name; it is in the pod's namespace.
    pub policy: Name,
    /// What it leaves; nothing if it has no rule.
    pub rules: Vec<Left>,
    /// Whether the pod's node enforces it as it is now.
    pub enforced: bool,
}

/// A rule, and the pods that fit its peers now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The rule.
    pub rule: Rule,
    /// The first pods that fit, in full.
    pub named: Vec<Name>,
    /// How many fit.
    pub fitting: usize,
}

/// The pods of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPods {
    /// The policy.
    pub policy: ObjectName,
    /// Its `podSelector`.
    pub selector: Selector,
    /// What it leaves to the pods, in each direction that it speaks of.
    pub sides: Vec<(Flow, Vec<Left>)>,
    /// The pods that it selects.
    pub pods: Vec<Selected>,
    /// Pods that it matches, and that are on the network of their node.
    pub host_network: Vec<Name>,
}

/// A pod that a policy selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Its name; it is in the policy's namespace.
    pub pod: Name,
    /// Its node.
    pub node: Option<Name>,
    /// What the policy changes for it, in each direction that it speaks of.
    pub changes: Vec<(Flow, Change)>,
    /// Whether the node enforces the policy as it is now.
    pub enforced: bool,
}

/// What a policy changes for a pod in a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is the only one: without it everything would pass.
    Closes,
    /// It is the only one, and a rule of it lets everything pass.
    LeavesOpen,
    /// Others close the direction; it lets its own rules' peers pass besides.
    Adds,
    /// Others close the direction, and it has no rule.
    NothingWithoutRule,
    /// A rule of another lets everything pass.
    NothingOpenAnyway,
}

/// Both directions.
const FLOWS: [Flow; 2] = [Flow::Ingress, Flow::Egress];

/// The answer to a question.
pub fn answer(moment: &Moment<'_>, question: &PoliciesQuestion) -> Result<PoliciesAnswer, Unanswerable> {
    let view = moment.view();
    match question {
        PoliciesQuestion::Pod(namespace, name) => {
            let pod = view.pods.get(namespace, name).ok_or_else(|| no_pod(view, namespace, name))?;
            Ok(PoliciesAnswer::Pod(of_pod(moment, pod)))
        }
        PoliciesQuestion::Policy(namespace, name) => {
            let kind = KindName { group: "networking.k8s.io".into(), kind: "NetworkPolicy".into() };
            let absent = || no_object(view, &kind, &"networkpolicy".into(), namespace, name);
            let policy = view.policies.get(namespace, name).ok_or_else(absent)?;
            Ok(PoliciesAnswer::Policy(of_policy(moment, policy)))
        }
    }
}

fn of_pod(moment: &Moment<'_>, pod: &Pod) -> PodPolicies {
    let view = moment.view();
    let selecting = |flow: Flow| {
        let policies = selecting(view, pod, flow).map(|(policy, rules)| Selecting {
            policy: policy.meta.name.clone(),
            rules: rules.iter().map(|rule| left(view, policy, rule)).collect(),
            enforced: is_enforced(moment, pod, policy),
        });
        policies.collect()
    };
    PodPolicies {
        pod: ObjectName::new("Pod", pod.meta.namespace.clone(), pod.meta.name.clone()),
        node: pod.node.clone(),
        host_network: pod.spec.host_network,
        ingress: selecting(Flow::Ingress),
        egress: selecting(Flow::Egress),
    }
}

fn of_policy(moment: &Moment<'_>, policy: &NetworkPolicy) -> PolicyPods {
    let view = moment.view();
    let namespace = &policy.meta.namespace;
    let matched = view.pods.in_namespace(namespace).filter(|p| policy.pods.matches(&p.meta.labels) && !p.finished());
    let (host, own): (Vec<&Arc<Pod>>, Vec<&Arc<Pod>>) = matched.partition(|p| p.spec.host_network);
    let sides = FLOWS.into_iter().filter_map(|flow| Some((flow, rules(policy, flow)?)));
    let pod = |pod: &&Arc<Pod>| Selected {
        pod: pod.meta.name.clone(),
        node: pod.node.clone(),
        changes: FLOWS.into_iter().filter_map(|flow| Some((flow, change(view, policy, pod, flow)?))).collect(),
        enforced: is_enforced(moment, pod, policy),
    };
    PolicyPods {
        policy: ObjectName::new("NetworkPolicy", namespace.clone(), policy.meta.name.clone()),
        selector: policy.pods.clone(),
        sides: sides.map(|(flow, rules)| (flow, rules.iter().map(|rule| left(view, policy, rule)).collect())).collect(),
        pods: own.iter().map(pod).collect(),
        host_network: host.iter().map(|p| p.meta.name.clone()).collect(),
    }
}

/// The rules of a policy in a direction; `None` if it does not speak of that.
fn rules(policy: &NetworkPolicy, flow: Flow) -> Option<&[Rule]> {
    match flow {
        Flow::Ingress => policy.ingress.as_deref(),
        Flow::Egress => policy.egress.as_deref(),
    }
}

/// The policies that select a pod in a direction, with their rules. Pods on the host network are bound by none.
fn selecting<'v>(view: &'v View, pod: &Pod, flow: Flow) -> impl Iterator<Item = (&'v NetworkPolicy, &'v [Rule])> {
    let all = view.policies.in_namespace(&pod.meta.namespace).filter(|_| !pod.spec.host_network);
    let selecting = all.filter(|policy| policy.pods.matches(&pod.meta.labels)).map(|policy| &**policy);
    selecting.filter_map(move |policy| Some((policy, rules(policy, flow)?)))
}

/// Whether a rule lets everything pass.
fn is_open(rule: &Rule) -> bool {
    rule.peers.is_empty() && rule.ports.is_empty()
}

/// What a policy changes for a pod that it selects; `None` if it does not speak of the direction.
fn change(view: &View, policy: &NetworkPolicy, pod: &Pod, flow: Flow) -> Option<Change> {
    let own = rules(policy, flow)?;
    let others: Vec<&[Rule]> =
        selecting(view, pod, flow).filter(|(other, _)| other.meta.name != policy.meta.name).map(|(_, rules)| rules).collect();
    let open_anyway = others.iter().any(|rules| rules.iter().any(is_open));
    Some(match (others.is_empty(), own.is_empty()) {
        (true, _) if own.iter().any(is_open) => Change::LeavesOpen,
        (true, _) => Change::Closes,
        (false, _) if open_anyway => Change::NothingOpenAnyway,
        (false, true) => Change::NothingWithoutRule,
        (false, false) => Change::Adds,
    })
}

/// A rule with the pods that fit its peers. One without peers is for everybody, and names none.
fn left(view: &View, policy: &NetworkPolicy, rule: &Rule) -> Left {
    let ip = |pod: &Pod| pod.status.ips.first().copied();
    let fits = |pod: &&Arc<Pod>| {
        let fits = |peer| ip(pod).is_some_and(|ip| fits_peer(view, policy, peer, ip, Some(pod)));
        !pod.spec.host_network && !pod.finished() && rule.peers.iter().any(fits)
    };
    let name = |pod: &Arc<Pod>| Name::from(format!("{}/{}", pod.meta.namespace, pod.meta.name));
    let fitting: Vec<&Arc<Pod>> = view.pods.iter().filter(fits).collect();
    let named = fitting.iter().take(NAMED_MAX).map(|pod| name(pod)).collect();
    Left { rule: rule.clone(), named, fitting: fitting.len() }
}

/// Whether the node of a pod enforces this version of a policy.
fn is_enforced(moment: &Moment<'_>, pod: &Pod, policy: &NetworkPolicy) -> bool {
    let enforced = pod.node.as_ref().and_then(|node| moment.cluster.policies.enforced(node));
    let known = enforced.and_then(|(view, _)| view.policies.get(&policy.meta.namespace, &policy.meta.name));
    known.is_some_and(|known| known.meta.revision == policy.meta.revision)
}
