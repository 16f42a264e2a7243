//! The node lifecycle controller: when a kubelet falls silent, its node is marked, tainted, and at last its pods are given up.
//!
//! In a real cluster three controllers share this work (node lifecycle, taint eviction, pod GC). We model: the grace period by
//! the controller's own sight of lease renewals, conditions and pods marked, both taints with their rates and zone states,
//! eviction after the pods' tolerations, and recovery. Pods of nodes that are deleted are [`super::pod_gc`]'s.
//! The real thing: `pkg/controller/nodelifecycle`, `pkg/controller/tainteviction`.

use std::collections::BTreeMap;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use super::controller::{Controller, Look};
use super::work_queue::Retry;
use super::{Key, Plan, meta_key, note};
use crate::api::component::{Clock, Write};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::condition::{self, Condition};
use crate::objects::node::{Node, Taint};
use crate::objects::pod::Pod;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// Between two looks at all nodes.
pub const MONITOR: Duration = Duration::from_secs(5);
/// How long a kubelet may be silent (40 s before 1.32).
const GRACE: Duration = Duration::from_secs(50);
/// One node in ten seconds and zone gets its NoExecute taint.
const EVICTION_PERIOD: Duration = Duration::from_secs(10);
/// A zone of at most this many nodes stops evicting when most of it is silent; a larger one goes on at a tenth of the rate.
const SMALL_ZONE: usize = 50;
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const NOT_READY: &str = "node.kubernetes.io/not-ready";
const LEASES: &str = "kube-node-lease";
const SILENT: &str = "Kubelet stopped posting node status.";
/// Conditions that become unknown with the kubelet.
const REPORTED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// What the controller remembers.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// When each node's lease or status was last seen to change.
    heard: OrdMap<Name, Instant>,
    /// Nodes that are to get their NoExecute taint.
    queued: OrdSet<Name>,
    /// When each zone last tainted a node.
    tainted: OrdMap<Name, Instant>,
    /// When each pod is to be evicted.
    evictions: OrdMap<Key, Instant>,
}

/// State of a zone by how many of its nodes are silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    Normal,
    Partial,
    Full,
}

impl Memory {
    /// All nodes count as heard of now: a controller that starts gives them time to report.
    pub fn hear_all(&mut self, now: Instant) {
        self.heard = self.heard.keys().map(|node| (node.clone(), now)).collect();
    }
}

impl Memory {
    /// When a node's lease was last seen to change.
    pub fn heard_of(&self, node: &str) -> Option<Instant> {
        self.heard.get(node).copied()
    }

    /// The pods that are to be evicted, and when.
    pub fn evictions(&self) -> impl Iterator<Item = (&Key, Instant)> {
        self.evictions.iter().map(|(key, at)| (key, *at))
    }
}

/// The look at all nodes that finds a node silent that was heard of last at `heard`, if the next look is at `next`.
pub fn found_silent_at(heard: Instant, next: Instant) -> Instant {
    let (mut look, over) = (next, heard + GRACE);
    if look <= over {
        let periods = over.since(look).as_nanos() / MONITOR.as_nanos() + 1;
        look += MONITOR.times(periods);
    }
    look
}

impl Zone {
    /// The state of a zone with so many ready and silent nodes.
    pub(super) fn of(ready: usize, silent: usize) -> Zone {
        match (ready, silent) {
            (0, 1..) => Zone::Full,
            // More than two, and at least 55 in a hundred.
            _ if silent > 2 && silent * 100 >= 55 * (ready + silent) => Zone::Partial,
            _ => Zone::Normal,
        }
    }

    /// The time between two NoExecute taints in a zone of that size; `None` if there are none. `alone`: all zones are down.
    pub(super) fn period(self, size: usize, alone: bool) -> Option<Duration> {
        match self {
            Zone::Full if alone => None,
            Zone::Partial if size <= SMALL_ZONE => None,
            Zone::Partial => Some(EVICTION_PERIOD.times(10)),
            Zone::Normal | Zone::Full => Some(EVICTION_PERIOD),
        }
    }
}

/// Nodes to be looked at: those whose lease or status changed, and pods on nodes that may have a deadline.
pub fn keys_of(memory: &mut Memory, change: &Change) -> Vec<Key> {
    match change.after.as_ref() {
        Some(Object::Lease(lease)) if &*lease.meta.namespace == LEASES => {
            memory.heard.insert(lease.meta.name.clone(), change.at);
            Vec::new()
        }
        Some(Object::Node(node)) => vec![meta_key(&node.meta)],
        // A pod that was bound just now to a tainted node, or is gone.
        Some(Object::Pod(pod)) => pod.node.iter().map(|n| (Name::default(), n.clone())).collect(),
        _ => Vec::new(),
    }
}

/// All nodes, heard of now.
pub fn all_keys(memory: &mut Memory, view: &View) -> Vec<Key> {
    for node in view.nodes.iter() {
        memory.heard.entry(node.meta.name.clone()).or_insert(Instant::START);
    }
    view.nodes.iter().map(|n| meta_key(&n.meta)).collect()
}

/// The periodic look at all nodes: who has fallen silent, and whose turn it is to be given up.
pub fn monitor(memory: &mut Memory, view: &View, clock: Clock) -> Vec<(Duration, Write)> {
    let mut writes = Vec::new();
    let zones = zones(view);
    for node in view.nodes.iter() {
        let heard = *memory.heard.entry(node.meta.name.clone()).or_insert(clock.now);
        let silent = clock.now.since(heard) > GRACE;
        let ready = condition::find(&node.conditions, "Ready");
        let unknown = ready.is_some_and(|c| &*c.status == "Unknown");
        if silent && !unknown {
            mark_silent(view, node, clock, &mut writes);
        }
        let not_ready = !node.ready();
        if not_ready && (silent || unknown || ready.is_some_and(|c| &*c.status == "False")) {
            let shown = condition::find(&node.conditions, "Ready").is_some_and(|c| !c.is_true());
            if shown {
                memory.queued.insert(node.meta.name.clone());
            }
        } else {
            memory.queued.remove(&node.meta.name);
        }
    }
    give_up(memory, view, &zones, clock, &mut writes);
    writes
}

fn mark_silent(view: &View, node: &Arc<Node>, clock: Clock, writes: &mut Vec<(Duration, Write)>) {
    let mut marked = (**node).clone();
    for kind in REPORTED {
        if condition::find(&node.conditions, kind).is_some() {
            let mut fact = Condition::new(kind, "Unknown", "NodeStatusUnknown", SILENT, clock.timestamp());
            fact.touched = condition::find(&node.conditions, kind).and_then(|c| c.touched);
            condition::upsert(&mut marked.conditions, fact);
        }
    }
    writes.push((Duration::from_millis(20), Write::Status { object: Object::Node(Arc::new(marked)), checked: true }));
    let text = format!("Node {} status is now: NodeNotReady", node.meta.name);
    writes.push((Duration::from_millis(20), note(&Object::Node(node.clone()), false, "NodeNotReady", text, "node-controller")));
    for (_, pod) in view.pods_on(&node.meta.name) {
        writes.extend(pod_unready(pod, clock).map(|w| (Duration::from_millis(25), w)));
        let event = note(&Object::Pod(pod.clone()), true, "NodeNotReady", "Node is not ready".to_string(), "node-controller");
        writes.push((Duration::from_millis(25), event));
    }
}

/// A pod on a silent node is no longer ready; its phase and containers stay as they were.
fn pod_unready(pod: &Arc<Pod>, clock: Clock) -> Option<Write> {
    if !pod.ready() {
        return None;
    }
    let mut unready = (**pod).clone();
    let ready = Condition::new("Ready", "False", "", "", clock.timestamp());
    condition::upsert(&mut Arc::make_mut(&mut unready.status).conditions, ready);
    Some(Write::Status { object: Object::Pod(Arc::new(unready)), checked: false })
}

/// The zones of a cluster by name, each with its state and size. A zone is region and zone label together; none is a zone too.
fn zones(view: &View) -> BTreeMap<Name, (Zone, usize)> {
    let mut counts: BTreeMap<Name, (usize, usize)> = BTreeMap::new();
    for node in view.nodes.iter().filter(|n| n.meta.labels.get("node.kubernetes.io/exclude-disruption").is_none()) {
        let (ready, silent) = counts.entry(zone_of(node)).or_default();
        *(if node.ready() { ready } else { silent }) += 1;
    }
    counts.into_iter().map(|(zone, (ready, silent))| (zone, (Zone::of(ready, silent), ready + silent))).collect()
}

fn zone_of(node: &Node) -> Name {
    node.zone().unwrap_or_default().into()
}

/// NoExecute taints for those whose turn it is; if every zone is down, none at all, and the ones there are go.
fn give_up(
    memory: &mut Memory,
    view: &View,
    zones: &BTreeMap<Name, (Zone, usize)>,
    clock: Clock,
    writes: &mut Vec<(Duration, Write)>,
) {
    if !zones.is_empty() && zones.values().all(|(state, _)| *state == Zone::Full) {
        for node in view.nodes.iter().filter(|n| n.tainted(UNREACHABLE, "NoExecute") || n.tainted(NOT_READY, "NoExecute")) {
            let mut spared = (**node).clone();
            spared.taints.retain(|t| !(is_ours(&t.key) && &*t.effect == "NoExecute"));
            writes.push((Duration::from_millis(20), Write::Update(Object::Node(Arc::new(spared)))));
        }
        return;
    }
    for name in &memory.queued {
        let Some(node) = view.nodes.get("", name) else { continue };
        let zone = zone_of(node);
        let (state, size) = zones.get(&zone).copied().unwrap_or((Zone::Normal, 0));
        let Some(period) = state.period(size, false) else { continue };
        let recently = memory.tainted.get(&zone).is_some_and(|at| clock.now.since(*at) < period);
        if recently || taint_key(node).is_none_or(|key| node.tainted(key, "NoExecute")) {
            continue;
        }
        memory.tainted.insert(zone, clock.now);
        writes.extend(with_taint(node, "NoExecute", clock).map(|w| (Duration::from_millis(20), w)));
    }
}

fn is_ours(key: &str) -> bool {
    key == UNREACHABLE || key == NOT_READY
}

/// The taint that the Ready condition calls for.
fn taint_key(node: &Node) -> Option<&'static str> {
    match condition::find(&node.conditions, "Ready").map(|c| &*c.status) {
        Some("Unknown") => Some(UNREACHABLE),
        Some("False") => Some(NOT_READY),
        _ => None,
    }
}

fn with_taint(node: &Arc<Node>, effect: &str, clock: Clock) -> Option<Write> {
    let key = taint_key(node)?;
    let mut tainted = (**node).clone();
    let added = Some(clock.timestamp().whole_seconds());
    tainted.taints.push(Taint { key: key.into(), value: Name::default(), effect: effect.into(), added });
    Some(Write::Update(Object::Node(Arc::new(tainted))))
}

/// One node whose object changed: the NoSchedule taint, recovery, and the deadlines of its pods.
pub fn reconcile(memory: &mut Memory, view: &View, (_, name): &Key, clock: Clock) -> Plan {
    let mut plan = Plan::default();
    let Some(node) = view.nodes.get("", name) else { return plan };
    let wanted = taint_key(node);
    let wrong = |t: &Taint| is_ours(&t.key) && (wanted != Some(&*t.key));
    if node.taints.iter().any(wrong) {
        let mut cleared = (**node).clone();
        cleared.taints.retain(|t| !wrong(t));
        plan.push(Write::Update(Object::Node(Arc::new(cleared))));
    } else if wanted.is_some_and(|key| !node.tainted(key, "NoSchedule")) {
        plan.extend(with_taint(node, "NoSchedule", clock));
    }
    plan.again = evictions(memory, view, node, clock, &mut plan);
    plan
}

/// Deletes the pods whose time on a tainted node is up; tells when to look again.
fn evictions(memory: &mut Memory, view: &View, node: &Node, clock: Clock, plan: &mut Plan) -> Option<Duration> {
    let mut soonest: Option<Duration> = None;
    let taints: Vec<&Taint> = node.taints.iter().filter(|t| &*t.effect == "NoExecute").collect();
    if taints.is_empty() && memory.evictions.is_empty() {
        return None;
    }
    for (_, pod) in view.pods_on(&node.meta.name) {
        let key = meta_key(&pod.meta);
        if pod.meta.deleting() || pod.finished() {
            memory.evictions.remove(&key);
            continue;
        }
        let due = match stay(pod, &taints) {
            Stay::Endless => {
                if memory.evictions.remove(&key).is_some() {
                    plan.push(told(pod, "Cancelling deletion of Pod"));
                }
                continue;
            }
            // A timer that runs is not moved by other tolerations, unless they no longer suffice.
            Stay::For(time) => *memory.evictions.entry(key.clone()).or_insert(clock.now + time),
            Stay::Not => clock.now,
        };
        if due > clock.now {
            let left = due.since(clock.now);
            soonest = Some(soonest.map_or(left, |s| s.min(left)));
            continue;
        }
        memory.evictions.remove(&key);
        plan.push(told(pod, "Marking for deletion Pod"));
        plan.push(Write::delete(&Object::Pod(pod.clone()), None, None));
    }
    soonest
}

fn told(pod: &Arc<Pod>, what: &str) -> Write {
    let text = format!("{what} {}/{}", pod.meta.namespace, pod.meta.name);
    note(&Object::Pod(pod.clone()), false, "TaintManagerEviction", text, "taint-eviction-controller")
}

/// How long a pod may stay on a tainted node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// A taint is not tolerated.
    Not,
    /// The shortest of the tolerations used.
    For(Duration),
    /// Nothing, or nothing that ends, is against it.
    Endless,
}

/// How long a pod may stay with these taints.
pub(super) fn stay(pod: &Pod, taints: &[&Taint]) -> Stay {
    let mut shortest: Option<i64> = None;
    for taint in taints {
        let covering: Vec<_> =
            pod.spec.tolerations.iter().filter(|t| t.covers(&taint.key, &taint.value, &taint.effect)).collect();
        if covering.is_empty() {
            return Stay::Not;
        }
        let bounded = covering.iter().filter_map(|t| t.seconds).min();
        shortest = [shortest, bounded].into_iter().flatten().min();
    }
    shortest.map_or(Stay::Endless, |s| Stay::For(Duration::from_secs(u64::try_from(s).unwrap_or(0))))
}

impl Digestible for Memory {
    fn digest(&self, into: &mut StateDigest) {
        let Memory { heard, queued, tainted, evictions } = self;
        into.list(heard);
        into.list(queued);
        into.list(tainted);
        into.list(evictions);
    }
}

/// The node lifecycle controller.
#[derive(Clone, Debug, Default)]
pub struct NodeLifecycleController(Memory);

impl NodeLifecycleController {
    /// When it last saw a node's lease change.
    pub fn heard_of(&self, node: &str) -> Option<Instant> {
        self.0.heard_of(node)
    }

    /// The pods that are to be evicted, and when, unless their node is ready by then.
    pub fn evictions(&self) -> impl Iterator<Item = (&Key, Instant)> {
        self.0.evictions()
    }
}

impl Controller for NodeLifecycleController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::Node(_) | Object::Lease(_) | Object::Pod(_))
    }

    fn keys_of(&mut self, _: &View, change: &Change) -> Vec<Key> {
        keys_of(&mut self.0, change)
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        all_keys(&mut self.0, view)
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(&mut self.0, look.view, look.key, look.clock)
    }

    fn retry(&self) -> Retry {
        Retry::USUAL
    }

    fn period(&self) -> Option<Duration> {
        Some(MONITOR)
    }

    fn pass(&mut self, view: &View, clock: Clock) -> Vec<(Duration, Write)> {
        monitor(&mut self.0, view, clock)
    }

    /// Nobody counts as silent for the time that nobody could be heard.
    fn server_is_back(&mut self, now: Instant) {
        self.0.hear_all(now);
    }
}

impl Digestible for NodeLifecycleController {
    fn digest(&self, into: &mut StateDigest) {
        let NodeLifecycleController(memory) = self;
        memory.digest(into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_node_is_found_at_the_first_look_after_its_grace() {
        let at = |seconds: u64| Instant::START + Duration::from_secs(seconds);
        // The looks are at 10, 15, ... 60, 65; 50 s after 6 is 56, and at exactly 50 s it is not over.
        assert_eq!(found_silent_at(at(6), at(10)), at(60));
        assert_eq!(found_silent_at(at(5), at(10)), at(60));
        assert_eq!(found_silent_at(at(5), at(60)), at(60));
    }
}
