//! The replica set controller: so many pods of this template, no more, no fewer.
//!
//! A terminating pod does not count and is replaced at once. Pods are created in batches of 1, 2, 4, ... and a batch with a
//! failure is the last one; deletions all go out together, the least useful pods first ([`super::deletion_order`]).
//! The real thing: `pkg/controller/replicaset/replica_set.go`, `pkg/controller/controller_utils.go`.

use std::sync::Arc;

use super::controller::{Controller, Look};
use super::deletion_order::doomed;
use super::work_queue::Retry;
use super::{Key, Plan, Step, Tail, meta_key, owner_key, said};
use crate::api::component::{Clock, Write};
use crate::api::status::Status;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::Duration;
use crate::objects::condition::{self, Condition};
use crate::objects::json::At;
use crate::objects::meta::{Meta, Owner};
use crate::objects::pod::{Pod, PodStatus};
use crate::objects::workload::{ReplicaSet, WorkloadStatus};
use crate::objects::{Name, Object};
use crate::store::{Change, View, is_live};

/// The replica set controller.
#[derive(Clone, Debug, Default)]
pub struct ReplicaSetController;

impl Controller for ReplicaSetController {
    fn watches(&self, object: &Object, _: &Change) -> bool {
        matches!(object, Object::ReplicaSet(_) | Object::Pod(_))
    }

    fn keys_of(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let objects = [change.before.as_ref(), change.after.as_ref()];
        objects.into_iter().flatten().filter_map(|object| set_of(view, object)).collect()
    }

    fn all_keys(&mut self, view: &View) -> Vec<Key> {
        view.replica_sets.iter().map(|s| meta_key(&s.meta)).collect()
    }

    fn reconcile(&mut self, look: Look<'_>) -> Plan {
        reconcile(look.view, look.key, look.failure, look.clock)
    }

    fn retry(&self) -> Retry {
        Retry::USUAL
    }
}

impl Digestible for ReplicaSetController {
    fn digest(&self, _: &mut StateDigest) {
        let ReplicaSetController = self;
    }
}

/// The set that an object belongs to: itself, the managing owner of a pod, or the one that selects a pod without an owner.
fn set_of(view: &View, object: &Object) -> Option<Key> {
    match object {
        Object::ReplicaSet(set) => Some(meta_key(&set.meta)),
        Object::Pod(pod) if pod.meta.controller().is_none() => {
            let matching = |s: &&Arc<ReplicaSet>| s.selector.matches(&pod.meta.labels);
            view.replica_sets.in_namespace(&pod.meta.namespace).find(matching).map(|s| meta_key(&s.meta))
        }
        object => owner_key(object, "ReplicaSet"),
    }
}

/// Most creations or deletions of one sync.
const BURST: usize = 500;
const SOURCE: &str = "replicaset-controller";

/// Looks at one replica set; `failure` is what became of its last plan, if that failed.
pub fn reconcile(view: &View, (namespace, name): &Key, failure: Option<&Status>, clock: Clock) -> Plan {
    let Some(set) = view.replica_sets.get(namespace, name) else { return Plan::default() };
    let Some(uid) = set.meta.uid.as_deref() else { return Plan::default() };
    let mut plan = Plan::default();
    if let Some(counts) = counted(view, set, uid) {
        if failure.is_some() {
            report(set, &counts, failure, clock, &mut plan);
        }
        grow(set, (wanted(set) - counts.live).min(BURST), &mut plan);
        if failure.is_none() {
            report(set, &counts, failure, clock, &mut plan);
        }
        return plan;
    }
    let owned = view.pods_owned(uid).filter(|(_, p)| p.meta.controlled_by(uid) && is_live(p));
    let mut live: Vec<Arc<Pod>> = owned.map(|(_, p)| p.clone()).collect();
    if set.meta.deleting() {
        let counts = counts(set, &live, clock, &mut plan);
        report(set, &counts, failure, clock, &mut plan);
        return plan;
    }
    adopt_and_release(view, set, &mut live, &mut plan);
    let counts = counts(set, &live, clock, &mut plan);
    if failure.is_some() {
        report(set, &counts, failure, clock, &mut plan);
    }
    if live.len() < wanted(set) {
        grow(set, (wanted(set) - live.len()).min(BURST), &mut plan);
    } else if live.len() > wanted(set) {
        shrink(view, set, &live, (live.len() - wanted(set)).min(BURST), clock, &mut plan);
    }
    if failure.is_none() {
        report(set, &counts, failure, clock, &mut plan);
    }
    plan
}

fn wanted(set: &ReplicaSet) -> usize {
    usize::try_from(set.replicas.max(0)).unwrap_or(usize::MAX)
}

/// What a set's status tells of its pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counts {
    live: usize,
    labelled: usize,
    ready: usize,
    available: usize,
}

/// The counts without a look at the pods, where there is nothing to do with any of them: none is one too many, none is to be let
/// go or taken in, and none has to be ready for a while before it counts as available. This is how a set of a hundred thousand
/// replicas is looked at as they report one by one; [`counts`] is the plain form, and the tests compare the two.
fn counted(view: &View, set: &ReplicaSet, uid: &str) -> Option<Counts> {
    if set.min_ready > 0 || set.meta.deleting() {
        return None;
    }
    let mut counts = Counts { live: 0, labelled: 0, ready: 0, available: 0 };
    for (labels, tally) in view.tallies(uid) {
        if !set.selector.matches(labels) {
            return None;
        }
        counts.live += tally.live;
        counts.ready += tally.ready;
        counts.labelled += if set.template.labels.contained_in(labels) { tally.live } else { 0 };
    }
    counts.available = counts.ready;
    let selects = !set.selector.requirements.is_empty();
    let orphans = selects && orphans(view, set).next().is_some();
    (counts.live <= wanted(set) && !orphans).then_some(counts)
}

fn counts(set: &ReplicaSet, live: &[Arc<Pod>], clock: Clock, plan: &mut Plan) -> Counts {
    let minimum = Duration::from_secs(u64::try_from(set.min_ready).unwrap_or(0));
    let ready: Vec<&Arc<Pod>> = live.iter().filter(|p| p.ready()).collect();
    let mut available = 0;
    for pod in &ready {
        let since = pod.condition("Ready").and_then(|c| c.transition).unwrap_or_default();
        let age = Duration::from_nanos(u64::try_from(clock.timestamp().nanos_since(since)).unwrap_or(0));
        if age >= minimum {
            available += 1;
        } else {
            plan.look_again(minimum - age);
        }
    }
    let labelled = live.iter().filter(|p| set.template.labels.contained_in(&p.meta.labels)).count();
    Counts { live: live.len(), labelled, ready: ready.len(), available }
}

/// Matching pods without owner are taken in; owned pods whose labels no longer match are let go.
fn adopt_and_release(view: &View, set: &Arc<ReplicaSet>, live: &mut Vec<Arc<Pod>>, plan: &mut Plan) {
    let strays: Vec<Arc<Pod>> = live.iter().filter(|p| !set.selector.matches(&p.meta.labels)).cloned().collect();
    for pod in strays {
        live.retain(|p| p.meta.uid != pod.meta.uid);
        let mut released = (*pod).clone();
        released.meta.owners = pod.meta.owners.iter().filter(|o| o.controller != Some(true)).cloned().collect();
        plan.push(Write::Update(Object::Pod(Arc::new(released))));
    }
    if set.selector.requirements.is_empty() {
        return;
    }
    for pod in orphans(view, set) {
        let mut adopted = (**pod).clone();
        adopted.meta.owners = pod.meta.owners.iter().cloned().chain([owner_of(set)]).collect();
        live.push(pod.clone());
        plan.push(Write::Update(Object::Pod(Arc::new(adopted))));
    }
}

/// The pods that a set takes in: they match, and nobody manages them.
fn orphans<'v>(view: &'v View, set: &ReplicaSet) -> impl Iterator<Item = &'v Arc<Pod>> {
    let orphan = |p: &&Arc<Pod>| is_live(p) && set.selector.matches(&p.meta.labels);
    view.lone_pods(&set.meta.namespace, &set.selector.equalities()).filter(orphan)
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

/// How many pods each batch of creations makes: 1, 2, 4, ... up to all.
pub fn slow_start(count: usize) -> Vec<usize> {
    let (mut batches, mut left, mut size) = (Vec::new(), count, 1);
    while left > 0 {
        batches.push(size.min(left));
        left -= size.min(left);
        size *= 2;
    }
    batches
}

fn grow(set: &Arc<ReplicaSet>, count: usize, plan: &mut Plan) {
    let (about, pod) = (Object::ReplicaSet(set.clone()), Object::Pod(Arc::new(new_pod(set))));
    let step = || {
        let refused = said(&about, true, "FailedCreate", "Error creating: ", SOURCE);
        let created = said(&about, false, "SuccessfulCreate", "Created pod: ", SOURCE);
        Step::from(Write::Create(pod.clone())).done(created, Tail::Name).failed(refused)
    };
    for batch in slow_start(count) {
        plan.then((0..batch).map(|_| step()));
    }
}

/// A pod of the template. The server names it.
fn new_pod(set: &ReplicaSet) -> Pod {
    let mut meta = Meta::named(&set.meta.namespace, "");
    meta.generate_name = Some(format!("{}-", set.meta.name).into());
    meta.labels = set.template.labels.clone();
    meta.annotations = set.template.annotations.clone();
    meta.finalizers = At::top(&set.template.doc).at("metadata").at("finalizers").names().into();
    meta.owners = Arc::from([owner_of(set)]);
    let node = At::top(&set.template.doc).at("spec").at("nodeName").name();
    Pod { meta, spec: set.template.spec.clone(), node, status: Arc::new(PodStatus::default()), given_status: Arc::default() }
}

fn shrink(view: &View, set: &Arc<ReplicaSet>, live: &[Arc<Pod>], count: usize, clock: Clock, plan: &mut Plan) {
    let about = Object::ReplicaSet(set.clone());
    let step = |pod: &Arc<Pod>| {
        let write = Write::delete(&Object::Pod(pod.clone()), None, None);
        let deleted = said(&about, false, "SuccessfulDelete", format!("Deleted pod: {}", pod.meta.name), SOURCE);
        let refused = said(&about, true, "FailedDelete", "Error deleting: ", SOURCE);
        Step::from(write).done(deleted, Tail::Nothing).failed(refused)
    };
    plan.then(doomed(live, &siblings(view, set), count, clock.timestamp()).iter().map(step));
}

/// The pods of all sets of the same owner: a crowded node gives up pods first.
fn siblings(view: &View, set: &ReplicaSet) -> Vec<Arc<Pod>> {
    let uid = set.meta.uid.as_deref().unwrap_or_default();
    let owner = set.meta.controller().map(|o| o.uid.clone());
    let sets: Vec<Name> = match owner {
        Some(owner) => view.dependents(&owner).filter_map(|(_, o)| o.meta().uid.clone()).collect(),
        None => vec![uid.into()],
    };
    sets.iter().flat_map(|uid| view.pods_owned(uid)).map(|(_, p)| p.clone()).filter(|p| is_live(p)).collect()
}

/// Writes the status if it differs.
fn report(set: &Arc<ReplicaSet>, counts: &Counts, failure: Option<&Status>, clock: Clock, plan: &mut Plan) {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let mut conditions = set.status.conditions.clone();
    judge(&mut conditions, set, counts.live, failure, clock);
    let status = WorkloadStatus {
        observed: set.meta.generation.unwrap_or(0),
        replicas: count(counts.live),
        updated: count(counts.labelled),
        ready: count(counts.ready),
        available: count(counts.available),
        conditions,
        ..WorkloadStatus::default()
    };
    if status != set.status {
        let mut object = (**set).clone();
        object.status = status;
        plan.then([Write::Status { object: Object::ReplicaSet(Arc::new(object)), checked: true }]);
    }
}

/// The condition ReplicaFailure: there while pods cannot be created or deleted.
fn judge(conditions: &mut Vec<Condition>, set: &ReplicaSet, live: usize, failure: Option<&Status>, clock: Clock) {
    let Some(failure) = failure.filter(|f| f.reason != "Conflict") else {
        conditions.retain(|c| &*c.kind != "ReplicaFailure");
        return;
    };
    if condition::find(conditions, "ReplicaFailure").is_none() {
        let growing = i64::try_from(live).unwrap_or(i64::MAX) < set.replicas;
        let reason = if growing { "FailedCreate" } else { "FailedDelete" };
        conditions.push(Condition::new("ReplicaFailure", "True", reason, &failure.message, clock.timestamp()));
    }
}

#[cfg(test)]
#[path = "replica_set_tests.rs"]
mod tests;
