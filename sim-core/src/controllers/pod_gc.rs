//! The pod garbage collector: pods that nobody else would ever take away.
//!
//! In a real cluster it looks at all pods every 20 s and deletes, without grace, those beyond the number of ended pods that are
//! kept, those on nodes that are gone for 40 s, those that end without ever having had a node, and those that end on a node that
//! is declared out of service. A pod that has not ended is marked as failed first. We look at the same times, but only if
//! something has happened that may concern it. Left out: nothing.
//! The real thing: `pkg/controller/podgc/gc_controller.go`.

use std::sync::Arc;

use imbl::OrdMap;

use super::controller::{Controller, Look};
use super::work_queue::Retry;
use super::{Key, Plan};
use crate::api::component::{Clock, Write};
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::condition::{self, Condition};
use crate::objects::pod::{Phase, Pod};
use crate::objects::time::Timestamp;
use crate::objects::{Name, Object};
use crate::store::{Change, View};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(20);
/// How long a node has to be gone.
const QUARANTINE: Duration = Duration::from_secs(40);
/// Ended pods that are kept (`--terminated-pod-gc-threshold`); 0 keeps all.
const ENDED_MAX: usize = 12_500;
const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Nodes that pods are bound to, but that are gone: since when that is known. Bounded by the number of pods.
#[derive(Clone, Debug, Default)]
pub struct Memory(OrdMap<Name, Instant>);

/// Its single key, if a change may give it something to do.
pub fn keys_of(view: &View, change: &Change) -> Vec<Key> {
    let concerns = match (&change.before, &change.after) {
        (Some(Object::Node(_)), None) => true,
        (_, Some(Object::Node(node))) => out_of_service(view, &node.meta.name),
        (before, Some(Object::Pod(pod))) => {
            let known = matches!(before, Some(Object::Pod(old)) if old.node == pod.node);
            let lost = |node: &Name| view.nodes.get("", node).is_none();
            pod.finished()
                || pod.meta.deleting() && pod.node.as_ref().is_none_or(|node| out_of_service(view, node))
                || !known && pod.node.as_ref().is_some_and(lost)
        }
        _ => false,
    };
    if concerns { all_keys() } else { Vec::new() }
}

/// Its single key.
pub fn all_keys() -> Vec<Key> {
    vec![Key::default()]
}

/// One look, if it is time for one.
pub fn reconcile(memory: &mut Memory, view: &View, clock: Clock) -> Plan {
    let into = clock.now.as_nanos() % PERIOD.as_nanos();
    let gone = gone_nodes(view);
    let idle = gone.is_empty() && sweep(view, ENDED_MAX, &|_| false, clock.timestamp()).is_empty();
    if idle || into != 0 {
        return Plan { again: (!idle).then(|| Duration::from_nanos(PERIOD.as_nanos() - into)), ..Plan::default() };
    }
    memory.0 = gone.into_iter().map(|node| (node.clone(), memory.0.get(&node).copied().unwrap_or(clock.now))).collect();
    let passed = |node: &Name| memory.0.get(node).is_some_and(|since| clock.now.since(*since) >= QUARANTINE);
    let mut plan = sweep(view, ENDED_MAX, &passed, clock.timestamp());
    plan.look_again(PERIOD);
    plan
}

fn gone_nodes(view: &View) -> Vec<Name> {
    let mut nodes: Vec<Name> =
        view.pods.iter().filter_map(|p| p.node.clone()).filter(|n| view.nodes.get("", n).is_none()).collect();
    nodes.sort();
    nodes.dedup();
    nodes
}

fn out_of_service(view: &View, node: &str) -> bool {
    view.nodes.get("", node).is_some_and(|n| !n.ready() && n.taints.iter().any(|t| &*t.key == OUT_OF_SERVICE))
}

/// The pods to delete, of which `threshold` ended ones are kept; `gone` are the nodes that are gone for good.
pub(super) fn sweep(view: &View, threshold: usize, gone: &dyn Fn(&Name) -> bool, now: Timestamp) -> Plan {
    let mut ended: Vec<&Arc<Pod>> = view.pods.iter().filter(|p| p.finished()).collect();
    let surplus = if threshold == 0 { 0 } else { ended.len().saturating_sub(threshold) };
    // Evicted ones first, then the oldest.
    ended.sort_by_key(|p| (p.status.reason.as_deref() != Some("Evicted"), p.meta.created));
    ended.truncate(surplus);
    let lost = |p: &Pod| p.node.as_ref().is_some_and(gone);
    let stuck = |p: &Pod| p.meta.deleting() && p.node.as_ref().is_none_or(|node| out_of_service(view, node));
    let listed = |p: &Arc<Pod>| ended.iter().any(|e| Arc::ptr_eq(e, p));
    let others = view.pods.iter().filter(|p| (lost(p) || stuck(p)) && !held(p) && !listed(p));
    let doomed: Vec<&Arc<Pod>> = ended.iter().copied().chain(others).collect();
    let mut plan = Plan::default();
    plan.then(doomed.iter().filter(|p| !p.finished()).map(|p| failed(p, lost(p), now)));
    plan.then(doomed.iter().map(|p| Write::delete(&Object::Pod(Arc::clone(p)), Some(0), None)));
    plan
}

/// Whether all has been done already, and only finalizers hold the pod.
fn held(pod: &Pod) -> bool {
    pod.finished() && pod.meta.deleting() && !pod.meta.finalizers.is_empty()
}

/// A pod that has not ended has failed.
fn failed(pod: &Arc<Pod>, lost: bool, now: Timestamp) -> Write {
    let mut failed = (**pod).clone();
    let status = Arc::make_mut(&mut failed.status);
    status.phase = Phase::Failed;
    if lost {
        let target = Condition::new("DisruptionTarget", "True", "DeletionByPodGC", "PodGC: node no longer exists", now);
        condition::upsert(&mut status.conditions, target);
    }
    Write::Status { object: Object::Pod(Arc::new(failed)), checked: false }
}

impl Digestible for Memory {
    fn digest(&self, into: &mut StateDigest) {
        let Memory(gone) = self;
        into.list(gone);
    }
}

/// The pod garbage collector.
#[derive(Clone, Debug, Default)]
pub struct PodGcController(Memory);

impl Controller for PodGcController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::Node(_) | Object::Pod(_))
    }

    fn keys_of(&mut self, view: &View, change: &Change) -> Vec<Key> {
        keys_of(view, change)
    }

    fn all_keys(&mut self, _: &View) -> Vec<Key> {
        all_keys()
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(&mut self.0, look.view, look.clock)
    }

    fn retry(&self) -> Retry {
        Retry::USUAL
    }
}

impl Digestible for PodGcController {
    fn digest(&self, into: &mut StateDigest) {
        let PodGcController(memory) = self;
        memory.digest(into);
    }
}
