//! The replica set controller: so many pods of this template, no more, no fewer.
//!
//! A terminating pod does not count and is replaced at once. Deletion takes the least useful pods first
//! ([`ranked`]). Left out: slow start of creation batches (calls take no time here).
//! The real thing: `pkg/controller/replicaset/replica_set.go`, `pkg/controller/controller_utils.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Key, Plan, note};
use crate::api::component::{Clock, Write};
use crate::engine::time::Duration;
use crate::objects::meta::{Meta, Owner};
use crate::objects::pod::{Phase, Pod, PodStatus};
use crate::objects::time::Timestamp;
use crate::objects::workload::{ReplicaSet, WorkloadStatus};
use crate::objects::{KindName, Name, Object};
use crate::store::View;

/// Most creations or deletions of one sync.
const BURST: usize = 500;
const SOURCE: &str = "replicaset-controller";

/// Looks at one replica set.
pub fn reconcile(view: &View, (namespace, name): &Key, clock: Clock) -> Plan {
    let Some(set) = view.replica_sets.get(namespace, name) else { return Plan::default() };
    let Some(uid) = set.meta.uid.as_deref() else { return Plan::default() };
    let mut plan = Plan::default();
    let owned: Vec<Arc<Pod>> = view.pods_owned(uid).filter(|(_, p)| p.meta.controlled_by(uid)).map(|(_, p)| p.clone()).collect();
    let mut live: Vec<Arc<Pod>> = owned.into_iter().filter(|p| counts(p)).collect();
    if !set.meta.deleting() {
        adopt_and_release(view, set, &mut live, &mut plan);
        let wanted = usize::try_from(set.replicas.max(0)).unwrap_or(usize::MAX);
        if live.len() < wanted {
            grow(set, (wanted - live.len()).min(BURST), &mut plan);
        } else if live.len() > wanted {
            shrink(set, &live, (live.len() - wanted).min(BURST), clock, &mut plan);
        }
    }
    report(set, &live, clock, &mut plan);
    plan
}

/// Whether a pod counts: not ended, not being deleted.
fn counts(pod: &Pod) -> bool {
    !pod.finished() && !pod.meta.deleting()
}

/// Matching pods without owner are taken in; owned pods whose labels no longer match are let go.
fn adopt_and_release(view: &View, set: &Arc<ReplicaSet>, live: &mut Vec<Arc<Pod>>, plan: &mut Plan) {
    let strays: Vec<Arc<Pod>> = live.iter().filter(|p| !set.selector.matches(&p.meta.labels)).cloned().collect();
    for pod in strays {
        live.retain(|p| p.meta.uid != pod.meta.uid);
        let mut released = (*pod).clone();
        released.meta.owners = pod.meta.owners.iter().filter(|o| o.controller != Some(true)).cloned().collect();
        plan.writes.push(Write::Update(Object::Pod(Arc::new(released))));
    }
    if set.selector.requirements.is_empty() {
        return;
    }
    let orphan = |p: &&Arc<Pod>| p.meta.controller().is_none() && counts(p) && set.selector.matches(&p.meta.labels);
    for pod in view.pods.in_namespace(&set.meta.namespace).filter(orphan) {
        let mut adopted = (**pod).clone();
        adopted.meta.owners = pod.meta.owners.iter().cloned().chain([owner_of(set)]).collect();
        live.push(pod.clone());
        plan.writes.push(Write::Update(Object::Pod(Arc::new(adopted))));
    }
}

fn owner_of(set: &ReplicaSet) -> Owner {
    Owner {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        name: set.meta.name.clone(),
        uid: set.meta.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block: Some(true),
    }
}

fn grow(set: &Arc<ReplicaSet>, count: usize, plan: &mut Plan) {
    let base = format!("{}-", set.meta.name);
    let owners: Arc<[Owner]> = Arc::from([owner_of(set)]);
    for _ in 0..count {
        let mut meta = Meta::named(&set.meta.namespace, "");
        meta.generate_name = Some(base.as_str().into());
        meta.labels = set.template.labels.clone();
        meta.annotations = set.template.annotations.clone();
        meta.owners = owners.clone();
        let (status, given_status) = (Arc::new(PodStatus::default()), Arc::default());
        let pod = Pod { meta, spec: set.template.spec.clone(), node: None, status, given_status };
        plan.writes.push(Write::Create(Object::Pod(Arc::new(pod))));
    }
}

fn shrink(set: &Arc<ReplicaSet>, live: &[Arc<Pod>], count: usize, clock: Clock, plan: &mut Plan) {
    for pod in ranked(live, clock.timestamp()).into_iter().take(count) {
        plan.writes.push(Write::Delete {
            kind: KindName { group: Name::default(), kind: "Pod".into() },
            namespace: pod.meta.namespace.clone(),
            name: pod.meta.name.clone(),
            uid: pod.meta.uid.clone(),
            grace: None,
            propagation: None,
        });
        let message = format!("Deleted pod: {}", pod.meta.name);
        plan.writes.push(note(&Object::ReplicaSet(set.clone()), false, "SuccessfulDelete", message, SOURCE));
    }
}

/// The pods in the order in which they are given up. The first difference decides.
pub fn ranked(live: &[Arc<Pod>], now: Timestamp) -> Vec<Arc<Pod>> {
    let mut on_node: BTreeMap<Option<Name>, i64> = BTreeMap::new();
    live.iter().for_each(|p| *on_node.entry(p.node.clone()).or_default() += 1);
    let phase = |p: &Pod| match p.status.phase {
        Phase::Pending | Phase::Unset => 0,
        Phase::Unknown => 1,
        _ => 2,
    };
    let cost = |p: &Pod| {
        let text = p.meta.annotations.get("controller.kubernetes.io/pod-deletion-cost");
        text.and_then(|t| t.parse::<i64>().ok()).unwrap_or(0)
    };
    // Ages are compared by their binary logarithm, so that nearly equal ones count as equal.
    let bucket = |since: Option<Timestamp>| since.map_or(-1, |t| i64::from(now.nanos_since(t).max(1).ilog2()));
    let ready_since = |p: &Pod| p.condition("Ready").filter(|c| c.is_true()).and_then(|c| c.transition);
    let restarts = |p: &Pod| p.status.containers.iter().map(|c| i64::from(c.restarts)).max().unwrap_or(0);
    let mut pods = live.to_vec();
    pods.sort_by_cached_key(|p| {
        let crowd = on_node.get(&p.node).copied().unwrap_or(0);
        let age = (bucket(ready_since(p)), -restarts(p), bucket(p.meta.created));
        (p.node.is_some(), phase(p), p.ready(), cost(p), -crowd, age, p.meta.uid.clone())
    });
    pods
}

/// Counts, and writes the status if it differs.
fn report(set: &Arc<ReplicaSet>, live: &[Arc<Pod>], clock: Clock, plan: &mut Plan) {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let minimum = Duration::from_secs(u64::try_from(set.min_ready).unwrap_or(0));
    let mut soonest: Option<Duration> = None;
    let available = live.iter().filter(|p| p.ready()).filter(|p| {
        let since = p.condition("Ready").and_then(|c| c.transition).unwrap_or_default();
        let age = Duration::from_nanos(u64::try_from(clock.timestamp().nanos_since(since)).unwrap_or(0));
        if age < minimum {
            let left = minimum - age;
            soonest = Some(soonest.map_or(left, |s| s.min(left)));
        }
        age >= minimum
    });
    let available = count(available.count());
    let labelled = live.iter().filter(|p| set.template.labels.contained_in(&p.meta.labels)).count();
    let status = WorkloadStatus {
        observed: set.meta.generation.unwrap_or(0),
        replicas: count(live.len()),
        updated: count(labelled),
        ready: count(live.iter().filter(|p| p.ready()).count()),
        available,
        unavailable: 0,
        collisions: None,
        conditions: set.status.conditions.clone(),
    };
    if status != set.status {
        let mut object = (**set).clone();
        object.status = status;
        plan.writes.push(Write::Status { object: Object::ReplicaSet(Arc::new(object)), checked: true });
    }
    plan.again = soonest;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pod(name: &str, spec: Value, status: Value) -> Arc<Pod> {
        let doc = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "d", "uid": name}, "spec": spec, "status": status});
        Arc::new(Pod::parse(&doc))
    }

    #[test]
    fn the_least_useful_go_first() {
        let ready = |since: &str| json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": since}]});
        let pods = [
            pod("old", json!({"nodeName": "a"}), ready("2026-01-01T00:00:00Z")),
            pod("young", json!({"nodeName": "b"}), ready("2026-01-01T11:00:00Z")),
            pod("unready", json!({"nodeName": "c"}), json!({"phase": "Running"})),
            pod("pending", json!({"nodeName": "c"}), json!({"phase": "Pending"})),
            pod("unassigned", json!({}), json!({"phase": "Pending"})),
        ];
        let now = Timestamp::parse("2026-01-01T12:00:00Z").unwrap();
        let names: Vec<String> = ranked(&pods, now).iter().map(|p| p.meta.name.to_string()).collect();
        assert_eq!(names, ["unassigned", "pending", "unready", "young", "old"]);
    }
}
