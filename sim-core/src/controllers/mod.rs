//! kube-controller-manager: the loops that turn what is wanted into what is.
//!
//! In a real cluster each controller watches the API server through its informers, keeps a queue of keys, and reconciles one key
//! at a time from its own, slightly old copy. We model just that: a controller here is a pure function from a photograph and a
//! key to a [`Plan`]; this file is the loop around all of them. A key is not looked at again before the photograph shows the
//! controller's own last writes (upstream: expectations). Left out: worker counts, client rate limits, leader election.
//! The real thing: `pkg/controller`.

mod deployment;
mod endpoint_slice;
mod endpoints;
mod garbage;
mod mirroring;
mod namespace;
mod node_lifecycle;
mod packing;
mod replica_set;
mod rollout;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use crate::api::component::{Clock, Note, Reaction, Tag, Write};
use crate::api::status::Status;
use crate::cloud;
use crate::engine::time::Duration;
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
}

/// Names as a scenario writes them. (`taintEviction` is part of the node lifecycle here.)
pub const NAMES: [(&str, Which); 9] = [
    ("deployment", Which::Deployment),
    ("replicaset", Which::ReplicaSet),
    ("endpointslice", Which::EndpointSlice),
    ("endpoints", Which::Endpoints),
    ("endpointslicemirroring", Which::EndpointSliceMirroring),
    ("nodelifecycle", Which::NodeLifecycle),
    ("garbagecollector", Which::Garbage),
    ("namespace", Which::Namespace),
    ("service-lb", Which::ServiceLb),
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

/// What reconciling one key comes to.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Writes, in order.
    pub writes: Vec<Write>,
    /// Look again after this time, whatever happens.
    pub again: Option<Duration>,
}

/// One controller's queue.
#[derive(Clone, Debug, Default)]
struct Part {
    seen: Arc<View>,
    synced: bool,
    queue: OrdSet<Key>,
    keys: OrdMap<Key, KeyState>,
    /// Keys to be looked at again at a time, whatever happens until then.
    agenda: OrdSet<(crate::engine::time::Instant, Key)>,
}

impl Part {
    /// Queues what is due by now.
    fn open_agenda(&mut self, clock: Clock) {
        while let Some(first) = self.agenda.get_min().filter(|(at, _)| *at <= clock.now).cloned() {
            self.agenda.remove(&first);
            self.queue.insert(first.1);
        }
    }
}

/// What is known of a key besides that it is queued.
#[derive(Clone, Copy, Debug, Default)]
struct KeyState {
    /// Writes on their way.
    flying: u32,
    /// The photograph must show this revision before the key is looked at again.
    needs: u64,
    /// Failures in a row.
    failures: u32,
    /// One of the writes on their way has failed.
    failed: bool,
    /// Not before this time.
    held_until: Option<crate::engine::time::Instant>,
}

/// All controllers.
#[derive(Clone, Debug)]
pub struct Controllers {
    enabled: Arc<[Which]>,
    parts: OrdMap<Which, Part>,
    awaited: OrdMap<Tag, (Which, Key)>,
    tags: Tag,
    nodes: node_lifecycle::Memory,
    services: endpoint_slice::Selectors,
    cloud: cloud::Balancers,
}

impl Controllers {
    /// These controllers, with the cloud they may have behind them.
    pub fn new(enabled: &[Which], cloud: cloud::Config) -> Self {
        Controllers {
            enabled: enabled.into(),
            parts: enabled.iter().map(|w| (*w, Part::default())).collect(),
            awaited: OrdMap::new(),
            tags: 0,
            nodes: node_lifecycle::Memory::default(),
            services: endpoint_slice::Selectors::default(),
            cloud: cloud::Balancers::new(cloud),
        }
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
            (Which::NodeLifecycle, Object::Node(_) | Object::Lease(_)) => true,
            (Which::NodeLifecycle, Object::Pod(_)) => true,
            (Which::Garbage, _) => change.after.is_none() || object.meta().deleting(),
            (Which::Namespace, Object::Plain(p)) => &*p.kind == "Namespace" || change.after.is_none(),
            (Which::Namespace, _) => change.after.is_none(),
            (Which::ServiceLb, Object::Service(_)) => true,
            _ => false,
        }
    }

    /// A controller wakes with a newer photograph.
    pub fn woken(&mut self, which: Which, store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let Some(part) = self.parts.get(&which).cloned() else { return Reaction::default() };
        let changes: Option<Vec<Change>> = match store.changes(part.seen.revision, view.revision) {
            Ok(changes) if part.synced => Some(changes.cloned().collect()),
            _ => None,
        };
        let keys = match changes {
            Some(changes) => changes.iter().flat_map(|change| self.keys_of(which, view, change)).collect(),
            None => self.all_keys(which, view),
        };
        if let Some(part) = self.parts.get_mut(&which) {
            part.seen = view.clone();
            part.synced = true;
            keys.into_iter().for_each(|key| {
                part.queue.insert(key);
            });
        }
        self.run(which, clock)
    }

    /// A timer.
    pub fn handle(&mut self, event: Event, _store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        match event {
            Event::Due(which) => {
                if let Some(part) = self.parts.get_mut(&which) {
                    part.open_agenda(clock);
                }
                self.run(which, clock)
            }
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
        let Some((which, key)) = self.awaited.remove(&tag) else { return Reaction::default() };
        let Some(part) = self.parts.get_mut(&which) else { return Reaction::default() };
        let mut state = part.keys.get(&key).copied().unwrap_or_default();
        state.flying = state.flying.saturating_sub(1);
        match result {
            Ok(object) => state.needs = state.needs.max(object.meta().revision),
            // What is to be deleted and is gone already is as it should be.
            Err(status) if status.code == 404 => {}
            Err(_) => state.failed = true,
        }
        let mut reaction = Reaction::default();
        if state.flying == 0 {
            if state.failed {
                // 5 ms, doubling, as the work queue's limiter does.
                let wait = Duration::from_millis(5).times(1 << state.failures.min(15)).min(Duration::from_secs(1000));
                (state.failed, state.failures) = (false, state.failures + 1);
                state.held_until = Some(clock.now + wait);
                part.queue.insert(key.clone());
                reaction.timer(wait, Event::Due(which));
            } else {
                state.failures = 0;
                if part.queue.contains(&key) {
                    reaction.timer(Duration::ZERO, Event::Due(which));
                }
            }
        }
        part.keys.insert(key, state);
        reaction
    }

    /// Reconciles every key that is due.
    fn run(&mut self, which: Which, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(part) = self.parts.get(&which).cloned() else { return reaction };
        for key in &part.queue {
            let state = part.keys.get(key).copied().unwrap_or_default();
            let held = state.held_until.is_some_and(|until| until > clock.now);
            if state.flying > 0 || state.needs > part.seen.revision || held {
                continue;
            }
            if let Some(part) = self.parts.get_mut(&which) {
                part.queue.remove(key);
            }
            let plan = self.reconcile(which, &part.seen, key, clock);
            self.send(which, key, plan, clock, &mut reaction);
        }
        reaction
    }

    fn send(&mut self, which: Which, key: &Key, plan: Plan, clock: Clock, reaction: &mut Reaction<Event>) {
        if let Some(again) = plan.again {
            if let Some(part) = self.parts.get_mut(&which) {
                part.agenda.insert((clock.now + again, key.clone()));
            }
            reaction.timer(again, Event::Due(which));
        }
        if plan.writes.is_empty() {
            return;
        }
        // One sync takes 5 to 20 ms; several writes of one sync go out a millisecond apart.
        let mut draw = clock.draws.keyed("controller/sync", (which, key, clock.now.as_nanos()));
        let mut after = draw.duration(Duration::from_millis(5), Duration::from_millis(20));
        let mut flying = 0;
        for write in plan.writes {
            if matches!(write, Write::Note(_)) {
                reaction.write(after, write);
                continue;
            }
            self.tags += 1;
            flying += 1;
            self.awaited.insert(self.tags, (which, key.clone()));
            reaction.writes.push((after, self.tags, write));
            after = after + Duration::from_millis(1);
        }
        if let Some(part) = self.parts.get_mut(&which) {
            let mut state = part.keys.get(key).copied().unwrap_or_default();
            state.flying += flying;
            part.keys.insert(key.clone(), state);
        }
    }

    fn reconcile(&mut self, which: Which, view: &View, key: &Key, clock: Clock) -> Plan {
        match which {
            Which::Deployment => deployment::reconcile(view, key, clock),
            Which::ReplicaSet => replica_set::reconcile(view, key, clock),
            Which::EndpointSlice => endpoint_slice::reconcile(view, key),
            Which::Endpoints => endpoints::reconcile(view, key),
            Which::EndpointSliceMirroring => mirroring::reconcile(view, key),
            Which::NodeLifecycle => node_lifecycle::reconcile(&mut self.nodes, view, key, clock),
            Which::Garbage => garbage::reconcile(view, key),
            Which::Namespace => namespace::reconcile(view, key),
            Which::ServiceLb => self.cloud.reconcile(view, key, clock),
        }
    }

    /// The keys a change concerns.
    fn keys_of(&mut self, which: Which, view: &View, change: &Change) -> Vec<Key> {
        if !Self::interested(which, change) {
            return Vec::new();
        }
        let objects = [change.before.as_ref(), change.after.as_ref()];
        let mut keys: Vec<Key> = match which {
            Which::Deployment | Which::ReplicaSet => {
                objects.into_iter().flatten().filter_map(|o| owner_key(which, view, o)).collect()
            }
            Which::EndpointSlice | Which::Endpoints => self.services.keys_of(change),
            Which::Garbage => garbage::keys_of(change),
            Which::Namespace => namespace::keys_of(change),
            Which::NodeLifecycle => node_lifecycle::keys_of(&mut self.nodes, change),
            Which::EndpointSliceMirroring | Which::ServiceLb => objects.into_iter().flatten().map(key_of).collect(),
        };
        keys.sort();
        keys.dedup();
        keys
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
        }
    }
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

/// An Event about an object.
pub(crate) fn note(object: &Object, warning: bool, reason: &'static str, message: String, source: &'static str) -> Write {
    Write::Note(Note { about: object.reference(), warning, reason, message, source, host: Name::default() })
}
