//! kube-controller-manager: the loops that turn what is wanted into what is.
//!
//! In a real cluster each controller watches the API server through its informers, keeps a queue of keys, and reconciles one key
//! at a time from its own, slightly old copy. We model just that: a controller here is a pure function from a photograph and a
//! key to a [`Plan`]; this file is the loop around all of them. A key is not looked at again before the photograph shows the
//! controller's own last writes (upstream: expectations). Left out: worker counts, client rate limits, leader election.
//! The real thing: `pkg/controller`.

mod controller;
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

use self::controller::{Controller, Look};
pub use self::node_lifecycle::found_silent_at;
pub use self::packing::MANAGER as ENDPOINT_SLICE_MANAGER;
pub use self::plan::{Plan, Step, Tail, note, said};
use self::work_queue::{Sent, Trigger, WorkQueue};
use crate::api::component::{Clock, Reaction, Tag, Write};
use crate::api::status::Status;
use crate::cloud::Balancers;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::{Name, Object};
use crate::store::{Change, Store, View};

/// The table of controllers: what each is called in code and in a scenario, and what it is.
macro_rules! controllers {
    ($($(#[$doc:meta])* $which:ident: $name:literal = $controller:ty,)+) => {
        /// The controllers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Which {
            $($(#[$doc])* $which,)+
        }

        /// Names as a scenario writes them.
        pub const NAMES: [(&str, Which); [$($name),+].len()] = [$(($name, Which::$which)),+];

        /// A controller with its memory.
        #[derive(Clone, Debug)]
        enum Running {
            $($which($controller),)+
        }

        impl Running {
            fn new(which: Which) -> Running {
                match which {
                    $(Which::$which => Running::$which(Default::default()),)+
                }
            }

            fn get(&self) -> &dyn Controller {
                match self {
                    $(Running::$which(controller) => controller,)+
                }
            }

            fn get_mut(&mut self) -> &mut dyn Controller {
                match self {
                    $(Running::$which(controller) => controller,)+
                }
            }
        }
    };
}

controllers! {
    Deployment: "deployment" = deployment::DeploymentController,
    ReplicaSet: "replicaset" = replica_set::ReplicaSetController,
    EndpointSlice: "endpointslice" = endpoint_slice::EndpointSliceController,
    Endpoints: "endpoints" = endpoints::EndpointsController,
    EndpointSliceMirroring: "endpointslicemirroring" = mirroring::MirroringController,
    /// Node health, its taints, and the evictions that follow from them (upstream's `taintEviction`).
    NodeLifecycle: "nodelifecycle" = node_lifecycle::NodeLifecycleController,
    Garbage: "garbagecollector" = garbage::GarbageController,
    Namespace: "namespace" = namespace::NamespaceController,
    /// The cloud's controller of load balancers.
    ServiceLb: "service-lb" = service_lb::ServiceLbController,
    PodGc: "podgc" = pod_gc::PodGcController,
}

/// A timer of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Keys of its queue may be due.
    Due(Which),
    /// A controller's periodic look at everything is due.
    Pass(Which),
}

impl Event {
    /// Whose it is.
    pub fn which(&self) -> Which {
        match self {
            Event::Due(which) | Event::Pass(which) => *which,
        }
    }
}

/// Namespace and name of an object.
pub type Key = (Name, Name);

/// How much of a tag names the controller; the rest is the tag of its queue.
const PARTS: Tag = 16;
const _: () = assert!(NAMES.len() <= PARTS as usize);

/// One controller: what it is, its photograph and its queue.
#[derive(Clone, Debug)]
struct Part {
    controller: Running,
    seen: Arc<View>,
    synced: bool,
    queue: WorkQueue,
}

/// All controllers that run.
#[derive(Clone, Debug)]
pub struct Controllers {
    parts: OrdMap<Which, Part>,
}

impl Part {
    fn new(which: Which) -> Part {
        Part { controller: Running::new(which), seen: Arc::default(), synced: false, queue: WorkQueue::default() }
    }

    fn interested(&self, change: &Change) -> bool {
        match change.after.as_ref().or(change.before.as_ref()) {
            Some(Object::Event(_)) | None => false,
            Some(object) => self.controller.get().watches(object, change),
        }
    }
}

impl Controllers {
    /// These controllers.
    pub fn new(enabled: &[Which]) -> Self {
        Controllers { parts: enabled.iter().map(|which| (*which, Part::new(*which))).collect() }
    }

    /// The controllers come back after the API server did.
    pub fn begin_anew(&mut self, now: Instant) {
        for which in self.enabled().collect::<Vec<_>>() {
            if let Some(part) = self.parts.get_mut(&which) {
                part.controller.get_mut().server_is_back(now);
            }
        }
    }

    /// The controllers that run.
    pub fn enabled(&self) -> impl Iterator<Item = Which> + '_ {
        self.parts.keys().copied()
    }

    /// Sets the periodic timers.
    pub fn start(&mut self, _clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        for (which, part) in &self.parts {
            if let Some(period) = part.controller.get().period() {
                reaction.timer(period, Event::Pass(*which));
            }
        }
        reaction
    }

    /// The controllers that watch the kind of object that changed.
    pub fn interested<'a>(&'a self, change: &'a Change) -> impl Iterator<Item = Which> + 'a {
        self.parts.iter().filter(|(_, part)| part.interested(change)).map(|(which, _)| *which)
    }

    /// A controller wakes with a newer photograph.
    pub fn woken(
        &mut self,
        which: Which,
        store: &Store,
        view: &Arc<View>,
        cloud: &mut Balancers,
        clock: Clock,
    ) -> Reaction<Event> {
        let Some(part) = self.parts.get_mut(&which) else { return Reaction::default() };
        if part.synced && view.revision <= part.seen.revision {
            return Reaction::default();
        }
        let mut keys: Vec<(Key, Trigger)> = match store.changes(part.seen.revision, view.revision) {
            Ok(changes) if part.synced => {
                let ignores_own = part.controller.get().ignores_its_writes();
                let old_news = |change: &Change| ignores_own && part.queue.wrote(change.revision);
                let concerned: Vec<&Change> = changes.filter(|c| part.interested(c) && !old_news(c)).collect();
                let controller = part.controller.get_mut();
                let of_change = |change: &Change| {
                    let because = Trigger { asks: asks(change), revision: change.revision };
                    controller.keys_of(view, change).into_iter().map(move |key| (key, because)).collect::<Vec<_>>()
                };
                concerned.into_iter().flat_map(of_change).collect()
            }
            // The first list, or the log does not reach back so far: everything is looked at.
            _ => {
                let with_reason = |key: Key| {
                    let because = own_change(which, view, &key);
                    (key, because)
                };
                part.controller.get_mut().all_keys(view).into_iter().map(with_reason).collect()
            }
        };
        keys.sort();
        // Of each key the reason that counts most.
        keys.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 = later.1;
            }
            same
        });
        part.seen = view.clone();
        part.synced = true;
        part.queue.shown(view.revision);
        for (key, because) in keys {
            part.queue.add(key, because);
        }
        self.run(which, cloud, clock)
    }

    /// A timer.
    pub fn handle(&mut self, event: Event, view: &Arc<View>, cloud: &mut Balancers, clock: Clock) -> Reaction<Event> {
        match event {
            Event::Due(which) => self.run(which, cloud, clock),
            Event::Pass(which) => {
                let mut reaction = Reaction::default();
                let Some(part) = self.parts.get_mut(&which) else { return reaction };
                let controller = part.controller.get_mut();
                controller.period().into_iter().for_each(|period| reaction.timer(period, event));
                controller.pass(view, clock).into_iter().for_each(|(after, write)| reaction.write(after, write));
                reaction
            }
        }
    }

    /// Whose a write on its way is, and the revision of the change that it was decided for; 0 where none in particular was.
    pub fn because(&self, tag: Tag) -> Option<(Which, u64)> {
        let which = NAMES.iter().map(|(_, w)| *w).find(|w| *w as Tag == tag % PARTS)?;
        Some((which, self.parts.get(&which)?.queue.because(tag / PARTS)?))
    }

    /// What a controller will look at again, and when.
    pub fn later(&self, which: Which) -> impl Iterator<Item = (&Key, Instant)> {
        self.parts.get(&which).into_iter().flat_map(|part| part.queue.later())
    }

    /// When the node lifecycle last saw a node's lease change.
    pub fn heard_of(&self, node: &str) -> Option<Instant> {
        self.node_lifecycle()?.heard_of(node)
    }

    /// The pods that are to be evicted, and when, unless their node is ready by then.
    pub fn evictions(&self) -> impl Iterator<Item = (&Key, Instant)> {
        self.node_lifecycle().into_iter().flat_map(|controller| controller.evictions())
    }

    fn node_lifecycle(&self) -> Option<&node_lifecycle::NodeLifecycleController> {
        match &self.parts.get(&Which::NodeLifecycle)?.controller {
            Running::NodeLifecycle(controller) => Some(controller),
            _ => None,
        }
    }

    /// A write has arrived, or was refused.
    pub fn answered(
        &mut self,
        tag: Tag,
        result: &Result<Object, Status>,
        cloud: &mut Balancers,
        clock: Clock,
    ) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(which) = NAMES.iter().map(|(_, w)| *w).find(|w| *w as Tag == tag % PARTS) else { return reaction };
        let Some(part) = self.parts.get_mut(&which) else { return reaction };
        let retry = part.controller.get().retry();
        let Some((key, answered)) = part.queue.answered(tag / PARTS, result, retry) else { return reaction };
        for note in answered.notes {
            reaction.write(CALL, Write::Note(note));
        }
        if let Some((wait, because)) = answered.retry
            && part.queue.add_after(key, because, clock.now, wait)
        {
            reaction.timer(wait, Event::Due(which));
        }
        send(which, answered.sends, CALL, &mut reaction);
        let more = self.run(which, cloud, clock);
        reaction.writes.extend(more.writes);
        reaction.timers.extend(more.timers);
        reaction
    }

    /// Reconciles every key that is due.
    fn run(&mut self, which: Which, cloud: &mut Balancers, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        let Some(part) = self.parts.get_mut(&which) else { return reaction };
        let view = part.seen.clone();
        for (key, because) in part.queue.take(clock.now, &view) {
            let look = Look { view: &view, key: &key, failure: part.queue.failure(&key), clock, cloud: &mut *cloud };
            let plan = part.controller.get_mut().reconcile(look);
            if let Some(again) = plan.again
                && part.queue.add_after(key.clone(), because, clock.now, again)
            {
                reaction.timer(again, Event::Due(which));
            }
            let mut draw = clock.draws.keyed("controller/sync", (which, &key, view.revision));
            send(which, part.queue.start(&key, plan, because), draw.duration(SYNC.0, SYNC.1), &mut reaction);
        }
        reaction
    }
}

/// The last change of a key's own object: what a list shows of the reasons to look at it.
fn own_change(which: Which, view: &View, (namespace, name): &Key) -> Trigger {
    let revision = match which {
        Which::Deployment => view.deployments.get(namespace, name).map(|o| o.meta.revision),
        Which::ReplicaSet => view.replica_sets.get(namespace, name).map(|o| o.meta.revision),
        Which::EndpointSlice | Which::Endpoints | Which::ServiceLb => view.services.get(namespace, name).map(|o| o.meta.revision),
        Which::EndpointSliceMirroring => view.endpoints.get(namespace, name).map(|o| o.meta.revision),
        Which::NodeLifecycle => view.nodes.get("", name).map(|o| o.meta.revision),
        Which::Garbage | Which::Namespace | Which::PodGc => None,
    };
    Trigger { asks: false, revision: revision.unwrap_or(0) }
}

/// Whether a change asks for something: another spec, or an object to be made or to go. A pod's is a report: its owner decides.
fn asks(change: &Change) -> bool {
    match (&change.before, &change.after) {
        (_, Some(Object::Pod(_))) | (Some(Object::Pod(_)), None) => false,
        (Some(before), Some(after)) => {
            let (before, after) = (before.meta(), after.meta());
            before.generation != after.generation || before.deletion.is_none() && after.deletion.is_some()
        }
        _ => true,
    }
}

/// One sync takes 5 to 20 ms.
const SYNC: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(20));
/// A further call of the same sync follows the answer to the one before.
const CALL: Duration = Duration::from_millis(1);

fn send(which: Which, sends: Vec<Sent>, after: Duration, reaction: &mut Reaction<Event>) {
    let tag = |tag: Tag| if tag == 0 { 0 } else { tag * PARTS + which as Tag };
    reaction.writes.extend(sends.into_iter().map(|(own, write)| (after, tag(own), write)));
}

fn meta_key(meta: &crate::objects::meta::Meta) -> Key {
    (meta.namespace.clone(), meta.name.clone())
}

/// The key of an object's managing owner, if that is of the kind.
fn owner_key(object: &Object, kind: &str) -> Option<Key> {
    let owner = object.meta().controller().filter(|owner| &*owner.kind == kind)?;
    Some((object.meta().namespace.clone(), owner.name.clone()))
}

impl Digestible for Part {
    fn digest(&self, into: &mut StateDigest) {
        let Part { controller, seen, synced, queue } = self;
        controller.get().digest(into);
        seen.digest(into);
        into.fold(synced);
        queue.digest(into);
    }
}

impl Digestible for Controllers {
    fn digest(&self, into: &mut StateDigest) {
        let Controllers { parts } = self;
        into.parts(parts);
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
