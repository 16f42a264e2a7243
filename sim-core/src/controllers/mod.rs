//! kube-controller-manager: the loops that turn what is wanted into what is.
//!
//! In a real cluster each controller watches the API server through its informers, keeps a queue of keys, and reconciles one key
//! at a time from its own, slightly old copy. We model just that: a controller here is a pure function from a photograph and a
//! key to a [`Plan`]; this file is the loop around all of them. A key is not looked at again before the photograph shows the
//! controller's own last writes (upstream: expectations). Left out: worker counts, client rate limits, leader election.
//! The real thing: `pkg/controller`.

mod deletion_order;
mod deployment;
mod deployment_status;
mod endpoint_slice;
mod endpoints;
mod garbage;
mod mirroring;
mod namespace;
mod node_lifecycle;
mod packing;
mod plan;
mod pod_gc;
mod replica_set;
mod rollout;
mod service_lb;
mod work_queue;

use std::sync::Arc;

use imbl::OrdMap;

pub use self::packing::MANAGER as ENDPOINT_SLICE_MANAGER;
pub use self::plan::{Plan, Step, Tail, note, said};
use self::work_queue::{Retry, Sent, WorkQueue};
use crate::api::component::{Clock, Reaction, Tag, Write};
use crate::api::status::Status;
use crate::cloud;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::{Name, Object};
use crate::store::{Change, Store, View};

/// The controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Which {
    Deployment,
    ReplicaSet,
    EndpointSlice,
    Endpoints,
    EndpointSliceMirroring,
    /// Node health, its taints, and the evictions that follow from them.
    NodeLifecycle,
    Garbage,
    Namespace,
    /// The cloud's controller of load balancers.
    ServiceLb,
    PodGc,
}

/// Names as a scenario writes them. (`taintEviction` is part of the node lifecycle here.)
pub const NAMES: [(&str, Which); 10] = [
    ("deployment", Which::Deployment),
    ("replicaset", Which::ReplicaSet),
    ("endpointslice", Which::EndpointSlice),
    ("endpoints", Which::Endpoints),
    ("endpointslicemirroring", Which::EndpointSliceMirroring),
    ("nodelifecycle", Which::NodeLifecycle),
    ("garbagecollector", Which::Garbage),
    ("namespace", Which::Namespace),
    ("service-lb", Which::ServiceLb),
    ("podgc", Which::PodGc),
];

/// A timer of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Keys of its queue may be due.
    Due(Which),
    /// The node lifecycle's periodic look at all nodes.
    Monitor,
}

impl Event {
    /// Whose it is.
    pub fn which(&self) -> Which {
        match self {
            Event::Due(which) => *which,
            Event::Monitor => Which::NodeLifecycle,
        }
    }
}

/// Namespace and name of an object.
pub type Key = (Name, Name);

/// How much of a tag names the controller; the rest is the tag of its queue.
const PARTS: Tag = 16;

/// One controller: its photograph and its queue.
#[derive(Clone, Debug, Default)]
struct Part {
    seen: Arc<View>,
    synced: bool,
    queue: WorkQueue,
}

/// All controllers.
#[derive(Clone, Debug)]
pub struct Controllers {
    enabled: Arc<[Which]>,
    parts: OrdMap<Which, Part>,
    nodes: node_lifecycle::Memory,
    services: endpoint_slice::Selectors,
    cloud: cloud::Balancers,
    lost: pod_gc::Memory,
}

impl Controllers {
    /// These controllers, with the cloud they may have behind them.
    pub fn new(enabled: &[Which], cloud: cloud::Config) -> Self {
        Controllers {
            enabled: enabled.into(),
            parts: enabled.iter().map(|w| (*w, Part::default())).collect(),
            nodes: node_lifecycle::Memory::default(),
            services: endpoint_slice::Selectors::default(),
            cloud: cloud::Balancers::new(cloud),
            lost: pod_gc::Memory::default(),
        }
    }

    /// The balancers that the cloud's controller has ordered.
    pub fn cloud(&self) -> &cloud::Balancers {
        &self.cloud
    }

    /// The same, for what the balancers find out by themselves.
    pub fn cloud_mut(&mut self) -> &mut cloud::Balancers {
        &mut self.cloud
    }

    /// The controllers come back after the API server did: nobody counts as silent for the time that nobody could be heard.
    pub fn begin_anew(&mut self, now: Instant) {
        self.nodes.hear_all(now);
    }

    /// The controllers that run.
    pub fn enabled(&self) -> impl Iterator<Item = Which> + '_ {
        self.enabled.iter().copied()
    }

    /// Sets the periodic timers.
    pub fn start(&mut self, _clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        if self.enabled.contains(&Which::NodeLifecycle) {
            reaction.timer(node_lifecycle::MONITOR, Event::Monitor);
        }
        reaction
    }

    /// Whether a controller watches the kind of object that changed.
    pub fn interested(which: Which, change: &Change) -> bool {
        let Some(object) = change.after.as_ref().or(change.before.as_ref()) else { return false };
        match (which, object) {
            (_, Object::Event(_)) => false,
            (Which::Deployment, Object::Deployment(_) | Object::ReplicaSet(_)) => true,
            // Recreate waits for the old pods to be gone.
            (Which::Deployment, Object::Pod(_)) => change.after.is_none(),
            (Which::ReplicaSet, Object::ReplicaSet(_) | Object::Pod(_)) => true,
            (Which::EndpointSlice, Object::Service(_) | Object::Pod(_) | Object::EndpointSlice(_)) => true,
            (Which::Endpoints, Object::Service(_) | Object::Pod(_) | Object::Endpoints(_)) => true,
            (Which::EndpointSliceMirroring, Object::Service(_) | Object::Endpoints(_)) => true,
            (Which::EndpointSliceMirroring, Object::EndpointSlice(slice)) => mirroring::ours(slice),
            (Which::NodeLifecycle, Object::Node(_) | Object::Lease(_)) => true,
            (Which::NodeLifecycle, Object::Pod(_)) => true,
            (Which::Garbage, _) => {
                let owners = |o: &Option<Object>| o.as_ref().map_or_else(|| Arc::from([]), |o| o.meta().owners.clone());
                change.after.is_none() || object.meta().deleting() || owners(&change.before) != owners(&change.after)
            }
            (Which::Namespace, Object::Plain(p)) => &*p.kind == "Namespace" || change.after.is_none(),
            (Which::Namespace, _) => change.after.is_none(),
            (Which::ServiceLb, Object::Service(_)) => true,
            (Which::PodGc, Object::Node(_) | Object::Pod(_)) => true,
            _ => false,
        }
    }

    /// A controller wakes with a newer photograph.
    pub fn woken(&mut self, which: Which, store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let Some(part) = self.parts.get(&which) else { return Reaction::default() };
        if part.synced && view.revision <= part.seen.revision {
            return Reaction::default();
        }
        let mut keys: Vec<Key> = match store.changes(part.seen.revision, view.revision) {
            Ok(changes) if part.synced => {
                let old_news = |change: &Change| tracks_its_writes(which) && part.queue.wrote(change.revision);
                let concerned = changes.filter(|change| Self::interested(which, change) && !old_news(change));
                let concerned: Vec<&Change> = concerned.collect();
                concerned.into_iter().flat_map(|change| self.keys_of(which, view, change)).collect()
            }
            // The first list, or the log does not reach back so far: everything is looked at.
            _ => self.all_keys(which, view),
        };
        keys.sort();
        keys.dedup();
        if let Some(part) = self.parts.get_mut(&which) {
            part.seen = view.clone();
            part.synced = true;
            part.queue.shown(view.revision);
            for key in keys {
                part.queue.add(key);
            }
        }
        self.run(which, clock)
    }

    /// A timer.
    pub fn handle(&mut self, event: Event, _store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        match event {
            Event::Due(which) => self.run(which, clock),
            Event::Monitor => {
                let mut reaction = Reaction::default();
                reaction.timer(node_lifecycle::MONITOR, Event::Monitor);
                for (after, write) in node_lifecycle::monitor(&mut self.nodes, view, clock) {
                    reaction.write(after, write);
                }
                reaction
            }
        }
    }

    /// A write has arrived, or was refused.
    pub fn answered(&mut self, tag: Tag, result: &Result<Object, Status>, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(which) = NAMES.iter().map(|(_, w)| *w).find(|w| *w as Tag == tag % PARTS) else { return reaction };
        let Some(part) = self.parts.get_mut(&which) else { return reaction };
        let Some((key, answered)) = part.queue.answered(tag / PARTS, result, retry(which)) else { return reaction };
        for note in answered.notes {
            reaction.write(CALL, Write::Note(note));
        }
        if let Some(wait) = answered.retry
            && part.queue.add_after(key, clock.now, wait)
        {
            reaction.timer(wait, Event::Due(which));
        }
        send(which, answered.sends, CALL, &mut reaction);
        let more = self.run(which, clock);
        reaction.writes.extend(more.writes);
        reaction.timers.extend(more.timers);
        reaction
    }

    /// Reconciles every key that is due.
    fn run(&mut self, which: Which, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(part) = self.parts.get_mut(&which) else { return reaction };
        let view = part.seen.clone();
        for key in part.queue.take(clock.now, &view) {
            let failure = self.parts.get(&which).and_then(|p| p.queue.failure(&key).cloned());
            let plan = self.reconcile(which, &view, &key, failure.as_ref(), clock);
            let Some(part) = self.parts.get_mut(&which) else { continue };
            if let Some(again) = plan.again
                && part.queue.add_after(key.clone(), clock.now, again)
            {
                reaction.timer(again, Event::Due(which));
            }
            let mut draw = clock.draws.keyed("controller/sync", (which, &key, view.revision));
            send(which, part.queue.start(&key, plan), draw.duration(SYNC.0, SYNC.1), &mut reaction);
        }
        reaction
    }

    /// `failure` is what became of the last plan for this key, if it failed.
    fn reconcile(&mut self, which: Which, view: &View, key: &Key, failure: Option<&Status>, clock: Clock) -> Plan {
        match which {
            Which::Deployment => deployment::reconcile(view, key, failure, clock),
            Which::ReplicaSet => replica_set::reconcile(view, key, failure, clock),
            Which::EndpointSlice => endpoint_slice::reconcile(view, key),
            Which::Endpoints => endpoints::reconcile(view, key),
            Which::EndpointSliceMirroring => mirroring::reconcile(view, key),
            Which::NodeLifecycle => node_lifecycle::reconcile(&mut self.nodes, view, key, clock),
            Which::Garbage => garbage::reconcile(view, key),
            Which::Namespace => namespace::reconcile(view, key),
            Which::ServiceLb => service_lb::reconcile(&mut self.cloud, view, key, clock),
            Which::PodGc => pod_gc::reconcile(&mut self.lost, view, clock),
        }
    }

    /// The keys a change concerns.
    fn keys_of(&mut self, which: Which, view: &View, change: &Change) -> Vec<Key> {
        let objects = [change.before.as_ref(), change.after.as_ref()];
        match which {
            Which::Deployment | Which::ReplicaSet => {
                objects.into_iter().flatten().filter_map(|o| owner_key(which, view, o)).collect()
            }
            Which::EndpointSlice | Which::Endpoints => self.services.keys_of(change),
            Which::EndpointSliceMirroring => objects.into_iter().flatten().map(mirroring::key_of).collect(),
            Which::Garbage => garbage::keys_of(view, change),
            Which::Namespace => namespace::keys_of(change),
            Which::NodeLifecycle => node_lifecycle::keys_of(&mut self.nodes, change),
            Which::ServiceLb => objects.into_iter().flatten().map(key_of).collect(),
            Which::PodGc => pod_gc::keys_of(view, change),
        }
    }

    /// Every key, after a (re)list.
    fn all_keys(&mut self, which: Which, view: &View) -> Vec<Key> {
        match which {
            Which::Deployment => view.deployments.iter().map(|o| meta_key(&o.meta)).collect(),
            Which::ReplicaSet => view.replica_sets.iter().map(|o| meta_key(&o.meta)).collect(),
            Which::EndpointSlice | Which::Endpoints => {
                self.services.relist(view);
                view.services.iter().map(|o| meta_key(&o.meta)).collect()
            }
            Which::EndpointSliceMirroring => view.endpoints.iter().map(|o| meta_key(&o.meta)).collect(),
            Which::NodeLifecycle => node_lifecycle::all_keys(&mut self.nodes, view),
            Which::ServiceLb => view.services.iter().map(|o| meta_key(&o.meta)).collect(),
            Which::Garbage => garbage::all_keys(view),
            Which::Namespace => namespace::all_keys(view),
            Which::PodGc => pod_gc::all_keys(),
        }
    }
}

/// Whether what a controller wrote itself is no reason for it to look again (upstream's slice tracker). A deployment, on the
/// contrary, goes on when it sees the replica set that it has made.
fn tracks_its_writes(which: Which) -> bool {
    which == Which::EndpointSlice
}

/// One sync takes 5 to 20 ms.
const SYNC: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(20));
/// A further call of the same sync follows the answer to the one before.
const CALL: Duration = Duration::from_millis(1);

fn send(which: Which, sends: Vec<Sent>, after: Duration, reaction: &mut Reaction<Event>) {
    let tag = |tag: Tag| if tag == 0 { 0 } else { tag * PARTS + which as Tag };
    reaction.writes.extend(sends.into_iter().map(|(own, write)| (after, tag(own), write)));
}

/// How failed keys are tried again: 5 ms doubling for most, slower where a call is dear.
fn retry(which: Which) -> Retry {
    let (base, max, tries_max) = match which {
        Which::Deployment => (Duration::from_millis(5), Duration::from_secs(1000), 15),
        Which::EndpointSlice | Which::Endpoints => (Duration::from_secs(1), Duration::from_secs(1000), 15),
        Which::EndpointSliceMirroring => (Duration::from_secs(1), Duration::from_secs(100), 15),
        Which::ServiceLb => (Duration::from_secs(5), Duration::from_secs(300), 0),
        _ => (Duration::from_millis(5), Duration::from_secs(1000), 0),
    };
    Retry { base, max, tries_max }
}

fn meta_key(meta: &crate::objects::meta::Meta) -> Key {
    (meta.namespace.clone(), meta.name.clone())
}

fn key_of(object: &Object) -> Key {
    meta_key(object.meta())
}

/// The key of the workload that an object belongs to: itself, or its managing owner.
fn owner_key(which: Which, view: &View, object: &Object) -> Option<Key> {
    let owner_kind = match (which, object) {
        (Which::Deployment, Object::Deployment(_)) | (Which::ReplicaSet, Object::ReplicaSet(_)) => return Some(key_of(object)),
        (Which::Deployment, Object::ReplicaSet(set)) if set.meta.controller().is_none() => {
            let matching = |d: &&Arc<crate::objects::workload::Deployment>| d.selector.matches(&set.meta.labels);
            return view.deployments.in_namespace(&set.meta.namespace).find(matching).map(|d| meta_key(&d.meta));
        }
        (Which::Deployment, Object::ReplicaSet(_)) => "Deployment",
        (Which::Deployment, Object::Pod(pod)) => {
            let set = view.replica_sets.get(&pod.meta.namespace, &pod.meta.controller()?.name)?;
            return Some((set.meta.namespace.clone(), set.meta.controller()?.name.clone()));
        }
        (Which::ReplicaSet, Object::Pod(pod)) if pod.meta.controller().is_none() => {
            let matching = |s: &&Arc<crate::objects::workload::ReplicaSet>| s.selector.matches(&pod.meta.labels);
            return view.replica_sets.in_namespace(&pod.meta.namespace).find(matching).map(|s| meta_key(&s.meta));
        }
        _ => "ReplicaSet",
    };
    let owner = object.meta().controller().filter(|o| &*o.kind == owner_kind)?;
    Some((object.meta().namespace.clone(), owner.name.clone()))
}

impl Digestible for Part {
    fn digest(&self, into: &mut StateDigest) {
        let Part { seen, synced, queue } = self;
        seen.digest(into);
        into.fold(synced);
        queue.digest(into);
    }
}

impl Digestible for Controllers {
    fn digest(&self, into: &mut StateDigest) {
        let Controllers { enabled, parts, nodes, services, cloud, lost } = self;
        into.fold(enabled);
        into.parts(parts);
        nodes.digest(into);
        services.digest(into);
        cloud.digest(into);
        lost.digest(into);
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
