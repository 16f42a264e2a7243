//! What a commit changed in an object, in short: the facts that somebody would tell, and not the whole difference.
//!
//! In a real cluster one compares two outputs of `kubectl get -o yaml`. Here both records are at hand when one replaces the other.
//! Bookkeeping (`observedGeneration`, heartbeats, time stamps) is left out.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Verb;
use crate::cluster::faults::Fault;
use crate::explain::Outcome;
use crate::objects::condition::{self, Condition};
use crate::objects::endpoint_slice::{Endpoint, EndpointSlice};
use crate::objects::meta::Meta;
use crate::objects::node::Node;
use crate::objects::pod::{ContainerState, ContainerStatus, Phase, Pod};
use crate::objects::service::{Service, ServiceType};
use crate::objects::workload::{Deployment, PodTemplate, ReplicaSet, WorkloadStatus};
use crate::objects::{Name, Object};

/// So many endpoints of one change are named; the others are counted.
const ENDPOINTS_NAMED: usize = 4;

/// One fact that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// `spec.replicas`.
    Replicas {
        /// Before.
        from: i64,
        /// Now.
        to: i64,
    },
    /// A counter of a status.
    Count {
        /// Which.
        of: Counter,
        /// Before.
        from: i64,
        /// Now.
        to: i64,
    },
    /// A pod's node.
    Node(Name),
    /// An address that was given.
    Address(IpAddr),
    /// The address or name of a balancer that a Service shows now; none if it is gone.
    Ingress(Option<Name>),
    /// `status.phase`.
    Phase(Phase, Phase),
    /// A condition.
    Condition {
        /// Its type.
        kind: Name,
        /// Its status before; empty if it is new.
        from: Name,
        /// Its status now; empty if it is gone.
        to: Name,
        /// Its reason now.
        reason: Name,
    },
    /// A container runs.
    Running(Name),
    /// A container has ended.
    Ended {
        /// Its name.
        container: Name,
        /// Its exit status.
        exit: i32,
        /// `Completed`, `Error`, ...
        reason: Name,
    },
    /// A container waits.
    Waiting {
        /// Its name.
        container: Name,
        /// `ContainerCreating`, `CrashLoopBackOff`, ...
        reason: Name,
    },
    /// An endpoint of a slice.
    Endpoint(Name, EndpointChange),
    /// So many endpoints more that changed likewise.
    Endpoints(EndpointChange, u32),
    /// A taint of a node.
    Taint {
        /// Its key.
        key: Name,
        /// Its effect.
        effect: Name,
        /// Whether it was added; else it was taken away.
        added: bool,
    },
    /// `spec.unschedulable` of a node.
    Unschedulable(bool),
    /// The seconds that an object has to end.
    Grace(i64),
    /// The image of a container.
    Image {
        /// The container.
        container: Name,
        /// Before; empty if it is new.
        from: Name,
        /// Now.
        to: Name,
    },
    /// `spec.type` of a Service.
    Type(ServiceType, ServiceType),
    /// Another part is different.
    Part(Part),
    /// What was broken, or mended.
    Fault(Fault),
    /// A connection to that address, which of the backends it reached, and how it went.
    Connection(SocketAddr, Option<SocketAddr>, Outcome),
    /// A target of a balancer.
    Target(Name),
}

/// The counters of a workload's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// `replicas`.
    Replicas,
    /// `readyReplicas`.
    Ready,
    /// `updatedReplicas`.
    Updated,
    /// `availableReplicas`.
    Available,
}

/// What became of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointChange {
    /// It is new, and ready.
    Added,
    /// It is new, and not ready.
    AddedNotReady,
    /// It was there, and is ready now.
    Ready,
    /// It was ready, and is not any more.
    NotReady,
    /// It ends, and is not ready any more.
    Terminating,
    /// It is gone.
    Removed,
}

/// Parts of objects that are not taken apart further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Part {
    Labels,
    Annotations,
    Owners,
    Finalizers,
    Selector,
    Ports,
    Template,
    Addresses,
    Spec,
    Status,
    Content,
}

impl Part {
    /// Whether it is bookkeeping as a rule: nothing that anybody acts on.
    pub fn is_bookkeeping(self) -> bool {
        matches!(self, Part::Annotations | Part::Status | Part::Owners)
    }
}

/// The facts of an object that is new.
pub fn of_new(object: &Object) -> Vec<Delta> {
    match object {
        Object::Deployment(d) => vec![Delta::Replicas { from: 0, to: d.replicas }],
        Object::ReplicaSet(s) => vec![Delta::Replicas { from: 0, to: s.replicas }],
        Object::Service(s) => s.cluster_ips.first().map(|ip| Delta::Address(*ip)).into_iter().collect(),
        Object::EndpointSlice(slice) => {
            let mut deltas = Vec::new();
            endpoints(&[], &slice.endpoints, &mut deltas);
            deltas
        }
        Object::Pod(pod) => pod.node.iter().map(|node| Delta::Node(node.clone())).collect(),
        Object::Endpoints(_)
        | Object::Node(_)
        | Object::Lease(_)
        | Object::Event(_)
        | Object::NetworkPolicy(_)
        | Object::Plain(_) => Vec::new(),
    }
}

/// What was done to an object that was there before, and what is different.
pub fn between(before: &Object, after: &Object) -> (Verb, Vec<Delta>) {
    let mut deltas = Vec::new();
    let mut verb = Verb::Changed;
    match (before, after) {
        (Object::Pod(a), Object::Pod(b)) => verb = pod(a, b, &mut deltas),
        (Object::Node(a), Object::Node(b)) => verb = node(a, b, &mut deltas),
        (Object::Deployment(a), Object::Deployment(b)) => verb = deployment(a, b, &mut deltas),
        (Object::ReplicaSet(a), Object::ReplicaSet(b)) => verb = replica_set(a, b, &mut deltas),
        (Object::Service(a), Object::Service(b)) => service(a, b, &mut deltas),
        (Object::EndpointSlice(a), Object::EndpointSlice(b)) => slice(a, b, &mut deltas),
        (Object::Endpoints(a), Object::Endpoints(b)) => part(a.meta.revision != b.meta.revision, Part::Addresses, &mut deltas),
        (Object::NetworkPolicy(a), Object::NetworkPolicy(b)) => part(a.doc != b.doc, Part::Spec, &mut deltas),
        (Object::Plain(a), Object::Plain(b)) => part(a.doc != b.doc, Part::Content, &mut deltas),
        (Object::Lease(_) | Object::Event(_), _) => part(true, Part::Content, &mut deltas),
        // An object keeps its kind.
        (
            Object::Pod(_)
            | Object::Node(_)
            | Object::Deployment(_)
            | Object::ReplicaSet(_)
            | Object::Service(_)
            | Object::EndpointSlice(_)
            | Object::Endpoints(_)
            | Object::NetworkPolicy(_)
            | Object::Plain(_),
            _,
        ) => {}
    }
    let marked = meta(before.meta(), after.meta(), &mut deltas);
    if deltas.is_empty() {
        deltas.push(Delta::Part(Part::Status));
    }
    (if marked { Verb::Marked } else { verb }, deltas)
}

fn part(differs: bool, part: Part, deltas: &mut Vec<Delta>) {
    deltas.extend(differs.then_some(Delta::Part(part)));
}

/// Tells whether deletion was asked for just now.
fn meta(a: &Meta, b: &Meta, deltas: &mut Vec<Delta>) -> bool {
    part(!Arc::ptr_eq(&a.labels, &b.labels) && a.labels != b.labels, Part::Labels, deltas);
    part(!Arc::ptr_eq(&a.annotations, &b.annotations) && a.annotations != b.annotations, Part::Annotations, deltas);
    part(!Arc::ptr_eq(&a.owners, &b.owners) && a.owners != b.owners, Part::Owners, deltas);
    part(!Arc::ptr_eq(&a.finalizers, &b.finalizers) && a.finalizers != b.finalizers, Part::Finalizers, deltas);
    let marked = a.deletion.is_none() && b.deletion.is_some();
    deltas.extend(b.deletion.filter(|_| marked).map(|d| Delta::Grace(d.grace.unwrap_or(0))));
    marked
}

fn pod(a: &Pod, b: &Pod, deltas: &mut Vec<Delta>) -> Verb {
    let mut verb = Verb::Changed;
    if let (None, Some(node)) = (&a.node, &b.node) {
        deltas.push(Delta::Node(node.clone()));
        verb = Verb::Bound;
    }
    if !Arc::ptr_eq(&a.spec, &b.spec) {
        images(&a.spec.containers, &b.spec.containers, deltas);
    }
    if Arc::ptr_eq(&a.status, &b.status) {
        return verb;
    }
    let (old, new) = (&*a.status, &*b.status);
    if old.phase != new.phase {
        deltas.push(Delta::Phase(old.phase, new.phase));
    }
    if let (None, Some(ip)) = (old.ips.first(), new.ips.first()) {
        deltas.push(Delta::Address(*ip));
    }
    let ended =
        containers(&old.init_containers, &new.init_containers, deltas) | containers(&old.containers, &new.containers, deltas);
    changed_condition(&old.conditions, &new.conditions, "Ready", deltas);
    let scheduled = changed_condition(&old.conditions, &new.conditions, "PodScheduled", &mut Vec::new());
    match (a.ready(), b.ready()) {
        (false, true) => Verb::BecameReady,
        (true, false) if !ended => Verb::BecameNotReady,
        _ if ended => Verb::Ended,
        _ if scheduled && b.condition("PodScheduled").is_some_and(|c| !c.is_true()) => Verb::Unplaced,
        _ => verb,
    }
}

/// Tells whether one of them has ended.
fn containers(old: &[ContainerStatus], new: &[ContainerStatus], deltas: &mut Vec<Delta>) -> bool {
    let mut ended = false;
    for (at, now) in new.iter().enumerate() {
        let before = old.get(at).map_or(&ContainerState::None, |c| &c.state);
        let container = now.name.clone();
        match (&now.state, before) {
            (ContainerState::Running { .. }, ContainerState::Running { .. }) => {}
            (ContainerState::Running { .. }, _) => deltas.push(Delta::Running(container)),
            (ContainerState::Terminated { .. }, ContainerState::Terminated { .. }) => {}
            (ContainerState::Terminated { exit, reason, .. }, _) => {
                ended = true;
                deltas.push(Delta::Ended { container, exit: *exit, reason: reason.clone() });
            }
            (ContainerState::Waiting { reason, .. }, ContainerState::Waiting { reason: known, .. }) if reason == known => {}
            (ContainerState::Waiting { reason, .. }, _) => deltas.push(Delta::Waiting { container, reason: reason.clone() }),
            (ContainerState::None, _) => {}
        }
    }
    ended
}

/// Adds a condition whose status or reason changed; tells whether it did.
fn changed_condition(old: &[Condition], new: &[Condition], kind: &str, deltas: &mut Vec<Delta>) -> bool {
    let (before, now) = (condition::find(old, kind), condition::find(new, kind));
    let status = |c: Option<&Condition>| c.map(|c| c.status.clone()).unwrap_or_default();
    let reason = |c: Option<&Condition>| c.map(|c| c.reason.clone()).unwrap_or_default();
    if status(before) == status(now) && (now.is_some_and(Condition::is_true) || reason(before) == reason(now)) {
        return false;
    }
    deltas.push(Delta::Condition { kind: kind.into(), from: status(before), to: status(now), reason: reason(now) });
    true
}

fn node(a: &Node, b: &Node, deltas: &mut Vec<Delta>) -> Verb {
    // Ready says it; the others of a silent node say it again.
    let ready = changed_condition(&a.conditions, &b.conditions, "Ready", deltas);
    for other in b.conditions.iter().filter(|c| !ready && &*c.kind != "Ready") {
        changed_condition(&a.conditions, &b.conditions, &other.kind, deltas);
    }
    let taints = |these: &Node, those: &Node, added: bool, deltas: &mut Vec<Delta>| {
        let new = these.taints.iter().filter(|t| !those.tainted(&t.key, &t.effect));
        deltas.extend(new.map(|t| Delta::Taint { key: t.key.clone(), effect: t.effect.clone(), added }));
    };
    taints(b, a, true, deltas);
    taints(a, b, false, deltas);
    deltas.extend((a.unschedulable != b.unschedulable).then_some(Delta::Unschedulable(b.unschedulable)));
    match (a.ready(), b.ready()) {
        (false, true) => Verb::BecameReady,
        (true, false) => Verb::BecameNotReady,
        _ => Verb::Changed,
    }
}

fn deployment(a: &Deployment, b: &Deployment, deltas: &mut Vec<Delta>) -> Verb {
    let verb = replicas(a.replicas, b.replicas, deltas);
    template(&a.template, &b.template, deltas);
    let spec_of = |d: &Deployment| (d.strategy.clone(), d.min_ready, d.history_limit, d.deadline, d.paused);
    part(spec_of(a) != spec_of(b), Part::Spec, deltas);
    status(&a.status, &b.status, deltas);
    verb
}

fn replica_set(a: &ReplicaSet, b: &ReplicaSet, deltas: &mut Vec<Delta>) -> Verb {
    let verb = replicas(a.replicas, b.replicas, deltas);
    template(&a.template, &b.template, deltas);
    status(&a.status, &b.status, deltas);
    verb
}

fn replicas(from: i64, to: i64, deltas: &mut Vec<Delta>) -> Verb {
    if from == to {
        return Verb::Changed;
    }
    deltas.push(Delta::Replicas { from, to });
    Verb::Scaled
}

fn template(a: &Arc<PodTemplate>, b: &Arc<PodTemplate>, deltas: &mut Vec<Delta>) {
    if Arc::ptr_eq(a, b) || a.doc == b.doc {
        return;
    }
    let known = deltas.len();
    images(&a.spec.containers, &b.spec.containers, deltas);
    part(deltas.len() == known, Part::Template, deltas);
}

fn images(a: &[crate::objects::pod_spec::Container], b: &[crate::objects::pod_spec::Container], deltas: &mut Vec<Delta>) {
    for container in b {
        let before = a.iter().find(|c| c.name == container.name).map(|c| c.image.clone()).unwrap_or_default();
        if before != container.image {
            deltas.push(Delta::Image { container: container.name.clone(), from: before, to: container.image.clone() });
        }
    }
}

fn status(a: &WorkloadStatus, b: &WorkloadStatus, deltas: &mut Vec<Delta>) {
    let counters = [
        (Counter::Replicas, a.replicas, b.replicas),
        (Counter::Ready, a.ready, b.ready),
        (Counter::Updated, a.updated, b.updated),
        (Counter::Available, a.available, b.available),
    ];
    deltas.extend(counters.into_iter().filter(|(_, from, to)| from != to).map(|(of, from, to)| Delta::Count { of, from, to }));
    for now in &b.conditions {
        changed_condition(&a.conditions, &b.conditions, &now.kind, deltas);
    }
}

fn service(a: &Service, b: &Service, deltas: &mut Vec<Delta>) {
    if a.kind != b.kind {
        deltas.push(Delta::Type(a.kind, b.kind));
    }
    part(a.selector != b.selector, Part::Selector, deltas);
    part(a.ports != b.ports, Part::Ports, deltas);
    part(a.cluster_ips != b.cluster_ips || a.external_ips != b.external_ips, Part::Addresses, deltas);
    if a.ingress != b.ingress {
        let text = b.ingress.first().and_then(|i| i.ip.map(|ip| ip.to_string().into()).or_else(|| i.hostname.clone()));
        deltas.push(Delta::Ingress(text));
    }
    part(deltas.is_empty() && a.doc != b.doc, Part::Spec, deltas);
}

fn slice(a: &EndpointSlice, b: &EndpointSlice, deltas: &mut Vec<Delta>) {
    endpoints(&a.endpoints, &b.endpoints, deltas);
    part(a.ports != b.ports, Part::Ports, deltas);
}

fn endpoints(a: &[Endpoint], b: &[Endpoint], deltas: &mut Vec<Delta>) {
    // As a rule one of a hundred differs: what both begin and end with is not sorted.
    let state = |e: &Endpoint| (e.is_ready(), e.terminating == Some(true));
    let same = |(x, y): &(&Endpoint, &Endpoint)| state(x) == state(y) && x.addresses.first() == y.addresses.first();
    let begin = a.iter().zip(b).take_while(same).count();
    let (a, b) = (&a[begin..], &b[begin..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(same).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    let by_address = |list: &[Endpoint]| -> BTreeMap<Name, (bool, bool)> {
        let named = |e: &Endpoint| Some((e.addresses.first()?.clone(), state(e)));
        list.iter().filter_map(named).collect()
    };
    let (old, new) = (by_address(a), by_address(b));
    let mut counts: BTreeMap<EndpointChange, u32> = BTreeMap::new();
    let mut named = 0;
    let arrived = new.iter().filter_map(|(address, now)| Some((address, endpoint(old.get(address), *now)?)));
    let gone = old.keys().filter(|address| !new.contains_key(*address)).map(|address| (address, EndpointChange::Removed));
    for (address, change) in arrived.chain(gone) {
        if named < ENDPOINTS_NAMED {
            named += 1;
            deltas.push(Delta::Endpoint(address.clone(), change));
        } else {
            *counts.entry(change).or_default() += 1;
        }
    }
    deltas.extend(counts.into_iter().map(|(change, count)| Delta::Endpoints(change, count)));
}

fn endpoint(before: Option<&(bool, bool)>, (ready, terminating): (bool, bool)) -> Option<EndpointChange> {
    match (before, ready) {
        (None, true) => Some(EndpointChange::Added),
        (None, false) => Some(EndpointChange::AddedNotReady),
        (Some((false, _)), true) => Some(EndpointChange::Ready),
        (Some((true, _)), false) if terminating => Some(EndpointChange::Terminating),
        (Some((true, _)), false) => Some(EndpointChange::NotReady),
        (Some((false, false)), false) if terminating => Some(EndpointChange::Terminating),
        (Some(_), _) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(extra: &Value) -> Object {
        let mut doc = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}});
        for (key, value) in extra.as_object().into_iter().flatten() {
            doc[key] = value.clone();
        }
        Object::parse(&doc)
    }

    fn ready(status: &str) -> Value {
        json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}})
    }

    #[test]
    fn a_pods_way_has_a_verb_at_each_step() {
        let bound = json!({"spec": {"nodeName": "node-1", "containers": []}});
        let bare = json!({"spec": {"containers": []}});
        assert_eq!(between(&pod(&bare), &pod(&bound)), (Verb::Bound, vec![Delta::Node("node-1".into())]));
        assert_eq!(between(&pod(&ready("False")), &pod(&ready("True"))).0, Verb::BecameReady);
        assert_eq!(between(&pod(&ready("True")), &pod(&ready("False"))).0, Verb::BecameNotReady);
        let mut going = pod(&ready("True"));
        going.meta_mut().deletion =
            Some(crate::objects::meta::Deletion { at: crate::objects::time::Timestamp::default(), grace: Some(30) });
        assert_eq!(between(&pod(&ready("True")), &going), (Verb::Marked, vec![Delta::Grace(30)]));
    }

    #[test]
    fn many_endpoints_are_counted() {
        let slice = |count: u8| {
            let endpoints: Vec<Value> = (1..=count).map(|n| json!({"addresses": [format!("10.0.0.{n}")]})).collect();
            Object::parse(&json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": "web-abcde"}, "endpoints": endpoints, "ports": []}))
        };
        let (verb, deltas) = between(&slice(1), &slice(9));
        assert_eq!(verb, Verb::Changed);
        assert_eq!(deltas.len(), 5);
        assert_eq!(deltas[4], Delta::Endpoints(EndpointChange::Added, 4));
        assert_eq!(between(&slice(2), &slice(1)).1, [Delta::Endpoint("10.0.0.2".into(), EndpointChange::Removed)]);
    }

    /// What the book says of the memory of a story rests on this.
    #[test]
    fn entries_are_small() {
        assert!(size_of::<super::super::Entry>() <= 200, "{}", size_of::<super::super::Entry>());
        assert!(size_of::<Delta>() <= 96, "{}", size_of::<Delta>());
    }
}
