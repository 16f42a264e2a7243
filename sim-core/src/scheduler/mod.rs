//! kube-scheduler: which node a pod goes to.
//!
//! In a real cluster pods wait in a queue, are filtered and scored against a cache of nodes, and bound. We model the default
//! profile's queue, filters and scores that matter for services (see `filter` and `score`). Left out: preemption,
//! inter-pod affinity, volumes, image locality. The real thing: `pkg/scheduler`.

mod crowds;
mod filter;
mod score;
mod snapshot;

use std::sync::Arc;

use imbl::{OrdMap, OrdSet};

use self::crowds::Crowds;
use self::snapshot::{Place, Snapshot};
use crate::api::component::{Clock, Note, Reaction, Tag, Write};
use crate::api::status::Status;
use crate::engine::digest::{Digestible, StateDigest};
use crate::engine::time::{Duration, Instant};
use crate::objects::condition::{self, Condition};
use crate::objects::pod::Pod;
use crate::objects::{Name, Object};
use crate::store::{Change, ObjectId, Store, View};

/// Back-off of a pod that fits nowhere: 1 s, doubling to 10 s.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// What is not scheduled is tried again after this, whatever happens.
const FLUSH: Duration = Duration::from_secs(300);
/// Up to this many nodes all are looked at.
const ALL_NODES: usize = 100;
/// `percentageOfNodesToScore`, as it is unless somebody changes it.
const PERCENTAGE: usize = 0;

/// A timer of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The next pod of the queue may be due.
    Cycle,
}

/// What a node has given away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// CPU in thousandths.
    pub cpu: i64,
    /// Memory in bytes.
    pub memory: i64,
    /// CPU as scores count it: a container that asks for nothing counts as 100m.
    pub scored_cpu: i64,
    /// Memory as scores count it: a container that asks for nothing counts as 200Mi.
    pub scored_memory: i64,
    /// Pods.
    pub pods: i64,
    /// Other resources, in units.
    pub extended: OrdMap<Name, i64>,
}

/// A pod that could not be placed.
#[derive(Clone, Copy, Debug, Hash)]
struct Waiting {
    attempts: u32,
    not_before: Instant,
}

/// The scheduler.
#[derive(Clone, Debug, Default)]
pub struct Scheduler {
    seen: Arc<View>,
    /// Pods to be placed now: higher priority first, then in order of arrival (ids grow).
    queue: OrdSet<(i64, ObjectId)>,
    /// Pods that are not tried before a time, the earliest first. A cycle does not look through them: a full cluster may have a
    /// hundred thousand.
    parked: OrdSet<(Instant, ObjectId)>,
    /// Pods that could not be placed, whether parked or due again.
    waiting: OrdMap<ObjectId, Waiting>,
    used: OrdMap<Name, Used>,
    /// The nodes of the photograph, each with what it has given away.
    snapshot: Arc<Snapshot>,
    /// The node each pod is counted on: bound, or bound by a write on its way.
    placed: OrdMap<ObjectId, Place>,
    /// The same by owner.
    crowds: Crowds,
    /// Where the next search begins.
    next_node: usize,
    armed: bool,
}

impl Scheduler {
    /// Whether a change matters here.
    pub fn interested(change: &Change) -> bool {
        let relevant = |o: &Option<Object>| matches!(o, Some(Object::Pod(_) | Object::Node(_)));
        relevant(&change.before) || relevant(&change.after)
    }

    /// Takes in what changed since the last photograph, and begins a cycle.
    pub fn woken(&mut self, store: &Store, view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        match store.changes(self.seen.revision, view.revision) {
            Ok(changes) => {
                let changes: Vec<Change> = changes.cloned().collect();
                changes.iter().for_each(|c| self.take_in(c.id, c.before.as_ref(), c.after.as_ref()));
            }
            Err(_) => self.relist(view),
        }
        if !self.seen.nodes.is_same(&view.nodes) {
            self.snapshot = Arc::new(Snapshot::of(&view.nodes, &self.used));
        }
        self.seen = view.clone();
        self.cycle(clock)
    }

    /// The log does not reach back to the last photograph: all pods are looked at. Those whose binding is on its way stay where
    /// they were put.
    fn relist(&mut self, view: &View) {
        let known: OrdSet<ObjectId> = self
            .placed
            .keys()
            .copied()
            .chain(self.queue.iter().map(|(_, id)| *id))
            .chain(self.parked.iter().map(|(_, id)| *id))
            .collect();
        for id in known.into_iter().filter(|id| view.pods.by_id(*id).is_none()) {
            if let Some(pod) = self.seen.pods.by_id(id).cloned() {
                self.forget(id, &pod);
            }
        }
        let pods: Vec<(ObjectId, Arc<Pod>)> = view.pods.entries().map(|(id, pod)| (id, pod.clone())).collect();
        pods.into_iter().for_each(|(id, pod)| self.take_in(id, None, Some(&Object::Pod(pod))));
        self.retry_all();
    }

    fn take_in(&mut self, id: ObjectId, before: Option<&Object>, after: Option<&Object>) {
        match (before, after) {
            (_, Some(Object::Pod(pod))) => {
                if pod.finished() {
                    self.forget(id, pod);
                } else if let Some(node) = &pod.node {
                    self.count(id, pod, node);
                    self.drop_from_queue(id, pod);
                } else if !pod.meta.deleting() && !self.placed.contains_key(&id) && pod.spec.gates.is_empty() && ours(pod) {
                    self.want(id, pod.spec.priority);
                }
            }
            (Some(Object::Pod(pod)), None) => {
                self.forget(id, pod);
                self.retry_all();
            }
            (_, Some(Object::Node(_))) => self.retry_all(),
            _ => {}
        }
    }

    /// Something that may make room: what waits may be tried as soon as its back-off is over.
    fn retry_all(&mut self) {
        let ids: Vec<(ObjectId, Waiting)> = self.waiting.iter().map(|(id, w)| (*id, *w)).collect();
        for (id, waiting) in ids {
            if let Some(pod) = self.seen.pods.by_id(id) {
                let back_off = back_off(waiting.attempts);
                let (not_before, priority) = (waiting.not_before - (FLUSH - back_off), pod.spec.priority);
                self.parked.remove(&(waiting.not_before, id));
                self.waiting.insert(id, Waiting { not_before, ..waiting });
                self.want(id, priority);
            }
        }
    }

    /// A pod is to be placed: now, or when its wait is over.
    fn want(&mut self, id: ObjectId, priority: i64) {
        match self.waiting.get(&id) {
            Some(waiting) if !self.queue.contains(&(-priority, id)) => drop(self.parked.insert((waiting.not_before, id))),
            _ => drop(self.queue.insert((-priority, id))),
        }
    }

    fn drop_from_queue(&mut self, id: ObjectId, pod: &Pod) {
        self.queue.remove(&(-pod.spec.priority, id));
        if let Some(waiting) = self.waiting.remove(&id) {
            self.parked.remove(&(waiting.not_before, id));
        }
    }

    /// Those whose wait is over are to be placed.
    fn unpark(&mut self, now: Instant) {
        while let Some((due, id)) = self.parked.get_min().copied().filter(|(due, _)| *due <= now) {
            self.parked.remove(&(due, id));
            if let Some(pod) = self.seen.pods.by_id(id) {
                self.queue.insert((-pod.spec.priority, id));
            }
        }
    }

    fn count(&mut self, id: ObjectId, pod: &Pod, node: &Name) {
        if self.placed.get(&id).is_none_or(|place| place.node != *node) {
            self.forget(id, pod);
            let place = self.snapshot.place(node);
            self.account(&place, pod, 1);
            self.placed.insert(id, place);
        }
        self.crowds.note(id, pod, node);
    }

    fn forget(&mut self, id: ObjectId, pod: &Pod) {
        self.drop_from_queue(id, pod);
        self.crowds.forget(id);
        if let Some(place) = self.placed.remove(&id) {
            self.account(&place, pod, -1);
        }
    }

    /// A pod comes to a node, or leaves it.
    fn account(&mut self, place: &Place, pod: &Pod, sign: i64) {
        self.used.entry(place.node.clone()).or_default().add(pod, sign);
        if let Some(number) = self.snapshot.number_of(place) {
            Arc::make_mut(&mut self.snapshot).nodes[number].used.add(pod, sign);
        }
    }

    /// A timer.
    pub fn handle(&mut self, event: Event, _store: &Store, _view: &Arc<View>, clock: Clock) -> Reaction<Event> {
        let Event::Cycle = event;
        self.armed = false;
        self.cycle(clock)
    }

    /// A binding that was refused: the pod is tried again after a back-off, unless it has a node by then.
    pub fn answered(&mut self, tag: Tag, result: &Result<Object, Status>, clock: Clock) -> Reaction<Event> {
        let id = ObjectId(u32::try_from(tag - 1).unwrap_or(u32::MAX));
        if result.is_err()
            && let Some(pod) = self.seen.pods.by_id(id).cloned()
        {
            self.forget(id, &pod);
            self.waiting.insert(id, Waiting { attempts: 1, not_before: clock.now + back_off(1) });
            self.want(id, pod.spec.priority);
        }
        self.cycle(clock)
    }

    /// Places every pod that is due, one after the other, each a little later than the one before.
    fn cycle(&mut self, clock: Clock) -> Reaction<Event> {
        let mut reaction = Reaction::default();
        self.unpark(clock.now);
        // Whoever is put off by this cycle is not looked at again in it, and its timer is that of the next.
        let later = self.parked.get_min().map(|(at, _)| *at);
        let mut spent = Duration::ZERO;
        for (_, id) in std::mem::take(&mut self.queue) {
            let Some(pod) = self.seen.pods.by_id(id).filter(|pod| pod.node.is_none()).cloned() else { continue };
            // About 300 pods a second: the facts' basic throughput at full size.
            let step = clock.draws.keyed("scheduler/cycle", id).duration(Duration::from_millis(2), Duration::from_millis(5));
            spent = spent + step;
            self.place(id, &pod, spent, clock, &mut reaction);
        }
        if let Some(at) = later.filter(|_| !self.armed) {
            self.armed = true;
            reaction.timer(at.since(clock.now), Event::Cycle);
        }
        reaction
    }

    fn place(&mut self, id: ObjectId, pod: &Arc<Pod>, after: Duration, clock: Clock, reaction: &mut Reaction<Event>) {
        match self.choose(id, pod, clock) {
            Ok(node) => {
                self.waiting.remove(&id);
                self.count(id, pod, &node);
                let (namespace, name, uid) = (pod.meta.namespace.clone(), pod.meta.name.clone(), pod.meta.uid.clone());
                let message = format!("Successfully assigned {namespace}/{name} to {node}");
                let bind = Write::Bind { namespace, name, uid, node };
                reaction.writes.push((after + Duration::from_millis(5), u64::from(id.0) + 1, bind));
                reaction.write(after + Duration::from_millis(6), note(pod, false, "Scheduled", message));
            }
            Err(message) => self.put_off(id, pod, message, after, clock, reaction),
        }
    }

    /// The pod fits nowhere now: it waits for something to change.
    fn put_off(
        &mut self,
        id: ObjectId,
        pod: &Arc<Pod>,
        message: String,
        after: Duration,
        clock: Clock,
        reaction: &mut Reaction<Event>,
    ) {
        let attempts = self.waiting.get(&id).map_or(0, |w| w.attempts) + 1;
        self.waiting.insert(id, Waiting { attempts, not_before: clock.now + FLUSH });
        self.want(id, pod.spec.priority);
        let mut told = (**pod).clone();
        let fact = Condition::new("PodScheduled", "False", "Unschedulable", &message, clock.timestamp());
        if condition::upsert(&mut Arc::make_mut(&mut told.status).conditions, fact) {
            reaction.write(after, Write::Status { object: Object::Pod(Arc::new(told)), checked: false });
        }
        reaction.write(after, note(pod, true, "FailedScheduling", message));
    }

    /// Filter, score, and a draw among the best.
    fn choose(&mut self, id: ObjectId, pod: &Pod, clock: Clock) -> Result<Name, String> {
        let nodes = &self.snapshot.nodes;
        if nodes.is_empty() {
            return Err(filter::unfit(0, &[], ""));
        }
        let placed = score::Placed { nodes: &self.placed, crowds: &self.crowds };
        let spread = score::Spreading::of(pod, &self.seen, &placed, &self.snapshot);
        let wanted = nodes_wanted(nodes.len(), PERCENTAGE);
        let (mut fitting, mut refusals, mut looked) = (Vec::new(), Vec::new(), 0);
        while looked < nodes.len() && fitting.len() < wanted {
            let number = (self.next_node + looked) % nodes.len();
            looked += 1;
            match filter::check(pod, &nodes[number], &spread.check(number)) {
                Ok(()) => fitting.push(number),
                Err(refusal) => refusals.push(refusal),
            }
        }
        self.next_node = (self.next_node + looked) % nodes.len();
        if fitting.is_empty() {
            return Err(filter::message(nodes.len(), &refusals));
        }
        let scores: Vec<i64> = score::all(pod, nodes, &fitting, &spread);
        let best = scores.iter().max().copied().unwrap_or(0);
        let top: Vec<usize> = fitting.iter().zip(&scores).filter(|(_, s)| **s == best).map(|(number, _)| *number).collect();
        let mut draw = clock.draws.keyed("scheduler/tie", id);
        let chosen = draw.pick(&top).copied().unwrap_or_default();
        Ok(nodes[chosen].node.meta.name.clone())
    }
}

impl Used {
    fn add(&mut self, pod: &Pod, sign: i64) {
        self.cpu += sign * pod.spec.cpu;
        self.memory += sign * pod.spec.memory;
        self.scored_cpu += sign * pod.spec.scored_cpu;
        self.scored_memory += sign * pod.spec.scored_memory;
        self.pods += sign;
        for (name, wanted) in &pod.spec.extended {
            *self.extended.entry(name.clone()).or_default() += sign * wanted;
        }
    }
}

/// Whether the pod asks for the default scheduler.
fn ours(pod: &Pod) -> bool {
    pod.spec.scheduler.is_empty() || &*pod.spec.scheduler == "default-scheduler"
}

/// How many fitting nodes are enough: all of a small cluster, a share of a large one; a percentage of 0 means a shrinking share.
fn nodes_wanted(total: usize, percentage: usize) -> usize {
    if total < ALL_NODES {
        return total;
    }
    let percent = if percentage == 0 { 50usize.saturating_sub(total / 125).max(5) } else { percentage };
    (total * percent / 100).max(ALL_NODES)
}

fn back_off(attempts: u32) -> Duration {
    BACK_OFF.0.times(1 << attempts.saturating_sub(1).min(10)).min(BACK_OFF.1)
}

fn note(pod: &Arc<Pod>, warning: bool, reason: &'static str, message: String) -> Write {
    let about = Object::Pod(pod.clone()).reference();
    Write::Note(Note { about, warning, reason, message, source: "default-scheduler", host: Name::default() })
}

impl Digestible for Used {
    fn digest(&self, into: &mut StateDigest) {
        let Used { cpu, memory, scored_cpu, scored_memory, pods, extended } = self;
        into.fold(&(cpu, memory, scored_cpu, scored_memory, pods));
        into.list(extended);
    }
}

impl Digestible for Scheduler {
    fn digest(&self, into: &mut StateDigest) {
        // The snapshot is made of the photograph's nodes and what is used of them; crowds are counted from what is placed.
        let Scheduler { seen, queue, parked, waiting, used, snapshot: _, placed, crowds: _, next_node, armed } = self;
        seen.digest(into);
        into.list(queue);
        into.list(parked);
        into.list(waiting);
        into.parts(used);
        into.list(placed);
        into.fold(&(next_node, armed));
    }
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::random::{Draws, Seed};
    use crate::objects::time::Timestamp;

    /// A scheduler that has bound the pod `a` to the only node, and what it works on.
    fn bound() -> (Scheduler, Store, Clock, Tag) {
        let mut store = Store::default();
        for doc in [
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"},
                "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "9"}}}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "d", "uid": "u"}, "spec": {}}),
        ] {
            store.insert(Object::parse(&doc), Instant::START);
        }
        let clock = Clock { now: Instant::START, start: Timestamp::default(), draws: Draws::new(Seed(1)) };
        let mut scheduler = Scheduler::default();
        let reaction = scheduler.woken(&store, &store.head().clone(), clock);
        let tags: Vec<Tag> = reaction.writes.iter().map(|(_, tag, _)| *tag).filter(|tag| *tag > 0).collect();
        assert_eq!(tags.len(), 1);
        (scheduler, store, clock, tags[0])
    }

    #[test]
    fn a_refused_binding_is_tried_again_after_a_second_and_not_at_all_if_the_pod_has_a_node() {
        let (mut scheduler, mut store, mut clock, tag) = bound();
        let refused = Err(Status::not_found("pods", "", "a"));
        assert!(scheduler.answered(tag, &refused, clock).writes.is_empty(), "not at once");
        clock.now += Duration::from_secs(1);
        let view = store.head().clone();
        assert_eq!(scheduler.handle(Event::Cycle, &store, &view, clock).writes.len(), 2, "the binding and its Event");
        let (id, pod) = store.head().pods.entries().next().map(|(id, pod)| (id, pod.clone())).unwrap();
        let placed = Pod { node: Some("n".into()), ..(*pod).clone() };
        store.replace(id, Object::Pod(pod), Object::Pod(placed.into()), clock.now);
        assert!(scheduler.woken(&store, &store.head().clone(), clock).writes.is_empty());
        scheduler.answered(tag, &refused, clock);
        clock.now += Duration::from_secs(2);
        assert!(scheduler.handle(Event::Cycle, &store, &store.head().clone(), clock).writes.is_empty());
    }

    #[test]
    fn a_scheduler_that_lists_anew_knows_what_it_has_bound() {
        let (mut scheduler, mut store, clock, _) = bound();
        for _ in 0..=crate::store::LOG_MAX {
            let (id, node) = store.head().nodes.entries().next().map(|(id, node)| (id, node.clone())).unwrap();
            store.replace(id, Object::Node(node.clone()), Object::Node(node), clock.now);
        }
        assert!(store.changes(scheduler.seen.revision, store.revision()).is_err());
        assert!(scheduler.woken(&store, &store.head().clone(), clock).writes.is_empty(), "its binding is on its way");
    }
}
